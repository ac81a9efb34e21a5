/** How often a limit is refilled: what moves at once is one part in two hundred of a second's worth. */
export const REFILL_MS = 5
/** So much time's worth may be caught up on after a delay, while bytes move; after a rest no more than a block. */
const BURST_MS = 250
const BURST_MIN_BYTES = 16_384
/** What has moved of late is counted in slots, one more than make up a second. */
const SLOT_MS = 5
const SLOTS = 1000 / SLOT_MS + 1

/**
 * A bucket that fills with the bytes that may move. It begins empty and holds little, and whatever is caught up on, no second holds
 * more than the limit and a two-hundredth. Blocks move whole: the bucket may go below zero, and is in debt then.
 */
export class RateLimiter {
  #bytesPerSecond: number
  #tokens = 0
  #refilledAt: number
  #movedAt = Number.NEGATIVE_INFINITY
  /** Empty while there is no limit: thousands of torrents have none of their own. */
  #moved: number[] = []
  #movedTotal = 0
  #slot: number

  /** @param bytesPerSecond `Infinity` for no limit */
  constructor(bytesPerSecond: number, now: number) {
    this.#bytesPerSecond = bytesPerSecond
    this.#refilledAt = now
    this.#slot = Math.floor(now / SLOT_MS)
    this.setLimit(bytesPerSecond)
  }

  get isLimited(): boolean {
    return Number.isFinite(this.#bytesPerSecond)
  }

  setLimit(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond
    if (this.isLimited && this.#moved.length === 0) this.#moved = new Array<number>(SLOTS).fill(0)
  }

  /** How many bytes may move now. */
  available(now: number): number {
    if (!this.isLimited) return Number.POSITIVE_INFINITY
    const rested = now - this.#movedAt > BURST_MS
    const burst = rested ? BURST_MIN_BYTES : Math.max(BURST_MIN_BYTES, (this.#bytesPerSecond * BURST_MS) / 1000)
    const gained = ((now - this.#refilledAt) * this.#bytesPerSecond) / 1000
    this.#tokens = Math.min(burst, this.#tokens + gained)
    this.#refilledAt = now
    this.#turn(now)
    const window = Math.max(BURST_MIN_BYTES, (this.#bytesPerSecond * SLOTS * SLOT_MS) / 1000)
    return Math.min(this.#tokens, window - this.#movedTotal)
  }

  /** Bytes move, whether they may or not; negative where they did not after all. */
  take(bytes: number, now: number): void {
    if (!this.isLimited) return
    this.#turn(now)
    this.#tokens -= bytes
    if (bytes > 0) this.#movedAt = now
    this.#moved[this.#slot % SLOTS] += bytes
    this.#movedTotal += bytes
  }

  /** Forgets what moved more than a second ago. */
  #turn(now: number): void {
    const slot = Math.floor(now / SLOT_MS)
    const first = Math.max(this.#slot + 1, slot - SLOTS + 1)
    for (let next = first; next <= slot; next++) {
      this.#movedTotal -= this.#moved[next % SLOTS]
      this.#moved[next % SLOTS] = 0
    }
    this.#slot = slot
  }
}
