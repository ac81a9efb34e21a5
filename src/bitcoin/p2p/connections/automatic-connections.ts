import { toHex } from '../../../base/bytes/bytes.ts'
import type { Random } from '../../../base/ports/random.ts'
import { isValidAddress, netGroup } from '../../wire/address-class.ts'
import type { GossipedAddress } from '../../wire/address-messages.ts'
import {
  type AddressNetwork,
  internalAddress,
  type NetAddress,
  type NetEndpoint,
  sameAddress,
} from '../../wire/net-address.ts'
import { formatNetAddress, formatNetEndpoint } from '../../wire/net-address-text.ts'
import { SERVICES } from '../../wire/services.ts'
import type { AddressManager, SelectedAddress } from '../addresses/address-manager.ts'
import { mayKnowOthers } from '../addresses/peer-addresses.ts'
import type { P2pLog } from '../p2p-context.ts'
import { randomDelayMs } from '../random-delay.ts'
import type { ConnectionType } from '../remote-peer.ts'
import type { AddedNodes } from './added-nodes.ts'
import { isBadPort } from './bad-ports.ts'
import { ENOUGH_OUTBOUND } from './dns-seeds.ts'
import { namedConnection, type OutboundStep, type PresentConnection, type TargetOptions } from './outbound-step.ts'
import { type ConnectionSlots, MAX_OUTBOUND_FULL_RELAY_CONNECTIONS } from './slots.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** Addresses that wait to be asked for others. */
const ADDRESS_FETCHES_MAX = 100

const STEP_MS = 500
const FEELER_INTERVAL_MS = 2 * MINUTE
const FEELER_SPREAD_MS = SECOND
const EXTRA_BLOCK_RELAY_INTERVAL_MS = 5 * MINUTE
const EXTRA_NETWORK_INTERVAL_MS = 5 * MINUTE
const SEED_NODE_INTERVAL_MS = 10 * SECOND
const FIXED_SEEDS_WAIT_MS = MINUTE

/** Addresses that are looked at in one search; after so many of them, those just tried, and bad ports, will do. */
const TRIES_MAX = 100
const TRIES_BEFORE_RECENT = 30
const TRIES_BEFORE_BAD_PORTS = 50
const RECENT_SECONDS = 10 * 60
/** Connections to different groups that show that failures are not ours. */
const GROUPS_FOR_BLAME = 2

/** Networks whose groups say nothing about who owns an address. */
const PRIVACY_NETWORKS: ReadonlySet<AddressNetwork> = new Set<AddressNetwork>(['onion', 'i2p', 'cjdns'])
/** Networks of which each shall have a connection. */
const DIVERSE_NETWORKS: readonly AddressNetwork[] = ['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns']

export interface AutomaticOptions extends TargetOptions {
  /** -maxconnections */
  readonly connectionsMax: number
  /** What {@link connectionsMax} allows of each kind. */
  readonly slots: ConnectionSlots
  /** -seednode */
  readonly seedNodes: readonly string[]
  /** Whether DNS seeds are asked (-dnsseed). */
  readonly dnsSeed: boolean
  /** The network's fixed seeds; none where -fixedseeds=0. */
  readonly fixedSeeds: readonly GossipedAddress[] | undefined
  /** Block-relay-only peers of before the restart. */
  readonly anchors: readonly GossipedAddress[]
  readonly logsAddresses: boolean
}

/** What the choice asks of others. */
export interface AutomaticEnvironment {
  /** The services that a peer with such services must offer to be worth an outbound connection (see Handshake). */
  desirableServices(services: bigint): bigint
  /** Whether an endpoint is one of our own. */
  isOwn(endpoint: NetEndpoint): boolean
  /** Whether there is anything against an address (see BanList). */
  shuns(address: NetAddress, nowSeconds: number): boolean
}

