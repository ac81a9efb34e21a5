import { utf8 } from '../base/bytes/utf8.ts'
import type { Crypto } from '../base/crypto/backend.ts'
import { sha256 } from '../base/crypto/hash.ts'
import { invariant, type OperationError } from '../base/errors.ts'
import type { Random } from '../base/ports/random.ts'
import type { ConnectionEffect } from '../bitcoin/p2p/connection-io.ts'
import type { P2pOptions } from '../bitcoin/p2p/p2p-options.ts'
import type { RemotePeer } from '../bitcoin/p2p/remote-peer.ts'
import type { NetworkParams } from '../bitcoin/params/network-params.ts'
import type { NetEndpoint } from '../bitcoin/wire/net-address.ts'
import { SERVICES } from '../bitcoin/wire/services.ts'
import { HelperThreads } from '../node/ledger/helper-threads.ts'
import { Ledger } from '../node/ledger/ledger.ts'
import { type LedgerOptions, ledgerOptions } from '../node/ledger/ledger-options.ts'
import { LedgerService } from '../node/ledger/ledger-service.ts'
import { PeerFiles } from '../node/ledger/peer-files.ts'
import { PeerHost } from '../node/ledger/peer-host.ts'
import { Log } from '../node/log.ts'
import { LogFilter } from '../node/log-filter.ts'
import { Connections, type ConnectionsOptions, DEFAULT_CONNECTIONS_OPTIONS } from '../node/net/connections.ts'
import { Dialer } from '../node/net/dialer.ts'
import { TransportMaker } from '../node/net/make-transport.ts'
import { NO_PROXIES, Proxies } from '../node/net/proxies.ts'
import { nodeChaCha20Poly1305 } from '../platform/node-aead.ts'
import { MachineClock } from '../sim/machine-clock.ts'
import { SimDisk } from '../sim/sim-disk.ts'
import type { SimHost } from '../sim/sim-net.ts'
import type { VirtualClock } from '../sim/virtual-clock.ts'

/** Memory for coins: worlds have many nodes and few coins. */
const DB_CACHE_BYTES = 1 << 20
const CONNECT_TIMEOUT_MS = 5000
const CONNECTIONS_TICK_MS = 100
const TRIES_MAX = 0x1_0000_0000

/** What a node may be told to do otherwise than a new owner's would. */
export interface SimNodeOptions {
  readonly p2p?: Partial<P2pOptions>
  readonly connections?: Partial<ConnectionsOptions>
  readonly ledger?: Partial<LedgerOptions>
}

/** What a world gives each of its nodes. */
export interface SimNodeParts {
  readonly name: string
  readonly endpoint: NetEndpoint
  readonly host: SimHost
  readonly clock: VirtualClock
  /** The world's time of day, milliseconds since 1970. */
  readonly timeOfDayMs: () => number
  /** Periodic work is done at most this often. */
  readonly periodMsMin: number
  readonly random: Random
  readonly crypto: Crypto
  readonly params: NetworkParams
  readonly options: SimNodeOptions
  /** Addresses that the owner was told of. */
  readonly contacts: () => readonly NetEndpoint[]
  readonly say: (text: string) => void
  /** Lets the world go on until something is done. */
  readonly drive: <T>(work: Promise<T>) => Promise<T>
}

/** Keys are made when they are needed: there are no idle moments in a virtual world. */
class LazyTransports extends TransportMaker {
  override prepare(): void {}
}

/** One life of a node, from its start to its stop or crash. */
interface Life {
  readonly clock: MachineClock
  readonly ledger: Ledger
  readonly service: LedgerService
  readonly host: PeerHost
  readonly connections: Connections
}

/**
 * A whole node in a virtual world: ledger, peers and connections, as a daemon has them, on the world's clock, net and disk.
 *
 * @example
 * await alice.mine(2)
 * alice.crash({ power: true })
 * await alice.start()
 */
export class SimNode {
  readonly name: string
  readonly endpoint: NetEndpoint
  readonly host: SimHost
  disk = new SimDisk()
  /** How far this machine's clock is ahead of the world's. */
  clockAheadMs = 0
  /** What ended this life where nobody asked for it. */
  failure: OperationError | Error | undefined
  readonly #parts: SimNodeParts
  #life: Life | undefined

