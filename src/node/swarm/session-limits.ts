import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDurably } from './durable-file.ts'
import { assertLimits, type LimitChange } from './limits.ts'
import { diskError } from './torrent-files.ts'

const LIMITS_FILE = 'limits.json'
const LIMITS_VERSION = 1

/** A limit as it stands in the file, where JSON knows no infinity. */
function readLimit(value: unknown): number | undefined {
  if (value === null) return Number.POSITIVE_INFINITY
  return typeof value === 'number' && value > 0 ? value : undefined
}

function readLimits(text: string): { upload: number; download: number } | undefined {
  try {
    const stored = JSON.parse(text)
    const [upload, download] = [readLimit(stored?.upload), readLimit(stored?.download)]
    const isRight = stored?.version === LIMITS_VERSION && upload !== undefined && download !== undefined
    return isRight ? { upload, download } : undefined
  } catch {
    return undefined
  }
}

/**
 * The limits of all torrents of a session together. Whatever was set last holds, in this run and the next: by a call, or by an option at
 * a start.
 *
 * @example
 * const limits = await SessionLimits.open('./torrents', { upload: 1_000_000 })
 * await limits.set({ download: 5_000_000 })
 */
export class SessionLimits {
  readonly #folder: string
  #upload = Number.POSITIVE_INFINITY
  #download = Number.POSITIVE_INFINITY
  #saving: Promise<void> = Promise.resolve()
  /** Whether there is a file, and it makes no sense. */
  readonly isUnreadable: boolean

  private constructor(folder: string, text: string | undefined) {
    this.#folder = folder
    const stored = text === undefined ? undefined : readLimits(text)
    this.isUnreadable = text !== undefined && stored === undefined
    if (stored !== undefined) this.#apply(stored)
  }

  /**
   * Reads what was set last.
   *
   * @param folder where it is remembered
   * @param given what is set by this start
   * @throws OperationError `disk-full` and the like where what is given cannot be remembered
   */
  static async open(folder: string, given: LimitChange): Promise<SessionLimits> {
    const text = await readFile(join(folder, LIMITS_FILE), 'utf8').catch(error => {
      if (error.code === 'ENOENT') return undefined
      throw diskError(error, folder)
    })
    const limits = new SessionLimits(folder, text)
    if (given.upload !== undefined || given.download !== undefined) await limits.set(given)
    return limits
  }

  /** Bytes a second; `Infinity` for no limit. */
  get upload(): number {
    return this.#upload
  }

  get download(): number {
    return this.#download
  }

  #apply({ upload, download }: LimitChange): void {
    this.#upload = upload ?? this.#upload
    this.#download = download ?? this.#download
  }

  /**
   * Holds from now on; resolves when it is durable.
   *
   * @throws OperationError `limit-invalid`; `disk-full` and the like where it cannot be remembered
   */
  async set(change: LimitChange): Promise<void> {
    assertLimits(change)
    this.#apply(change)
    // One after the other, each with what holds then.
    const saving = this.#saving.then(() => this.#save())
    this.#saving = saving.catch(() => {})
    await saving
  }

  async #save(): Promise<void> {
    const [upload, download] = [this.#upload, this.#download].map(limit => (Number.isFinite(limit) ? limit : null))
    const text = `${JSON.stringify({ version: LIMITS_VERSION, upload, download })}\n`
    await writeDurably(join(this.#folder, LIMITS_FILE), text).catch(error => {
      throw diskError(error, this.#folder)
    })
  }
}
