/** Tasks go on for so long before others have their turn. */
const TURN_MS = 5

/**
 * Work of milliseconds that many connections may ask for at once, such as BIP324's key agreement: done bit by bit, so that all else goes
 * on in between.
 */
export class Turns {
  readonly #monotonic: () => number
  readonly #defer: (task: () => void) => void
  #waiting: (() => void)[] = []

  /** @param defer calls back after what is going on now, and after what else is due */
  constructor(monotonic: () => number, defer: (task: () => void) => void) {
    this.#monotonic = monotonic
    this.#defer = defer
  }

  /** Does a task later, in the order of the calls. */
  take(task: () => void): void {
    this.#waiting.push(task)
    if (this.#waiting.length === 1) this.#defer(() => this.#go())
  }

  #go(): void {
    const until = this.#monotonic() + TURN_MS
    const tasks = this.#waiting
    let done = 0
    do tasks[done++]()
    while (done < tasks.length && this.#monotonic() < until)
    this.#waiting = tasks.slice(done)
    if (this.#waiting.length > 0) this.#defer(() => this.#go())
  }
}