  constructor(parts: SimNodeParts) {
    this.#parts = parts
    this.name = parts.name
    this.endpoint = parts.endpoint
    this.host = parts.host
  }

  get isRunning(): boolean {
    return this.#life !== undefined
  }

  get #running(): Life {
    invariant(this.#life !== undefined, `${this.name} does not run`)
    return this.#life
  }

  get ledger(): Ledger {
    return this.#running.ledger
  }

  get service(): LedgerService {
    return this.#running.service
  }

  get peers(): readonly RemotePeer[] {
    return [...this.#running.host.node.context.peers.values()]
  }

  /** The core that decides about peers. */
  get p2p(): PeerHost['node'] {
    return this.#running.host.node
  }

  get connections(): Connections {
    return this.#running.connections
  }

  /** Hash of the best block, as people write it. */
  get tip(): string {
    const { chain } = this.ledger
    return chain.index.hashHex(chain.tip)
  }

  get height(): number {
    return this.ledger.chain.height
  }

  /** Starts, from what is on the disk. Rejects with what stands against it. */
  async start(): Promise<void> {
    const { parts, clock } = { parts: this.#parts, clock: this.#newClock() }
    this.failure = undefined
    this.host.restart()
    const log = this.#log()
    const ledger = await Ledger.open(this.#ledgerOptions(), {
      crypto: parts.crypto,
      random: parts.random,
      disk: this.disk,
      timers: clock,
      startHelpers: xorKey => {
        const data = { params: parts.params, blocksFolder: '', xorKey, portable: false, nice: 0 }
        return new HelperThreads(parts.crypto, 0, data)
      },
      log,
      nowSeconds: () => Math.floor(clock.now() / 1000),
      monotonic: () => clock.monotonic(),
      onChange: () => {},
      onFailure: error => this.#fail(clock, error),
    })
    const started = ledger.start(async () => {})
    started.catch(error => this.#fail(clock, error))
    const host = this.#peerHost(ledger, log, effects => clock.soon(() => connections.apply(effects)))
    const connections = this.#connections(host, log, clock)
    clock.every(CONNECTIONS_TICK_MS, () => connections.tick())
    await connections.listen([{ at: { host: this.host.address, port: this.endpoint.port }, isOptional: false }])
    if (clock.isStopped) throw this.failure
    this.#life = { clock, ledger, service: new LedgerService(ledger, () => {}), host, connections }
    this.#meetContacts(host)
    parts.say(`${this.name} starts at height ${ledger.chain.height}`)
  }

  #newClock(): MachineClock {
    const { clock, timeOfDayMs, periodMsMin } = this.#parts
    return new MachineClock(clock, () => timeOfDayMs() + this.clockAheadMs, periodMsMin)
  }

  #ledgerOptions(): LedgerOptions {
    const { params, options } = this.#parts
    const own = { dbCacheBytes: DB_CACHE_BYTES, blocksFolder: '' }
    return { ...ledgerOptions(params, ''), ...own, ...options.ledger }
  }

