import { connect as connectTo, createServer, type Server, type Socket } from 'node:net'

/** What a client asked a proxy for. */
export interface Socks5Command {
  readonly command: number
  readonly addressType: number
  readonly host: string
  readonly port: number
  readonly username: string | undefined
  readonly password: string | undefined
}

export interface Socks5ServerOptions {
  /** Asks for a password where the client offers one. */
  readonly wantsPassword?: boolean
  /** Answers the password. */
  readonly passwordStatus?: number
  /** Answers the command. */
  readonly status?: number
  /** Where connections really lead. */
  readonly leadsTo?: { readonly host: string; readonly port: number }
  /** Sends these bytes right behind the answer, in the same packet. */
  readonly greeting?: Uint8Array
  /** Answers with these bytes instead, at the point where each message of the client ends. */
  readonly script?: readonly Uint8Array[]
}

/** RFC 1928, as far as the tests need it. */
export class Socks5Server {
  readonly commands: Socks5Command[] = []
  readonly #options: Socks5ServerOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(options: Socks5ServerOptions) {
    this.#options = options
    this.#server = createServer(socket => {
      this.#sockets.add(socket)
      socket.on('error', () => socket.destroy())
      this.#serve(socket).catch(() => socket.destroy())
    })
  }

  /** Listens; at a path, or at a port of 127.0.0.1, which it tells. */
  listen(path?: string): Promise<number> {
    return new Promise(resolve => {
      const listening = (): void => {
        const address = this.#server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      }
      if (path === undefined) this.#server.listen(0, '127.0.0.1', listening)
      else this.#server.listen(path, listening)
    })
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  async #serve(socket: Socket): Promise<void> {
    const { wantsPassword, passwordStatus, status, leadsTo, greeting, script } = this.#options
    const read = reader(socket)
    const [, methodCount] = await read(2)
    const methods = await read(methodCount)
    if (script !== undefined) {
      for (const bytes of script) socket.write(bytes)
      return
    }
    let username: string | undefined
    let password: string | undefined
    if (wantsPassword && methods.includes(2)) {
      socket.write(Uint8Array.of(5, 2))
      const [, nameLength] = await read(2)
      username = (await read(nameLength)).toString()
      const [passwordLength] = await read(1)
      password = (await read(passwordLength)).toString()
      socket.write(Uint8Array.of(1, passwordStatus ?? 0))
    } else {
      socket.write(Uint8Array.of(5, 0))
    }
    const [, command, , addressType] = await read(4)
    const [length] = await read(1)
    const host = (await read(length)).toString()
    const port = (await read(2)).readUInt16BE()
    this.commands.push({ command, addressType, host, port, username, password })
    const answer = Uint8Array.of(5, status ?? 0, 0, 1, 127, 0, 0, 1, 0, 0)
    socket.write(Buffer.concat([answer, greeting ?? new Uint8Array(0)]))
    if (leadsTo === undefined) return
    const onward = connectTo(leadsTo.port, leadsTo.host)
    this.#sockets.add(onward)
    onward.on('error', () => socket.destroy())
    socket.on('close', () => onward.destroy())
    socket.pipe(onward)
    onward.pipe(socket)
  }
}

/** Reads so many bytes of a socket at a time. */
function reader(socket: Socket): (length: number) => Promise<Buffer> {
  return async length => {
    for (;;) {
      if (length === 0) return Buffer.alloc(0)
      const bytes = socket.read(length) as Buffer | null
      if (bytes?.length === length) return bytes
      if (socket.destroyed || socket.readableEnded) throw new Error('closed')
      await new Promise<void>(resolve => {
        const go = (): void => {
          socket.off('readable', go)
          socket.off('close', go)
          resolve()
        }
        socket.once('readable', go)
        socket.once('close', go)
      })
    }
  }
}
