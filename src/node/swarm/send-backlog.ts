/** A socket in which messages wait. */
export interface BackloggedSocket {
  /** Bytes of messages that wait in it now. */
  readonly waitingBytes: number
  close(code: string): void
}

export interface BacklogLimits {
  /** A peer that lets so many bytes of small messages pile up does not read. */
  readonly bytesMax: number
  /** What may wait in all sockets together. */
  readonly allBytesMax: number
}

export const BACKLOG_LIMITS: BacklogLimits = { bytesMax: 1024 * 1024, allBytesMax: 16 * 1024 * 1024 }

/** Small messages that wait in the sockets of peers who do not read: whoever lets most of them wait has to go first. */
export class SendBacklog {
  readonly #limits: BacklogLimits
  /** What waited in each when it was last looked at; sockets where nothing waits are not in it. */
  readonly #waiting = new Map<BackloggedSocket, number>()
  #total = 0

  constructor(limits: BacklogLimits = BACKLOG_LIMITS) {
    this.#limits = limits
  }

  /** Bytes that wait in all sockets, or fewer by now. */
  get totalBytes(): number {
    return this.#total
  }

  /** Something was written to a socket; those that are too far behind are closed. */
  written(socket: BackloggedSocket): void {
    this.#look(socket)
    if ((this.#waiting.get(socket) ?? 0) > this.#limits.bytesMax) this.#end(socket)
    if (this.#total > this.#limits.allBytesMax) this.#relieve()
  }

  /** A socket is closed. */
  gone(socket: BackloggedSocket): void {
    this.#total -= this.#waiting.get(socket) ?? 0
    this.#waiting.delete(socket)
  }

  #look(socket: BackloggedSocket): void {
    const bytes = socket.waitingBytes
    this.gone(socket)
    if (bytes === 0) return
    this.#waiting.set(socket, bytes)
    this.#total += bytes
  }

  #relieve(): void {
    // Some have read in the meantime.
    for (const socket of [...this.#waiting.keys()]) this.#look(socket)
    const byBytes = [...this.#waiting].sort(([, a], [, b]) => b - a)
    for (const [socket] of byBytes) {
      if (this.#total <= this.#limits.allBytesMax) return
      this.#end(socket)
    }
  }

  #end(socket: BackloggedSocket): void {
    this.gone(socket)
    socket.close('peer-does-not-read')
  }
}
