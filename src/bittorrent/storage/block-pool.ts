import { PIECE_BLOCK_BYTES } from '../metainfo/piece-map.ts'

/** Blocks that lie side by side in memory, and are hashed and written in one go: 256 KiB. */
export const RUN_BLOCKS = 16

/** Runs that are kept whole; beyond them blocks lie where there is room. */
const WHOLE_RUNS_MAX = 64

interface BlockRun {
  readonly blocks: readonly Uint8Array[]
  /** A bit for each block that is handed out. */
  used: number
  /** Whose it is; `undefined` while nobody's, and for those whose blocks go to anybody. */
  home: BlockRuns | undefined
  key: number
}

/** The runs that a torrent has at present, by a number of its own for what goes there. */
export type BlockRuns = Map<number, BlockRun>

/**
 * Buffers of one block each, used again and again; as far as there is room, neighbours lie side by side. All torrents share one pool, and
 * so what it may hold.
 */
export class BlockPool {
  /** Blocks that are being received: at most one a peer. */
  arriving = 0
  /** Blocks that wait to be written. */
  held = 0
  /** Blocks that are written and wait to be hashed. */
  kept = 0
  readonly #runs = new Map<ArrayBufferLike, BlockRun>()
  readonly #wholeRuns: BlockRun[] = []
  #wholeRunCount = 0
  readonly #loose: Uint8Array[] = []
  #inUse = 0

  /** Bytes handed out and not given back. */
  get bytesInUse(): number {
    return this.#inUse * PIECE_BLOCK_BYTES
  }

  /** Bytes that have arrived. Those that are arriving do not count: nothing frees their memory but more bytes. */
  get bytesArrived(): number {
    return (this.#inUse - this.arriving) * PIECE_BLOCK_BYTES
  }

  /**
   * A block beside those that were taken with the same key.
   *
   * @param slot its place in the run; if somebody has it already, a block elsewhere is given
   */
  take(home: BlockRuns, key: number, slot: number): Uint8Array {
    this.#inUse++
    const run = home.get(key) ?? this.#settle(home, key)
    if (run === undefined || (run.used & (1 << slot)) !== 0) return this.#takeLoose()
    run.used |= 1 << slot
    return run.blocks[slot]
  }

  give(block: Uint8Array): void {
    this.#inUse--
    const run = this.#runs.get(block.buffer)!
    if (run.home === undefined) {
      this.#loose.push(block)
      return
    }
    run.used &= ~(1 << (block.byteOffset / PIECE_BLOCK_BYTES))
    if (run.used !== 0) return
    run.home.delete(run.key)
    run.home = undefined
    this.#wholeRuns.push(run)
  }

  #settle(home: BlockRuns, key: number): BlockRun | undefined {
    const run = this.#wholeRuns.pop() ?? (this.#wholeRunCount < WHOLE_RUNS_MAX ? this.#allocate() : undefined)
    if (run === undefined) return undefined
    run.home = home
    run.key = key
    home.set(key, run)
    return run
  }

  #allocate(): BlockRun {
    this.#wholeRunCount++
    return this.#newRun()
  }

  #newRun(): BlockRun {
    const bytes = new ArrayBuffer(RUN_BLOCKS * PIECE_BLOCK_BYTES)
    const blocks: Uint8Array[] = []
    for (let slot = 0; slot < RUN_BLOCKS; slot++) {
      blocks.push(new Uint8Array(bytes, slot * PIECE_BLOCK_BYTES, PIECE_BLOCK_BYTES))
    }
    const run: BlockRun = { blocks, used: 0, home: undefined, key: 0 }
    this.#runs.set(bytes, run)
    return run
  }

  #takeLoose(): Uint8Array {
    if (this.#loose.length === 0) this.#loose.push(...this.#newRun().blocks)
    return this.#loose.pop()!
  }
}

/** Joins blocks that lie side by side in memory; the last one is cut off where `length` bytes end. */
export function joinBlocks(blocks: readonly Uint8Array[], length: number): Uint8Array[] {
  const joined: Uint8Array[] = []
  let left = length
  for (let i = 0; i < blocks.length; ) {
    const first = blocks[i++]
    let end = first.byteOffset + PIECE_BLOCK_BYTES
    for (; i < blocks.length && blocks[i].buffer === first.buffer && blocks[i].byteOffset === end; i++) {
      end += PIECE_BLOCK_BYTES
    }
    const view = new Uint8Array(first.buffer, first.byteOffset, Math.min(left, end - first.byteOffset))
    joined.push(view)
    left -= view.length
  }
  return joined
}
