import { toHexReversed } from '../../base/bytes/bytes.ts'
import { invariant, OperationError } from '../../base/errors.ts'
import { type BlockView, parseBlock } from '../../bitcoin/primitives/block.ts'
import type { BlockEntry, BlockPrevouts } from '../../node/ledger/ledger-api.ts'
import { asHash, asInt } from '../arguments.ts'
import type { RpcContext } from '../context.ts'
import { type Json, jsonTypeName } from '../json/json-value.ts'
import { RPC_INVALID_ADDRESS_OR_KEY, RPC_INVALID_PARAMETER, RPC_MISC_ERROR, RpcError } from '../rpc-error.ts'

/** The entry of a block's hash; throws `Block not found`. */
export async function blockEntry(context: RpcContext, hash: Uint8Array): Promise<BlockEntry> {
  const entry = await context.ledger.entry(hash)
  if (entry === undefined) throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, 'Block not found')
  return entry
}

/** The entry of a height that the best chain has. */
export async function entryAt(context: RpcContext, height: number): Promise<BlockEntry> {
  const entry = await context.ledger.entryAtHeight(height)
  if (entry === undefined) throw new RpcError(RPC_INVALID_PARAMETER, 'Block height out of range')
  return entry
}

/** The entry that a hash or a height of the best chain names. */
export async function entryByHashOrHeight(context: RpcContext, value: Json | undefined): Promise<BlockEntry> {
  if (jsonTypeName(value) !== 'number') return blockEntry(context, asHash(value, 'hash_or_height'))
  const height = asInt(value)
  if (height < 0) throw new RpcError(RPC_INVALID_PARAMETER, `Target block height ${height} is negative`)
  const tip = context.ledger.tip.height
  if (height > tip) {
    throw new RpcError(RPC_INVALID_PARAMETER, `Target block height ${height} after current tip ${tip}`)
  }
  return entryAt(context, height)
}

/** Why data of a block is not here. */
function missing(context: RpcContext, entry: BlockEntry, what: 'Block' | 'Undo data'): RpcError {
  const wasSeen = entry.txCount > 0
  if (wasSeen && !entry.hasData && context.ledger.prune !== undefined) {
    return new RpcError(RPC_MISC_ERROR, `${what} not available (pruned data)`)
  }
  return new RpcError(
    RPC_MISC_ERROR,
    what === 'Block' ? 'Block not available (not fully downloaded)' : 'Undo data not available',
  )
}

/** Reads from disk; what cannot be read is logged, and told with the words of Bitcoin Core. */
async function fromDisk<T>(context: RpcContext, reading: Promise<T | undefined>, message: string): Promise<T> {
  let read: T | undefined
  try {
    read = await reading
  } catch (error) {
    if (!(error instanceof OperationError)) throw error
    context.log.error(error.message)
  }
  if (read === undefined) throw new RpcError(RPC_MISC_ERROR, message)
  return read
}

/** A block's bytes; throws where they are not here. */
export async function blockBytes(context: RpcContext, entry: BlockEntry): Promise<Uint8Array> {
  if (!entry.hasData) throw missing(context, entry, 'Block')
  return fromDisk(context, context.ledger.block(entry.hash), 'Block not found on disk')
}

/** What a block spent; throws where that is not known (any more). The genesis block spent nothing. */
export async function blockPrevouts(context: RpcContext, entry: BlockEntry): Promise<BlockPrevouts | undefined> {
  if (entry.height === 0) return undefined
  if (!entry.hasUndo) throw missing(context, entry, 'Undo data')
  return fromDisk(context, context.ledger.prevouts(entry.hash), "Can't read undo data from disk")
}

/** A block that was checked before it was stored. */
export function parseStoredBlock(bytes: Uint8Array, entry: BlockEntry): BlockView {
  const block = parseBlock(bytes)
  invariant(block.ok, `stored block ${toHexReversed(entry.hash)} does not parse`)
  return block.value
}
