import { OperationError } from '../../base/errors.ts'
import type { RpcArguments } from '../arguments.ts'
import type { RpcContext } from '../context.ts'
import type { RpcMethod } from '../method.ts'
import { RPC_DATABASE_ERROR, RPC_INVALID_PARAMETER, RPC_MISC_ERROR, RpcError } from '../rpc-error.ts'
import { blockEntry, entryAt } from './block-lookup.ts'

const CHECK_LEVEL_DEFAULT = 3
const CHECK_BLOCKS_DEFAULT = 6
/** Blocks that pruning always leaves. */
const MIN_BLOCKS_TO_KEEP = 288
/** Larger numbers are times. */
const HEIGHT_MAX = 1_000_000_000
/** By how much a block's time may be ahead of when it came. */
const TIMESTAMP_WINDOW_SECONDS = 7200
/** BIP113: blocks in a median; times out of order reach no further back than about this many blocks, many times over. */
const OUT_OF_ORDER_BLOCKS = 110

const verifychain: RpcMethod = {
  name: 'verifychain',
  category: 'blockchain',
  about:
    'Checks the last blocks again: 0 reads them from disk, 1 checks them by themselves, 2 reads undo data, 3 disconnects them in ' +
    'memory, 4 connects them again, scripts included.',
  params: [
    { name: 'checklevel', type: 'number', defaultHint: '3, range=0-4', about: 'How thorough to be.' },
    { name: 'nblocks', type: 'number', defaultHint: '6, 0=all', about: 'How many blocks to check.' },
  ],
  result: 'true|false    (boolean) whether all is well',
  handler: async (context, args) => {
    const level = args.optionalInt('checklevel') ?? CHECK_LEVEL_DEFAULT
    const fault = await context.ledger.verify(level, args.optionalInt('nblocks') ?? CHECK_BLOCKS_DEFAULT)
    if (fault !== undefined) context.log.error(`Verification error: ${fault}`)
    return fault === undefined
  },
}

/** Height of the first block whose time is at least that; blocks' times are in order but for small disorder. */
async function firstHeightAtTime(context: RpcContext, seconds: number): Promise<number> {
  const { ledger } = context
  let [low, high] = [0, ledger.tip.height + 1]
  while (low < high) {
    const middle = (low + high) >> 1
    const { medianTime } = await entryAt(context, middle)
    if (medianTime >= seconds) high = middle
    else low = middle + 1
  }
  // Medians trail times: look at the blocks before the first median that is late enough, up to the tip if none is.
  for (let height = Math.max(0, low - OUT_OF_ORDER_BLOCKS); height <= Math.min(low, ledger.tip.height); height++) {
    if ((await entryAt(context, height)).header.time >= seconds) return height
  }
  throw new RpcError(RPC_INVALID_PARAMETER, 'Could not find block with at least the specified timestamp.')
}

const pruneblockchain: RpcMethod = {
  name: 'pruneblockchain',
  category: 'blockchain',
  about: 'Deletes the files of old blocks. The node must have been started with -prune; what is deleted is gone.',
  params: [
    {
      name: 'height',
      type: 'number',
      required: true,
      about: 'Delete up to this height, or, if it is a time in seconds since 1970, blocks at least two hours older.',
    },
  ],
  result: 'n    (numeric) height of the last block that is deleted, -1 for none',
  handler: async (context, args) => {
    const { ledger, network } = context
    if (ledger.prune === undefined) {
      throw new RpcError(RPC_MISC_ERROR, 'Cannot prune blocks because node is not in prune mode.')
    }
    let height = args.int('height')
    if (height < 0) throw new RpcError(RPC_INVALID_PARAMETER, 'Negative block height.')
    if (height > HEIGHT_MAX) height = await firstHeightAtTime(context, height - TIMESTAMP_WINDOW_SECONDS)
    const tip = ledger.tip.height
    if (tip < network.pruneAfterHeight) throw new RpcError(RPC_MISC_ERROR, 'Blockchain is too short for pruning.')
    if (height > tip) {
      throw new RpcError(RPC_INVALID_PARAMETER, 'Blockchain is shorter than the attempted prune height.')
    }
    if (height > tip - MIN_BLOCKS_TO_KEEP) {
      context.log.debug('rpc', 'Attempt to prune blocks close to the tip.  Retaining the minimum number of blocks.')
      height = tip - MIN_BLOCKS_TO_KEEP
    }
    return (await ledger.pruneTo(height)) - 1
  },
}

type ChainMove = (context: RpcContext, hash: Uint8Array) => Promise<void>

/** A method that moves the chain about a block; a failure to do so is told as Bitcoin Core tells it. */
function chainMove(
  name: string,
  category: 'blockchain' | 'hidden',
  about: string,
  which: string,
  move: ChainMove,
): RpcMethod {
  return {
    name,
    category,
    about,
    params: [{ name: 'blockhash', type: 'hex', required: true, about: which }],
    result: 'null',
    handler: async (context: RpcContext, args: RpcArguments) => {
      const hash = args.hash('blockhash')
      await blockEntry(context, hash)
      try {
        await move(context, hash)
      } catch (error) {
        if (error instanceof OperationError) throw new RpcError(RPC_DATABASE_ERROR, error.message)
        throw error
      }
      return null
    },
  }
}

const syncwithvalidationinterfacequeue: RpcMethod = {
  name: 'syncwithvalidationinterfacequeue',
  category: 'hidden',
  about: 'Waits until everything that was asked before has taken effect.',
  params: [],
  result: 'null',
  handler: async context => {
    await context.ledger.settled()
    return null
  },
}

export const CHAIN_CONTROL_METHODS: readonly RpcMethod[] = [
  verifychain,
  pruneblockchain,
  chainMove(
    'preciousblock',
    'blockchain',
    'Treats a block as if it had come before others with as much work, until the node stops.',
    'The block to prefer.',
    (context, hash) => context.ledger.precious(hash),
  ),
  chainMove(
    'invalidateblock',
    'hidden',
    'Marks a block as invalid for good, as if it broke a rule.',
    'The block to refuse.',
    (context, hash) => context.ledger.invalidate(hash),
  ),
  chainMove(
    'reconsiderblock',
    'hidden',
    'Forgets that a block, those before it and those behind it are invalid, and judges them again.',
    'The block to judge again.',
    (context, hash) => context.ledger.reconsider(hash),
  ),
  syncwithvalidationinterfacequeue,
]
