import type { HashedBlock } from '../consensus/check-block.ts'

/** Blocks in memory that will be connected soon, so that they need not be read again; bounded in bytes. */
export class RecentBlocks {
  readonly #blocks = new Map<number, HashedBlock>()
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  has(id: number): boolean {
    return this.#blocks.has(id)
  }

  /**
   * Keeps a block. Where there is no room, those that came first are the ones to be kept.
   *
   * @param isOver whether a block's turn has passed, so that it may go
   */
  keep(id: number, block: HashedBlock, isOver: (id: number) => boolean): void {
    const size = block.bytes.length
    if (this.#bytes + size > this.#bytesMax) {
      for (const known of this.#blocks.keys()) if (isOver(known)) this.take(known)
      if (this.#bytes + size > this.#bytesMax) return
    }
    this.#blocks.set(id, block)
    this.#bytes += size
  }

  /** Hands a block over, if it is here. */
  take(id: number): HashedBlock | undefined {
    const block = this.#blocks.get(id)
    if (block !== undefined) {
      this.#blocks.delete(id)
      this.#bytes -= block.bytes.length
    }
    return block
  }
}
