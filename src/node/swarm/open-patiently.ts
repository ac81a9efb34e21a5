import { setTimeout } from 'node:timers/promises'

/** Where the system has no more open files: how soon, and how many times, it is asked again. */
const RETRY_MS = 200
const TRIES_MAX = 50

const TOO_MANY_CODES: readonly unknown[] = ['EMFILE', 'ENFILE', 'EAGAIN', 'too-many-open-files']

/** Whether a file could not be opened because too many are open: that says nothing about the file. */
export function isTooManyOpen(error: unknown): boolean {
  return TOO_MANY_CODES.includes((error as NodeJS.ErrnoException).code)
}

/**
 * Does what opens files; where the system has no more of them, again and again for a while.
 *
 * @param makeRoom called before it is tried again
 */
export async function openPatiently<T>(work: () => Promise<T>, makeRoom?: () => void): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!isTooManyOpen(error) || tries === TRIES_MAX) throw error
    }
    makeRoom?.()
    await setTimeout(RETRY_MS)
  }
}

/** {@link openPatiently} for threads that may be blocked. */
export function openPatientlySync<T>(work: () => T): T {
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  for (let tries = 1; ; tries++) {
    try {
      return work()
    } catch (error) {
      if (!isTooManyOpen(error) || tries === TRIES_MAX) throw error
    }
    Atomics.wait(sleeper, 0, 0, RETRY_MS)
  }
}
