import { concatBytes } from '../base/bytes/bytes.ts'
import type { ByteStream, SocketAddress, StreamHandlers } from '../base/ports/net.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Bytes that are on their way, or wait unread at the other end, at the most. */
const WINDOW_BYTES = 256 * 1024
/** Bytes that travel together at the most. */
const PIECE_BYTES_MAX = 64 * 1024
const RESET = 'ECONNRESET: the connection was reset'
const TIMED_OUT = 'ETIMEDOUT: nothing is heard any more'

/** What a piece of a stream meets on its way to the other end. */
export interface SimPipe {
  /** How long so many bytes take that are sent now. */
  delayMs(bytes: number): number
  /** Whether packets get through at the moment. */
  isOpen(): boolean
  /** Whether the other machine knows nothing of this connection (any more). */
  isGone(): boolean
  /** How long to wait before what did not get through is sent again. */
  retryMs(tries: number): number
  readonly giveUpMs: number
}

/** The machine that a stream's end is on. */
export interface FlightPath {
  pathTo(stream: SimStream): SimPipe
  own(stream: SimStream): void
  disown(stream: SimStream): void
}

interface Piece {
  readonly arrivesMs: number
  /** Undefined for the end. */
  readonly bytes: Uint8Array | undefined
}

/** One end of a connection between two machines of a virtual world. */
export class SimStream implements ByteStream {
  readonly remote: SocketAddress
  readonly local: SocketAddress
  readonly #clock: VirtualClock
  readonly #machine: FlightPath
  #handlers: StreamHandlers | undefined
  #other!: SimStream
  #path!: SimPipe
  /** Told of every piece that the other end is given. */
  onDelivered: ((bytes: Uint8Array) => void) | undefined

  // What is sent.
  readonly #backlog: Uint8Array[] = []
  #backlogBytes = 0
  #backlogged = false
  /** Sent and not read yet. */
  #launchedBytes = 0
  readonly #flight: Piece[] = []
  #lastArrivalMs = 0
  #landing = false
  #tries = 0
  #blockedSinceMs = -1
  #ending = false

  // What is received.
  readonly #unread: Uint8Array[] = []
  #paused = false
  #reading = false
  #ended = false

  /** Nothing more is read or told. */
  #closed = false

  constructor(clock: VirtualClock, machine: FlightPath, local: SocketAddress, remote: SocketAddress) {
    this.#clock = clock
    this.#machine = machine
    this.local = local
    this.remote = remote
    machine.own(this)
  }

  /** Makes two ends one connection. */
  join(other: SimStream): void {
    this.#other = other
    other.#other = this
    this.#path = this.#machine.pathTo(other)
    other.#path = other.#machine.pathTo(this)
  }

  open(handlers: (stream: ByteStream) => StreamHandlers): void {
    this.#handlers = handlers(this)
    this.#readSoon()
  }

  get isUsable(): boolean {
    return !this.#closed
  }

  get backlogBytes(): number {
    return this.#backlogBytes
  }

