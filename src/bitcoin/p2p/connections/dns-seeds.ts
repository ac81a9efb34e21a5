import { shuffled } from '../../../base/collections/shuffled.ts'
import type { Random } from '../../../base/ports/random.ts'
import { internalAddress, type NetEndpoint } from '../../wire/net-address.ts'
import { SERVICES } from '../../wire/services.ts'
import type { AddressManager } from '../addresses/address-manager.ts'
import type { P2pLog } from '../p2p-context.ts'
import type { OutboundStep } from './outbound-step.ts'

/** With so many full outbound connections, nobody else need be asked for peers. */
export const ENOUGH_OUTBOUND = 2

const AT_ONCE = 3
/** How long known addresses are tried before seeds are asked, with few of them and with many. */
const WAIT_FEW_MS = 11_000
const WAIT_MANY_MS = 300_000
const MANY = 1000
const SEED_NODES_WAIT_MS = 30_000
const POLL_MS = 500
const INACTIVE_POLL_MS = 1000
/** Addresses that one seed may give, so that none is heard more than the others. */
const ADDRESSES_PER_SEED_MAX = 32
const DAY_SECONDS = 24 * 60 * 60
/** Seeds do not tell ages: they are taken to be between three and seven days. */
const AGE_MIN_SECONDS = 3 * DAY_SECONDS
const AGE_SPREAD_SECONDS = 4 * DAY_SECONDS

const WANTED_SERVICES = SERVICES.NODE_NETWORK | SERVICES.NODE_WITNESS
/** What peers of a seed most likely offer. */
const ASSUMED_SERVICES = WANTED_SERVICES | SERVICES.NODE_P2P_V2

export interface DnsSeedOptions {
  /** Names of the network's seeds; none where -dnsseed=0. */
  readonly seeds: readonly string[]
  /** -forcednsseed */
  readonly force: boolean
  /** Whether -seednode names peers, which come first. */
  readonly hasSeedNodes: boolean
  readonly defaultPort: number
  /** Names are looked up by a proxy, which gives us no addresses: seeds are connected to instead. */
  readonly namesThroughProxy: boolean
}

/** Asks DNS seeds for peers: at once if none is known, else a few at a time, and only while too few answer. */
export class DnsSeeds {
  readonly #options: DnsSeedOptions
  readonly #manager: AddressManager
  readonly #random: Random
  readonly #log: P2pLog
  /** Connects to a name for its addresses. */
  readonly #fetchFrom: (name: string) => void
  #phase: 'starting' | 'seed-nodes' | 'asking' | 'waiting' | 'done'
  #queue: string[] = []
  #atOnce = 0
  #found = 0
  #waitUntilMs = 0
  #nextMs = 0
  #inactivityLogged = false
  /** Names that are being looked up, and the seed behind each. */
  readonly #pending = new Map<string, string>()

  constructor(
    options: DnsSeedOptions,
    manager: AddressManager,
    random: Random,
    log: P2pLog,
    fetchFrom: (name: string) => void,
  ) {
    this.#options = options
    this.#manager = manager
    this.#random = random
    this.#log = log
    this.#fetchFrom = fetchFrom
    this.#phase = options.seeds.length === 0 ? 'done' : 'starting'
  }

  /** What is due: names to look up. */
  plan(fullOutbound: number, networkActive: boolean, nowMs: number, steadyMs: number): OutboundStep[] {
    const steps: OutboundStep[] = []
    while (this.#phase !== 'done' && steadyMs >= this.#nextMs) {
      if (this.#phase === 'starting') this.#start(nowMs, steadyMs)
      else if (this.#phase === 'seed-nodes') this.#awaitSeedNodes(fullOutbound, nowMs, steadyMs)
      else if (this.#phase === 'waiting') this.#await(fullOutbound, steadyMs)
      else this.#ask(networkActive, steadyMs, steps)
    }
    return steps
  }

  nextWake(): number | undefined {
    return this.#phase === 'done' ? undefined : this.#nextMs
  }

  #start(nowMs: number, steadyMs: number): void {
    if (!this.#options.hasSeedNodes) {
      this.#begin(0)
      return
    }
    this.#log.info(
      `-seednode enabled. Trying the provided seeds for ${SEED_NODES_WAIT_MS / 1000} seconds before defaulting to the dnsseeds.`,
    )
    this.#phase = 'seed-nodes'
    this.#waitUntilMs = nowMs + SEED_NODES_WAIT_MS
    this.#nextMs = steadyMs + POLL_MS
  }

  #awaitSeedNodes(fullOutbound: number, nowMs: number, steadyMs: number): void {
    if (nowMs > this.#waitUntilMs) {
      this.#log.info("Couldn't connect to enough peers via seed nodes. Handing fetch logic to the DNS seeds.")
      this.#begin(fullOutbound)
    } else if (fullOutbound >= ENOUGH_OUTBOUND) {
      this.#log.info('P2P peers available. Finished fetching data from seed nodes.')
      this.#begin(fullOutbound)
    } else this.#nextMs = steadyMs + POLL_MS
  }

