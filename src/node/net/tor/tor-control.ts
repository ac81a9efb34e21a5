import { utf8 } from '../../../base/bytes/utf8.ts'
import { OperationError } from '../../../base/errors.ts'
import type { LocalSocketPath, Net, SocketAddress } from '../../../base/ports/net.ts'
import { HeldStream } from '../held-stream.ts'
import { StreamReader } from '../stream-reader.ts'
import { TOR_ASYNC_MIN, type TorReply } from './tor-reply.ts'

/** Lines of one answer. */
export const TOR_REPLY_LINES_MAX = 1000

/** A conversation with Tor at its control port: a question, its answer. */
export class TorControl {
  readonly #reader: StreamReader

  private constructor(held: HeldStream) {
    this.#reader = new StreamReader(held, 'Tor')
  }

  /** Rejects with OperationError `connect-failed` or `connect-timeout`. */
  static async connect(net: Net, at: SocketAddress | LocalSocketPath, timeoutMs: number): Promise<TorControl> {
    let held: HeldStream | undefined
    await net.connect(at, { timeoutMs }, stream => {
      held = new HeldStream(stream)
      return held
    })
    return new TorControl(held!)
  }

  /** Asks, and waits for the answer; rejects with OperationError `helper-gone`. */
  command(line: string): Promise<TorReply> {
    this.#reader.write(utf8(`${line}\r\n`))
    return this.reply()
  }

  /** The next answer, asked for or not, but for notices. */
  async reply(): Promise<TorReply> {
    let lines: string[] = []
    for (;;) {
      const line = await this.#reader.line()
      if (lines.length === TOR_REPLY_LINES_MAX) {
        this.close()
        const message = `Control port reply exceeded ${TOR_REPLY_LINES_MAX} lines, disconnecting`
        throw new OperationError('helper-gone', message)
      }
      if (line.length < 4) continue
      const code = /^[0-9]{3}/.test(line) ? Number(line.slice(0, 3)) : 0
      lines.push(line.slice(4))
      if (line[3] !== ' ') continue
      if (code < TOR_ASYNC_MIN) return { code, lines }
      lines = []
    }
  }

  close(): void {
    this.#reader.destroy()
  }
}
