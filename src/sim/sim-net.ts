import { OperationError } from '../base/errors.ts'
import type { ByteStream, Listener, LocalSocketPath, Net, SocketAddress, StreamHandlers } from '../base/ports/net.ts'
import type { Random } from '../base/ports/random.ts'
import { type FlightPath, type SimPipe, SimStream } from './sim-stream.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** How lines are between machines. */
export interface LineOptions {
  /** One way, between two machines: drawn once for each pair, from this range. */
  readonly latencyMs: readonly [number, number]
  /** Of what each machine sends. */
  readonly bytesPerSecond: number
  /** The share of packets that have to be sent again. */
  readonly lossRate: number
}

/** What a world may want to write down. */
export interface NetObserver {
  onDelivered(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): void
  onConnected(from: SocketAddress, to: SocketAddress): void
  onClosed(from: SocketAddress, to: SocketAddress): void
}

const FIRST_EPHEMERAL_PORT = 49_152
/** How long a lost packet is waited for before it is sent again, at first and at last. */
const RETRY_MS = 200
const RETRY_MS_MAX = 60_000
/** After so long without an answer a connection is given up. */
const GIVE_UP_MS = 15 * 60_000
const PACKET_BYTES = 1460
/** Latency varies by this share. */
const JITTER = 0.2

type Attempt = { readonly deadlineMs: number; retryMs: number }

/** A machine's access to the net; all that it has open ends with {@link SimHost.crash}. */
export class SimHost implements Net, FlightPath {
  readonly address: string
  readonly #net: SimNet
  readonly #listeners = new Map<number, (stream: ByteStream) => StreamHandlers>()
  readonly #streams = new Set<SimStream>()
  #nextPort = FIRST_EPHEMERAL_PORT
  #isUp = true
  /** When the line out is free again. */
  #lineFreeMs = 0

  constructor(net: SimNet, address: string) {
    this.#net = net
    this.address = address
  }

  get isUp(): boolean {
    return this.#isUp
  }

  get streamCount(): number {
    return this.#streams.size
  }

