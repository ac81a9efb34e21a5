import { invariant, OperationError } from '../../base/errors.ts'
import type { Clock } from '../../base/ports/clock.ts'
import type { ByteStream, Listener, Net, SocketAddress, StreamHandlers } from '../../base/ports/net.ts'
import {
  type ConnectionEffect,
  type ConnectionId,
  type ConnectionInput,
  countsAsMessage,
} from '../../bitcoin/p2p/connection-io.ts'
import { formatNetEndpoint } from '../../bitcoin/wire/net-address-text.ts'
import type { Log } from '../log.ts'
import { Connection, type ConnectionHost, type ConnectionLimits } from './connection.ts'
import type { Dialed, Dialer } from './dialer.ts'
import { endpointOf, targetText } from './endpoints.ts'
import { HeldStream } from './held-stream.ts'
import type { TransportMaker } from './make-transport.ts'
import type { TrafficFigures } from './traffic.ts'
import { Turns } from './turns.ts'
import { UploadTarget, type UploadTargetFigures } from './upload-target.ts'

/** What was sent to a connection that is over has so long to go out. */
const LINGER_MS = 5000

/** Bytes of messages that wait to be dealt with, of all connections together; beyond, each may only have a small share. */
export const WAITING_BYTES_MAX = 16 << 20

/** What was applied is reported to the core when it is as much. */
const APPLIED_BYTES_MIN = 256 * 1024
const APPLIED_MESSAGES_MIN = 256

/** How connections are to be; plain data. */
export interface ConnectionsOptions extends ConnectionLimits {
  /** Inbound sockets that may be open at once, those included that the core has not answered for. */
  readonly inboundSocketsMax: number
  /** -maxuploadtarget: bytes a day, 0 for no limit. */
  readonly uploadTargetBytes: number
  /** -networkactive */
  readonly networkActive: boolean
  /** -logips */
  readonly logIps: boolean
  /** -cjdnsreachable: addresses of fc00::/8 belong to CJDNS. */
  readonly cjdnsReachable: boolean
}

export const DEFAULT_CONNECTIONS_OPTIONS: ConnectionsOptions = {
  receiveBufferBytesMax: 5_000_000,
  sendBufferBytesMax: 1_000_000,
  handshakeTimeoutMs: 60_000,
  inboundSocketsMax: 160,
  uploadTargetBytes: 0,
  networkActive: true,
  logIps: false,
  cjdnsReachable: false,
}

export interface ConnectionsContext {
  readonly net: Net
  readonly clock: Clock
  readonly log: Log
  readonly dialer: Dialer
  readonly transports: TransportMaker
  /** Takes what the core is to know, in order and in batches, never from inside a call. */
  readonly onInputs: (inputs: readonly ConnectionInput[]) => void
  /** Calls back soon, after what is going on now. */
  readonly defer: (task: () => void) => void
}

/** Where to listen; its place in the list is the number that `accepted` gives. */
export interface ListenRequest {
  readonly at: SocketAddress
  /** Whether we go on without it: for IPv6 on a machine that has none. */
  readonly isOptional: boolean
}

/** Bytes over all connections since the start. */
export interface NetTotals {
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly upload: UploadTargetFigures
}

/**
 * The sockets' side of the protocol: carries out the core's effects and tells it what happens, as messages. It decides nothing but what
 * keeps memory bounded.
 *
 * @example
 * const connections = new Connections(context, { ...DEFAULT_CONNECTIONS_OPTIONS })
 * await connections.listen([{ at: { host: '0.0.0.0', port: 8333 }, isOptional: false }])
 * connections.apply([{ type: 'connect', connection: 1, target, protocol: 'v2', kind: 'manual', lastSeenSeconds: 0 }])
 * const timer = setInterval(() => connections.tick(), 100)
 */
