import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'

/** How often a full disk is looked at, and how much room there must be to go on: all that is missing, within reason. */
const ROOM_CHECK_MS = 2000
/** How seldom at most, where it was full again though there seemed to be room; as long without that, and all is forgotten. */
const ROOM_CHECK_MAX_MS = 3_600_000
const ROOM_BYTES_MIN = 256 * 1024
const ROOM_BYTES_MAX = 64 * 1024 * 1024

/** Whether something failed because there is no room, or no more for whoever runs this. */
export function isDiskFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/** Bytes that are free for us where a path is, or will be. */
export async function freeBytes(path: string): Promise<number> {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at)
      return bavail * bsize
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(at) === at) throw error
    }
  }
}

/** Waits for room on a disk that was full. */
export class RoomWait {
  /** When to look again; `undefined` while there is room. */
  #nextCheck: number | undefined
  #checkMs = ROOM_CHECK_MS
  /** When it was full, or looked at because of that, last. */
  #fullAt = Number.NEGATIVE_INFINITY

  get isWaiting(): boolean {
    return this.#nextCheck !== undefined
  }

  /**
   * It was full. Quotas, and names that are used up, do not show in the bytes that are free: whoever went on as soon as there seemed to
   * be room would fetch the same from strangers again and again.
   */
  begin(now: number): void {
    const isAgain = now - this.#fullAt < ROOM_CHECK_MAX_MS
    this.#checkMs = isAgain ? Math.min(2 * this.#checkMs, ROOM_CHECK_MAX_MS) : ROOM_CHECK_MS
    this.#checkLater(now)
  }

  #checkLater(now: number): void {
    this.#fullAt = now
    this.#nextCheck = now + this.#checkMs
  }

  end(): void {
    this.#nextCheck = undefined
  }

  /** Whether it is time to look for room. */
  isDue(now: number): boolean {
    return this.#nextCheck !== undefined && now >= this.#nextCheck
  }

  /** Whether so many bytes, within reason, have room in the folder, and a few in the one for states. */
  async look(bytes: number, folder: string, stateFolder: string, now: number): Promise<boolean> {
    this.#checkLater(now)
    const wanted = Math.min(bytes, ROOM_BYTES_MAX) + ROOM_BYTES_MIN
    const [free, stateFree] = await Promise.all([folder, stateFolder].map(freeBytes)).catch(() => [0, 0])
    if (!this.isWaiting) return false
    if (free >= wanted && stateFree >= ROOM_BYTES_MIN) return true
    // What shows that it is full will show that it no longer is.
    this.#checkMs = ROOM_CHECK_MS
    this.#checkLater(now)
    return false
  }
}
