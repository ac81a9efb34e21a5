/** Peers that did not answer, refused, or lied: whom not to ask for a while, or ever. */
export class RestingPeers {
  /** Undefined until there is one: thousands of torrents never have any. */
  #until: Map<number, number> | undefined

  /** @param until when it may be asked again; `Infinity` for never */
  rest(session: number, until: number): void {
    this.#until ??= new Map()
    this.#until.set(session, Math.max(until, this.#until.get(session) ?? 0))
  }

  has(session: number, now: number): boolean {
    return now < (this.#until?.get(session) ?? 0)
  }

  /** A peer is gone; should it come back, it begins anew. */
  gone(session: number): void {
    this.#until?.delete(session)
  }
}