  write(chunks: readonly Uint8Array[]): void {
    if (this.#closed || this.#ending) return
    // A copy: whoever reads may do with the bytes as it likes.
    const bytes = concatBytes(...chunks)
    for (let at = 0; at < bytes.length; at += PIECE_BYTES_MAX) {
      this.#backlog.push(bytes.subarray(at, at + PIECE_BYTES_MAX))
    }
    this.#backlogBytes += bytes.length
    this.#launch()
    this.#backlogged ||= this.#backlogBytes > 0
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#readSoon()
  }

  end(): void {
    if (this.#closed || this.#ending) return
    this.#ending = true
    this.#launch()
  }

  destroy(): void {
    if (this.#closed) return
    this.#clearBacklog()
    this.#fly(undefined)
    this.#close(undefined)
  }

  /** Both ends are told that the connection broke. */
  reset(): void {
    for (const end of [this, this.#other]) end.#close(RESET)
  }

  /** The machine at this end has gone, with whoever would have been told. */
  abandon({ silently }: { silently: boolean }): void {
    this.#closed = true
    this.#flight.length = 0
    this.#clearBacklog()
    if (silently) return
    const other = this.#other
    this.#clock.after(this.#path.delayMs(0), () => other.#close(RESET))
  }

  #clearBacklog(): void {
    this.#backlog.length = 0
    this.#backlogBytes = 0
  }

  #launch(): void {
    while (this.#backlog.length > 0 && this.#launchedBytes < WINDOW_BYTES) {
      const bytes = this.#backlog.shift()!
      this.#backlogBytes -= bytes.length
      this.#launchedBytes += bytes.length
      this.#fly(bytes)
    }
    if (this.#backlogBytes > 0) return
    if (this.#ending) {
      this.#fly(undefined)
      this.#close(undefined)
    } else if (this.#backlogged) {
      this.#backlogged = false
      this.#clock.soon(() => {
        if (!this.#closed && this.#backlogBytes === 0) this.#handlers?.onDrain()
      })
    }
  }

  #fly(bytes: Uint8Array | undefined): void {
    const arrivesMs = this.#clock.timeMs + Math.ceil(this.#path.delayMs(bytes?.length ?? 0))
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, arrivesMs)
    this.#flight.push({ arrivesMs: this.#lastArrivalMs, bytes })
    this.#awaitLanding()
  }

  #awaitLanding(): void {
    if (this.#landing || this.#flight.length === 0) return
    this.#landing = true
    this.#clock.after(this.#flight[0].arrivesMs - this.#clock.timeMs, () => this.#land())
  }

  /** The first piece arrives, unless it is lost on its way. */
  #land(): void {
    this.#landing = false
    if (this.#flight.length === 0) return
    if (!this.#path.isOpen()) {
      this.#retry()
      return
    }
    this.#tries = 0
    this.#blockedSinceMs = -1
    if (this.#path.isGone()) {
      this.#flight.length = 0
      if (!this.#other.#isAtPeace) this.#clock.after(this.#path.delayMs(0), () => this.#close(RESET))
      return
    }
    const now = this.#clock.timeMs
    while (this.#flight.length > 0 && this.#flight[0].arrivesMs <= now) this.#other.#receive(this.#flight.shift()!)
    this.#awaitLanding()
  }

  #retry(): void {
    const now = this.#clock.timeMs
    if (this.#blockedSinceMs < 0) this.#blockedSinceMs = now
    if (now - this.#blockedSinceMs > this.#path.giveUpMs) {
      this.#flight.length = 0
      this.#close(TIMED_OUT)
      return
    }
    this.#landing = true
    this.#clock.after(this.#path.retryMs(this.#tries++), () => this.#land())
  }

  /** Whether this end closed by itself, so that what still comes is of no interest. */
  get #isAtPeace(): boolean {
    return this.#ended || this.#ending
  }

  #receive({ bytes }: Piece): void {
    if (this.#closed) return
    if (bytes === undefined) this.#ended = true
    else this.#unread.push(bytes)
    this.#read()
  }

  #readSoon(): void {
    if (this.#reading || this.#closed) return
    this.#reading = true
    this.#clock.soon(() => {
      this.#reading = false
      this.#read()
    })
  }

  #read(): void {
    if (this.#handlers === undefined) return
    while (!this.#paused && !this.#closed && this.#unread.length > 0) {
      const bytes = this.#unread.shift()!
      this.#other.#launchedBytes -= bytes.length
      this.#other.onDelivered?.(bytes)
      this.#handlers.onData(bytes)
      this.#other.#launchIfOpen()
    }
    if (this.#ended && this.#unread.length === 0 && !this.#paused) this.#close(undefined)
  }

  #launchIfOpen(): void {
    if (!this.#closed) this.#launch()
  }

  #close(error: string | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#clearBacklog()
    this.#unread.length = 0
    if (error !== undefined) this.#flight.length = 0
    this.#clock.soon(() => {
      this.#machine.disown(this)
      this.#handlers?.onClose(error)
    })
  }
}