/** What changes from one choice to the next. */
export interface OutboundSnapshot {
  readonly connections: readonly PresentConnection[]
  readonly networkActive: boolean
  /** The tip is stale: one more full outbound peer might know better. */
  readonly wantsAnotherFullRelay: boolean
  /** Our chain is up to date: further block-relay-only peers are asked now and then whether it really is. */
  readonly wantsExtraBlockRelay: boolean
}

interface Present {
  readonly fullRelay: number
  readonly blockRelay: number
  readonly automatic: number
  /** Groups of peers on IP that we keep. */
  readonly groups: ReadonlySet<string>
  readonly privacyPeers: number
  readonly persistentNetworks: ReadonlySet<AddressNetwork>
}

interface Purpose {
  readonly kind: ConnectionType
  readonly anchor?: boolean
  readonly network?: AddressNetwork
}

function count(connections: readonly PresentConnection[]): Present {
  const groups = new Set<string>()
  const persistentNetworks = new Set<AddressNetwork>()
  let fullRelay = 0
  let blockRelay = 0
  let automatic = 0
  let privacyPeers = 0
  for (const { type, endpoint } of connections) {
    if (type === 'outbound-full-relay') fullRelay++
    if (type === 'block-relay-only') blockRelay++
    if (type !== 'inbound' && type !== 'manual') automatic++
    if (type === 'outbound-full-relay' || type === 'manual') persistentNetworks.add(endpoint.address.network)
    if (type === 'inbound' || type === 'addr-fetch' || type === 'feeler') continue
    if (PRIVACY_NETWORKS.has(endpoint.address.network)) privacyPeers++
    else groups.add(toHex(netGroup(endpoint.address)))
  }
  return { fullRelay, blockRelay, automatic, groups, privacyPeers, persistentNetworks }
}

/**
 * The connections that a peer makes by itself: 8 full and 2 block-relay-only, to different groups; now and then a feeler, which finds
 * out whether an address leads anywhere, and an extra one that shows whether the others keep something back. As Core chooses them.
 */
export class AutomaticConnections {
  readonly #options: AutomaticOptions
  readonly #environment: AutomaticEnvironment
  readonly #manager: AddressManager
  readonly #addedNodes: AddedNodes
  readonly #random: Random
  readonly #log: P2pLog
  readonly #slots: ConnectionSlots
  readonly #networks: readonly AddressNetwork[]

  readonly #startMs: number
  /** By the steady clock. */
  #nextMs = 0
  #nextFeelerMs: number
  #nextExtraBlockRelayMs: number
  #nextExtraNetworkMs: number
  #seedNodeMs: number
  #fixedSeeds: readonly GossipedAddress[] | undefined
  readonly #anchors: GossipedAddress[]
  readonly #seedNodes: string[]
  readonly #fetches: string[] = []
  /** A feeler that waits a moment, so that feelers of many peers do not coincide. */
  #feeler: { readonly step: OutboundStep; readonly atMs: number } | undefined

  constructor(
    options: AutomaticOptions,
    environment: AutomaticEnvironment,
    parts: { manager: AddressManager; addedNodes: AddedNodes; random: Random; log: P2pLog },
    nowMs: number,
  ) {
    this.#options = options
    this.#environment = environment
    this.#manager = parts.manager
    this.#addedNodes = parts.addedNodes
    this.#random = parts.random
    this.#log = parts.log
    this.#slots = options.slots
    this.#networks = DIVERSE_NETWORKS.filter(network => options.networks.has(network))
    this.#startMs = nowMs
    this.#nextFeelerMs = nowMs + randomDelayMs(this.#random, FEELER_INTERVAL_MS)
    this.#nextExtraBlockRelayMs = nowMs + randomDelayMs(this.#random, EXTRA_BLOCK_RELAY_INTERVAL_MS)
    this.#nextExtraNetworkMs = nowMs + randomDelayMs(this.#random, EXTRA_NETWORK_INTERVAL_MS)
    this.#seedNodeMs = nowMs
    this.#fixedSeeds = options.fixedSeeds
    this.#anchors = [...options.anchors]
    this.#seedNodes = [...options.seedNodes]
    if (options.fixedSeeds === undefined) this.#log.info('Fixed seeds are disabled')
    if (this.#manager.counts().total === 0) this.#takeSeedNode()
  }

  /** Connects to a name, or an address, for the addresses that it knows. */
  fetchFrom(name: string): void {
    if (this.#fetches.length < ADDRESS_FETCHES_MAX) this.#fetches.push(name)
  }

  #takeSeedNode(): void {
    const seed = this.#seedNodes.pop()
    if (seed === undefined) return
    this.fetchFrom(seed)
    this.#log.info(
      this.#manager.counts().total === 0
        ? `Empty addrman, adding seednode (${seed}) to addrfetch`
        : `Couldn't connect to peers from addrman after ${SEED_NODE_INTERVAL_MS / SECOND} seconds. Adding seednode (${seed}) to addrfetch`,
    )
  }

