/** How often a limit is refilled. */
export const REFILL_MS = 50
/** So much time's worth may move at once; never less than one block. */
const BURST_MS = 100
const BURST_MIN_BYTES = 16_384

/**
 * A bucket that fills with the bytes that may move. It begins empty and holds little, so that a limit holds from the first
 * second on. Blocks move whole: the bucket may go below zero, and is in debt then.
 */
export class RateLimiter {
  #bytesPerSecond: number
  #tokens = 0
  #refilledAt: number

  /** @param bytesPerSecond `Infinity` for no limit */
  constructor(bytesPerSecond: number, now: number) {
    this.#bytesPerSecond = bytesPerSecond
    this.#refilledAt = now
  }

  get isLimited(): boolean {
    return Number.isFinite(this.#bytesPerSecond)
  }

  setLimit(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond
  }

  /** How many bytes may move now. */
  available(now: number): number {
    if (!this.isLimited) return Number.POSITIVE_INFINITY
    const burst = Math.max(BURST_MIN_BYTES, (this.#bytesPerSecond * BURST_MS) / 1000)
    const gained = ((now - this.#refilledAt) * this.#bytesPerSecond) / 1000
    this.#tokens = Math.min(burst, this.#tokens + gained)
    this.#refilledAt = now
    return this.#tokens
  }

  take(bytes: number): void {
    if (this.isLimited) this.#tokens -= bytes
  }
}
