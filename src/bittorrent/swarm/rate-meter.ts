const SLOTS = 8
const SLOT_MS = 500

/** Bytes a second over the last four seconds; over less while it is young, so that a beginning counts at once. */
export class RateMeter {
  /** Empty before the first byte: thousands of torrents wait for theirs. */
  #slots: number[] = []
  #slot = -1
  #firstSlot = 0
  #total = 0

  /** Bytes since it was made. */
  get total(): number {
    return this.#total
  }

  add(bytes: number, now: number): void {
    if (this.#slot < 0) this.#slots = new Array<number>(SLOTS).fill(0)
    this.#turn(now)
    this.#slots[this.#slot % SLOTS] += bytes
    this.#total += bytes
  }

  rate(now: number): number {
    if (this.#slot < 0) return 0
    this.#turn(now)
    let sum = 0
    for (const bytes of this.#slots) sum += bytes
    const slots = Math.min(
      SLOTS - 1 + (now % SLOT_MS) / SLOT_MS,
      this.#slot - this.#firstSlot + (now % SLOT_MS) / SLOT_MS,
    )
    return sum / (Math.max(0.5, slots) * (SLOT_MS / 1000))
  }

  /** Empties the slots that have become too old. */
  #turn(now: number): void {
    const slot = Math.floor(now / SLOT_MS)
    if (this.#slot < 0) this.#firstSlot = this.#slot = slot
    if (slot - this.#slot >= SLOTS) {
      this.#slots.fill(0)
      // After a pause it is young again.
      this.#firstSlot = this.#slot = slot
    }
    while (this.#slot < slot) this.#slots[++this.#slot % SLOTS] = 0
  }
}
