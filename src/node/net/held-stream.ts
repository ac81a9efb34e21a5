import type { ByteStream, StreamHandlers } from '../../base/ports/net.ts'

/**
 * A stream whose owner changes on its way: whoever connects, then perhaps a proxy's handshake, then the connection. Nothing is read
 * before somebody lets it flow, and nothing that came too early is lost.
 *
 * @example
 * const stream = await net.connect(to, { timeoutMs }, stream => (held = new HeldStream(stream)))
 * held.own(handlers)
 * held.flow()
 */
export class HeldStream implements StreamHandlers {
  readonly stream: ByteStream
  #owner: StreamHandlers | undefined
  #waiting: Uint8Array[] = []
  #flowing = false
  #end: { readonly error: string | undefined } | undefined
  readonly #afterEnd: (() => void)[] = []

  constructor(stream: ByteStream) {
    this.stream = stream
    stream.pause()
  }

  /** From now on `owner` is told of what happens; of the end, too, where that has been already. */
  own(owner: StreamHandlers): void {
    this.#owner = owner
    if (this.#end !== undefined) queueMicrotask(() => this.#tellEnd())
  }

  /** Lets the owner have what comes. */
  flow(): void {
    this.#flowing = true
    const waiting = this.#waiting
    this.#waiting = []
    for (const chunk of waiting) this.onData(chunk)
    if (this.#flowing) this.stream.resume()
  }

  /** Stops again, with bytes that the owner has taken and that are to come once more, to it or to the next. */
  hold(unread: Uint8Array): void {
    this.#flowing = false
    this.stream.pause()
    if (unread.length > 0) this.#waiting.unshift(unread)
  }

  /** Calls back when the stream is over, whoever has it then. */
  afterEnd(task: () => void): void {
    this.#afterEnd.push(task)
  }

  onData(chunk: Uint8Array): void {
    if (this.#flowing && this.#owner !== undefined) this.#owner.onData(chunk)
    else this.#waiting.push(chunk.slice())
  }

  onDrain(): void {
    this.#owner?.onDrain()
  }

  onClose(error: string | undefined): void {
    this.#end = { error }
    this.#tellEnd()
    for (const task of this.#afterEnd) task()
  }

  #tellEnd(): void {
    const owner = this.#owner
    this.#owner = undefined
    owner?.onClose(this.#end?.error)
  }
}
