import { BUCKET_SIZE } from './bucket-placer.ts'

/** A place that nobody stands in. */
export const EMPTY = -1

/** A table of buckets: the row of each place. */
export class BucketTable {
  readonly #places: Int32Array
  /** How many stand in each bucket. */
  readonly #counts: Uint8Array
  /** Buckets in which somebody stands; undefined where that has changed. */
  #inhabited: number[] | undefined

  constructor(buckets: number) {
    this.#places = new Int32Array(buckets * BUCKET_SIZE).fill(EMPTY)
    this.#counts = new Uint8Array(buckets)
  }

  /** The rows, bucket by bucket; changed by {@link BucketTable.put} alone. */
  get places(): Int32Array {
    return this.#places
  }

  at(place: number): number {
    return this.#places[place]
  }

  /** Puts a row, or {@link EMPTY}, into a place. */
  put(place: number, row: number): void {
    const change = Number(row !== EMPTY) - Number(this.#places[place] !== EMPTY)
    this.#places[place] = row
    if (change === 0) return
    const bucket = Math.floor(place / BUCKET_SIZE)
    const before = this.#counts[bucket]
    this.#counts[bucket] = before + change
    if (before === 0 || this.#counts[bucket] === 0) this.#inhabited = undefined
  }

  /** Buckets in which somebody stands: what is drawn among them need not be drawn again for nothing. */
  get inhabited(): readonly number[] {
    if (this.#inhabited === undefined) {
      this.#inhabited = []
      for (const [bucket, count] of this.#counts.entries()) if (count > 0) this.#inhabited.push(bucket)
    }
    return this.#inhabited
  }
}
