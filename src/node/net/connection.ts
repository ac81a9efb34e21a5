import { emptyBytes } from '../../base/bytes/bytes.ts'
import { invariant } from '../../base/errors.ts'
import type { StreamHandlers } from '../../base/ports/net.ts'
import type { ConnectionId, ConnectionInput } from '../../bitcoin/p2p/connection-io.ts'
import type { Transport, TransportEvent } from '../../bitcoin/wire/transport.ts'
import type { Log } from '../log.ts'
import type { HeldStream } from './held-stream.ts'
import { inactivityOf } from './inactivity.ts'
import type { MadeTransport } from './make-transport.ts'
import { settlePayload } from './payload-memory.ts'
import { Traffic } from './traffic.ts'

/** Bytes that are encrypted and handed to a socket ahead of what it has passed on. */
const SEND_AHEAD_BYTES = 256 * 1024
/** What waits for a peer may exceed the limit that makes it congested so many times before we part. */
export const SEND_QUEUE_FACTOR_MAX = 32
/** What may wait of one connection however much waits of all: enough to keep it going. */
const RECEIVE_SHARE_BYTES = 64 * 1024
/** Beside its bytes, a message takes this much memory until it is dealt with. */
const MESSAGE_OVERHEAD_BYTES = 256

export interface ConnectionLimits {
  /** -maxreceivebuffer: bytes of messages that wait to be dealt with; beyond, nothing more is read. */
  readonly receiveBufferBytesMax: number
  /** -maxsendbuffer: bytes of messages that wait to be sent; beyond, the connection is congested. */
  readonly sendBufferBytesMax: number
  /** -peertimeout */
  readonly handshakeTimeoutMs: number
}

/** What all connections share. */
export interface ConnectionHost {
  readonly log: Log
  readonly limits: ConnectionLimits
  /** -logips */
  readonly logIps: boolean
  /** Milliseconds since 1970; may be mocked. */
  now(): number
  emit(input: ConnectionInput): void
  /** So many bytes more (or fewer) wait to be dealt with. */
  waiting(bytes: number): void
  /** Whether as much waits of all connections together as may. */
  readonly isCrowded: boolean
  sent(bytes: number): void
  received(bytes: number): void
  /** Does what may take milliseconds when its turn has come. */
  inTurn(task: () => void): void
  /** The connection is over: told once. Its socket may still be passing on what was written. */
  closed(connection: Connection, retryV1: boolean): void
  /** The socket of a connection that is over is closed, too. */
  gone(connection: Connection): void
}

interface QueuedMessage {
  readonly command: string
  readonly payload: Uint8Array
}

/** One peer's socket: bytes to messages, messages to bytes, with limits on both. */
export class Connection implements StreamHandlers {
  readonly id: ConnectionId
  /** The other end's address, or the name that it was asked by. */
  readonly name: string
  readonly isInbound: boolean
  readonly traffic = new Traffic()
  readonly #host: ConnectionHost
  readonly #held: HeldStream
  readonly #connectedAtMs: number
  #peer: number | undefined
  #made: MadeTransport | undefined
  #isSettled = false
  #handshakeSent = false
  #established = false
  #queue: QueuedMessage[] = []
  #queuedBytes = 0
  #congested = false
  #unprocessedBytes = 0
  #paused = false
  #over = false

  constructor(host: ConnectionHost, held: HeldStream, what: { id: ConnectionId; name: string; isInbound: boolean }) {
    this.#host = host
    this.#held = held
    this.id = what.id
    this.name = what.name
    this.isInbound = what.isInbound
    this.#connectedAtMs = host.now()
    held.own(this)
  }

  /** Bytes of messages that wait to be sent. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  get isOver(): boolean {
    return this.#over
  }

  /** Whether the core has said what becomes of it. */
  get isBegun(): boolean {
    return this.#made !== undefined
  }

  /** How the log names it. */
  get label(): string {
    const peer = `peer=${this.#peer ?? '?'}`
    return this.#host.logIps ? `${peer}, peeraddr=${this.name}` : peer
  }

