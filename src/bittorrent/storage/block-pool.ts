import { PIECE_BLOCK_BYTES } from '../metainfo/piece-map.ts'

/** Blocks that share one allocation. */
const BLOCKS_PER_SLAB = 16

/** Buffers of one block each, used again and again. */
export class BlockPool {
  readonly #free: Uint8Array[] = []
  #inUse = 0

  /** Bytes handed out and not given back. */
  get bytesInUse(): number {
    return this.#inUse * PIECE_BLOCK_BYTES
  }

  take(): Uint8Array {
    this.#inUse++
    const buffer = this.#free.pop()
    if (buffer !== undefined) return buffer
    const slab = new ArrayBuffer(BLOCKS_PER_SLAB * PIECE_BLOCK_BYTES)
    for (let i = 1; i < BLOCKS_PER_SLAB; i++) {
      this.#free.push(new Uint8Array(slab, i * PIECE_BLOCK_BYTES, PIECE_BLOCK_BYTES))
    }
    return new Uint8Array(slab, 0, PIECE_BLOCK_BYTES)
  }

  give(buffer: Uint8Array): void {
    this.#inUse--
    this.#free.push(buffer)
  }
}