  /** The connections that are due: two at most, one to fetch addresses and another. */
  plan(snapshot: OutboundSnapshot, nowMs: number, steadyMs: number): OutboundStep[] {
    if (steadyMs < this.#nextMs) return []
    this.#nextMs = steadyMs + STEP_MS
    const present = count(snapshot.connections)
    this.#addFixedSeeds(nowMs)
    this.#turnToSeedNodes(present, nowMs)
    if (!snapshot.networkActive) return []
    const steps: OutboundStep[] = []
    let free = Math.min(this.#slots.outbound, this.#options.connectionsMax) - present.automatic
    const fetching = this.#nextFetch(snapshot.connections, free > 0)
    if (fetching !== undefined) {
      steps.push(fetching)
      free--
    }
    if (free <= 0) return steps
    const step = this.#dueFeeler(steadyMs) ?? this.#choose(snapshot, present, nowMs, steadyMs)
    if (step !== undefined) steps.push(step)
    return steps
  }

  nextWake(): number {
    return this.#nextMs
  }

  #nextFetch(connections: readonly PresentConnection[], hasRoom: boolean): OutboundStep | undefined {
    const name = this.#fetches.shift()
    if (name === undefined || !hasRoom || connections.some(connection => connection.name === name)) return undefined
    return namedConnection(name, 'addr-fetch', this.#options.v2, this.#options)
  }

  /** Where nobody else tells of peers, those that the program knows are a beginning. */
  #addFixedSeeds(nowMs: number): void {
    if (this.#fixedSeeds === undefined) return
    const empty = this.#networks.filter(network => this.#manager.counts(network).total === 0)
    if (empty.length === 0) return
    const { dnsSeed, seedNodes } = this.#options
    if (Math.floor(nowMs / SECOND) > Math.floor((this.#startMs + FIXED_SEEDS_WAIT_MS) / SECOND)) {
      this.#log.info(
        'Adding fixed seeds as 60 seconds have passed and addrman is empty for at least one reachable network',
      )
    } else if (!dnsSeed && seedNodes.length === 0 && this.#addedNodes.count === 0) {
      this.#log.info(
        'Adding fixed seeds as -dnsseed=0 (or IPv4/IPv6 connections are disabled via -onlynet) and neither -addnode nor -seednode are provided',
      )
    } else return
    const seeds = this.#fixedSeeds.filter(({ endpoint }) => empty.includes(endpoint.address.network))
    this.#manager.add(seeds, internalAddress('fixedseeds'), 0, Math.floor(nowMs / SECOND))
    this.#fixedSeeds = undefined
    this.#log.info(`Added ${seeds.length} fixed seeds from reachable networks.`)
  }

  #turnToSeedNodes(present: Present, nowMs: number): void {
    if (present.fullRelay >= ENOUGH_OUTBOUND || nowMs <= this.#seedNodeMs + SEED_NODE_INTERVAL_MS) return
    this.#seedNodeMs = nowMs
    this.#takeSeedNode()
  }

  #dueFeeler(steadyMs: number): OutboundStep | undefined {
    if (this.#feeler === undefined || steadyMs < this.#feeler.atMs) return undefined
    const { step } = this.#feeler
    this.#feeler = undefined
    return step
  }

  /** What the next connection is to be for; undefined while there are enough. */
  #purpose(snapshot: OutboundSnapshot, present: Present, nowMs: number): Purpose | undefined {
    const lacksBlockRelay = present.blockRelay < this.#slots.blockRelayOnly
    if (this.#anchors.length > 0 && lacksBlockRelay) return { kind: 'block-relay-only', anchor: true }
    if (present.fullRelay < this.#slots.fullRelay) return { kind: 'outbound-full-relay' }
    if (lacksBlockRelay) return { kind: 'block-relay-only' }
    if (snapshot.wantsAnotherFullRelay) return { kind: 'outbound-full-relay' }
    if (nowMs > this.#nextExtraBlockRelayMs && snapshot.wantsExtraBlockRelay) {
      this.#nextExtraBlockRelayMs = nowMs + randomDelayMs(this.#random, EXTRA_BLOCK_RELAY_INTERVAL_MS)
      return { kind: 'block-relay-only' }
    }
    if (nowMs > this.#nextFeelerMs) {
      this.#nextFeelerMs = nowMs + randomDelayMs(this.#random, FEELER_INTERVAL_MS)
      return { kind: 'feeler' }
    }
    const hasAll = present.fullRelay === MAX_OUTBOUND_FULL_RELAY_CONNECTIONS
    const network = hasAll && nowMs > this.#nextExtraNetworkMs ? this.#lackingNetwork(present) : undefined
    if (network === undefined) return undefined
    this.#nextExtraNetworkMs = nowMs + randomDelayMs(this.#random, EXTRA_NETWORK_INTERVAL_MS)
    return { kind: 'outbound-full-relay', network }
  }

  /** A network, any of those, that has addresses and no connection. */
  #lackingNetwork({ persistentNetworks }: Present): AddressNetwork | undefined {
    const lacking = this.#networks.filter(
      network => !persistentNetworks.has(network) && this.#manager.counts(network).total > 0,
    )
    return lacking.length === 0 ? undefined : lacking[this.#random.below(lacking.length)]
  }

  #choose(snapshot: OutboundSnapshot, present: Present, nowMs: number, steadyMs: number): OutboundStep | undefined {
    const purpose = this.#feeler === undefined ? this.#purpose(snapshot, present, nowMs) : undefined
    if (purpose === undefined) return undefined
    const nowSeconds = Math.floor(nowMs / SECOND)
    this.#manager.resolveCollisions(nowSeconds)
    const address = purpose.anchor
      ? (this.#nextAnchor(present) ?? this.#search(purpose, snapshot, present, nowSeconds))
      : this.#search(purpose, snapshot, present, nowSeconds)
    if (address === undefined) return undefined
    const step = this.#connect(address, purpose, present)
    const isConnected = snapshot.connections.some(({ endpoint }) =>
      sameAddress(endpoint.address, address.endpoint.address),
    )
    if (isConnected || this.#environment.shuns(address.endpoint.address, nowSeconds)) return undefined
    if (purpose.kind !== 'feeler') return step
    this.#feeler = { step, atMs: steadyMs + this.#random.below(FEELER_SPREAD_MS) }
    return undefined
  }

  #connect({ endpoint, services, timeSeconds }: GossipedAddress, purpose: Purpose, present: Present): OutboundStep {
    const text = formatNetEndpoint(endpoint)
    if (purpose.kind === 'feeler') this.#log.debug('net', () => `Making feeler connection to ${text}`)
    const { network } = purpose
    if (network !== undefined) {
      this.#log.debug('net', () => `Making network specific connection to ${text} on ${network}.`)
    }
    const v2 = this.#options.v2 && (services & SERVICES.NODE_P2P_V2) !== 0n
    const groups = present.groups.size + present.privacyPeers
    return {
      type: 'connect',
      kind: purpose.kind,
      target: endpoint,
      name: undefined,
      protocol: v2 ? 'v2' : 'v1',
      countFailure: groups >= Math.min(this.#options.connectionsMax - 1, GROUPS_FOR_BLAME),
      services,
      lastSeenSeconds: timeSeconds,
    }
  }

  #offersEnough(services: bigint): boolean {
    const desirable = this.#environment.desirableServices(services)
    return (services & desirable) === desirable
  }

  #isTaken({ endpoint }: GossipedAddress, present: Present): boolean {
    return present.groups.has(toHex(netGroup(endpoint.address)))
  }

  #isPossible({ endpoint }: GossipedAddress): boolean {
    return isValidAddress(endpoint.address) && !this.#environment.isOwn(endpoint)
  }

