import { toHexReversed } from '../../base/bytes/bytes.ts'
import type { UtxoHashType } from '../../bitcoin/chainstate/utxo-set-info.ts'
import { scriptJson } from '../answers/script-json.ts'
import { asInt } from '../arguments.ts'
import { jsonAmount } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import { RPC_INVALID_PARAMETER, RpcError } from '../rpc-error.ts'

const UTXO_HASH_TYPES: readonly string[] = ['hash_serialized_3', 'muhash', 'none'] satisfies UtxoHashType[]

const gettxout: RpcMethod = {
  name: 'gettxout',
  category: 'blockchain',
  about: 'Gives an output that has not been spent; null if there is none.',
  params: [
    { name: 'txid', type: 'string', required: true, about: 'The transaction id.' },
    { name: 'n', type: 'number', required: true, about: 'The number of the output.' },
    {
      name: 'include_mempool',
      type: 'bool',
      default: true,
      about: 'Whether outputs of waiting transactions count, and those that they spend do not.',
    },
  ],
  result: '{ "bestblock", "confirmations", "value", "scriptPubKey", "coinbase" }, or null',
  handler: async (context, args) => {
    const txid = args.hash('txid')
    const index = asInt(args.value('n'), 0, 0xffff_ffff)
    args.bool('include_mempool')
    const coin = await context.ledger.coin(txid, index)
    if (coin === undefined) return null
    const { tip } = context.ledger
    return {
      bestblock: toHexReversed(tip.hash),
      confirmations: tip.height - coin.height + 1,
      value: jsonAmount(coin.valueSats),
      scriptPubKey: scriptJson(coin.script, context.network.addresses),
      coinbase: coin.coinbase,
    }
  },
}

const gettxoutsetinfo: RpcMethod = {
  name: 'gettxoutsetinfo',
  category: 'blockchain',
  about: 'Counts and hashes all unspent outputs; takes a while on a long chain.',
  params: [
    {
      name: 'hash_type',
      type: 'string',
      default: 'hash_serialized_3',
      about: "Which hash of the set to compute: 'hash_serialized_3', 'muhash' or 'none'.",
    },
    {
      name: 'hash_or_height',
      type: 'number',
      untyped: true,
      typeLabel: 'string or numeric',
      defaultHint: 'the current best block',
      about: 'The block after which to look (needs the index of coin statistics).',
    },
    { name: 'use_index', type: 'bool', default: true, about: 'Whether the index of coin statistics may answer.' },
  ],
  result:
    '{ "height", "bestblock", "txouts", "bogosize", "hash_serialized_3"?, "muhash"?, "total_amount", "transactions", "disk_size" }',
  handler: async (context, args) => {
    const hashType = args.string('hash_type')
    if (!UTXO_HASH_TYPES.includes(hashType)) {
      throw new RpcError(RPC_INVALID_PARAMETER, `'${hashType}' is not a valid hash_type`)
    }
    args.bool('use_index')
    if (args.has('hash_or_height')) {
      throw new RpcError(RPC_INVALID_PARAMETER, 'Querying specific block heights requires coinstatsindex')
    }
    const info = await context.ledger.utxoSetInfo(hashType as UtxoHashType)
    return {
      height: info.height,
      bestblock: toHexReversed(info.bestBlock),
      txouts: info.txouts,
      bogosize: info.bogoSize,
      hash_serialized_3: hashType === 'hash_serialized_3' ? info.hash : undefined,
      muhash: hashType === 'muhash' ? info.hash : undefined,
      total_amount: jsonAmount(info.totalAmountSats),
      transactions: info.transactions,
      disk_size: info.diskSizeBytes,
    }
  },
}

export const UTXO_SET_METHODS: readonly RpcMethod[] = [gettxout, gettxoutsetinfo]
