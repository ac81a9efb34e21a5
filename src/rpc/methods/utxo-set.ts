import { toHexReversed } from '../../base/bytes/bytes.ts'
import type { UtxoHashType } from '../../bitcoin/chainstate/utxo-set-info.ts'
import { type CoinStats, unspendableSats } from '../../bitcoin/indexes/coin-stats.ts'
import type { BlockEntry } from '../../node/ledger/ledger-api.ts'
import { scriptJson } from '../answers/script-json.ts'
import { asInt, type RpcArguments } from '../arguments.ts'
import type { RpcContext } from '../context.ts'
import { type Json, jsonAmount } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import { RPC_INTERNAL_ERROR, RPC_INVALID_PARAMETER, RpcError } from '../rpc-error.ts'
import { entryByHashOrHeight } from './block-lookup.ts'

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
    '{ "height", "bestblock", "txouts", "bogosize", "hash_serialized_3"?, "muhash"?, "total_amount", "transactions"?, "disk_size"?,\n' +
    '  "total_unspendable_amount"?, "block_info"?: { "prevout_spent", "coinbase", "new_outputs_ex_coinbase", "unspendable",\n' +
    '  "unspendables": { "genesis_block", "bip30", "scripts", "unclaimed_rewards" } } }',
  handler: async (context, args) => {
    const { ledger } = context
    const hashType = args.string('hash_type')
    if (!UTXO_HASH_TYPES.includes(hashType)) {
      throw new RpcError(RPC_INVALID_PARAMETER, `'${hashType}' is not a valid hash_type`)
    }
    const useIndex = args.bool('use_index')
    const entry = args.has('hash_or_height') ? await indexedBlock(context, args, hashType, useIndex) : undefined
    if (ledger.indexes.coinStats && useIndex && hashType !== 'hash_serialized_3') {
      return indexedInfo(context, entry, hashType)
    }
    const info = await ledger.utxoSetInfo(hashType as UtxoHashType)
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

/** The block that a call names, which only the index can answer for. */
function indexedBlock(
  context: RpcContext,
  args: RpcArguments,
  hashType: string,
  useIndex: boolean,
): Promise<BlockEntry> {
  const refuse = (message: string): RpcError => new RpcError(RPC_INVALID_PARAMETER, message)
  if (!context.ledger.indexes.coinStats) throw refuse('Querying specific block heights requires coinstatsindex')
  if (hashType === 'hash_serialized_3') {
    throw refuse('hash_serialized_3 hash type cannot be queried for a specific block')
  }
  if (!useIndex) throw refuse('Cannot set use_index to false when querying for a specific block')
  return entryByHashOrHeight(context, args.value('hash_or_height'))
}

/** What the index has of a block, or of the tip. */
async function indexedInfo(context: RpcContext, entry: BlockEntry | undefined, hashType: string): Promise<Json> {
  const { ready, bestHeight, height, hash, stats, before } = await context.ledger.coinStats(entry?.hash)
  if (entry !== undefined && !ready && height > bestHeight) {
    throw new RpcError(
      RPC_INTERNAL_ERROR,
      `Unable to get data because coinstatsindex is still syncing. Current height: ${bestHeight}`,
    )
  }
  if (stats === undefined || before === undefined) throw new RpcError(RPC_INTERNAL_ERROR, 'Unable to read UTXO set')
  return {
    height,
    bestblock: toHexReversed(hash),
    txouts: stats.txouts,
    bogosize: stats.bogoSize,
    muhash: hashType === 'muhash' ? toHexReversed(stats.muhash) : undefined,
    total_amount: jsonAmount(stats.totalAmountSats),
    total_unspendable_amount: jsonAmount(unspendableSats(stats)),
    block_info: blockInfoJson(stats, before),
  }
}

/** What a block changed. */
function blockInfoJson(after: CoinStats, before: CoinStats) {
  return {
    prevout_spent: jsonAmount(Number(after.prevoutSpentSats - before.prevoutSpentSats)),
    coinbase: jsonAmount(Number(after.coinbaseSats - before.coinbaseSats)),
    new_outputs_ex_coinbase: jsonAmount(Number(after.newOutputsExCoinbaseSats - before.newOutputsExCoinbaseSats)),
    unspendable: jsonAmount(unspendableSats(after) - unspendableSats(before)),
    unspendables: {
      genesis_block: jsonAmount(after.unspendableGenesisSats - before.unspendableGenesisSats),
      bip30: jsonAmount(after.unspendableBip30Sats - before.unspendableBip30Sats),
      scripts: jsonAmount(after.unspendableScriptsSats - before.unspendableScriptsSats),
      unclaimed_rewards: jsonAmount(after.unclaimedRewardsSats - before.unclaimedRewardsSats),
    },
  }
}

export const UTXO_SET_METHODS: readonly RpcMethod[] = [gettxout, gettxoutsetinfo]