  async listen(at: SocketAddress, onStream: (stream: ByteStream) => StreamHandlers): Promise<Listener> {
    let { port } = at
    if (port === 0) while (this.#listeners.has(port) || port === 0) port = this.#nextPort++
    if (this.#listeners.has(port)) {
      throw new OperationError('address-in-use', `Cannot listen at ${this.address}:${port}: it is in use`)
    }
    this.#listeners.set(port, onStream)
    return {
      address: { host: this.address, port },
      close: async () => {
        this.#listeners.delete(port)
      },
    }
  }

  connect(
    to: SocketAddress | LocalSocketPath,
    options: { readonly timeoutMs: number },
    handlers: (stream: ByteStream) => StreamHandlers,
  ): Promise<ByteStream> {
    if ('path' in to) return Promise.reject(new OperationError('connect-failed', 'There is no such socket'))
    const { clock } = this.#net
    const local = { host: this.address, port: this.#nextPort++ }
    const attempt: Attempt = { deadlineMs: clock.timeMs + options.timeoutMs, retryMs: 1000 }
    return new Promise((resolve, reject) => {
      const refuse = (): void => {
        reject(new OperationError('connect-failed', `No connection to ${to.host}:${to.port}: ECONNREFUSED`))
      }
      const knock = (): void => {
        const host = this.#net.reach(this, to.host)
        if (host === undefined || !host.#isUp) {
          const delay = Math.min(attempt.retryMs, attempt.deadlineMs - clock.timeMs)
          attempt.retryMs *= 2
          if (delay > 0) clock.after(delay, knock)
          else
            reject(new OperationError('connect-timeout', `No connection to ${to.host}:${to.port}: no answer in time`))
          return
        }
        const answerMs = this.delayMs(host, 0)
        const onStream = host.#listeners.get(to.port)
        if (onStream === undefined) {
          clock.after(answerMs, refuse)
          return
        }
        const [ours, theirs] = this.#net.join(this, local, host, to)
        theirs.open(onStream)
        clock.after(answerMs, () => {
          if (!ours.isUsable) return refuse()
          ours.open(handlers)
          resolve(ours)
        })
      }
      clock.after(this.delayMs(this.#net.find(to.host) ?? this, 0), knock)
    })
  }

  async resolve(name: string): Promise<readonly string[]> {
    return this.#net.names.get(name) ?? []
  }

  /** How long a piece takes that is sent now. */
  delayMs(to: SimHost, bytes: number): number {
    const { clock, random, line } = this.#net
    const start = Math.max(clock.timeMs, this.#lineFreeMs)
    this.#lineFreeMs = start + (1000 * bytes) / line.bytesPerSecond
    const latency = this.#net.latencyMs(this, to) * (1 + (JITTER * random.below(1000)) / 1000)
    return this.#lineFreeMs - clock.timeMs + latency + this.#lossDelayMs(bytes)
  }

  #lossDelayMs(bytes: number): number {
    const { random, line } = this.#net
    if (line.lossRate === 0) return 0
    const packets = Math.max(Math.ceil(bytes / PACKET_BYTES), 1)
    const stallRate = 1 - (1 - line.lossRate) ** packets
    let delay = 0
    for (let retry = RETRY_MS; random.below(1_000_000) < 1_000_000 * stallRate && retry < RETRY_MS_MAX; retry *= 2) {
      delay += retry
    }
    return delay
  }

  pathTo(stream: SimStream): SimPipe {
    const host = this.#net.find(stream.local.host)
    return {
      delayMs: bytes => this.delayMs(host ?? this, bytes),
      isOpen: () => this.#net.reach(this, stream.local.host)?.isUp === true,
      isGone: () => host === undefined || !host.#streams.has(stream),
      retryMs: tries => Math.min(RETRY_MS * 2 ** tries, RETRY_MS_MAX),
      giveUpMs: GIVE_UP_MS,
    }
  }

  own(stream: SimStream): void {
    this.#streams.add(stream)
  }

  disown(stream: SimStream): void {
    this.#streams.delete(stream)
    this.#net.observer?.onClosed(stream.local, stream.remote)
  }

  /**
   * All that runs here ends. With `power` off nobody is told, and the other ends stay half-open until they say something; else the
   * system closes what was open.
   */
  crash(options: { power: boolean }): void {
    this.#listeners.clear()
    for (const stream of this.#streams) stream.abandon({ silently: options.power })
    this.#streams.clear()
    if (options.power) this.#isUp = false
  }

  /** The machine is on again, with nothing open. */
  restart(): void {
    this.#isUp = true
  }

  /** Breaks every connection that `chooses` says, as a router does that forgets them. */
  breakStreams(chooses: () => boolean): void {
    for (const stream of [...this.#streams]) if (chooses()) stream.reset()
  }
}

/**
 * A net between machines of a virtual world. Streams bring what they were given, in order, but late: as distance, bandwidth and lost packets
 * have it; those of different connections overtake each other. A partition holds back all that is on its way.
 *
 * @example
 * const net = new SimNet(clock, seededRandom(7), { latencyMs: [20, 400], bytesPerSecond: 1e6, lossRate: 0.02 })
 * const [alice, bob] = ['1.2.3.4', '5.6.7.8'].map(address => net.host(address))
 * net.partition([alice], [bob])
 */
export class SimNet {
  readonly clock: VirtualClock
  readonly random: Random
  line: LineOptions
  /** Names that can be looked up. */
  readonly names = new Map<string, readonly string[]>()
  observer: NetObserver | undefined
  readonly #hosts = new Map<string, SimHost>()
  readonly #latencies = new Map<string, number>()
  /** The side of a partition on which a host is; those of no side reach all. */
  readonly #sides = new Map<SimHost, number>()

  constructor(clock: VirtualClock, random: Random, line: LineOptions) {
    this.clock = clock
    this.random = random
    this.line = line
  }

  /** A new machine at an address. */
  host(address: string): SimHost {
    const host = new SimHost(this, address)
    this.#hosts.set(address, host)
    return host
  }

  find(address: string): SimHost | undefined {
    return this.#hosts.get(address)
  }

  /** The machine at an address, where packets get through to it. */
  reach(from: SimHost, address: string): SimHost | undefined {
    const host = this.#hosts.get(address)
    if (host === undefined || this.#sides.size === 0) return host
    const [ours, theirs] = [this.#sides.get(from), this.#sides.get(host)]
    return ours === undefined || theirs === undefined || ours === theirs ? host : undefined
  }

  /** Nothing passes any more between hosts of different groups. */
  partition(...groups: readonly (readonly SimHost[])[]): void {
    this.#sides.clear()
    for (const [side, hosts] of groups.entries()) for (const host of hosts) this.#sides.set(host, side)
  }

  heal(): void {
    this.#sides.clear()
  }

  latencyMs(from: SimHost, to: SimHost): number {
    if (from === to) return 0
    const key = from.address < to.address ? `${from.address} ${to.address}` : `${to.address} ${from.address}`
    let latency = this.#latencies.get(key)
    if (latency === undefined) {
      const [least, most] = this.line.latencyMs
      latency = least + this.random.below(most - least + 1)
      this.#latencies.set(key, latency)
    }
    return latency
  }

  /** Two ends of a new connection. */
  join(from: SimHost, local: SocketAddress, to: SimHost, remote: SocketAddress): readonly [SimStream, SimStream] {
    const ours = new SimStream(this.clock, from, local, remote)
    const theirs = new SimStream(this.clock, to, { host: to.address, port: remote.port }, local)
    ours.join(theirs)
    ours.onDelivered = bytes => this.observer?.onDelivered(local, remote, bytes)
    theirs.onDelivered = bytes => this.observer?.onDelivered(remote, local, bytes)
    this.observer?.onConnected(local, remote)
    return [ours, theirs]
  }
}