export class Connections implements ConnectionHost {
  readonly log: Log
  readonly limits: ConnectionLimits
  readonly logIps: boolean
  readonly #context: ConnectionsContext
  readonly #options: ConnectionsOptions
  readonly #uploads: UploadTarget
  readonly #turns: Turns
  readonly #connections = new Map<ConnectionId, Connection>()
  /** Attempts that are under way, and what they speak. */
  readonly #dialing = new Map<ConnectionId, 'v1' | 'v2'>()
  readonly #protocols = new Map<ConnectionId, 'v1' | 'v2'>()
  /** Over, with bytes on their way, until a monotonic time. */
  readonly #lingering = new Map<Connection, number>()
  readonly #listeners: Listener[] = []
  #inboundSockets = 0
  #nextInbound = -1
  #networkActive: boolean
  #bytesSent = 0
  #bytesReceived = 0
  #waitingBytes = 0
  #appliedMessages = 0
  #appliedBytes = 0
  #budgetTold = 'false,false'
  #inputs: ConnectionInput[] = []
  #stopped = false

  constructor(context: ConnectionsContext, options: ConnectionsOptions) {
    this.#context = context
    this.#options = options
    this.log = context.log
    this.limits = options
    this.logIps = options.logIps
    this.#networkActive = options.networkActive
    this.#uploads = new UploadTarget(options.uploadTargetBytes)
    this.#turns = new Turns(() => context.clock.monotonic(), context.defer)
    this.#tellBudget()
  }

  get networkActive(): boolean {
    return this.#networkActive
  }