  #begin(fullOutbound: number): void {
    const { seeds, force } = this.#options
    const all = force || this.#manager.counts().total === 0
    if (fullOutbound >= ENOUGH_OUTBOUND && !all) {
      this.#log.info('Skipping DNS seeds. Enough peers have been found')
      this.#phase = 'done'
      return
    }
    this.#queue = shuffled(seeds, this.#random)
    this.#atOnce = all ? seeds.length : 0
    this.#phase = 'asking'
  }

  #await(fullOutbound: number, steadyMs: number): void {
    if (fullOutbound >= ENOUGH_OUTBOUND) {
      if (this.#found > 0) this.#log.info(`${this.#found} addresses found from DNS seeds`)
      this.#log.info(`P2P peers available. ${this.#found > 0 ? 'Finished' : 'Skipped'} DNS seeding.`)
      this.#phase = 'done'
    } else if (steadyMs >= this.#waitUntilMs) this.#phase = 'asking'
    else this.#nextMs = Math.min(steadyMs + WAIT_FEW_MS, this.#waitUntilMs)
  }

  #ask(networkActive: boolean, steadyMs: number, steps: OutboundStep[]): void {
    if (this.#queue.length === 0) {
      // The last answers are counted too.
      if (this.#pending.size > 0) this.#nextMs = steadyMs + POLL_MS
      else {
        this.#log.info(`${this.#found} addresses found from DNS seeds`)
        this.#phase = 'done'
      }
      return
    }
    if (this.#atOnce === 0) {
      this.#atOnce = AT_ONCE
      const known = this.#manager.counts().total
      if (known > 0) {
        const waitMs = known >= MANY ? WAIT_MANY_MS : WAIT_FEW_MS
        this.#log.info(`Waiting ${waitMs / 1000} seconds before querying DNS seeds.`)
        this.#phase = 'waiting'
        this.#waitUntilMs = steadyMs + waitMs
        this.#nextMs = steadyMs + WAIT_FEW_MS
        return
      }
    }
    if (!networkActive) {
      if (!this.#inactivityLogged) {
        this.#log.info('Waiting for network to be reactivated before querying DNS seeds.')
      }
      this.#inactivityLogged = true
      this.#nextMs = steadyMs + INACTIVE_POLL_MS
      return
    }
    this.#inactivityLogged = false
    this.#atOnce--
    this.#askOne(this.#queue.shift()!, steps)
  }

  #askOne(seed: string, steps: OutboundStep[]): void {
    this.#log.info(`Loading addresses from DNS seed ${seed}`)
    if (this.#options.namesThroughProxy) {
      this.#fetchFrom(seed)
      return
    }
    // Seeds that know this form give peers with these services only.
    const name = `x${WANTED_SERVICES.toString(16)}.${seed}`
    this.#pending.set(name, seed)
    steps.push({ type: 'resolve', name, port: this.#options.defaultPort })
  }

  /** A name was looked up; others than those asked for are not taken. */
  onResolved(name: string, endpoints: readonly NetEndpoint[], nowMs: number): void {
    const seed = this.#pending.get(name)
    if (seed === undefined) return
    this.#pending.delete(name)
    if (endpoints.length === 0) {
      this.#fetchFrom(seed)
      return
    }
    const nowSeconds = Math.floor(nowMs / 1000)
    const addresses = endpoints.slice(0, ADDRESSES_PER_SEED_MAX).map(endpoint => ({
      endpoint,
      services: ASSUMED_SERVICES,
      timeSeconds: nowSeconds - AGE_MIN_SECONDS - this.#random.below(AGE_SPREAD_SECONDS),
    }))
    this.#found += addresses.length
    this.#manager.add(addresses, internalAddress(name), 0, nowSeconds)
  }
}
