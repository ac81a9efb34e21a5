import { OperationError } from '../../base/errors.ts'
import { RateLimiter } from './rate-limiter.ts'

/** Below this many bytes a second, asking is held back alone: whoever is not read for seconds cannot say anything either. */
const PACED_MIN = 256 * 1024

/** In bytes a second: `Infinity` for none, undefined for what it is already. */
export interface LimitChange {
  readonly upload?: number | undefined
  readonly download?: number | undefined
}

/** Throws OperationError `limit-invalid`. */
export function assertLimits({ upload, download }: LimitChange): void {
  for (const limit of [upload, download]) {
    if (limit === undefined || limit > 0) continue
    throw new OperationError('limit-invalid', `${limit} bytes a second is no limit`, {
      next: 'give a number above 0, or Infinity for none',
    })
  }
}

/**
 * How fast bytes may move, of one torrent or of all together. What comes in is limited twice: what is asked for, so that it comes in
 * evenly, and what is read, as peers may send late and then all at once.
 */
export class Limits {
  readonly upload: RateLimiter
  readonly asked: RateLimiter
  readonly #received: RateLimiter
  #isPaced = false

  constructor(limits: LimitChange, now: number) {
    this.upload = new RateLimiter(Number.POSITIVE_INFINITY, now)
    this.asked = new RateLimiter(Number.POSITIVE_INFINITY, now)
    this.#received = new RateLimiter(Number.POSITIVE_INFINITY, now)
    this.set(limits)
  }

  get isLimited(): boolean {
    return this.upload.isLimited || this.asked.isLimited
  }

  /** Throws OperationError `limit-invalid`, and changes nothing. */
  set(change: LimitChange): void {
    assertLimits(change)
    const { upload, download } = change
    if (upload !== undefined) this.upload.setLimit(upload)
    if (download === undefined) return
    this.asked.setLimit(download)
    this.#received.setLimit(download)
    this.#isPaced = download >= PACED_MIN
  }

  /** Bytes of blocks have come in. */
  received(bytes: number, now: number): void {
    this.#received.take(bytes, now)
  }

  /** Whether more may be read. */
  mayReceive(now: number): boolean {
    return !this.#isPaced || this.#received.available(now) > 0
  }
}

/** What holds for one torrent: its own limits, and those of all together. */
export class TorrentLimits {
  /** Undefined until there are any: thousands of torrents never have their own. */
  #own: Limits | undefined
  readonly #all: Limits

  constructor(own: LimitChange, all: Limits, now: number) {
    this.#all = all
    if (own.upload !== undefined || own.download !== undefined) this.set(own, now)
  }

  get own(): Limits | undefined {
    return this.#own
  }

  /** Changes its own; throws as {@link Limits.set}. */
  set(change: LimitChange, now: number): void {
    this.#own ??= new Limits({}, now)
    this.#own.set(change)
  }

  get isDownloadLimited(): boolean {
    return this.#all.asked.isLimited || (this.#own?.asked.isLimited ?? false)
  }

  /** Bytes that may be sent. */
  mayUpload(now: number): number {
    return Math.min(this.#own?.upload.available(now) ?? Number.POSITIVE_INFINITY, this.#all.upload.available(now))
  }

  uploaded(bytes: number, now: number): void {
    this.#own?.upload.take(bytes, now)
    this.#all.upload.take(bytes, now)
  }

  mayReceive(now: number): boolean {
    return this.#all.mayReceive(now) && (this.#own?.mayReceive(now) ?? true)
  }

  received(bytes: number, now: number): void {
    this.#own?.received(bytes, now)
    this.#all.received(bytes, now)
  }
}
