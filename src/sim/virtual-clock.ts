import type { Cancel, Timers } from '../base/ports/timers.ts'
import { EventQueue } from './event-queue.ts'

/** Lets all promises go on as far as they can. */
function settle(): Promise<void> {
  // The one thing of the real world in here: it has no time of its own, but it empties the queue of microtasks.
  return new Promise(resolve => setImmediate(resolve))
}

/**
 * The time of a virtual world, in whole milliseconds from 0 on: it stands still while anything is done, then leaps to the next event. All
 * that happens does so in one order, which is the same whenever the world is run again.
 *
 * @example
 * const clock = new VirtualClock()
 * clock.after(60_000, () => ring())
 * await clock.runFor(3_600_000)
 */
export class VirtualClock implements Timers {
  readonly #queue = new EventQueue()
  #soon: (() => void)[] = []
  #timeMs = 0
  /** Tasks that were run so far. */
  taskCount = 0

  /** Milliseconds since the world began. */
  get timeMs(): number {
    return this.#timeMs
  }

  after(delayMs: number, task: () => void): Cancel {
    const event = this.#queue.add(this.#timeMs + Math.max(Math.ceil(delayMs), 0), task)
    return () => {
      event.task = undefined
    }
  }

  every(periodMs: number, task: () => void): Cancel {
    let cancel: Cancel
    const turn = (): void => {
      cancel = this.after(periodMs, turn)
      task()
    }
    cancel = this.after(periodMs, turn)
    return () => cancel()
  }

  soon(task: () => void): void {
    this.#soon.push(task)
  }

  /** Does what is due at this moment. */
  #runDue(): boolean {
    const queue = this.#queue
    let ran = false
    for (;;) {
      const soon = this.#soon
      if (soon.length > 0) {
        this.#soon = []
        for (const task of soon) task()
        this.taskCount += soon.length
        ran = true
        continue
      }
      if (queue.first === undefined || queue.first.timeMs > this.#timeMs) return ran
      const { task } = queue.take()!
      if (task === undefined) continue
      task()
      this.taskCount++
      ran = true
    }
  }

  /** Goes on to the next moment at which something happens, and does it; false where nothing is left by `untilMs`. */
  async step(untilMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    // What promises go on with belongs to this moment, and so does what comes of it.
    do await settle()
    while (this.#runDue())
    const next = this.#queue.first
    if (next === undefined || next.timeMs > untilMs) return false
    this.#timeMs = next.timeMs
    this.#runDue()
    return true
  }

  /** Lets so much time pass, or less where `isOver` says so between two moments. */
  async runFor(durationMs: number, isOver: () => boolean = () => false): Promise<void> {
    const end = this.#timeMs + durationMs
    while (!isOver()) {
      if (await this.step(end)) continue
      this.#timeMs = end
      return
    }
  }
}
