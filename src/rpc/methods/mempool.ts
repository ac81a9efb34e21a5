import { jsonAmount } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import { RPC_INVALID_PARAMETER, RpcError } from '../rpc-error.ts'

/** Core's default feerates for relay and replacement, in satoshi per 1000 virtual bytes. */
const RELAY_FEERATE_SATS = 100
const DATA_CARRIER_BYTES_MAX = 100_000
const CLUSTER_COUNT_MAX = 64
const CLUSTER_VBYTES_MAX = 101_000

const getmempoolinfo: RpcMethod = {
  name: 'getmempoolinfo',
  category: 'blockchain',
  about: 'Tells how many transactions wait to be confirmed, and what limits them. As yet none are taken in.',
  params: [],
  result:
    '{ "loaded", "size", "bytes", "usage", "total_fee", "maxmempool", "mempoolminfee", "minrelaytxfee",\n' +
    '  "incrementalrelayfee", "unbroadcastcount", "permitbaremultisig", "maxdatacarriersize", "limitclustercount",\n' +
    '  "limitclustersize", "optimal" }',
  handler: context => ({
    loaded: context.ledger.isStarted,
    size: 0,
    bytes: 0,
    usage: 0,
    total_fee: jsonAmount(0),
    maxmempool: context.mempoolSizeMaxBytes,
    mempoolminfee: jsonAmount(RELAY_FEERATE_SATS),
    minrelaytxfee: jsonAmount(RELAY_FEERATE_SATS),
    incrementalrelayfee: jsonAmount(RELAY_FEERATE_SATS),
    unbroadcastcount: 0,
    permitbaremultisig: true,
    maxdatacarriersize: DATA_CARRIER_BYTES_MAX,
    limitclustercount: CLUSTER_COUNT_MAX,
    limitclustersize: CLUSTER_VBYTES_MAX,
    optimal: true,
  }),
}

const getrawmempool: RpcMethod = {
  name: 'getrawmempool',
  category: 'blockchain',
  about: 'Lists the transactions that wait to be confirmed. As yet none are taken in.',
  params: [
    { name: 'verbose', type: 'bool', default: false, about: 'An object with what is known of each, instead of ids.' },
    { name: 'mempool_sequence', type: 'bool', default: false, about: 'Whether to add the number of changes so far.' },
  ],
  result: '["txid", ...], or { "txid": {...} }, or { "txids": [...], "mempool_sequence" }',
  handler: (_, args) => {
    const verbose = args.bool('verbose')
    const withSequence = args.bool('mempool_sequence')
    if (verbose && withSequence) {
      throw new RpcError(RPC_INVALID_PARAMETER, 'Verbose results cannot contain mempool sequence values.')
    }
    if (withSequence) return { txids: [], mempool_sequence: 1 }
    return verbose ? {} : []
  },
}

export const MEMPOOL_METHODS: readonly RpcMethod[] = [getmempoolinfo, getrawmempool]
