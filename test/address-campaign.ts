import type { Crypto } from '../src/base/crypto/backend.ts'
import type { Random } from '../src/base/ports/random.ts'
import { AddressManager } from '../src/bitcoin/p2p/addresses/address-manager.ts'
import { decodePeersFile, encodePeersFile } from '../src/bitcoin/p2p/addresses/peers-file.ts'
import { OutboundPlanner } from '../src/bitcoin/p2p/connections/outbound-planner.ts'
import type { PresentConnection } from '../src/bitcoin/p2p/connections/outbound-step.ts'
import { connectionSlots } from '../src/bitcoin/p2p/connections/slots.ts'
import type { GossipedAddress } from '../src/bitcoin/wire/address-messages.ts'
import type { NetAddress, NetEndpoint } from '../src/bitcoin/wire/net-address.ts'
import { formatNetEndpoint } from '../src/bitcoin/wire/net-address-text.ts'
import { SERVICES } from '../src/bitcoin/wire/services.ts'

/**
 * An eclipse attempt: a node knows honest peers; then, for days, hostile peers of few groups tell it addresses of their own, all of
 * which answer. Does it still find an honest peer when it starts again, without anchors and without any connection?
 */
export interface AddressCampaign {
  readonly hostileAddresses: number
  /** Groups (/16) that hostile peers and their addresses come from. */
  readonly hostileGroups: number
  readonly honestPeers: number
  readonly restarts: number
}

export interface AddressCampaignReport {
  readonly addsPerSecond: number
  /** Addresses in either table, and those of them that are hostile. */
  readonly new: number
  readonly newHostile: number
  readonly tried: number
  readonly triedHostile: number
  /** Bytes by which memory grew over the last nine tenths of the addresses. */
  readonly memoryGrowthBytes: number
  readonly restarts: number
  /** Restarts after which an honest outbound connection stood. */
  readonly found: number
  /** Of the outbound connections of all restarts until then, those that were hostile. */
  readonly hostileConnections: number
}

const START_SECONDS = 1_700_000_000
const FULL_SERVICES = SERVICES.NODE_NETWORK | SERVICES.NODE_WITNESS
const MAGIC = Uint8Array.of(1, 2, 3, 4)
/** Hostile groups lie above, honest ones below. */
const HOSTILE_FIRST_BYTE = 150
/** Of honest addresses so many lead to somebody. */
const ALIVE_PERCENT = 60
const BATCH = 1000
/** At the rate at which a node listens to a hundred inbound peers. */
const SECONDS_PER_BATCH = 90
const FEELER_SECONDS = 120
const WARM_UP_FEELERS = 1000
const RESTART_MS_MAX = 10 * 60_000

function ipv4(...bytes: number[]): NetAddress {
  return { network: 'ipv4', bytes: Uint8Array.from(bytes) }
}

function isHostile(address: NetAddress): boolean {
  return address.bytes[0] >= HOSTILE_FIRST_BYTE
}

/** The world around one node. */
class Attack {
  readonly #campaign: AddressCampaign
  readonly #random: Random
  readonly #honest: readonly NetEndpoint[]
  readonly #alive = new Set<string>()
  #told = 0
  manager: AddressManager
  nowSeconds = START_SECONDS

