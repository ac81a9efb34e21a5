import type { Clock } from '../base/ports/clock.ts'
import type { Cancel, Timers } from '../base/ports/timers.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Clock and timers of one machine of a virtual world: its time of day may be wrong, and jump; its timers end when it does. */
export class MachineClock implements Clock, Timers {
  readonly #world: VirtualClock
  readonly #timeOfDayMs: () => number
  readonly #periodMsMin: number
  readonly #periodic = new Set<Cancel>()
  #stopped = false

  /**
   * @param timeOfDayMs milliseconds since 1970, as this machine has them
   * @param periodMsMin what is asked for more often is done as often as this, so that long times go by quickly
   */
  constructor(world: VirtualClock, timeOfDayMs: () => number, periodMsMin = 0) {
    this.#periodMsMin = periodMsMin
    this.#world = world
    this.#timeOfDayMs = timeOfDayMs
  }

  get isStopped(): boolean {
    return this.#stopped
  }

  now(): number {
    return this.#timeOfDayMs()
  }

  monotonic(): number {
    return this.#world.timeMs
  }

  #unlessStopped(task: () => void): () => void {
    return () => {
      if (!this.#stopped) task()
    }
  }

  after(delayMs: number, task: () => void): Cancel {
    return this.#world.after(delayMs, this.#unlessStopped(task))
  }

  every(periodMs: number, task: () => void): Cancel {
    if (this.#stopped) return () => {}
    const cancel = this.#world.every(Math.max(periodMs, this.#periodMsMin), task)
    this.#periodic.add(cancel)
    return () => {
      this.#periodic.delete(cancel)
      cancel()
    }
  }

  soon(task: () => void): void {
    this.#world.soon(this.#unlessStopped(task))
  }

  /** The machine is off: nothing that was to happen on it does. */
  stop(): void {
    this.#stopped = true
    for (const cancel of this.#periodic) cancel()
    this.#periodic.clear()
  }
}
