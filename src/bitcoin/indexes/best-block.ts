import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { OperationError } from '../../base/errors.ts'
import type { BlockIndex } from '../chainstate/block-index.ts'

/** Where most indexes keep their best block: 'B'. */
export const BEST_BLOCK_KEY = Uint8Array.of(0x42)

/** What Core writes in front of a locator; nobody reads it. */
const LOCATOR_VERSION = 70016
/** So many blocks of a locator follow each other; then the steps double. */
const DENSE_BLOCKS = 10

/** A block as Core's indexes store it: a locator, which names it and ever fewer blocks before it. */
export function encodeBestBlock(index: BlockIndex, id: number): Uint8Array {
  const hashes: Uint8Array[] = []
  let step = 1
  for (let height = index.height(id); ; height = Math.max(height - step, 0)) {
    hashes.push(index.hash(index.ancestor(id, height)))
    if (height === 0) break
    if (hashes.length > DENSE_BLOCKS) step *= 2
  }
  const writer = new ByteWriter(5 + 32 * hashes.length).u32(LOCATOR_VERSION).compactSize(hashes.length)
  for (const hash of hashes) writer.bytes(hash)
  return writer.finish()
}

/** The number of the block that was stored, -1 for none. Throws OperationError `index-damaged` where the block index does not know it. */
export function decodeBestBlock(stored: Uint8Array | undefined, index: BlockIndex, name: string): number {
  if (stored === undefined) return -1
  const reader = new ByteReader(stored, 4)
  if (reader.compactSize() === 0 && reader.failure === undefined) return -1
  const id = reader.remaining < 32 ? -1 : index.find(reader.bytes(32))
  if (id >= 0) return id
  throw new OperationError('index-damaged', `best block of ${name} not found. Please rebuild the index.`, {
    next: 'remove its folder from indexes/ and start again',
  })
}

/** What an index says that cannot read its own state. */
export function damagedIndex(name: string): OperationError {
  return new OperationError('index-damaged', `Cannot read current ${name} state; index may be corrupted`, {
    next: 'remove its folder from indexes/ and start again',
  })
}
