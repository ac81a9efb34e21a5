import { fromHex, hexReversed, toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import { HEADER_SIZE } from '../../bitcoin/primitives/block.ts'
import { targetJson } from '../answers/block-json.ts'
import type { RpcContext } from '../context.ts'
import { type Json, jsonAmount, jsonFloat } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import { RPC_DESERIALIZATION_ERROR, RPC_INVALID_PARAMETER, RPC_VERIFY_ERROR, RpcError } from '../rpc-error.ts'
import { entryAt } from './block-lookup.ts'
import { warningsJson } from './blockchain.ts'

const HASH_RATE_BLOCKS_DEFAULT = 120
/** -blockmintxfee: the least feerate of a transaction in a template, in satoshi per 1000 virtual bytes. */
const TEMPLATE_FEERATE_SATS = 1

/** Hashes a second that the work of some blocks up to a height suggests; -1 for all blocks since the last retarget. */
async function networkHashRate(context: RpcContext, blockCount: number, height: number): Promise<Json> {
  const { ledger, network } = context
  if (blockCount < -1 || blockCount === 0) {
    throw new RpcError(RPC_INVALID_PARAMETER, 'Invalid nblocks. Must be a positive number or -1.')
  }
  if (height < -1 || height > ledger.tip.height) {
    throw new RpcError(RPC_INVALID_PARAMETER, 'Block does not exist at specified height')
  }
  const last = height === -1 ? ledger.tip : await entryAt(context, height)
  if (last.height === 0) return 0
  const sinceRetarget = (last.height % network.retargetInterval) + 1
  const count = Math.min(blockCount === -1 ? sinceRetarget : blockCount, last.height)
  const heights = Array.from({ length: count }, (_, i) => last.height - 1 - i)
  const before = await Promise.all(heights.map(at => entryAt(context, at)))
  const times = [last, ...before].map(entry => entry.header.time)
  const seconds = times.reduce((a, b) => Math.max(a, b)) - times.reduce((a, b) => Math.min(a, b))
  if (seconds === 0) return 0
  return jsonFloat(Number(last.chainWork - before[count - 1].chainWork) / seconds)
}

const getnetworkhashps: RpcMethod = {
  name: 'getnetworkhashps',
  category: 'mining',
  about: 'Estimates how many hashes a second the network tries, from the work of recent blocks.',
  params: [
    {
      name: 'nblocks',
      type: 'number',
      default: HASH_RATE_BLOCKS_DEFAULT,
      about: 'How many blocks to look at; -1 for those since the difficulty changed.',
    },
    { name: 'height', type: 'number', default: -1, about: 'The last of them; -1 for that of the chain.' },
  ],
  result: 'n    (numeric)',
  handler: (context, args) => networkHashRate(context, args.int('nblocks'), args.int('height')),
}

/** The same as blocks show, in the order that miners have always got. */
function miningTargetJson(targetBits: number) {
  const { bits, difficulty, target } = targetJson(targetBits)
  return { bits, difficulty, target }
}

const getmininginfo: RpcMethod = {
  name: 'getmininginfo',
  category: 'mining',
  about: 'Tells what a miner wants to know of the chain.',
  params: [],
  result:
    '{ "blocks", "currentblockweight"?, "currentblocktx"?, "bits", "difficulty", "target", "networkhashps", "pooledtx",\n' +
    '  "blockmintxfee", "chain", "next": { "height", "bits", "difficulty", "target" }, "signet_challenge"?, "warnings" }',
  handler: async context => {
    const { ledger, network, lastTemplate } = context
    const { tip } = ledger
    const next = await ledger.template()
    return {
      blocks: tip.height,
      currentblockweight: lastTemplate?.weight,
      currentblocktx: lastTemplate?.txCount,
      ...miningTargetJson(tip.header.bits),
      networkhashps: await networkHashRate(context, HASH_RATE_BLOCKS_DEFAULT, -1),
      pooledtx: 0,
      blockmintxfee: jsonAmount(TEMPLATE_FEERATE_SATS),
      chain: network.name,
      next: { height: tip.height + 1, ...miningTargetJson(next.bits) },
      signet_challenge: network.signetChallenge === undefined ? undefined : toHex(network.signetChallenge),
      warnings: warningsJson(context),
    }
  },
}

/** Blocks in hex; throws `Block decode failed` where a text is not hex. */
export function blockHex(text: string): Uint8Array {
  const bytes = fromHex(text)
  if (bytes === undefined) throw new RpcError(RPC_DESERIALIZATION_ERROR, 'Block decode failed')
  return bytes
}

/** Awaits the ledger's judgement of a block; bytes that are no block are told as Bitcoin Core tells it. */
export async function judged<T>(judgement: Promise<T>): Promise<T> {
  try {
    return await judgement
  } catch (error) {
    if (!(error instanceof OperationError) || error.code !== 'block-decode') throw error
    throw new RpcError(RPC_DESERIALIZATION_ERROR, 'Block decode failed')
  }
}

const submitblock: RpcMethod = {
  name: 'submitblock',
  category: 'mining',
  about: 'Takes a block in (BIP22).',
  params: [
    { name: 'hexdata', type: 'hex', required: true, about: 'The block in hex.' },
    { name: 'dummy', type: 'string', defaultHint: 'ignored', about: 'Ignored; BIP22 has it.' },
  ],
  result: 'null where the block became part of the best chain, else "reason"    (string)',
  handler: async (context, args) =>
    (await judged(context.ledger.submitBlock(blockHex(args.string('hexdata'))))) ?? null,
}

const submitheader: RpcMethod = {
  name: 'submitheader',
  category: 'mining',
  about: 'Takes a header in, as a place where the chain may go on.',
  params: [{ name: 'hexdata', type: 'hex', required: true, about: 'The header in hex.' }],
  result: 'null',
  handler: async (context, args) => {
    const header = fromHex(args.string('hexdata'))
    if (header === undefined || header.length < HEADER_SIZE) {
      throw new RpcError(RPC_DESERIALIZATION_ERROR, 'Block header decode failed')
    }
    const previous = toHexReversed(header.subarray(4, 36))
    if ((await context.ledger.entry(hexReversed(previous))) === undefined) {
      throw new RpcError(RPC_VERIFY_ERROR, `Must submit previous header (${previous}) first`)
    }
    const reason = await context.ledger.submitHeader(header.subarray(0, HEADER_SIZE))
    if (reason !== undefined) throw new RpcError(RPC_VERIFY_ERROR, reason)
    return null
  },
}

export const MINING_METHODS: readonly RpcMethod[] = [getnetworkhashps, getmininginfo, submitblock, submitheader]