  get #farewell(): string {
    return `disconnecting ${this.label}`
  }

  /** Reads and speaks from now on. */
  begin(peer: number, made: MadeTransport): void {
    invariant(this.#made === undefined, 'a connection began twice')
    this.#peer = peer
    this.#made = made
    const { log, logIps } = this.#host
    log.debug('net', `Added connection ${logIps ? `to ${this.name} ` : ''}peer=${peer}`)
    if (this.isInbound) log.debug('net', `connection from ${this.name} accepted`)
    for (const bytes of made.transport.start()) this.#sendHandshake(bytes)
    this.#settle()
    this.#held.flow()
  }

  /** Both sides have said `verack`. */
  establish(): void {
    this.#established = true
  }

  send(command: string, payload: Uint8Array): void {
    if (this.#over) return
    this.#queue.push({ command, payload })
    this.#queuedBytes += payload.length + MESSAGE_OVERHEAD_BYTES
    const { sendBufferBytesMax } = this.#host.limits
    if (!this.#congested && this.#queuedBytes > sendBufferBytesMax) this.#setCongested(true)
    if (this.#queuedBytes > SEND_QUEUE_FACTOR_MAX * sendBufferBytesMax) {
      this.fail(`socket send error, ${this.#farewell}: too much waits to be sent`)
    }
  }

  /** Hands on to the socket what it takes. */
  flush(): void {
    const transport = this.#made?.transport
    if (this.#over || transport === undefined || !transport.canSend) return
    const { stream } = this.#held
    while (this.#queue.length > 0 && stream.backlogBytes < SEND_AHEAD_BYTES) {
      const chunks: Uint8Array[] = []
      let bytes = 0
      while (this.#queue.length > 0 && bytes < SEND_AHEAD_BYTES) {
        const { command, payload } = this.#queue.shift()!
        this.#queuedBytes -= payload.length + MESSAGE_OVERHEAD_BYTES
        const before = bytes
        for (const chunk of transport.send(command, payload)) {
          chunks.push(chunk)
          bytes += chunk.length
        }
        this.traffic.sentMessage(command, bytes - before)
      }
      this.#write(chunks, bytes)
    }
    if (this.#congested && this.#queuedBytes <= this.#host.limits.sendBufferBytesMax / 2) this.#setCongested(false)
  }

  /** The core has dealt with a message. */
  processed(wireBytes: number): void {
    if (this.#over) return
    this.#wait(-wireBytes - MESSAGE_OVERHEAD_BYTES)
    if (!this.#paused || !this.#mayRead) return
    this.#paused = false
    this.#held.stream.resume()
  }

  #wait(bytes: number): void {
    this.#unprocessedBytes += bytes
    this.#host.waiting(bytes)
  }

  get #mayRead(): boolean {
    const { receiveBufferBytesMax } = this.#host.limits
    const max = this.#host.isCrowded ? Math.min(RECEIVE_SHARE_BYTES, receiveBufferBytesMax) : receiveBufferBytesMax
    return this.#unprocessedBytes <= max
  }

  /** Closes; `flush` lets go out first what the socket has. */
  close(flush: boolean): void {
    if (this.#over) return
    if (flush) {
      this.flush()
      this.#held.stream.end()
    } else {
      this.#held.stream.destroy()
    }
    this.#finish()
  }

  /** Closes at once, and says why in the log. */
  fail(reason: string): void {
    if (this.#over) return
    if (this.isBegun) this.#host.log.debug('net', reason)
    this.close(false)
  }

  /** Closes where the network was turned off. */
  switchOff(): void {
    this.fail(`Network not active, ${this.#farewell}`)
  }

  /** Closes where the other side has been silent for too long. */
  checkActivity(nowMs: number): void {
    const state = {
      connectedAtMs: this.#connectedAtMs,
      traffic: this.traffic,
      established: this.#established,
      detecting: !this.#isSettled,
    }
    const silence = inactivityOf(state, nowMs, this.#host.limits.handshakeTimeoutMs)
    if (silence !== undefined) this.fail(`${silence}, ${this.#farewell}`)
  }

  onData(chunk: Uint8Array): void {
    if (this.#over || this.#made === undefined) return
    this.traffic.lastReceiveMs = this.#host.now()
    this.traffic.bytesReceived += chunk.length
    this.#host.received(chunk.length)
    if (this.#isSettled || !this.isInbound) {
      this.#receive(this.#made.transport, chunk)
      return
    }
    // Strangers may all shake hands at once: each has to wait for the others.
    const { transport } = this.#made
    const kept = chunk.slice()
    this.#held.hold(emptyBytes())
    this.#host.inTurn(() => {
      if (this.#over) return
      this.#receive(transport, kept)
      if (this.#over) return
      this.#held.flow()
      if (this.#paused) this.#held.stream.pause()
    })
  }

  #receive(transport: Transport, chunk: Uint8Array): void {
    const events = transport.receive(chunk)
    this.#settle()
    for (const event of events) {
      this.#onEvent(event)
      if (this.#over) return
    }
    this.flush()
    if (this.#paused || this.#mayRead) return
    this.#paused = true
    this.#held.stream.pause()
  }

  onDrain(): void {
    if (this.#over) return
    this.traffic.lastSendMs = this.#host.now()
    this.flush()
  }

  onClose(error: string | undefined): void {
    if (!this.#over) {
      if (this.isBegun) {
        const { log } = this.#host
        if (error === undefined) log.debug('net', `socket closed, ${this.#farewell}`)
        else log.debug('net', `socket recv error, ${this.#farewell}: ${error}`)
      }
      this.#finish()
    }
    this.#host.gone(this)
  }

  /** Closes the socket, whatever still waits in it. */
  destroy(): void {
    this.#held.stream.destroy()
  }

  #onEvent(event: TransportEvent): void {
    if (event.type === 'send') {
      this.#sendHandshake(event.bytes)
    } else if (event.type === 'message') {
      const { command, wireBytes } = event
      this.traffic.receivedMessage(command, wireBytes)
      this.#wait(wireBytes + MESSAGE_OVERHEAD_BYTES)
      const payload = settlePayload(command, event.payload)
      this.#host.emit({ type: 'message', connection: this.id, command, payload, wireBytes })
    } else {
      this.#host.log.debug('net', `${event.detail}, peer=${this.#peer}`)
      if (event.type === 'dropped') this.traffic.receivedMessage('', event.wireBytes)
      else this.fail(`receiving message bytes failed, ${this.#farewell}`)
    }
  }

  #sendHandshake(bytes: Uint8Array): void {
    if (!this.#handshakeSent) {
      this.#handshakeSent = true
      this.#host.log.debug('net', `start sending v2 handshake to peer=${this.#peer}`)
    }
    this.#write([bytes], bytes.length)
  }

  #write(chunks: readonly Uint8Array[], bytes: number): void {
    const { stream } = this.#held
    // Where earlier bytes still wait, these are not on their way yet: onDrain tells when.
    if (stream.backlogBytes === 0) this.traffic.lastSendMs = this.#host.now()
    this.traffic.bytesSent += bytes
    this.#host.sent(bytes)
    stream.write(chunks)
  }

  #settle(): void {
    const transport = this.#made?.transport
    if (this.#isSettled || transport === undefined || transport.protocol === 'detecting') return
    this.#isSettled = true
    const { protocol, sessionId } = transport
    this.#host.emit({ type: 'transport', connection: this.id, protocol, sessionId })
  }

  #setCongested(congested: boolean): void {
    this.#congested = congested
    this.#host.emit({ type: congested ? 'congested' : 'drained', connection: this.id })
  }

  #finish(): void {
    this.#over = true
    this.#queue = []
    this.#wait(-this.#unprocessedBytes)
    const retryV1 = this.#made?.shouldReconnectV1(this.traffic.bytesSent) ?? false
    this.#made?.release()
    this.#host.closed(this, retryV1)
  }
}
