import { type Allocate, allocateOrdinary } from './transport.ts'

/** Memory set aside ahead of what has come: a peer that promises much and sends little costs us no more. */
export const COLLECT_AHEAD_BYTES_MAX = 256 * 1024

/**
 * Puts together a known number of bytes out of chunks. Memory doubles as bytes come, so each byte is copied twice at most on
 * average, whatever the sizes of the chunks.
 */
export class ChunkCollector {
  readonly #allocate: Allocate
  #buffer: Uint8Array | undefined
  #filled = 0
  #length = 0

  constructor(allocate = allocateOrdinary) {
    this.#allocate = allocate
  }

  /** From now on `length` bytes are collected; what was there before is let go. */
  expect(length: number): void {
    this.#buffer = undefined
    this.#filled = 0
    this.#length = length
  }

  get complete(): boolean {
    return this.#filled === this.#length
  }

  /** Takes what it still needs of `chunk` from `start` on; returns where it stopped. */
  take(chunk: Uint8Array, start: number): number {
    const run = Math.min(this.#length - this.#filled, chunk.length - start)
    if (run > 0) {
      const buffer = this.#room(run)
      buffer.set(start === 0 && run === chunk.length ? chunk : chunk.subarray(start, start + run), this.#filled)
      this.#filled += run
    }
    return start + run
  }

  /** The bytes, once they are complete; they belong to the caller. */
  finish(): Uint8Array {
    const bytes = this.#buffer ?? this.#allocate(0)
    this.#buffer = undefined
    return bytes
  }

  #room(run: number): Uint8Array {
    const need = this.#filled + run
    const held = this.#buffer
    if (held !== undefined && held.length >= need) return held
    const ahead = held === undefined ? need + COLLECT_AHEAD_BYTES_MAX : Math.max(need, 2 * held.length)
    const grown = this.#allocate(Math.min(this.#length, ahead))
    if (held !== undefined) grown.set(held.subarray(0, this.#filled))
    this.#buffer = grown
    return grown
  }
}
