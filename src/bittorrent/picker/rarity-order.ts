import { invariant } from '../../base/errors.ts'
import type { Random } from '../../base/ports/random.ts'

/** Availability beyond this is all the same to us. */
const AVAILABILITY_MAX = 63
const PRIORITY_MAX = 7
const BUCKETS = PRIORITY_MAX * (AVAILABILITY_MAX + 1)
const ABSENT = 0xffff_ffff

const NOTHING = new Uint32Array(0)

/**
 * Pieces in the order in which they should be begun: higher priority first, then the rarer, then by luck. Pieces lie in
 * buckets of equal rank, side by side in one array, so that a piece moves to a neighbouring bucket by one swap. While none is in, it
 * holds no memory: thousands of torrents have nothing to fetch.
 */
export class RarityOrder {
  readonly #random: Random
  readonly #pieceCount: number
  #pieces = NOTHING
  #position = NOTHING
  #bucketOf: Uint16Array | Uint32Array = NOTHING
  /** Where each bucket ends; no buckets at all while no piece is in. */
  #ends = NOTHING

  constructor(pieceCount: number, random: Random) {
    this.#random = random
    this.#pieceCount = pieceCount
  }

  #allocate(): void {
    this.#pieces = new Uint32Array(this.#pieceCount)
    this.#position = new Uint32Array(this.#pieceCount).fill(ABSENT)
    this.#bucketOf = new Uint16Array(this.#pieceCount)
    this.#ends = new Uint32Array(BUCKETS)
  }

  get size(): number {
    return this.#ends.length === 0 ? 0 : this.#ends[BUCKETS - 1]
  }

  /** The piece at a place in the order. */
  at(index: number): number {
    return this.#pieces[index]
  }

  has(piece: number): boolean {
    return this.#ends.length > 0 && this.#position[piece] !== ABSENT
  }

  /** Puts all pieces in, of which none may be in yet, at one rank. */
  addAll(priority: number, availability: number): void {
    invariant(this.size === 0, 'pieces are in the order already')
    if (this.#pieceCount === 0) return
    this.#allocate()
    const bucket = rank(priority, availability)
    this.#bucketOf.fill(bucket)
    this.#ends.fill(this.#pieceCount, bucket)
    this.#place(0, 0)
    for (let piece = 1; piece < this.#pieceCount; piece++) {
      const index = this.#random.below(piece + 1)
      if (index !== piece) this.#place(this.#pieces[index], piece)
      this.#place(piece, index)
    }
  }

  /** Puts a piece in. `priority` is 1 to 7. */
  add(piece: number, priority: number, availability: number): void {
    invariant(!this.has(piece), `piece ${piece} is in the order already`)
    if (this.#ends.length === 0) this.#allocate()
    const bucket = rank(priority, availability)
    // The hole opens behind the last bucket and travels to the end of the right one.
    let hole = this.size
    for (let b = BUCKETS - 1; b > bucket; b--) {
      const start = this.#ends[b - 1]
      if (start !== hole) this.#place(this.#pieces[start], hole)
      hole = start
      this.#ends[b]++
    }
    this.#ends[bucket]++
    this.#place(piece, hole)
    this.#bucketOf[piece] = bucket
    this.#shuffleIn(bucket, hole)
  }

  /** Takes a piece out, if it is in. */
  remove(piece: number): void {
    if (!this.has(piece)) return
    let hole = this.#position[piece]
    for (let b = this.#bucketOf[piece]; b < BUCKETS; b++) {
      const last = this.#ends[b] - 1
      if (last !== hole) this.#place(this.#pieces[last], hole)
      hole = last
      this.#ends[b]--
    }
    this.#position[piece] = ABSENT
    if (this.size === 0) this.#pieces = this.#position = this.#bucketOf = this.#ends = NOTHING
  }

  /** A piece that is in has become more or less available. */
  update(piece: number, priority: number, availability: number): void {
    if (!this.has(piece)) return
    const target = rank(priority, availability)
    let bucket = this.#bucketOf[piece]
    while (bucket < target) {
      this.#swap(this.#position[piece], --this.#ends[bucket])
      bucket++
    }
    while (bucket > target) {
      this.#swap(this.#position[piece], this.#ends[bucket - 1]++)
      bucket--
    }
    this.#bucketOf[piece] = bucket
    this.#shuffleIn(bucket, this.#position[piece])
  }

  #place(piece: number, index: number): void {
    this.#pieces[index] = piece
    this.#position[piece] = index
  }

  #swap(a: number, b: number): void {
    const pieceA = this.#pieces[a]
    this.#place(this.#pieces[b], a)
    this.#place(pieceA, b)
  }

  /** Gives a newcomer a random place within its bucket. */
  #shuffleIn(bucket: number, index: number): void {
    const start = bucket === 0 ? 0 : this.#ends[bucket - 1]
    const length = this.#ends[bucket] - start
    if (length > 1) this.#swap(index, start + this.#random.below(length))
  }
}

function rank(priority: number, availability: number): number {
  return (PRIORITY_MAX - priority) * (AVAILABILITY_MAX + 1) + Math.min(availability, AVAILABILITY_MAX)
}
