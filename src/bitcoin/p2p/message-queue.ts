/** A message that waits for its turn. */
export interface QueuedMessage {
  readonly command: string
  readonly payload: Uint8Array
  readonly wireBytes: number
}

/** Taken messages are dropped from the list when there are so many of them. */
const COMPACT_AT = 1024

/** First in, first out. How much may wait is limited by whoever reads from the socket: it gets told of each message taken. */
export class MessageQueue {
  #messages: QueuedMessage[] = []
  #head = 0

  get first(): QueuedMessage | undefined {
    return this.#messages[this.#head]
  }

  /** Bytes on the wire of what waits. */
  get waitingBytes(): number {
    let bytes = 0
    for (let i = this.#head; i < this.#messages.length; i++) bytes += this.#messages[i].wireBytes
    return bytes
  }

  push(message: QueuedMessage): void {
    this.#messages.push(message)
  }

  drop(): void {
    this.#head++
    if (this.#head < COMPACT_AT && this.#head < this.#messages.length) return
    this.#messages = this.#messages.slice(this.#head)
    this.#head = 0
  }
}
