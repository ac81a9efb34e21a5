import { readFileSync } from 'node:fs'

/** Files kept open at once by all torrents of a client. */
const OPEN_FILES_MAX = 256
/** Of what the system lets one process open; the rest is for peers. */
const SYSTEM_SHARE = 1 / 4

/** Node has no call for it, and raises it to what is allowed at most: without bounds on macOS; Windows has none. Linux has a file. */
function systemMax(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1')
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** A file that is open, and closes when others need its place. */
export interface LimitedFile {
  readonly isIdle: boolean
  /** Takes no new users, and closes once the last is gone. */
  retire(): void
}

/** Counts the files that all torrents of a client have open; those that were not used for longest make room for others. */
export class OpenFilesLimit {
  readonly #max: number
  /** The least recently used first. */
  readonly #files = new Set<LimitedFile>()
  /** Places of files that are open, about to be, or not closed yet. */
  #taken = 0
  #closing = 0
  readonly #waiting: (() => void)[] = []

  constructor(max = Math.min(OPEN_FILES_MAX, systemMax() * SYSTEM_SHARE)) {
    this.#max = Math.max(1, Math.floor(max))
  }

  get taken(): number {
    return this.#taken
  }

  /** Returns once there is a place for one more file. */
  async take(): Promise<void> {
    if (this.#taken < this.#max) {
      this.#taken++
      return
    }
    const place = new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#makeRoom()
    await place
  }

  /** For those who cannot wait: there may be one too many for a moment. */
  takeAtOnce(): void {
    this.#taken++
  }

  give(): void {
    const next = this.#taken > this.#max ? undefined : this.#waiting.shift()
    if (next === undefined) this.#taken--
    else next()
  }

  /** Gives a place to work that opens one file at a time, and leaves none open. */
  async briefly<T>(work: () => Promise<T>): Promise<T> {
    await this.take()
    try {
      return await work()
    } finally {
      this.give()
    }
  }

  /** A file is open, in a place that was taken. */
  opened(file: LimitedFile): void {
    this.#files.add(file)
    this.#makeRoom()
  }

  /** Others are closed before it. */
  used(file: LimitedFile): void {
    if (this.#files.delete(file)) this.#files.add(file)
  }

  /** A file takes no new users; `closed` follows. */
  closing(file: LimitedFile): void {
    this.#files.delete(file)
    this.#closing++
  }

  closed(): void {
    this.#closing--
    this.give()
  }

  /** Closes as many files as there are others in need of their places. */
  #makeRoom(): void {
    while (this.#closing < this.#waiting.length + Math.max(0, this.#taken - this.#max)) {
      if (!this.retireOne()) return
    }
  }

  /** Closes the file that was not used for longest, if it can be one that nobody uses now; false where there is none. */
  retireOne(): boolean {
    let [chosen] = this.#files
    for (const file of this.#files) {
      if (!file.isIdle) continue
      chosen = file
      break
    }
    chosen?.retire()
    return chosen !== undefined
  }
}