  #log(): Log {
    const { say } = this.#parts
    return new Log(
      new LogFilter(),
      ({ level, message }) => {
        if (level === 'error' || level === 'warning') say(`${this.name} ${level}: ${message}`)
      },
      { thread: this.name },
    )
  }

  #p2pOptions(): P2pOptions {
    const { params, options } = this.#parts
    const services = SERVICES.NODE_NETWORK | SERVICES.NODE_WITNESS | SERVICES.NODE_NETWORK_LIMITED
    const v2Transport = options.p2p?.v2Transport ?? false
    return {
      userAgent: '/sim:1/',
      services: v2Transport ? services | SERVICES.NODE_P2P_V2 : services,
      blocksOnly: false,
      logsAddresses: false,
      v2Transport,
      connectionsMax: 125,
      inboundRelayPercent: 50,
      peerTimeoutMs: 60_000,
      banSeconds: 24 * 60 * 60,
      whitelist: [],
      implicitPermissions: { relay: true, forceRelay: false },
      connect: undefined,
      addNodes: [],
      seedNodes: [],
      dnsSeed: false,
      forceDnsSeed: false,
      namesThroughProxy: false,
      fixedSeeds: undefined,
      discover: true,
      externalAddresses: [this.endpoint],
      listenPort: params.defaultPort,
      reachableNetworks: ['ipv4'],
      deterministicAddresses: false,
      listeners: [{ grant: undefined, isOnion: false }],
      ...options.p2p,
    }
  }

  #peerHost(ledger: Ledger, log: Log, onEffects: (effects: readonly ConnectionEffect[]) => void): PeerHost {
    const { params, crypto, random } = this.#parts
    const options = this.#p2pOptions()
    const files = new PeerFiles({
      files: this.disk.folder(''),
      path: this.name,
      magic: params.magic,
      crypto,
      random,
      log,
      deterministicAddresses: options.deterministicAddresses,
    })
    const nowMs = (): number => this.#parts.timeOfDayMs() + this.clockAheadMs
    return new PeerHost({ ledger, options, random, files, log, nowMs, onEffects })
  }

  #connections(host: PeerHost, log: Log, clock: MachineClock): Connections {
    const { params, crypto, random, options } = this.#parts
    const dialer = new Dialer({
      net: this.host,
      random,
      log,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      cjdnsReachable: false,
      looksUpNames: true,
      proxies: new Proxies(NO_PROXIES, random),
      i2p: undefined,
    })
    const transports = new LazyTransports({ magic: params.magic, random, hash: crypto, aead: nodeChaCha20Poly1305 })
    return new Connections(
      {
        net: this.host,
        clock,
        log,
        dialer,
        transports,
        onInputs: inputs => host.onInputs(inputs),
        defer: task => clock.soon(task),
      },
      { ...DEFAULT_CONNECTIONS_OPTIONS, ...options.connections },
    )
  }

  #meetContacts(host: PeerHost): void {
    const { contacts } = this.#parts
    const now = host.node.context.nowSeconds
    const services = SERVICES.NODE_NETWORK | SERVICES.NODE_WITNESS | SERVICES.NODE_NETWORK_LIMITED
    const known = contacts().map(endpoint => ({ endpoint, services, timeSeconds: now }))
    host.node.connections.gossip.manager.add(known, this.endpoint.address, 0, now)
  }

  #fail(clock: MachineClock, error: unknown): void {
    if (clock.isStopped) return
    clock.stop()
    this.failure = error as Error
    this.#parts.say(`${this.name} fails: ${this.failure.message}`)
    this.#end({ power: false })
  }

  /** Mines blocks on the best chain, to a script of this node's own; resolves when they are connected. */
  async mine(count: number): Promise<void> {
    const script = sha256(utf8(this.name)).subarray(0, 22)
    script.set([0, 20])
    await this.#parts.drive(this.service.generate(count, script, TRIES_MAX))
    this.#parts.say(`${this.name} mines ${count}: height ${this.height}`)
  }

  /** Ends at once. `power`: the machine too, so that what was not synced may be lost, and nobody is told. */
  crash(options: { power: boolean }): void {
    if (this.#life === undefined) return
    this.#parts.say(`${this.name} crashes${options.power ? ' with a loss of power' : ''}`)
    this.#end(options)
  }

  #end(options: { power: boolean }): void {
    this.#life?.clock.stop()
    this.#life = undefined
    this.disk = this.disk.afterCrash(options.power ? this.#parts.random : undefined)
    this.host.crash(options)
  }

  /** Stops in order; rejects where that could not be, and is off all the same. */
  async stop(): Promise<void> {
    const { host, connections, ledger } = this.#running
    const stopping = connections.stop().then(() => {
      host.close()
      return ledger.close()
    })
    this.#parts.say(`${this.name} stops`)
    try {
      await this.#parts.drive(stopping)
    } finally {
      if (this.#life !== undefined) this.#end({ power: false })
    }
  }

  /** hash_serialized_3 of all coins. */
  async utxoHash(): Promise<string> {
    const info = await this.#parts.drive(this.service.utxoSetInfo('hash_serialized_3'))
    return info.hash ?? ''
  }
}
