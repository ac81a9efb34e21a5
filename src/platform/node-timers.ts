import type { Timers } from '../base/ports/timers.ts'

/** Node's event loop. */
export const nodeTimers: Timers = {
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs)
    return () => clearTimeout(timer)
  },
  every(periodMs, task) {
    const timer = setInterval(task, periodMs)
    timer.unref()
    return () => clearInterval(timer)
  },
  soon(task) {
    setImmediate(task)
  },
}
