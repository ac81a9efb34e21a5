import { invariant } from '../../base/errors.ts'
import type { BulkHash, PieceWork } from '../../base/ports/bulk-hash.ts'
import { PIECE_BLOCK_BYTES, type PieceMap } from '../metainfo/piece-map.ts'
import { BlockPool, type BlockRuns, joinBlocks, RUN_BLOCKS } from './block-pool.ts'
import { type ExpectedHashes, isAsExpected, isContradiction } from './expected-hashes.ts'
import { RunningHashes } from './running-hashes.ts'

/** Of all assemblers that share a pool together. */
export interface AssemblerOptions {
  /** Bytes that wait for their neighbours beyond which they are written without them. */
  readonly flushAboveBytes: number
  /** Bytes in memory beyond which no more should be received. */
  readonly heldBytesMax: number
}

export const ASSEMBLER_OPTIONS: AssemblerOptions = {
  flushAboveBytes: 8 * 1024 * 1024,
  heldBytesMax: 16 * 1024 * 1024,
}

/** So much of a piece is hashed in one go where several are hashed side by side: most pieces whole. */
const SIDE_BY_SIDE_BLOCKS = 64

/** Half of the memory may hold what is only to be hashed; what comes early beyond that is read back when its turn comes. */
const KEPT_SHARE_MAX = 1 / 2

/** Blocks on their way to the disk. */
export interface WriteEffect {
  readonly type: 'write'
  readonly piece: number
  readonly firstBlock: number
  /** One for each block. */
  readonly buffers: readonly Uint8Array[]
  /** What is to be written, in as few parts as it lies in memory. */
  readonly parts: readonly Uint8Array[]
  readonly assembly: Assembly
}

/** Blocks that are hashed, in the order of their piece. */
export interface HashEffect {
  readonly type: 'hash'
  readonly piece: number
  readonly firstBlock: number
  readonly blockCount: number
  readonly work: PieceWork
  readonly assembly: Assembly
}

/** Blocks that are read back from the disk, to be hashed. */
export interface ReadEffect {
  readonly type: 'read'
  readonly piece: number
  readonly firstBlock: number
  readonly blockCount: number
  readonly assembly: Assembly
}

/** Work for the disk and the processor, and verdicts. */
export type StorageEffect =
  | WriteEffect
  | HashEffect
  | ReadEffect
  /** The piece is right and written. `digests` where it had failed before, as when it failed. */
  | { readonly type: 'verified'; readonly piece: number; readonly digests: Uint8Array | undefined }
  /**
   * The piece is wrong. `digests` tells whose block it was: the piece's leaves (BEP 52: SHA-256 of each block) where it has a tree,
   * SHA-1 of each block elsewhere, one after the other. Empty where the disk failed and nobody is to blame.
   */
  | { readonly type: 'failed'; readonly piece: number; readonly digests: Uint8Array }
  /** The halves of a hybrid do not agree on the piece: nothing will ever be right by both. */
  | { readonly type: 'contradiction'; readonly piece: number }

/** Tells runs of all pieces apart: no piece has more. */
const RUNS_PER_PIECE_MAX = 2 ** 16

/** A block is missing, in memory, on its way to the disk, or on the disk. */
const MISSING = 0
const HELD = 1
const WRITING = 2
const WRITTEN = 3

/** A piece that is coming. */
class Assembly {
  readonly piece: number
  readonly blockCount: number
  readonly states: Uint8Array
  readonly buffers: (Uint8Array | undefined)[]
  /** Writes and hashes under way, by block: as long as there are any, its buffer is theirs. */
  readonly users: Uint8Array
  /** Held blocks in each group that is written together. */
  readonly heldInGroup: Uint8Array
  readonly expected: ExpectedHashes
  readonly hashes: RunningHashes
  received = 0
  writesPending = 0
  /** Blocks are being read back, or hashed: the next in order wait for them. */
  isBusy = false
  /** It is given up, or done. */
  isReleased = false
  verdict: boolean | undefined
  /** Of the blocks, once it comes to that; those of SHA-1 come one by one, from the disk. */
  digests: Uint8Array | undefined
  digested = 0

  constructor(piece: number, blockCount: number, expected: ExpectedHashes, hash: BulkHash) {
    this.piece = piece
    this.blockCount = blockCount
    this.expected = expected
    const { sha1, merkle, paddingBytes } = expected
    this.hashes = new RunningHashes(hash, {
      sha1: sha1 !== undefined,
      levels: merkle?.levels,
      blockCount,
      paddingBytes,
    })
    this.states = new Uint8Array(blockCount)
    this.buffers = new Array<Uint8Array | undefined>(blockCount).fill(undefined)
    this.users = new Uint8Array(blockCount)
    this.heldInGroup = new Uint8Array(Math.ceil(blockCount / RUN_BLOCKS))
  }
}

