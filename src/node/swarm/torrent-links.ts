import type { PeerLink } from './torrent-host.ts'

/** Those with whom a torrent exchanges pieces. */
export class TorrentLinks {
  /** By the number of their session. */
  readonly all = new Map<number, PeerLink>()
  #isThrottled = false

  /** Whether nobody is read from. */
  get isThrottled(): boolean {
    return this.#isThrottled
  }

  /** Sends what waits. */
  flush(): void {
    for (const link of this.all.values()) link.flush()
  }

  /** Reads from nobody, or from all again; true where that has just become possible. */
  throttle(isThrottled: boolean): boolean {
    if (this.#isThrottled === isThrottled) return false
    this.#isThrottled = isThrottled
    for (const link of this.all.values()) {
      if (isThrottled) link.pauseReading()
      else link.resumeReading()
    }
    return !isThrottled
  }

  /** Parts from a peer, which hears the last: that we have all, say, so that it need not call us. */
  part(session: number, code: string): void {
    const link = this.all.get(session)
    link?.flush()
    link?.close(code)
  }

  closeAll(code: string): void {
    for (const link of [...this.all.values()]) link.close(code)
  }
}
