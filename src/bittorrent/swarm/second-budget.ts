const SECOND_MS = 1000

/** Counts what is done at the wish of others, second by second. */
export class SecondBudget {
  readonly #max: number
  #since = Number.NEGATIVE_INFINITY
  #used = 0

  /** @param max units a second */
  constructor(max: number) {
    this.#max = max
  }

  /** Takes so many units; false where there are not as many left. A second's first wish is granted, however large it is. */
  take(units: number, now: number): boolean {
    if (now - this.#since >= SECOND_MS) {
      this.#since = now
      this.#used = 0
    }
    if (this.#used > 0 && this.#used + units > this.#max) return false
    this.#used += units
    return true
  }
}