/** Whether a block is in memory for its hash alone. */
function isKept({ states, users, buffers }: Assembly, block: number): boolean {
  return states[block] === WRITTEN && users[block] === 0 && buffers[block] !== undefined
}

/**
 * Puts pieces together: every block is hashed once, in order, from the memory that it arrived in (or read back, where it came before
 * its turn and memory was short), and written in runs. A piece is verified when its hash is right and its last write is done.
 */
export class PieceAssembler {
  readonly #map: PieceMap
  readonly #hash: BulkHash
  readonly #expected: (piece: number) => ExpectedHashes | undefined
  readonly #options: AssemblerOptions
  readonly #pool: BlockPool
  readonly #assemblies = new Map<number, Assembly>()
  readonly #runs: BlockRuns = new Map()
  /** Pieces that failed, for which the digests of the right blocks are wanted too. */
  readonly #suspicious = new Set<number>()
  #effects: StorageEffect[] = []

  constructor(
    map: PieceMap,
    hash: BulkHash,
    expected: (piece: number) => ExpectedHashes | undefined,
    pool: BlockPool = new BlockPool(),
    options: AssemblerOptions = ASSEMBLER_OPTIONS,
  ) {
    this.#map = map
    this.#hash = hash
    this.#expected = expected
    this.#pool = pool
    this.#options = options
  }

  /** Whether receiving should pause until the disk has caught up. */
  get isFull(): boolean {
    return this.#pool.bytesArrived >= this.#options.heldBytesMax
  }

  takeEffects(): StorageEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  /** A buffer for a block that is about to arrive; to be given to `complete` or `abort`. */
  begin(piece: number, block: number): Uint8Array {
    const slot = block % RUN_BLOCKS
    this.#pool.arriving++
    return this.#pool.take(this.#runs, piece * RUNS_PER_PIECE_MAX + (block - slot) / RUN_BLOCKS, slot)
  }

  /** The block did not arrive whole, or is not wanted. */
  abort(buffer: Uint8Array): void {
    this.#pool.arriving--
    this.#pool.give(buffer)
  }

  /** Blocks that are on the disk from before, not verified. */
  restoreBlocks(piece: number, blocks: readonly number[]): void {
    const assembly = this.#assembly(piece)
    for (const block of blocks) {
      if (assembly.states[block] !== MISSING) continue
      assembly.states[block] = WRITTEN
      assembly.received++
    }
    this.#advance(assembly)
  }

  /** A block has arrived whole. */
  complete(piece: number, block: number, buffer: Uint8Array): void {
    this.#pool.arriving--
    const assembly = this.#assembly(piece)
    if (assembly.states[block] !== MISSING) {
      this.#pool.give(buffer)
      return
    }
    assembly.states[block] = HELD
    assembly.buffers[block] = buffer
    assembly.received++
    const group = Math.floor(block / RUN_BLOCKS)
    assembly.heldInGroup[group]++
    this.#pool.held++
    const groupSize = Math.min(RUN_BLOCKS, assembly.blockCount - group * RUN_BLOCKS)
    const isWhole = assembly.received === assembly.blockCount
    // Hashed and written in runs: each call costs as much as some thousand bytes.
    if (isWhole || assembly.heldInGroup[group] === groupSize) {
      this.#advance(assembly)
      this.#writeGroup(assembly, group)
    }
    if (isWhole) this.#flush(assembly)
    if (this.#holdsTooMuch) this.flushAll()
  }

  get #holdsTooMuch(): boolean {
    return this.#pool.held * PIECE_BLOCK_BYTES > this.#options.flushAboveBytes
  }

