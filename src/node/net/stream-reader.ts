import { concatBytes, emptyBytes } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import type { StreamHandlers } from '../../base/ports/net.ts'
import type { HeldStream } from './held-stream.ts'

/** What may wait to be read; the helpers that we speak with (proxies, routers of I2P, Tor) say far less. */
const UNREAD_BYTES_MAX = 128 * 1024
const LINE_FEED = 10
const CARRIAGE_RETURN = 13

/** Reads a stream in the order of a conversation: so many bytes, a line. For small talk with helpers, not for peers. */
export class StreamReader implements StreamHandlers {
  readonly #held: HeldStream
  readonly #who: string
  #unread: Uint8Array = emptyBytes()
  #end: string | undefined
  #wake: (() => void) | undefined

  /** @param who names the other side in errors */
  constructor(held: HeldStream, who: string) {
    this.#held = held
    this.#who = who
    held.own(this)
    held.flow()
  }

  /** The next `length` bytes; rejects with OperationError `helper-gone` or `helper-silent`. */
  async bytes(length: number, timeoutMs: number): Promise<Uint8Array> {
    await this.#until(() => this.#unread.length >= length, timeoutMs)
    return this.#take(length)
  }

  /** The next line without its end, as Latin-1; rejects likewise. */
  async line(timeoutMs: number): Promise<string> {
    await this.#until(() => this.#unread.includes(LINE_FEED), timeoutMs)
    const line = this.#take(this.#unread.indexOf(LINE_FEED) + 1)
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

  #take(length: number): Uint8Array {
    const taken = this.#unread.slice(0, length)
    this.#unread = this.#unread.slice(length)
    return taken
  }

  async #until(isThere: () => boolean, timeoutMs: number): Promise<void> {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      this.#wake?.()
    }, timeoutMs)
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
