import { toHexReversed } from '../../base/bytes/bytes.ts'
import { invariant } from '../../base/errors.ts'
import type { HeaderSource } from '../consensus/header-source.ts'
import { blockWork } from '../consensus/proof-of-work.ts'
import { type BlockHeader, decodeHeader, encodeHeader, HEADER_SIZE } from '../primitives/block.ts'
import { BLOCK_FAILED_VALID, BLOCK_VALID_MASK } from './block-status.ts'

/** Core's sequence numbers for blocks known before this start: those of the best chain come first. */
export const SEQUENCE_BEST_CHAIN_FROM_DISK = 0
export const SEQUENCE_FROM_DISK = 1

const FIRST_CAPACITY = 1024

/** A table that has grown: the same numbers in a longer array. */
function grown<T extends Uint8Array | Int32Array | Uint32Array | Float64Array>(old: T, length: number): T {
  const next = new (old.constructor as new (length: number) => T)(length)
  next.set(old as never)
  return next
}

/** Highest height whose skip pointer is worth following: the usual walk with its lowest bits turned off. */
function skipHeight(height: number): number {
  if (height < 2) return 0
  const clearLowest = (n: number): number => n & (n - 1)
  return height & 1 ? clearLowest(clearLowest(height - 1)) + 1 : clearLowest(height)
}

/**
 * All known headers as columns, numbered in the order in which they came: about 200 bytes a header, however many there are.
 * A header's parent always has a smaller number. Entries are never removed.
 */
export class BlockIndex implements HeaderSource {
  #count = 0
  #headers = new Uint8Array(HEADER_SIZE * FIRST_CAPACITY)
  #hashes = new Uint8Array(32 * FIRST_CAPACITY)
  #previous = new Int32Array(FIRST_CAPACITY)
  #skip = new Int32Array(FIRST_CAPACITY)
  #height = new Int32Array(FIRST_CAPACITY)
  #time = new Uint32Array(FIRST_CAPACITY)
  #timeMax = new Uint32Array(FIRST_CAPACITY)
  #status = new Uint32Array(FIRST_CAPACITY)
  #file = new Int32Array(FIRST_CAPACITY)
  #dataPosition = new Uint32Array(FIRST_CAPACITY)
  #undoPosition = new Uint32Array(FIRST_CAPACITY)
  #txCount = new Uint32Array(FIRST_CAPACITY)
  #chainTxCount = new Float64Array(FIRST_CAPACITY)
  #sequence = new Float64Array(FIRST_CAPACITY)
  readonly #work: bigint[] = []
  /** Open addressing on the first four bytes of the hash, which work has made as good as random; holds number + 1. */
  #slots = new Int32Array(2 * FIRST_CAPACITY)
  /** Entries changed since they were last written. */
  readonly dirty = new Set<number>()

  /** How many headers are known; their numbers are 0 to this. */
  get count(): number {
    return this.#count
  }

  #slotOf(hash: Uint8Array): number {
    const mask = this.#slots.length - 1
    let slot = (hash[0] | (hash[1] << 8) | (hash[2] << 16) | (hash[3] << 24)) & mask
    for (;;) {
      const entry = this.#slots[slot]
      if (entry === 0 || this.#hashIs(entry - 1, hash)) return slot
      slot = (slot + 1) & mask
    }
  }

  #hashIs(id: number, hash: Uint8Array): boolean {
    const at = 32 * id
    for (let i = 0; i < 32; i++) if (this.#hashes[at + i] !== hash[i]) return false
    return true
  }

  /** The number of the header with this hash, -1 if there is none. */
  find(hash: Uint8Array): number {
    return this.#slots[this.#slotOf(hash)] - 1
  }

