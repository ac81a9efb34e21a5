import { utf8 } from '../../../base/bytes/utf8.ts'
import { OperationError } from '../../../base/errors.ts'
import type { LocalSocketPath, Net, SocketAddress } from '../../../base/ports/net.ts'
import { HeldStream } from '../held-stream.ts'
import { StreamReader } from '../stream-reader.ts'

const CONNECT_TIMEOUT_MS = 5000
/** Looking up a name or a peer in I2P can take minutes. */
const REPLY_TIMEOUT_MS = 180_000

/** Where a router's SAM is. */
export interface SamRouter {
  readonly net: Net
  readonly at: SocketAddress | LocalSocketPath
  /** How the log names it. */
  readonly text: string
}

/** One answer: the words with a value. */
export interface SamReply {
  readonly line: string
  readonly values: ReadonlyMap<string, string>
}

export function samError(message: string, cause?: unknown): OperationError {
  return new OperationError('i2p-failed', message, cause === undefined ? {} : { cause })
}

/** The value of a word that an answer must have; throws OperationError `i2p-failed`. */
export function wordOf(reply: SamReply, key: string, request: string): string {
  const value = reply.values.get(key)
  if (value === undefined) throw samError(`Missing ${key}= in the reply to "${request}"`)
  return value
}

function parseReply(line: string): SamReply {
  const values = new Map<string, string>()
  for (const word of line.split(' ')) {
    const equals = word.indexOf('=')
    if (equals !== -1) values.set(word.slice(0, equals), word.slice(equals + 1))
  }
  return { line, values }
}

/** SAM 3.1: a conversation with the router, which may become a stream to a peer. */
export class SamTalk {
  readonly #reader: StreamReader

  private constructor(held: HeldStream) {
    this.#reader = new StreamReader(held, 'The I2P router')
  }

  /** Connects and greets; rejects with OperationError `i2p-failed`. */
  static async hello(router: SamRouter): Promise<SamTalk> {
    let held: HeldStream | undefined
    try {
      await router.net.connect(router.at, { timeoutMs: CONNECT_TIMEOUT_MS }, stream => {
        held = new HeldStream(stream)
        return held
      })
    } catch (cause) {
      throw samError(`Cannot connect to ${router.text}`, cause)
    }
    const talk = new SamTalk(held!)
    await talk.request('HELLO VERSION MIN=3.1 MAX=3.1')
    return talk
  }

  get isOver(): boolean {
    return this.#reader.isOver
  }

  /** Asks for what must succeed; rejects with OperationError `i2p-failed`, and closes, where it does not. */
  async request(request: string): Promise<SamReply> {
    const reply = await this.ask(request)
    const named = request.startsWith('SESSION CREATE') ? 'SESSION CREATE ...' : request
    if (reply.values.get('RESULT') === 'OK') return reply
    this.close()
    throw samError(`Reply to "${named}": had a RESULT not equal to OK.`)
  }

  /** Asks; whether the answer is a good one is for the caller to see. */
  async ask(request: string): Promise<SamReply> {
    this.#reader.write(utf8(`${request}\n`))
    try {
      return parseReply(await this.#reader.line(REPLY_TIMEOUT_MS))
    } catch (error) {
      this.close()
      throw samError((error as Error).message, error)
    }
  }

  /** What the router says unasked, whenever that may be. */
  async line(): Promise<string> {
    try {
      return await this.#reader.line()
    } catch (error) {
      this.close()
      throw samError((error as Error).message, error)
    }
  }

  /** The conversation is over, and the stream leads to a peer from now on. */
  release(): HeldStream {
    return this.#reader.release()
  }

  close(): void {
    this.#reader.destroy()
  }
}
