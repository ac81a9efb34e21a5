/** Stops what a timer would still do. */
export type Cancel = () => void

/** How a shell is called back; never from inside the call. */
export interface Timers {
  /** Once, after a while. */
  after(delayMs: number, task: () => void): Cancel
  /** Again and again; keeps no process alive by itself. */
  every(periodMs: number, task: () => void): Cancel
  /** Once, after what is going on now and whatever else is due. */
  soon(task: () => void): void
}
