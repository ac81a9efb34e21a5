import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'

/** How often a full disk is looked at, and how much room there must be to go on: all that is missing, within reason. */
const ROOM_CHECK_MS = 2000
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

  get isWaiting(): boolean {
    return this.#nextCheck !== undefined
  }

  begin(now: number): void {
    this.#nextCheck = now + ROOM_CHECK_MS
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
    this.begin(now)
    const wanted = Math.min(bytes, ROOM_BYTES_MAX) + ROOM_BYTES_MIN
    const [free, stateFree] = await Promise.all([folder, stateFolder].map(freeBytes)).catch(() => [0, 0])
    return this.isWaiting && free >= wanted && stateFree >= ROOM_BYTES_MIN
  }
}
