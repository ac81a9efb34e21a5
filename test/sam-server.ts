import { randomBytes } from 'node:crypto'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** I2P's base64. */
function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '~')
}

/** I2P's common structures: a destination with a certificate of seven bytes. */
export function makeDestination(): Uint8Array {
  const destination = new Uint8Array(randomBytes(394))
  destination.set([5, 0, 7, 0, 7, 0, 0], 384)
  destination.set([0, 7], 385)
  return destination
}

/** SAM 3.1, as far as the tests need it: sessions, and streams between them that end in this process. */
export class SamServer {
  readonly requests: string[] = []
  /** Answers instead of the usual, by the beginning of the request. */
  readonly answers = new Map<string, string>()
  /** Where streams to peers lead. */
  leadsTo = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Map<string, Socket>()
  #accepting: Socket[] = []

  constructor() {
    this.#server = createServer(socket => this.#serve(socket))
  }

  get sessions(): readonly string[] {
    return [...this.#sessions.keys()]
  }

  get accepting(): number {
    return this.#accepting.length
  }

  listen(): Promise<number> {
    return new Promise(resolve => {
      this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as { port: number }).port))
    })
  }

  /** A peer comes to whoever waits for one; the other end of its stream. */
  arrive(destination: Uint8Array): Socket {
    const socket = this.#accepting.shift()!
    socket.write(`${base64(destination)}\n`)
    return socket
  }

  /** Tells whoever waits something else. */
  disturb(line: string): void {
    this.#accepting.shift()!.write(line)
  }

  /** Ends all sessions, as routers do that are shut down. */
  forget(): void {
    for (const socket of this.#sessions.values()) socket.destroy()
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#accepting = this.#accepting.filter(each => each !== socket)
      for (const [id, each] of this.#sessions) if (each === socket) this.#sessions.delete(id)
    })
    let text = ''
    const onData = (data: Buffer): void => {
      text += data.toString('latin1')
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n')) {
        const request = text.slice(0, end)
        text = text.slice(end + 1)
        this.requests.push(request)
        if (this.#answer(socket, request)) socket.off('data', onData)
      }
    }
    socket.on('data', onData)
  }

  /** Whether the connection is a stream from now on. */
  #answer(socket: Socket, request: string): boolean {
    const special = [...this.answers].find(([start]) => request.startsWith(start))
    if (special !== undefined) {
      socket.write(special[1])
      return false
    }
    const word = (key: string): string => new RegExp(`${key}=(\\S+)`).exec(request)?.[1] ?? ''
    if (request.startsWith('HELLO')) socket.write('HELLO REPLY RESULT=OK VERSION=3.1\n')
    else if (request.startsWith('DEST GENERATE')) {
      const destination = makeDestination()
      socket.write(
        `DEST REPLY PUB=${base64(destination)} PRIV=${base64(Buffer.concat([destination, randomBytes(64)]))}\n`,
      )
    } else if (request.startsWith('SESSION CREATE')) {
      this.#sessions.set(word('ID'), socket)
      const given = word('DESTINATION')
      const key = given === 'TRANSIENT' ? base64(Buffer.concat([makeDestination(), randomBytes(64)])) : given
      socket.write(`SESSION STATUS RESULT=OK DESTINATION=${key}\n`)
    } else if (request.startsWith('NAMING LOOKUP')) {
      socket.write(`NAMING REPLY RESULT=OK NAME=${word('NAME')} VALUE=${base64(makeDestination())}\n`)
    } else if (!this.#sessions.has(word('ID'))) socket.write('STREAM STATUS RESULT=INVALID_ID\n')
    else return this.#stream(socket, request)
    return false
  }

  #stream(socket: Socket, request: string): boolean {
    socket.write('STREAM STATUS RESULT=OK\n')
    if (request.startsWith('STREAM ACCEPT')) this.#accepting.push(socket)
    else {
      const onward = connect(this.leadsTo, '127.0.0.1')
      onward.on('error', () => socket.destroy())
      socket.on('close', () => onward.destroy())
      socket.pipe(onward)
      onward.pipe(socket)
    }
    return true
  }
}
