import { concatBytes, emptyBytes } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import type { StreamHandlers } from '../../base/ports/net.ts'
import type { HeldStream } from './held-stream.ts'

/** What may wait to be read; the helpers that we speak with (proxies, routers of I2P, Tor) say far less at a time. */
const UNREAD_BYTES_MAX = 1024 * 1024
/** Characters of a line, its end included but for the line feed. */
export const LINE_LENGTH_MAX = 100_000
const LINE_FEED = 10
const CARRIAGE_RETURN = 13

/** Reads a stream in the order of a conversation: so many bytes, a line. For small talk with helpers, not for peers. */
export class StreamReader implements StreamHandlers {
  readonly #held: HeldStream
  readonly #who: string
  #unread: Uint8Array = emptyBytes()
  /** Bytes at the front that hold no end of a line. */
  #searched = 0
  #end: string | undefined
  #wake: (() => void) | undefined

  /** @param who names the other side in errors */
  constructor(held: HeldStream, who: string) {
    this.#held = held
    this.#who = who
    held.own(this)
    held.flow()
  }

  /** Whether nothing more will come. */
  get isOver(): boolean {
    return this.#end !== undefined
  }

  /** The next `length` bytes; rejects with OperationError `helper-gone` or `helper-silent`. */
  async bytes(length: number, timeoutMs: number): Promise<Uint8Array> {
    await this.#until(() => this.#unread.length >= length, timeoutMs)
    return this.#take(length)
  }

  /** The next line without its end, as Latin-1; rejects likewise, and where it is longer than {@link LINE_LENGTH_MAX}. */
  async line(timeoutMs = Number.POSITIVE_INFINITY): Promise<string> {
    await this.#until(() => this.#lineEnd() !== -1, timeoutMs)
    const line = this.#take(this.#lineEnd() + 1)
    const length = line.at(-2) === CARRIAGE_RETURN ? line.length - 2 : line.length - 1
    return Array.from(line.subarray(0, length), byte => String.fromCharCode(byte)).join('')
  }

  write(bytes: Uint8Array): void {
    this.#held.stream.write([bytes])
  }

  destroy(): void {
    this.#held.stream.destroy()
  }

  /** Gives the stream back, with what was not read, for its next owner. */
  release(): HeldStream {
    this.#held.hold(this.#unread)
    this.#unread = emptyBytes()
    return this.#held
  }

  onData(chunk: Uint8Array): void {
    this.#unread = concatBytes(this.#unread, chunk)
    if (this.#unread.length > UNREAD_BYTES_MAX) {
      this.#end = 'it says too much'
      this.#held.stream.destroy()
    }
    this.#wake?.()
  }

  onDrain(): void {}

  onClose(error: string | undefined): void {
    this.#end ??= error ?? 'it closed the connection'
    this.#wake?.()
  }

  /** Where the next line ends; -1 where it has not yet. A line that is too long ends the conversation. */
  #lineEnd(): number {
    const end = this.#unread.subarray(this.#searched).indexOf(LINE_FEED)
    const at = end === -1 ? -1 : this.#searched + end
    this.#searched = at === -1 ? this.#unread.length : at
    if (this.#searched > LINE_LENGTH_MAX) {
      this.#end = 'it sent a line that is too long'
      this.#held.stream.destroy()
      return -1
    }
    return at
  }

  #take(length: number): Uint8Array {
    const taken = this.#unread.slice(0, length)
    this.#unread = this.#unread.slice(length)
    this.#searched = 0
    return taken
  }

  async #until(isThere: () => boolean, timeoutMs: number): Promise<void> {
    let isLate = false
    const onLate = (): void => {
      isLate = true
      this.#wake?.()
    }
    const timer = timeoutMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(onLate, timeoutMs)
    try {
      while (!isThere()) {
        if (this.#end !== undefined) throw new OperationError('helper-gone', `${this.#who} failed: ${this.#end}`)
        if (isLate) throw new OperationError('helper-silent', `${this.#who} did not answer in time`)
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
      }
    } finally {
      clearTimeout(timer)
      this.#wake = undefined
    }
  }
}
