import { toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import { type Descriptor, descriptorText } from '../../bitcoin/descriptors/descriptor.ts'
import type { CoinScanResult } from '../../node/ledger/indexes/index-calls.ts'
import { asBool, asObject, type RpcArguments } from '../arguments.ts'
import type { RpcContext } from '../context.ts'
import { type Json, jsonAmount } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import { RPC_INVALID_PARAMETER, RPC_MISC_ERROR, RpcError } from '../rpc-error.ts'
import { FILTER_TYPE, requireFilters } from './indexes.ts'
import { SCAN_ACTION, SCAN_OBJECTS, type ScanScripts, scanScripts } from './scan-objects.ts'

function inProgress(): RpcError {
  return new RpcError(RPC_INVALID_PARAMETER, 'Scan already in progress, use action "abort" or "status"')
}

function invalidAction(action: string): RpcError {
  return new RpcError(RPC_INVALID_PARAMETER, `Invalid action '${action}'`)
}

function scriptsOf(scripts: ScanScripts): Uint8Array[] {
  return Array.from(scripts.values(), ({ script }) => script)
}

function coinScanJson(result: CoinScanResult, scripts: ScanScripts, context: RpcContext): Json {
  const describe = (descriptor: Descriptor): string => descriptorText(descriptor, context.network.addresses)
  let total = 0
  const unspents = result.coins.map(({ txid, index, coin, blockHash }) => {
    total += coin.valueSats
    const script = toHex(coin.script)
    return {
      txid: toHexReversed(txid),
      vout: index,
      scriptPubKey: script,
      desc: describe(scripts.get(script)!.describe()),
      amount: jsonAmount(coin.valueSats),
      coinbase: coin.coinbase,
      height: coin.height,
      blockhash: toHexReversed(blockHash),
      confirmations: result.height - coin.height + 1,
    }
  })
  return {
    success: result.completed,
    txouts: result.txouts,
    height: result.height,
    bestblock: toHexReversed(result.bestBlock),
    unspents,
    total_amount: jsonAmount(total),
  }
}

const scantxoutset: RpcMethod = {
  name: 'scantxoutset',
  category: 'blockchain',
  about:
    'Searches all unspent outputs for those that pay to certain descriptors: addr, raw, combo, pkh, wpkh, sh, wsh, tr, rawtr, multi ' +
    'and more. Needs no index; takes a while on a long chain.',
  params: [SCAN_ACTION, SCAN_OBJECTS],
  result:
    '{ "success", "txouts", "height", "bestblock", "unspents": [{ "txid", "vout", "scriptPubKey", "desc", "amount", "coinbase",\n' +
    '  "height", "blockhash", "confirmations" }, ...], "total_amount" }; { "progress" } or null; true or false',
  handler: async (context, args) => {
    const { ledger } = context
    const action = args.string('action')
    switch (action) {
      case 'status': {
        const progress = await ledger.coinScanStatus()
        return progress === undefined ? null : { progress }
      }
      case 'abort':
        return ledger.abortCoinScan()
      case 'start': {
        if ((await ledger.coinScanStatus()) !== undefined) throw inProgress()
        const scripts = await scanScripts(context, args.value('scanobjects'))
        const result = await ledger.scanCoins(scriptsOf(scripts))
        if (result === undefined) throw inProgress()
        return coinScanJson(result, scripts, context)
      }
      default:
        throw invalidAction(action)
    }
  },
}

/** Heights of the active chain, as the caller gave them. */
function scanHeights(context: RpcContext, args: RpcArguments): { startHeight: number; stopHeight: number } {
  const { height } = context.ledger.tip
  const startHeight = args.int('start_height')
  if (startHeight < 0 || startHeight > height) throw new RpcError(RPC_MISC_ERROR, 'Invalid start_height')
  const stopHeight = args.optionalInt('stop_height') ?? height
  if (stopHeight < startHeight || stopHeight > height) throw new RpcError(RPC_MISC_ERROR, 'Invalid stop_height')
  return { startHeight, stopHeight }
}

async function startFilterScan(context: RpcContext, args: RpcArguments): Promise<Json> {
  const { ledger } = context
  if ((await ledger.filterScanStatus()) !== undefined) throw inProgress()
  const objects = args.value('scanobjects')
  // Whether there are any is asked first; what they say, last.
  if (objects === undefined || objects === null) await scanScripts(context, objects)
  const options = args.has('options') ? asObject(args.value('options')) : undefined
  const checkBlocks = asBool(options?.get('filter_false_positives') ?? false)
  requireFilters(context, args.string('filtertype'))
  const heights = scanHeights(context, args)
  const scripts = scriptsOf(await scanScripts(context, objects))
  try {
    const result = await ledger.scanFilters(scripts, { ...heights, checkBlocks })
    if (result === undefined) throw inProgress()
    return {
      from_height: heights.startHeight,
      to_height: result.toHeight,
      relevant_blocks: result.blocks.map(toHexReversed),
      completed: result.completed,
    }
  } catch (error) {
    if (error instanceof OperationError && error.code === 'block-pruned') {
      throw new RpcError(RPC_MISC_ERROR, error.message)
    }
    throw error
  }
}

const scanblocks: RpcMethod = {
  name: 'scanblocks',
  category: 'blockchain',
  about:
    'Searches the chain for blocks that pay to certain descriptors or spend from them, by their compact filters; needs ' +
    '-blockfilterindex. Takes a while on a long chain.',
  params: [
    SCAN_ACTION,
    SCAN_OBJECTS,
    { name: 'start_height', type: 'number', default: 0, about: 'The first height to look at.' },
    { name: 'stop_height', type: 'number', defaultHint: 'chain tip', about: 'The last height to look at.' },
    FILTER_TYPE,
    {
      name: 'options',
      type: 'options',
      oneLine: 'options',
      about: '',
      fields: [
        {
          name: 'filter_false_positives',
          type: 'bool',
          default: false,
          about: 'Look each match up in the block itself; slower, and fails for blocks that were pruned.',
        },
      ],
    },
  ],
  result:
    '{ "from_height", "to_height", "relevant_blocks": ["hash", ...], "completed" }; { "progress", "current_height" } or null;\n' +
    'true or false',
  handler: async (context, args) => {
    const { ledger } = context
    const action = args.string('action')
    switch (action) {
      case 'status': {
        const status = await ledger.filterScanStatus()
        return status === undefined ? null : { progress: status.percent, current_height: status.height }
      }
      case 'abort':
        return ledger.abortFilterScan()
      case 'start':
        return startFilterScan(context, args)
      default:
        throw invalidAction(action)
    }
  },
}

export const SCAN_METHODS: readonly RpcMethod[] = [scantxoutset, scanblocks]
