import { compareBytes, concatBytes } from '../../base/bytes/bytes.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import type { BlockIndex } from '../chainstate/block-index.ts'
import type { IndexStore } from './index-store.ts'

const HEIGHT_KEY = 0x74 // 't'
const HASH_KEY = 0x73 // 's'

function heightKey(height: number): Uint8Array {
  return new ByteWriter(5).u8(HEIGHT_KEY).u32be(height).finish()
}

function hashKey(hash: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(HASH_KEY), hash)
}

/**
 * A value for each block, as Core keeps them: by height for the chain that the index is on, with the block's hash in front, and by hash
 * for blocks that it has left.
 */
export class BlockRows {
  readonly #store: IndexStore
  readonly #index: BlockIndex

  constructor(store: IndexStore, index: BlockIndex) {
    this.#store = store
    this.#index = index
  }

  put(id: number, value: Uint8Array): void {
    this.#store.put(heightKey(this.#index.height(id)), concatBytes(this.#index.hash(id), value))
  }

  /** The value of a block on any chain; undefined where it has none. */
  get(id: number): Uint8Array | undefined {
    const hash = this.#index.hash(id)
    const row = this.#store.get(heightKey(this.#index.height(id)))
    if (row !== undefined && row.length >= 32 && compareBytes(row.subarray(0, 32), hash) === 0) return row.subarray(32)
    return this.#store.get(hashKey(hash))
  }

  /** Keeps the value of a block that the index leaves, for another will take its height. */
  keep(id: number): void {
    const value = this.get(id)
    if (value !== undefined) this.#store.put(hashKey(this.#index.hash(id)), value)
  }
}