  #nextAnchor(present: Present): GossipedAddress | undefined {
    for (let anchor = this.#anchors.pop(); anchor !== undefined; anchor = this.#anchors.pop()) {
      const { endpoint, services } = anchor
      if (!this.#isPossible(anchor) || this.#isTaken(anchor, present)) continue
      if (!this.#options.networks.has(endpoint.address.network) || !this.#offersEnough(services)) continue
      this.#log.debug('net', () => `Trying to make an anchor connection to ${formatNetEndpoint(endpoint)}`)
      return anchor
    }
    return undefined
  }

  /** An address that suits, of those that the address manager draws; undefined if none of a hundred does. */
  #search(
    purpose: Purpose,
    snapshot: OutboundSnapshot,
    present: Present,
    nowSeconds: number,
  ): GossipedAddress | undefined {
    const isFeeler = purpose.kind === 'feeler'
    for (let tries = 1; tries <= TRIES_MAX; tries++) {
      const drawn = isFeeler
        ? this.#drawForFeeler(snapshot.connections, nowSeconds)
        : this.#manager.select({ networks: purpose.network ? [purpose.network] : this.#networks }, nowSeconds)
      if (drawn === undefined) return undefined
      if (!isFeeler && this.#isTaken(drawn, present)) continue
      if (!this.#isPossible(drawn)) return undefined
      if (this.#suits(drawn, purpose, tries, nowSeconds)) return drawn
    }
    return undefined
  }

  #drawForFeeler(connections: readonly PresentConnection[], nowSeconds: number): SelectedAddress | undefined {
    const rival = this.#manager.selectTriedCollision()
    if (rival !== undefined) {
      const { endpoint } = rival
      const isConnected = connections.some(present => sameAddress(present.endpoint.address, endpoint.address))
      if (!isConnected) return rival
      // What we are connected to needs no test, and could not have one.
      this.#manager.good(endpoint, nowSeconds)
    }
    return this.#manager.select({ newOnly: true, networks: this.#networks }, nowSeconds)
  }

  #suits(drawn: SelectedAddress, purpose: Purpose, tries: number, nowSeconds: number): boolean {
    const { endpoint, services } = drawn
    const { network } = endpoint.address
    if (!this.#options.networks.has(network)) return false
    if (nowSeconds - drawn.lastTrySeconds < RECENT_SECONDS && tries < TRIES_BEFORE_RECENT) return false
    // A feeler only finds out who is there.
    if (purpose.kind === 'feeler' ? !mayKnowOthers(services) : !this.#offersEnough(services)) return false
    const isIp = network === 'ipv4' || network === 'ipv6'
    if (tries < TRIES_BEFORE_BAD_PORTS && isIp && isBadPort(endpoint.port)) return false
    if (!this.#addedNodes.includes(formatNetAddress(endpoint.address), formatNetEndpoint(endpoint))) return true
    const specific = purpose.network === undefined ? '' : 'network-specific '
    const where = this.#options.logsAddresses ? `: ${formatNetEndpoint(endpoint)}` : ''
    this.#log.debug(
      'net',
      () =>
        `Not making automatic ${specific}${purpose.kind} connection to ${network} peer selected for manual (addnode) connection${where}`,
    )
    return false
  }
}