  get totals(): NetTotals {
    const upload = this.#uploads.figures(Math.floor(this.now() / 1000))
    return { bytesSent: this.#bytesSent, bytesReceived: this.#bytesReceived, upload }
  }

  /** What went over a connection; undefined where it is over. */
  trafficOf(connection: ConnectionId): TrafficFigures | undefined {
    return this.#connections.get(connection)?.traffic
  }

  now(): number {
    return this.#context.clock.now()
  }

  /**
   * Listens; resolves with the addresses, in order, undefined for optional ones that failed. Rejects with OperationError
   * `address-in-use` or `listen-failed`, in Core's words.
   */
  async listen(requests: readonly ListenRequest[]): Promise<readonly (SocketAddress | undefined)[]> {
    const bound: (SocketAddress | undefined)[] = []
    for (const [number, { at, isOptional }] of requests.entries()) {
      const text = formatNetEndpoint(endpointOf(at, this.#options.cjdnsReachable))
      try {
        const listener = await this.#context.net.listen(at, stream => this.#onStream(stream, number))
        this.#listeners.push(listener)
        bound.push(listener.address)
        this.log.info(`Bound to ${formatNetEndpoint(endpointOf(listener.address, this.#options.cjdnsReachable))}`)
      } catch (cause) {
        const error = cause as OperationError
        const message =
          error.code === 'address-in-use'
            ? `Unable to bind to ${text} on this computer. Peers is probably already running.`
            : `Unable to bind to ${text} on this computer (bind returned error ${error.message})`
        this.log.error(message)
        if (!isOptional) throw new OperationError(error.code, message, { cause, next: error.next })
        bound.push(undefined)
      }
    }
    return bound
  }

  /** Takes a connection that came in by another way than a listening address: through I2P. */
  takeInbound(dialed: Dialed): void {
    this.#takeInbound(dialed, undefined)
  }

  /** Carries out what the core asks for, in order. */
  apply(effects: readonly ConnectionEffect[]): void {
    const touched = new Set<Connection>()
    for (const effect of effects) {
      if (countsAsMessage(effect)) this.#appliedMessages++
      if (effect.type === 'send') this.#appliedBytes += effect.payload.length
      if (effect.type === 'connect') this.#connect(effect)
      else if (effect.type === 'resolve') void this.#resolve(effect.name, effect.port)
      else this.#applyTo(effect, touched)
    }
    // What goes to one socket in one batch goes in one write.
    for (const connection of touched) connection.flush()
    if (this.#appliedBytes < APPLIED_BYTES_MIN && this.#appliedMessages < APPLIED_MESSAGES_MIN) return
    this.emit({ type: 'applied', messages: this.#appliedMessages, payloadBytes: this.#appliedBytes })
    this.#appliedMessages = 0
    this.#appliedBytes = 0
  }

  /** Tells the core something; also for those who find out addresses of ours. */
  emit(input: ConnectionInput): void {
    this.#inputs.push(input)
    if (this.#inputs.length === 1) this.#context.defer(() => this.#deliver())
  }

  /** To be called about ten times a second: parts from the silent. */
  tick(): void {
    const now = this.now()
    for (const connection of [...this.#connections.values()]) connection.checkActivity(now)
    const monotonic = this.#context.clock.monotonic()
    for (const [connection, until] of this.#lingering) if (monotonic >= until) connection.destroy()
    this.#tellBudget()
    this.#context.transports.prepare()
  }

  /** -networkactive and setnetworkactive: off closes all connections and makes none. */
  setNetworkActive(active: boolean): void {
    this.log.info(`SetNetworkActive: ${active}`)
    if (this.#networkActive === active) return
    this.#networkActive = active
    this.emit({ type: 'networkActive', active })
    if (active) return
    for (const connection of [...this.#connections.values()]) connection.switchOff()
  }

  /** Closes all. Nothing is told any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const connection of [...this.#connections.values()]) connection.close(true)
    for (const connection of this.#lingering.keys()) connection.destroy()
    await Promise.all(this.#listeners.map(listener => listener.close()))
  }

  sent(bytes: number): void {
    this.#bytesSent += bytes
    this.#uploads.record(bytes, Math.floor(this.now() / 1000))
    this.#tellBudget()
  }

  waiting(bytes: number): void {
    this.#waitingBytes += bytes
  }

  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Bytes that wait to be sent, of each connection. */
  get queuedBytes(): number[] {
    return [...this.#connections.values()].map(connection => connection.queuedBytes)
  }

  get isCrowded(): boolean {
    return this.#waitingBytes > WAITING_BYTES_MAX
  }

  received(bytes: number): void {
    this.#bytesReceived += bytes
  }

  inTurn(task: () => void): void {
    this.#turns.take(task)
  }

  closed(connection: Connection, retryV1: boolean): void {
    this.#connections.delete(connection.id)
    this.#protocols.delete(connection.id)
    this.#lingering.set(connection, this.#context.clock.monotonic() + LINGER_MS)
    const retries = retryV1 && this.#networkActive
    if (retries) this.log.debug('net', `retrying with v1 transport protocol for ${connection.label}`)
    this.emit({ type: 'closed', connection: connection.id, reason: 'ended', retryV1: retries })
  }

  gone(connection: Connection): void {
    this.#lingering.delete(connection)
    if (connection.isInbound) this.#inboundSockets--
  }

  #applyTo(
    effect: Exclude<ConnectionEffect, { readonly type: 'connect' | 'resolve' }>,
    touched: Set<Connection>,
  ): void {
    const connection = this.#connections.get(effect.connection)
    if (connection === undefined) {
      if (effect.type === 'close') this.#cancel(effect.connection)
      return
    }
    const { transports } = this.#context
    if (effect.type === 'send') {
      connection.send(effect.command, effect.payload)
      touched.add(connection)
    } else if (effect.type === 'processed') connection.processed(effect.wireBytes)
    else if (effect.type === 'established') connection.establish()
    else if (effect.type === 'close') connection.close(effect.flush)
    else if (effect.type === 'begin') {
      const isPlain = this.#protocols.get(effect.connection) === 'v1'
      connection.begin(effect.peer, isPlain ? transports.plain() : transports.encrypted('initiator'))
    } else {
      // A key of its own may have to be made.
      this.inTurn(() => {
        if (connection.isOver) return
        connection.begin(
          effect.peer,
          effect.protocols === 'v1' ? transports.plain() : transports.encrypted('responder'),
        )
      })
    }
  }

  #connect(effect: Extract<ConnectionEffect, { readonly type: 'connect' }>): void {
    const { connection: id, target, protocol } = effect
    invariant(!this.#dialing.has(id) && !this.#connections.has(id), 'a connection id was used twice')
    const to = targetText(target)
    const hours = effect.lastSeenSeconds === 0 ? 0 : (this.now() / 1000 - effect.lastSeenSeconds) / 3600
    this.log.debug('net', `trying ${protocol} connection (${effect.kind}) to ${to}, lastseen=${hours.toFixed(1)}hrs`)
    if (!this.#networkActive || this.#stopped) {
      this.emit({ type: 'closed', connection: id, reason: 'unreachable', retryV1: false })
      return
    }
    this.#dialing.set(id, protocol)
    const transientIdentity = effect.transientIdentity ?? false
    this.#context.dialer.dial({ target, isManual: effect.kind === 'manual', transientIdentity }).then(
      dialed => this.#onDialed(id, to, dialed),
      error => this.#onDialFailed(id, error),
    )
  }

  #onDialed(id: ConnectionId, name: string, dialed: Dialed): void {
    const protocol = this.#dialing.get(id)
    this.#dialing.delete(id)
    if (protocol === undefined || !this.#networkActive || this.#stopped) {
      dialed.held.stream.destroy()
      if (protocol !== undefined) this.emit({ type: 'closed', connection: id, reason: 'unreachable', retryV1: false })
      return
    }
    this.#protocols.set(id, protocol)
    this.#connections.set(id, new Connection(this, dialed.held, { id, name, isInbound: false }))
    this.emit({ type: 'opened', connection: id, remote: dialed.remote, local: dialed.local })
  }

  #onDialFailed(id: ConnectionId, error: unknown): void {
    if (!this.#dialing.delete(id)) return
    const isProxy = error instanceof OperationError && error.code === 'proxy-unreachable'
    const reason = isProxy ? 'proxy-unreachable' : 'unreachable'
    this.emit({ type: 'closed', connection: id, reason, retryV1: false })
  }

  /** Gives up an attempt: what comes of it is closed at once. */
  #cancel(id: ConnectionId): void {
    if (!this.#dialing.delete(id)) return
    this.emit({ type: 'closed', connection: id, reason: 'unreachable', retryV1: false })
  }

  async #resolve(name: string, port: number): Promise<void> {
    const addresses = this.#networkActive ? await this.#context.dialer.resolve(name, port) : []
    this.emit({ type: 'resolved', name, addresses })
  }

  #onStream(stream: ByteStream, listener: number): StreamHandlers {
    const held = new HeldStream(stream)
    const { cjdnsReachable } = this.#options
    const remote = endpointOf(stream.remote, cjdnsReachable)
    this.#takeInbound({ held, remote, local: endpointOf(stream.local, cjdnsReachable) }, listener)
    return held
  }

  #takeInbound(dialed: Dialed, listener: number | undefined): void {
    const { held, remote, local } = dialed
    const name = formatNetEndpoint(remote)
    if (!this.#networkActive || this.#stopped) {
      this.log.debug('net', `connection from ${name} dropped: not accepting new connections`)
      held.stream.destroy()
      return
    }
    if (this.#inboundSockets >= this.#options.inboundSocketsMax) {
      this.log.debug('net', `connection from ${name} dropped: too many sockets`)
      held.stream.destroy()
      return
    }
    const id = this.#nextInbound--
    this.#inboundSockets++
    this.#connections.set(id, new Connection(this, held, { id, name, isInbound: true }))
    this.emit({ type: 'accepted', connection: id, remote, local: local ?? remote, listener })
  }

  #tellBudget(): void {
    const { reached, reachedForHistory } = this.#uploads.figures(Math.floor(this.now() / 1000))
    const budget = `${reached},${reachedForHistory}`
    if (budget === this.#budgetTold) return
    this.#budgetTold = budget
    this.emit({ type: 'uploadBudget', reached, reachedForHistory })
  }

  #deliver(): void {
    const inputs = this.#inputs
    this.#inputs = []
    if (!this.#stopped) this.#context.onInputs(inputs)
  }
}
