import { createServer, type Server, type Socket } from 'node:net'

/** control-spec: a Tor whose answers the test makes up. */
export class TorServer {
  readonly commands: string[] = []
  /** What is answered; nothing where it gives undefined. */
  answer: (command: string) => string | undefined
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(answer: (command: string) => string | undefined) {
    this.answer = answer
    this.#server = createServer(socket => this.#serve(socket))
  }

  get connections(): number {
    return this.#sockets.size
  }

  listen(port = 0): Promise<number> {
    return new Promise(resolve => {
      this.#server.listen(port, '127.0.0.1', () => resolve((this.#server.address() as { port: number }).port))
    })
  }

  /** Says something to all who are connected. */
  say(text: string): void {
    for (const socket of this.#sockets) socket.write(text)
  }

  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): Promise<void> {
    this.hangUp()
    return new Promise(resolve => this.#server.close(() => resolve()))
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let text = ''
    socket.on('data', data => {
      text += data.toString()
      for (let end = text.indexOf('\r\n'); end !== -1; end = text.indexOf('\r\n')) {
        const command = text.slice(0, end)
        text = text.slice(end + 2)
        this.commands.push(command)
        const answer = this.answer(command)
        if (answer !== undefined) socket.write(answer)
      }
    })
  }
}