  /**
   * Makes room where there is none, for nothing more may come then, here or in another torrent, and set anything going. To be called now
   * and then while nothing of this torrent is under way.
   *
   * @returns whether there are effects now
   */
  relieve(): boolean {
    if (this.isFull || this.#holdsTooMuch) this.flushAll()
    if (this.isFull && this.#effects.length === 0)
      for (const assembly of this.#assemblies.values()) this.#dropKept(assembly)
    return this.#effects.length > 0
  }

  /** What is written can be read back for its hash. */
  #dropKept(assembly: Assembly): void {
    for (let block = 0; block < assembly.blockCount; block++) {
      if (!isKept(assembly, block)) continue
      this.#pool.kept--
      this.#pool.give(assembly.buffers[block]!)
      assembly.buffers[block] = undefined
    }
  }

  /** Writes whatever is held, neighbours or not. */
  flushAll(): void {
    for (const assembly of this.#assemblies.values()) {
      this.#advance(assembly, true)
      this.#flush(assembly)
    }
  }

  /** Gives up what has not become a piece, so that others have its memory. Writes under way go on. */
  dropAll(): void {
    for (const assembly of [...this.#assemblies.values()]) this.#release(assembly)
  }

  /** The disk has lost what was written: all that has not become a piece comes again. */
  giveUpAll(): void {
    for (const assembly of [...this.#assemblies.values()]) this.#giveUp(assembly)
  }

  /** A write is over; the piece of one that failed is given up. */
  written({ assembly, firstBlock, buffers }: WriteEffect, succeeded: boolean): void {
    assembly.writesPending--
    for (let block = firstBlock; block < firstBlock + buffers.length; block++) {
      assembly.states[block] = WRITTEN
      this.#leave(assembly, block)
    }
    if (assembly.isReleased) return
    if (succeeded) this.#advance(assembly)
    else this.#giveUp(assembly)
  }

  /** The work of a hash effect is done. */
  hashed({ assembly, firstBlock, blockCount }: HashEffect): void {
    assembly.isBusy = false
    assembly.hashes.took(blockCount)
    for (let block = firstBlock; block < firstBlock + blockCount; block++) this.#leave(assembly, block)
    if (!assembly.isReleased) this.#advance(assembly)
  }

  /** An operation on a block is over; when it was the last, and nothing more will come, the memory is free. */
  #leave(assembly: Assembly, block: number): void {
    const buffer = assembly.buffers[block]
    // What was read back is in no buffer of the pool.
    if (buffer === undefined || --assembly.users[block] > 0) return
    if (!assembly.isReleased) {
      if (assembly.states[block] !== WRITTEN) return
      // What is written stays in memory for its hash, while there is room.
      if (block >= assembly.hashes.nextBlock && this.#keptShare < KEPT_SHARE_MAX) {
        this.#pool.kept++
        return
      }
    }
    assembly.buffers[block] = undefined
    this.#pool.give(buffer)
  }

  /** The share of the memory that holds what is written and waits for its hash. */
  get #keptShare(): number {
    return (this.#pool.kept * PIECE_BLOCK_BYTES) / this.#options.heldBytesMax
  }

  /** Blocks that were asked for by a read effect; `undefined` where the disk failed. */
  readBack({ assembly }: ReadEffect, bytes: Uint8Array | undefined): void {
    assembly.isBusy = false
    if (assembly.isReleased) return
    if (bytes === undefined) {
      this.#giveUp(assembly)
      return
    }
    if (assembly.verdict === undefined) {
      this.#hashParts(assembly, Math.ceil(bytes.length / PIECE_BLOCK_BYTES), [bytes])
      return
    }
    for (let at = 0; at < bytes.length; at += PIECE_BLOCK_BYTES) {
      const digest = this.#hash.sha1(bytes.subarray(at, at + PIECE_BLOCK_BYTES))
      assembly.digests!.set(digest, 20 * assembly.digested++)
    }
    this.#advance(assembly)
  }

  #assembly(piece: number): Assembly {
    let assembly = this.#assemblies.get(piece)
    if (assembly === undefined) {
      const expected = this.#expected(piece)
      invariant(expected !== undefined, `piece ${piece} cannot be judged`)
      const blockCount = this.#map.blockCount(piece)
      assembly = new Assembly(piece, blockCount, expected, this.#hash)
      this.#assemblies.set(piece, assembly)
    }
    return assembly
  }

  /** Some blocks of a piece as they lie in memory. */
  #parts({ piece }: Assembly, firstBlock: number, buffers: readonly Uint8Array[]): Uint8Array[] {
    const start = firstBlock * PIECE_BLOCK_BYTES
    return joinBlocks(buffers, Math.min(buffers.length * PIECE_BLOCK_BYTES, this.#map.dataSize(piece) - start))
  }

  #flush(assembly: Assembly): void {
    for (let group = 0; group < assembly.heldInGroup.length; group++) {
      if (assembly.heldInGroup[group] > 0) this.#writeGroup(assembly, group)
    }
  }

  /** Writes the runs of held blocks in a group. */
  #writeGroup(assembly: Assembly, group: number): void {
    const end = Math.min(assembly.blockCount, (group + 1) * RUN_BLOCKS)
    for (let block = group * RUN_BLOCKS; block < end; block++) {
      if (assembly.states[block] !== HELD) continue
      const firstBlock = block
      const buffers: Uint8Array[] = []
      for (; block < end && assembly.states[block] === HELD; block++) {
        assembly.states[block] = WRITING
        assembly.users[block]++
        this.#pool.held--
        buffers.push(assembly.buffers[block]!)
      }
      assembly.writesPending++
      const parts = this.#parts(assembly, firstBlock, buffers)
      this.#effects.push({ type: 'write', piece: assembly.piece, firstBlock, buffers, parts, assembly })
    }
    assembly.heldInGroup[group] = 0
  }

  /** Hashes what is at hand in order; asks for what is not, once all of the piece has come; ends it when all is done. */
  #advance(assembly: Assembly, isUrgent = false): void {
    if (assembly.isBusy) return
    if (assembly.verdict === undefined) {
      const { hashes, blockCount, received } = assembly
      if (hashes.nextBlock < blockCount) {
        if (!this.#hashHeld(assembly, isUrgent) && received === blockCount) this.#askFor(assembly, hashes.nextBlock)
        return
      }
      const found = hashes.found()
      if (isContradiction(found, assembly.expected)) {
        this.#release(assembly)
        this.#effects.push({ type: 'contradiction', piece: assembly.piece })
        return
      }
      assembly.verdict = isAsExpected(found, assembly.expected)
    }
    if (assembly.writesPending > 0 || assembly.states.includes(HELD)) return
    const wantsDigests = !assembly.verdict || this.#suspicious.has(assembly.piece)
    if (wantsDigests) assembly.digests ??= assembly.hashes.leaves ?? new Uint8Array(20 * assembly.blockCount)
    if (wantsDigests && assembly.hashes.leaves === undefined && assembly.digested < assembly.blockCount) {
      this.#askFor(assembly, assembly.digested)
      return
    }
    this.#finish(assembly)
  }

  /** Hashes the blocks in memory that come next, if they are enough to be worth it. Returns whether there are any. */
  #hashHeld(assembly: Assembly, isUrgent: boolean): boolean {
    const { hashes, buffers, blockCount, received } = assembly
    const first = hashes.nextBlock
    let end = first
    while (end < blockCount && buffers[end] !== undefined) end++
    if (end === first) return false
    const enough = this.#hash.lanes > 1 && this.#keptShare < KEPT_SHARE_MAX / 2 ? SIDE_BY_SIDE_BLOCKS : RUN_BLOCKS
    if (end - first < enough && received < blockCount && !isUrgent) return true
    for (let block = first; block < end; block++) {
      if (isKept(assembly, block)) this.#pool.kept--
      assembly.users[block]++
    }
    const held = buffers.slice(first, end) as Uint8Array[]
    this.#hashParts(assembly, end - first, this.#parts(assembly, first, held))
    return true
  }

  #hashParts(assembly: Assembly, blockCount: number, parts: readonly Uint8Array[]): void {
    const { piece, hashes } = assembly
    assembly.isBusy = true
    const work = hashes.work(blockCount, parts)
    this.#effects.push({ type: 'hash', piece, firstBlock: hashes.nextBlock, blockCount, work, assembly })
  }

  /** Asks for a run of blocks that are on the disk and not in memory. */
  #askFor(assembly: Assembly, firstBlock: number): void {
    if (assembly.states[firstBlock] !== WRITTEN) return
    let blockCount = 0
    while (
      blockCount < RUN_BLOCKS &&
      firstBlock + blockCount < assembly.blockCount &&
      assembly.states[firstBlock + blockCount] === WRITTEN &&
      assembly.buffers[firstBlock + blockCount] === undefined
    ) {
      blockCount++
    }
    assembly.isBusy = true
    this.#effects.push({ type: 'read', piece: assembly.piece, firstBlock, blockCount, assembly })
  }

  #finish(assembly: Assembly): void {
    const { piece, digests } = assembly
    this.#release(assembly)
    if (assembly.verdict) {
      this.#suspicious.delete(piece)
      this.#effects.push({ type: 'verified', piece, digests })
    } else {
      this.#suspicious.add(piece)
      this.#effects.push({ type: 'failed', piece, digests: digests! })
    }
  }

  /** The disk failed: nobody is to blame, so there are no digests. */
  #giveUp(assembly: Assembly): void {
    this.#release(assembly)
    this.#effects.push({ type: 'failed', piece: assembly.piece, digests: new Uint8Array(0) })
  }

  /** Forgets a piece and frees what it holds; what is being written or hashed is freed when that is over. */
  #release(assembly: Assembly): void {
    this.#assemblies.delete(assembly.piece)
    assembly.isReleased = true
    assembly.buffers.forEach((buffer, block) => {
      if (assembly.states[block] === HELD) this.#pool.held--
      if (buffer === undefined || assembly.users[block] > 0) return
      if (isKept(assembly, block)) this.#pool.kept--
      this.#pool.give(buffer)
    })
  }
}
