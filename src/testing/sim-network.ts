import type { Crypto } from '../base/crypto/backend.ts'
import { InvariantError } from '../base/errors.ts'
import type { SocketAddress } from '../base/ports/net.ts'
import type { Random } from '../base/ports/random.ts'
import { seededRandom } from '../base/ports/seeded-random.ts'
import type { NetworkParams } from '../bitcoin/params/network-params.ts'
import { builtInNetwork } from '../bitcoin/params/networks.ts'
import type { NetEndpoint } from '../bitcoin/wire/net-address.ts'
import { parseNetEndpoint } from '../bitcoin/wire/net-address-text.ts'
import { loadCrypto } from '../platform/crypto.ts'
import { type NetObserver, type SimHost, SimNet } from '../sim/sim-net.ts'
import { VirtualClock } from '../sim/virtual-clock.ts'
import { EventLog } from './event-log.ts'
import { SimNode, type SimNodeOptions } from './sim-node.ts'

/** The morning on which every world begins: 2026-01-01. */
const BEGINNING_MS = 1_767_225_600_000
const LINES_MAX = 200
/** Groups of addresses, of 65,536 each, from which machines get one each: they look like machines of different owners. */
const FIRST_GROUP = 0x1400

const DELIVERED = 1
const CONNECTED = 2
const CLOSED = 3

export interface SimNetworkOptions {
  /** What repeats this world. */
  readonly seed: number
  /** One way, between two machines: drawn once for each pair. */
  readonly latencyMs?: readonly [number, number]
  /** Of what each machine sends. */
  readonly bytesPerSecond?: number
  /** The share of packets that have to be sent again. */
  readonly lossRate?: number
  /** regtest, unless said. */
  readonly params?: NetworkParams
  /** Periodic work of nodes is done at most this often; a daemon's is done ten times a second. */
  readonly periodMsMin?: number
  readonly node?: SimNodeOptions
}

/**
 * A world of whole nodes, with a clock, a net and disks of its own. Nothing in it takes longer than its computing, and the same seed
 * tells the same story again.
 *
 * @example
 * const net = new SimNetwork({ seed: 7, latencyMs: [20, 400], lossRate: 0.02 })
 * const [alice, bob] = await net.nodes(2)
 * net.partition([alice], [bob])
 * await alice.mine(2)
 * await bob.mine(3)
 * net.heal()
 * await net.runFor(600_000)
 * assert.equal(alice.tip, bob.tip, net.repro)
 */
export class SimNetwork implements NetObserver {
  readonly seed: number
  readonly clock = new VirtualClock()
  readonly random: Random
  readonly net: SimNet
  readonly params: NetworkParams
  readonly log = new EventLog(LINES_MAX)
  readonly #options: SimNetworkOptions
  readonly #nodes: SimNode[] = []
  #nextGroup = FIRST_GROUP
  #crypto: Crypto | undefined

  constructor(options: SimNetworkOptions) {
    this.seed = options.seed
    this.#options = options
    this.random = seededRandom(options.seed)
    this.params = options.params ?? builtInNetwork('regtest')!
    const { latencyMs = [20, 100], bytesPerSecond = 1_000_000, lossRate = 0 } = options
    this.net = new SimNet(this.clock, this.random, { latencyMs, bytesPerSecond, lossRate })
    this.net.observer = this
  }

  /** The world's time of day: milliseconds since 1970. */
  get nowMs(): number {
    return BEGINNING_MS + this.clock.timeMs
  }

  /** All nodes so far, running or not. */
  get all(): readonly SimNode[] {
    return this.#nodes
  }

  /** What to say when something is not as it should be. */
  get repro(): string {
    return `seed ${this.seed}, at ${this.clock.timeMs} ms, digest ${this.log.digest}\n${this.log.lines.join('\n')}`
  }

  /** The cryptography of this machine, which is the same in all worlds. */
  async crypto(): Promise<Crypto> {
    this.#crypto ??= await loadCrypto()
    return this.#crypto
  }

  /** A machine at an address, or at one that shares its group with no other. */
  machine(address = this.#freeAddress()): { host: SimHost; endpoint: NetEndpoint } {
    const endpoint = parseNetEndpoint(address, this.params.defaultPort)
    if (endpoint === undefined) throw new InvariantError(`no address: ${address}`)
    return { host: this.net.host(address), endpoint }
  }

  #freeAddress(): string {
    const group = this.#nextGroup++
    return `${group >> 8}.${group & 255}.${1 + this.random.below(250)}.${1 + this.random.below(250)}`
  }

  /** Starts so many more nodes; each knows of some of those that there are. */
  async nodes(count: number, options: SimNodeOptions = {}): Promise<SimNode[]> {
    const crypto = await this.crypto()
    const made: SimNode[] = []
    for (let i = 0; i < count; i++) made.push(this.#node(crypto, options))
    for (const node of made) await this.drive(node.start())
    return made
  }

  #node(crypto: Crypto, own: SimNodeOptions): SimNode {
    const { node: shared = {}, periodMsMin = 0 } = this.#options
    const name = `node${this.#nodes.length}`
    const node: SimNode = new SimNode({
      ...this.machine(),
      name,
      crypto,
      periodMsMin,
      clock: this.clock,
      timeOfDayMs: () => this.nowMs,
      random: seededRandom(Number(this.random.u64() & 0xffff_ffffn)),
      params: this.params,
      options: {
        p2p: { ...shared.p2p, ...own.p2p },
        connections: { ...shared.connections, ...own.connections },
        ledger: { ...shared.ledger, ...own.ledger },
      },
      contacts: () => this.contactsOf(node),
      say: text => this.say(text),
      drive: work => this.drive(work),
    })
    this.#nodes.push(node)
    return node
  }

  /** Whom a node's owner tells it of: all others, unless a world knows better. */
  contactsOf = (node: SimNode): readonly NetEndpoint[] => {
    return this.#nodes.filter(other => other !== node).map(other => other.endpoint)
  }

  /** Nothing passes between nodes of different groups until {@link heal}. */
  partition(...groups: readonly (readonly { readonly host: SimHost }[])[]): void {
    this.say(`partition: ${groups.map(group => group.length).join(' | ')}`)
    this.net.partition(...groups.map(group => group.map(({ host }) => host)))
  }

  heal(): void {
    this.say('healed')
    this.net.heal()
  }

  /** Lets time pass; less where `isOver` says so. */
  runFor(durationMs: number, isOver?: () => boolean): Promise<void> {
    return this.clock.runFor(durationMs, isOver)
  }

  /** Lets the world go on until something is done. */
  async drive<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    const onDone = (): void => {
      isDone = true
    }
    work.then(onDone, onDone)
    // Promises alone may finish it, without any time passing.
    await this.clock.runFor(0)
    while (!isDone) {
      if (!(await this.clock.step())) throw new InvariantError(`the world stands still: ${this.repro}`)
    }
    return work
  }

  /** Writes a line into the world's story. */
  say(text: string): void {
    this.log.say(this.clock.timeMs, text)
  }

  onDelivered(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): void {
    this.log.note(DELIVERED, this.clock.timeMs, [from.port, to.port, bytes.length])
    this.log.noteBytes(bytes)
  }

  onConnected(from: SocketAddress, to: SocketAddress): void {
    this.log.note(CONNECTED, this.clock.timeMs, [from.port, to.port])
  }

  onClosed(from: SocketAddress, to: SocketAddress): void {
    this.log.note(CLOSED, this.clock.timeMs, [from.port, to.port])
  }
}