  #grow(): void {
    const capacity = 2 * this.#height.length
    this.#headers = grown(this.#headers, HEADER_SIZE * capacity)
    this.#hashes = grown(this.#hashes, 32 * capacity)
    this.#previous = grown(this.#previous, capacity)
    this.#skip = grown(this.#skip, capacity)
    this.#height = grown(this.#height, capacity)
    this.#time = grown(this.#time, capacity)
    this.#timeMax = grown(this.#timeMax, capacity)
    this.#status = grown(this.#status, capacity)
    this.#file = grown(this.#file, capacity)
    this.#dataPosition = grown(this.#dataPosition, capacity)
    this.#undoPosition = grown(this.#undoPosition, capacity)
    this.#txCount = grown(this.#txCount, capacity)
    this.#chainTxCount = grown(this.#chainTxCount, capacity)
    this.#sequence = grown(this.#sequence, capacity)
    this.#slots = new Int32Array(2 * capacity)
    for (let id = 0; id < this.#count; id++) this.#slots[this.#slotOf(this.hash(id))] = id + 1
  }

  /** Adds a header whose parent is known (or which is the genesis block's) and which itself is not; returns its number. */
  add(header: BlockHeader, hash: Uint8Array, status: number): number {
    if (this.#count === this.#height.length) this.#grow()
    const slot = this.#slotOf(hash)
    invariant(this.#slots[slot] === 0, 'header added twice')
    const previous = this.#count === 0 ? -1 : this.find(header.previous)
    invariant(previous >= 0 || this.#count === 0, 'header added without its parent')
    const id = this.#count++
    const height = previous < 0 ? 0 : this.#height[previous] + 1
    this.#slots[slot] = id + 1
    this.#headers.set(encodeHeader(header), HEADER_SIZE * id)
    this.#hashes.set(hash, 32 * id)
    this.#previous[id] = previous
    this.#height[id] = height
    this.#skip[id] = previous < 0 ? -1 : this.ancestor(previous, skipHeight(height))
    this.#time[id] = header.time
    this.#timeMax[id] = previous < 0 ? header.time : Math.max(header.time, this.#timeMax[previous])
    this.#status[id] = status
    this.#file[id] = -1
    this.#sequence[id] = SEQUENCE_FROM_DISK
    this.#work.push((previous < 0 ? 0n : this.#work[previous]) + blockWork(header.bits))
    this.dirty.add(id)
    return id
  }

  /** The 32 bytes of the hash in internal order; a view that the next `add` may leave behind. */
  hash(id: number): Uint8Array {
    return this.#hashes.subarray(32 * id, 32 * id + 32)
  }

  hashHex(id: number): string {
    return toHexReversed(this.hash(id))
  }

  header(id: number): BlockHeader {
    return decodeHeader(this.#headers, HEADER_SIZE * id)
  }

  headerBytes(id: number): Uint8Array {
    return this.#headers.slice(HEADER_SIZE * id, HEADER_SIZE * (id + 1))
  }

  height(id: number): number {
    return this.#height[id]
  }

  previous(id: number): number {
    return this.#previous[id]
  }

  time(id: number): number {
    return this.#time[id]
  }

  /** The latest time of a header and all before it. */
  timeMax(id: number): number {
    return this.#timeMax[id]
  }

  #headerWord(id: number, offset: number): number {
    const at = HEADER_SIZE * id + offset
    const b = this.#headers
    return b[at] | (b[at + 1] << 8) | (b[at + 2] << 16) | (b[at + 3] << 24)
  }

  bits(id: number): number {
    return this.#headerWord(id, 72) >>> 0
  }

  version(id: number): number {
    return this.#headerWord(id, 0)
  }

  /** Work of the chain up to and including a header. */
  work(id: number): bigint {
    return this.#work[id]
  }

  ancestor(id: number, height: number): number {
    let at = id
    let here = this.#height[at]
    invariant(height >= 0 && height <= here, `no ancestor at height ${height}`)
    while (here > height) {
      const skipTo = skipHeight(here)
      const previousSkipTo = skipHeight(here - 1)
      // Follow the skip unless the parent's skip would reach further without overshooting.
      if (skipTo === height || (skipTo > height && !(previousSkipTo < skipTo - 2 && previousSkipTo >= height))) {
        at = this.#skip[at]
        here = skipTo
      } else {
        at = this.#previous[at]
        here--
      }
    }
    return at
  }

  /** Whether `ancestor` is `id` or one that it descends from. */
  isAncestor(ancestor: number, id: number): boolean {
    return this.#height[id] >= this.#height[ancestor] && this.ancestor(id, this.#height[ancestor]) === ancestor
  }

  /** The last header that two chains have in common. */
  fork(a: number, b: number): number {
    const height = Math.min(this.#height[a], this.#height[b])
    let left = this.ancestor(a, height)
    let right = this.ancestor(b, height)
    while (left !== right) {
      // Skips of equal heights lead to equal heights: where they part, the fork lies below both.
      const below = this.#skip[left] !== this.#skip[right]
      left = below ? this.#skip[left] : this.#previous[left]
      right = below ? this.#skip[right] : this.#previous[right]
    }
    return left
  }

  status(id: number): number {
    return this.#status[id]
  }

  hasStatus(id: number, bits: number): boolean {
    return (this.#status[id] & bits) !== 0
  }

  setStatus(id: number, bits: number): void {
    this.#status[id] |= bits
    this.dirty.add(id)
  }

  clearStatus(id: number, bits: number): void {
    this.#status[id] &= ~bits
    this.dirty.add(id)
  }

  /** Whether a block is known to be at least this valid, and not failed. */
  isValid(id: number, level: number): boolean {
    const status = this.#status[id]
    return (status & BLOCK_FAILED_VALID) === 0 && (status & BLOCK_VALID_MASK) >= level
  }

  /** Raises the level of validity of a block that has not failed. */
  raiseValidity(id: number, level: number): void {
    const status = this.#status[id]
    if ((status & BLOCK_FAILED_VALID) !== 0 || (status & BLOCK_VALID_MASK) >= level) return
    this.#status[id] = (status & ~BLOCK_VALID_MASK) | level
    this.dirty.add(id)
  }

  file(id: number): number {
    return this.#file[id]
  }

  dataPosition(id: number): number {
    return this.#dataPosition[id]
  }

  undoPosition(id: number): number {
    return this.#undoPosition[id]
  }

  setPosition(id: number, file: number, dataPosition: number): void {
    this.#file[id] = file
    this.#dataPosition[id] = dataPosition
    this.dirty.add(id)
  }

  setUndoPosition(id: number, undoPosition: number): void {
    this.#undoPosition[id] = undoPosition
    this.dirty.add(id)
  }

  txCount(id: number): number {
    return this.#txCount[id]
  }

  setTxCount(id: number, count: number): void {
    this.#txCount[id] = count
    this.dirty.add(id)
  }

  /** Transactions in the chain up to a block, 0 while any block on the way is missing. */
  chainTxCount(id: number): number {
    return this.#chainTxCount[id]
  }

  /** Derives {@link chainTxCount} from the parent's. */
  linkTxCount(id: number): void {
    const previous = this.#previous[id]
    this.#chainTxCount[id] = this.#txCount[id] + (previous < 0 ? 0 : this.#chainTxCount[previous])
  }

  /** The order in which chains of equal work became complete; smaller came first and wins. */
  sequence(id: number): number {
    return this.#sequence[id]
  }

  setSequence(id: number, sequence: number): void {
    this.#sequence[id] = sequence
  }

  /** Total order of tips: positive where `a` is the better one. */
  compare(a: number, b: number): number {
    if (a === b) return 0
    if (this.#work[a] !== this.#work[b]) return this.#work[a] > this.#work[b] ? 1 : -1
    if (this.#sequence[a] !== this.#sequence[b]) return this.#sequence[a] < this.#sequence[b] ? 1 : -1
    return a < b ? 1 : -1
  }
}