  constructor(campaign: AddressCampaign, crypto: Crypto, random: Random) {
    this.#campaign = campaign
    this.#random = random
    this.manager = new AddressManager({ key: random.bytes(32), random, hash: crypto })
    this.#honest = Array.from({ length: campaign.honestPeers }, () => ({
      address: ipv4(11 + random.below(110), random.below(256), random.below(256), random.below(256)),
      port: 8333,
    }))
    for (const endpoint of this.#honest) {
      if (random.below(100) < ALIVE_PERCENT) this.#alive.add(formatNetEndpoint(endpoint))
    }
  }

  answers(endpoint: NetEndpoint): boolean {
    return isHostile(endpoint.address) || this.#alive.has(formatNetEndpoint(endpoint))
  }

  #anyHonest(): NetEndpoint {
    return this.#honest[this.#random.below(this.#honest.length)]
  }

  #gossip(endpoint: NetEndpoint): GossipedAddress {
    const timeSeconds = this.nowSeconds - this.#random.below(3 * 3600)
    return { endpoint, services: FULL_SERVICES, timeSeconds }
  }

  /** Before the attack: honest peers tell of each other, and feelers find out who is there. */
  warmUp(): void {
    for (const endpoint of this.#honest) {
      this.manager.add([this.#gossip(endpoint)], this.#anyHonest().address, 7200, this.nowSeconds)
    }
    for (let i = 0; i < WARM_UP_FEELERS; i++) {
      this.nowSeconds += FEELER_SECONDS
      this.#feel()
    }
  }

  #feel(): void {
    const { manager, nowSeconds } = this
    manager.resolveCollisions(nowSeconds)
    const drawn = manager.selectTriedCollision() ?? manager.select({ newOnly: true }, nowSeconds)
    if (drawn === undefined) return
    manager.attempt(drawn.endpoint, true, nowSeconds)
    if (this.answers(drawn.endpoint)) manager.good(drawn.endpoint, nowSeconds)
  }

  #hostileEndpoint(id: number): NetEndpoint {
    const { hostileGroups } = this.#campaign
    const group = id % hostileGroups
    const host = Math.floor(id / hostileGroups)
    const address = ipv4(HOSTILE_FIRST_BYTE + (group >> 8), group & 255, (host >> 8) & 255, host & 255)
    return { address, port: 8333 + (host >> 16) }
  }

  /** A message of hostile addresses, a honest one now and then, and a feeler as often as there is time. */
  batch(): void {
    const group = this.#random.below(this.#campaign.hostileGroups)
    const source = ipv4(
      HOSTILE_FIRST_BYTE + (group >> 8),
      group & 255,
      this.#random.below(256),
      this.#random.below(256),
    )
    const told = Array.from({ length: BATCH }, () => this.#gossip(this.#hostileEndpoint(this.#told++)))
    this.manager.add(told, source, 7200, this.nowSeconds)
    this.manager.add([this.#gossip(this.#anyHonest())], this.#anyHonest().address, 7200, this.nowSeconds)
    const before = Math.floor(this.nowSeconds / FEELER_SECONDS)
    this.nowSeconds += SECONDS_PER_BATCH
    if (Math.floor(this.nowSeconds / FEELER_SECONDS) > before) this.#feel()
  }

  hostileIn(table: 'new' | 'tried'): number {
    const hostile = this.manager.entries(table).filter(({ endpoint }) => isHostile(endpoint.address))
    return new Set(hostile.map(({ endpoint }) => formatNetEndpoint(endpoint))).size
  }
}

/** Starts a node with the addresses of a file; gives its outbound connections up to the first honest one. */
function restart(file: Uint8Array, attack: Attack, crypto: Crypto, random: Random): PresentConnection[] {
  const loaded = decodePeersFile(file, MAGIC, { random, hash: crypto })
  if (!loaded.ok) throw new Error(loaded.detail)
  const manager = loaded.value
  const log = { debug() {}, info() {}, warning() {}, error() {} }
  const startMs = attack.nowSeconds * 1000
  const planner = new OutboundPlanner(
    {
      ...{ defaultPort: 8333, networks: new Set(['ipv4'] as const), v2: false, logsAddresses: false },
      ...{ connectionsMax: 125, slots: connectionSlots(125, 50), anchors: [], addNodes: [], connect: undefined },
      ...{ seedNodes: [], dnsSeed: false, dnsSeeds: [], forceDnsSeed: false, namesThroughProxy: false },
      fixedSeeds: undefined,
    },
    { desirableServices: () => FULL_SERVICES, isOwn: () => false, shuns: () => false },
    { manager, random, log },
    startMs,
  )
  const connections: PresentConnection[] = []
  const flags = { networkActive: true, wantsAnotherFullRelay: false, wantsExtraBlockRelay: false }
  let nowMs = startMs
  while (nowMs < startMs + RESTART_MS_MAX) {
    for (const step of planner.plan({ connections, ...flags }, nowMs)) {
      if (step.type !== 'connect' || 'name' in step.target || step.kind === 'feeler') continue
      manager.attempt(step.target, step.countFailure, Math.floor(nowMs / 1000))
      if (!attack.answers(step.target)) continue
      manager.good(step.target, Math.floor(nowMs / 1000))
      const name = formatNetEndpoint(step.target)
      connections.push({ type: step.kind, endpoint: step.target, name, handshakeDone: true })
      if (!isHostile(step.target.address)) return connections
    }
    nowMs = planner.nextWake() ?? nowMs + RESTART_MS_MAX
  }
  return connections
}

/**
 * Runs the attack, then the restarts, each with luck of its own.
 *
 * @param memoryBytes what the process takes, after a collection of garbage
 */
export function addressCampaign(
  campaign: AddressCampaign,
  crypto: Crypto,
  random: Random,
  memoryBytes: () => number,
  clockMs: () => number,
  progress: (text: string) => void,
): AddressCampaignReport {
  const attack = new Attack(campaign, crypto, random)
  attack.warmUp()
  const batches = Math.ceil(campaign.hostileAddresses / BATCH)
  const warmBatches = Math.floor(batches / 10)
  let memoryBefore = 0
  const startMs = clockMs()
  for (let i = 0; i < batches; i++) {
    if (i === warmBatches) memoryBefore = memoryBytes()
    if (i % 100 === 0) progress(`${i * BATCH} addresses told`)
    attack.batch()
  }
  const seconds = (clockMs() - startMs) / 1000
  const memoryGrowthBytes = memoryBytes() - memoryBefore
  const file = encodePeersFile(attack.manager.records(), MAGIC, crypto)
  let found = 0
  let hostileConnections = 0
  for (let run = 0; run < campaign.restarts; run++) {
    progress(`restart ${run + 1}, ${found} found an honest peer`)
    const connections = restart(file, attack, crypto, random)
    const honest = connections.filter(({ endpoint }) => !isHostile(endpoint.address)).length
    found += honest
    hostileConnections += connections.length - honest
  }
  const counts = attack.manager.counts()
  return {
    addsPerSecond: Math.round((batches * BATCH) / seconds),
    new: counts.new,
    newHostile: attack.hostileIn('new'),
    tried: counts.tried,
    triedHostile: attack.hostileIn('tried'),
    memoryGrowthBytes,
    restarts: campaign.restarts,
    found,
    hostileConnections,
  }
}
