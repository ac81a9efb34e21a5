import { lookup } from 'node:dns/promises'
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net'
import { OperationError } from '../base/errors.ts'
import type { ByteStream, Listener, LocalSocketPath, Net, SocketAddress, StreamHandlers } from '../base/ports/net.ts'
import { withZoneName, withZoneNumber } from './zone-names.ts'

/** One buffer for all connections of ours: what is read is used up before the next read begins. */
const RECEIVE_BUFFER = new Uint8Array(256 * 1024)

/** Connections that the system holds for a listener that has not taken them yet; as Core asks for. */
const LISTEN_BACKLOG = 4096

/** Small chunks are joined up to this size: one copy is cheaper than one more vector to write. */
const JOIN_BYTES_MAX = 16 * 1024

function messageOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code === undefined ? message : `${code}: ${message}`
}

function joined(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  let bytes = 0
  for (const chunk of chunks) bytes += chunk.length
  if (chunks.length < 2 || bytes > JOIN_BYTES_MAX) return chunks
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return [whole]
}

/** A stream over one of Node's sockets. */
class NodeStream implements ByteStream {
  readonly remote: SocketAddress
  readonly local: SocketAddress
  readonly #socket: Socket
  readonly #handlers: StreamHandlers
  #error: string | undefined
  #paused = false
  #backlogged = false
  #closed = false

  constructor(socket: Socket, makeHandlers: (stream: ByteStream) => StreamHandlers) {
    this.#socket = socket
    this.remote = { host: withZoneNumber(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 }
    this.local = { host: withZoneNumber(socket.localAddress ?? ''), port: socket.localPort ?? 0 }
    socket.setNoDelay(true)
    socket.on('error', error => {
      this.#error ??= messageOf(error)
    })
    // The other side has said all it had: nothing is left to answer.
    socket.on('end', () => socket.destroy())
    socket.on('close', () => this.#onClose())
    this.#handlers = makeHandlers(this)
  }

  get backlogBytes(): number {
    return this.#socket.writableLength
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Bytes that Node read. */
  receive(chunk: Uint8Array): void {
    if (!this.#closed && !this.#socket.destroyed) this.#handlers.onData(chunk)
  }

  write(chunks: readonly Uint8Array[]): void {
    const socket = this.#socket
    if (!socket.writable) return
    const parts = joined(chunks)
    if (parts.length > 1) socket.cork()
    // Node's own `drain` tells of large backlogs alone, so the end of each write is looked at.
    for (const part of parts) if (part.length > 0) socket.write(part, this.#onWritten)
    if (parts.length > 1) socket.uncork()
    this.#backlogged = socket.writableLength > 0
  }

  pause(): void {
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    this.#socket.resume()
  }

  end(): void {
    this.#socket.destroySoon()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  readonly #onWritten = (): void => {
    if (!this.#backlogged || this.#socket.writableLength > 0) return
    this.#backlogged = false
    if (!this.#closed && !this.#socket.destroyed) this.#handlers.onDrain()
  }

  #onClose(): void {
    if (this.#closed) return
    this.#closed = true
    this.#handlers.onClose(this.#error)
  }
}

function targetText(to: SocketAddress | LocalSocketPath): string {
  if ('path' in to) return to.path
  return to.host.includes(':') ? `[${to.host}]:${to.port}` : `${to.host}:${to.port}`
}

function connectStream(
  to: SocketAddress | LocalSocketPath,
  options: { readonly timeoutMs: number },
  handlers: (stream: ByteStream) => StreamHandlers,
): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    let stream: NodeStream | undefined
    const where = 'path' in to ? { path: to.path } : { host: withZoneName(to.host), port: to.port }
    const connecting: NetConnectOpts = {
      ...where,
      onread: {
        buffer: RECEIVE_BUFFER,
        callback: (length, buffer) => {
          stream?.receive(buffer.subarray(0, length))
          return stream?.paused !== true
        },
      },
    }
    const socket = connect(connecting)
    const fail = (code: string, reason: string, cause?: unknown): void => {
      clearTimeout(timer)
      socket.destroy()
      const next = 'check the address, and that the other side runs and is not behind a firewall'
      reject(new OperationError(code, `No connection to ${targetText(to)}: ${reason}`, { cause, next }))
    }
    const timer = setTimeout(() => fail('connect-timeout', 'no answer in time'), options.timeoutMs)
    const onError = (error: Error): void => fail('connect-failed', messageOf(error), error)
    socket.once('error', onError)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', onError)
      stream = new NodeStream(socket, handlers)
      resolve(stream)
    })
  })
}

function addressOf(server: Server): SocketAddress {
  const address = server.address()
  if (address === null || typeof address === 'string') return { host: '', port: 0 }
  return { host: withZoneNumber(address.address), port: address.port }
}

function listenAt(at: SocketAddress, onStream: (stream: ByteStream) => StreamHandlers): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true })
    server.on('connection', socket => {
      const stream = new NodeStream(socket, onStream)
      socket.on('data', data => stream.receive(new Uint8Array(data.buffer, data.byteOffset, data.length)))
    })
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const inUse = cause.code === 'EADDRINUSE'
      const next = inUse ? 'end the program that has it, or choose another port' : 'check the address'
      const code = inUse ? 'address-in-use' : 'listen-failed'
      reject(new OperationError(code, `Cannot listen at ${targetText(at)}: ${messageOf(cause)}`, { cause, next }))
    })
    server.listen({ host: withZoneName(at.host), port: at.port, ipv6Only: true, backlog: LISTEN_BACKLOG }, () => {
      // A listener that stands and fails to take a connection goes on with the next.
      server.removeAllListeners('error')
      server.on('error', () => {})
      resolve({
        address: addressOf(server),
        close: () =>
          new Promise(closed => {
            server.close(() => closed())
          }),
      })
    })
  })
}

/** TCP, sockets of the file system, and the system's resolver. */
export const nodeNet: Net = {
  connect: connectStream,
  listen: listenAt,
  async resolve(name) {
    try {
      const found = await lookup(name, { all: true, verbatim: true })
      return found.map(({ address }) => withZoneNumber(address))
    } catch {
      return []
    }
  },
}
