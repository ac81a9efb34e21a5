import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

const TICK_MS = 20

/** What a relay does to what the far end sends. */
export interface RelayFaults {
  /** Bytes a second that are passed on at the most. */
  readonly bytesPerSecond?: number
  /** Passes nothing on any more after so many bytes, and keeps the connection. */
  readonly stallAfterBytes?: number
  /** Cuts the connection after so many bytes. */
  readonly dieAfterBytes?: number
  /** No fault: told of what the far end sends, as it is passed on. */
  readonly onPass?: (chunk: Uint8Array) => void
}

/** A stretch of bad network in front of a port of this machine, for tests and benchmarks. */
export class Relay {
  readonly port: number
  /** Bytes of the far end's that were passed on. */
  passedBytes = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, target: number, faults: RelayFaults) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on('connection', near => this.#join(near, connect(target, '127.0.0.1'), faults))
  }

  static async start(target: number, faults: RelayFaults): Promise<Relay> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Relay(server, target, faults)
  }

  #join(near: Socket, far: Socket, faults: RelayFaults): void {
    const end = (): void => {
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', end)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        end()
      })
    }
    near.pipe(far)
    const { bytesPerSecond, stallAfterBytes = Number.POSITIVE_INFINITY } = faults
    const { dieAfterBytes = Number.POSITIVE_INFINITY } = faults
    const pass = (chunk: Buffer): void => {
      this.passedBytes += chunk.length
      near.write(chunk)
      faults.onPass?.(chunk)
      if (this.passedBytes >= dieAfterBytes) end()
      if (this.passedBytes >= stallAfterBytes) far.pause()
    }
    if (bytesPerSecond === undefined) {
      far.on('data', pass)
      return
    }
    // As a slow line does it: what the far end writes waits in the sockets.
    const started = performance.now()
    let passed = 0
    const timer = setInterval(() => {
      const allowed = ((performance.now() - started) / 1000) * bytesPerSecond
      while (passed < allowed) {
        const chunk = far.read() as Buffer | null
        if (chunk === null) return
        passed += chunk.length
        pass(chunk)
      }
    }, TICK_MS)
    far.on('close', () => clearInterval(timer))
  }

  /** Ends all connections and takes no more. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
