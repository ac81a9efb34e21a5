import { toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import { verificationProgress } from '../../bitcoin/chainstate/verification-progress.ts'
import { difficulty } from '../../bitcoin/consensus/proof-of-work.ts'
import { encodeHeader } from '../../bitcoin/primitives/block.ts'
import type { LedgerApi, LedgerStorage } from '../../node/ledger/ledger-api.ts'
import { headerJson, hex256, targetJson } from '../answers/block-json.ts'
import type { RpcContext } from '../context.ts'
import { type Json, jsonFloat } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import { RPC_INVALID_PARAMETER, RpcError } from '../rpc-error.ts'
import { blockEntry, entryAt } from './block-lookup.ts'

/** `warnings` as answers show them: a list, or, for whoever asks for the former form, a text. */
export function warningsJson(context: RpcContext): Json {
  const warnings = context.warnings()
  return context.deprecated.has('warnings') ? (warnings.at(-1) ?? '') : warnings
}

function pruneJson(prune: LedgerApi['prune'], storage: LedgerStorage): { [key: string]: Json | undefined } {
  if (prune === undefined) return { pruned: false }
  const { targetBytes } = prune
  return {
    pruned: true,
    pruneheight: storage.firstStoredHeight,
    automatic_pruning: targetBytes !== undefined,
    prune_target_size: targetBytes,
  }
}

/** The progress at this moment: it changes with the clock even while the tip does not. */
export function progressNow({ ledger, network, clock }: RpcContext): number {
  const { height, header, chainTxCount, headers } = ledger.tip
  const reached = { height, timeSeconds: header.time, chainTxCount, bestHeaderHeight: headers }
  return verificationProgress(reached, network, clock.nowSeconds())
}

const getblockchaininfo: RpcMethod = {
  name: 'getblockchaininfo',
  category: 'blockchain',
  about: 'Tells where the chain stands and how it is kept.',
  params: [],
  result:
    '{ "chain", "blocks", "headers", "bestblockhash", "bits", "target", "difficulty", "time", "mediantime",\n' +
    '  "verificationprogress", "initialblockdownload", "chainwork", "size_on_disk", "pruned", "pruneheight"?,\n' +
    '  "automatic_pruning"?, "prune_target_size"?, "signet_challenge"?, "warnings" }',
  handler: async context => {
    const { ledger, network } = context
    const { tip } = ledger
    const storage = await ledger.storage()
    return {
      chain: network.name,
      blocks: tip.height,
      headers: tip.headers,
      bestblockhash: toHexReversed(tip.hash),
      ...targetJson(tip.header.bits),
      time: tip.header.time,
      mediantime: tip.medianTime,
      verificationprogress: jsonFloat(progressNow(context)),
      initialblockdownload: tip.initialBlockDownload,
      chainwork: hex256(tip.chainWork),
      size_on_disk: storage.blockBytes,
      ...pruneJson(ledger.prune, storage),
      signet_challenge: network.signetChallenge === undefined ? undefined : toHex(network.signetChallenge),
      warnings: warningsJson(context),
    }
  },
}

const getblockcount: RpcMethod = {
  name: 'getblockcount',
  category: 'blockchain',
  about: 'Gives the height of the best chain whose every block has been checked; the genesis block is at 0.',
  params: [],
  result: 'n    (numeric)',
  handler: context => context.ledger.tip.height,
}

const getbestblockhash: RpcMethod = {
  name: 'getbestblockhash',
  category: 'blockchain',
  about: 'Gives the hash of the last block of the best chain.',
  params: [],
  result: '"hex"    (string)',
  handler: context => toHexReversed(context.ledger.tip.hash),
}

const getblockhash: RpcMethod = {
  name: 'getblockhash',
  category: 'blockchain',
  about: 'Gives the hash of the block at a height of the best chain.',
  params: [{ name: 'height', type: 'number', required: true, about: 'The height.' }],
  result: '"hex"    (string)',
  handler: async (context, args) => {
    const height = args.int('height')
    if (height < 0 || height > context.ledger.tip.height) {
      throw new RpcError(RPC_INVALID_PARAMETER, 'Block height out of range')
    }
    return toHexReversed((await entryAt(context, height)).hash)
  },
}

const getblockheader: RpcMethod = {
  name: 'getblockheader',
  category: 'blockchain',
  about: 'Gives the header of a block.',
  params: [
    { name: 'blockhash', type: 'hex', required: true, about: 'The hash of the block.' },
    { name: 'verbose', type: 'bool', default: true, about: 'An object if true, else the 80 bytes in hex.' },
  ],
  result:
    '{ "hash", "confirmations", "height", "version", "versionHex", "merkleroot", "time", "mediantime", "nonce", "bits",\n' +
    '  "target", "difficulty", "chainwork", "nTx", "previousblockhash"?, "nextblockhash"? }, or "hex"',
  handler: async (context, args) => {
    const entry = await blockEntry(context, args.hash('blockhash', 'hash'))
    return args.bool('verbose') ? headerJson(entry) : toHex(encodeHeader(entry.header))
  },
}

const getdifficulty: RpcMethod = {
  name: 'getdifficulty',
  category: 'blockchain',
  about: 'Gives the difficulty of the last block as a multiple of the least one.',
  params: [],
  result: 'n    (numeric)',
  handler: context => jsonFloat(difficulty(context.ledger.tip.header.bits)),
}

const getchaintips: RpcMethod = {
  name: 'getchaintips',
  category: 'blockchain',
  about:
    'Lists the ends of all known branches, the best chain among them. A branch is "active", "valid-fork" (checked, but not the ' +
    'best), "valid-headers" (its blocks are here, unchecked), "headers-only" (some block is missing) or "invalid".',
  params: [],
  result: '[{ "height", "hash", "branchlen", "status" }, ...]',
  handler: async context =>
    (await context.ledger.chainTips()).map(({ height, hash, branchLength, status }) => ({
      height,
      hash: toHexReversed(hash),
      branchlen: branchLength,
      status,
    })),
}

const MONTH_SECONDS = 30 * 24 * 60 * 60

const getchaintxstats: RpcMethod = {
  name: 'getchaintxstats',
  category: 'blockchain',
  about: 'Counts the transactions of the chain, and those of a window of blocks at its end.',
  params: [
    { name: 'nblocks', type: 'number', defaultHint: 'one month', about: 'How many blocks the window has.' },
    { name: 'blockhash', type: 'hex', defaultHint: 'chain tip', about: 'The last block of the window.' },
  ],
  result:
    '{ "time", "txcount"?, "window_final_block_hash", "window_final_block_height", "window_block_count", "window_interval"?,\n' +
    '  "window_tx_count"?, "txrate"? }',
  handler: async (context, args) => {
    const last = args.has('blockhash') ? await blockEntry(context, args.hash('blockhash')) : context.ledger.tip
    if (last.confirmations < 0) throw new RpcError(RPC_INVALID_PARAMETER, 'Block is not in main chain')
    const month = Math.floor(MONTH_SECONDS / context.network.targetSpacingSeconds)
    const count = args.optionalInt('nblocks') ?? Math.max(0, Math.min(month, last.height - 1))
    if (count < 0 || (count > 0 && count >= last.height)) {
      throw new RpcError(RPC_INVALID_PARAMETER, "Invalid block count: should be between 0 and the block's height - 1")
    }
    const answer = {
      time: last.header.time,
      txcount: last.chainTxCount === 0 ? undefined : last.chainTxCount,
      window_final_block_hash: toHexReversed(last.hash),
      window_final_block_height: last.height,
      window_block_count: count,
    }
    if (count === 0) return answer
    const first = await entryAt(context, last.height - count)
    const interval = last.medianTime - first.medianTime
    const known = last.chainTxCount !== 0 && first.chainTxCount !== 0
    const txCount = known ? last.chainTxCount - first.chainTxCount : undefined
    return {
      ...answer,
      window_interval: interval,
      window_tx_count: txCount,
      txrate: txCount === undefined || interval <= 0 ? undefined : jsonFloat(txCount / interval),
    }
  },
}

export const BLOCKCHAIN_METHODS: readonly RpcMethod[] = [
  getblockchaininfo,
  getblockcount,
  getbestblockhash,
  getblockhash,
  getblockheader,
  getdifficulty,
  getchaintips,
  getchaintxstats,
]
