import type { HashBackend } from '../../../base/crypto/backend.ts'
import type { Random } from '../../../base/ports/random.ts'
import { accept, reject, type Verdict } from '../../../base/verdict.ts'
import { type AddressClass, addressClass, isRoutable } from '../../wire/address-class.ts'
import type { GossipedAddress } from '../../wire/address-messages.ts'
import { type AddressNetwork, type NetAddress, type NetEndpoint, sameAddress } from '../../wire/net-address.ts'
import {
  AddressBuckets,
  type AddressCounts,
  type AddressEntry,
  type AddressTableName,
  REFERENCES_MAX,
} from './address-buckets.ts'
import { isTerrible, selectionChance } from './address-quality.ts'
import type { AddressManagerRecords } from './address-records.ts'
import { type AddressTable, NETWORKS } from './address-table.ts'
import { BUCKET_KEY_SIZE, BUCKET_SIZE } from './bucket-placer.ts'
import { type BucketTable, EMPTY } from './bucket-table.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Tried addresses that wait for the one in their place to be tested. */
const COLLISIONS_MAX = 10
/** A tried address that was reached, or looked for, more recently is not replaced. */
const REPLACEMENT_SECONDS = 4 * HOUR
/** How long a tried address that is to be replaced has to answer. */
const TEST_SECONDS = MINUTE
/** A collision that could not be tested for so long ends with the newer address. */
const TEST_WINDOW_SECONDS = 40 * MINUTE
/** What is told of an address is news only if it is younger by so much: for one that is online, and one that is not. */
const UPDATE_SECONDS_ONLINE = HOUR
const UPDATE_SECONDS_OFFLINE = DAY
const CONNECTED_UPDATE_SECONDS = 20 * MINUTE

const CHANCE_UNIT = 2 ** 30
/** By how much the chances of all grow with each address that was drawn and not taken. */
const CHANCE_GROWTH = 1.2

/** The secret of Core's `-test=addrman`, under which tests know where each address stands. */
export const DETERMINISTIC_BUCKET_KEY: Uint8Array = Uint8Array.from({ length: BUCKET_KEY_SIZE }, (_, i) =>
  i === 0 ? 1 : 0,
)

export interface AddressManagerOptions {
  /** 32 secret bytes; see {@link DETERMINISTIC_BUCKET_KEY} for tests. */
  readonly key: Uint8Array
  readonly random: Random
  readonly hash: Pick<HashBackend, 'sha256d'>
}

/** A choice of the address manager, and when it was last tried (seconds since 1970; 0 for never). */
export interface SelectedAddress extends GossipedAddress {
  readonly lastTrySeconds: number
}

/** Which addresses, and how many, {@link AddressManager.getAddresses} is to give. */
export interface AddressesWanted {
  /** At most so many; 0, the default, for all. */
  readonly max?: number
  /** At most so much of all that are known; 0, the default, for all. */
  readonly maxPercent?: number
  /** Only those of one network. */
  readonly network?: AddressClass
  /** Leaves out what is of no use; true unless said. */
  readonly filtered?: boolean
}

/**
 * The addresses of other peers: those only heard of (new) and those that were reached (tried), in buckets that nobody can fill from a
 * few groups of addresses. Equal to Core's in behaviour. Times are seconds since 1970.
 *
 * @example
 * const manager = new AddressManager({ key: random.bytes(32), random, hash: crypto })
 * manager.add(message.addresses, peer.address, 2 * 3600, now)
 * const next = manager.select({}, now)
 */
export class AddressManager {
  readonly #random: Random
  readonly #buckets: AddressBuckets
  readonly #rows: AddressTable
  /** New rows that were reached while another address stands in their tried place. */
  readonly #collisions = new Set<number>()
  /** When an address was last found good: failures before that say nothing about our own connection. */
  #lastGoodSeconds = 1

  constructor(options: AddressManagerOptions) {
    this.#random = options.random
    this.#buckets = new AddressBuckets(options, row => this.#collisions.delete(row))
    this.#rows = this.#buckets.rows
  }

  /** Addresses of a network, or of all: the counts that `getaddrmaninfo` shows. */
  counts(network?: AddressNetwork): AddressCounts {
    return this.#buckets.counts(network === undefined ? NETWORKS : [network])
  }

  /**
   * Takes in what `source` tells of other peers.
   *
   * @param timePenaltySeconds how much older than told the addresses are taken to be
   * @returns how many found a place, be it their first or a further one
   */
  add(
    addresses: readonly GossipedAddress[],
    source: NetAddress,
    timePenaltySeconds: number,
    nowSeconds: number,
  ): number {
    const placeOf = this.#buckets.newPlacesOf(source)
    let added = 0
    for (const address of addresses) {
      if (!isRoutable(address.endpoint.address)) continue
      const penalty = sameAddress(address.endpoint.address, source) ? 0 : timePenaltySeconds
      const row = this.#rowFor(address, source, penalty, nowSeconds)
      if (row !== undefined && this.#place(row, placeOf(address.endpoint), nowSeconds)) added++
    }
    return added
  }

  /** The row of an address that may have a first, or one more, place. */
  #rowFor(
    { endpoint, timeSeconds, services }: GossipedAddress,
    source: NetAddress,
    penaltySeconds: number,
    nowSeconds: number,
  ): number | undefined {
    const rows = this.#rows
    const row = rows.find(endpoint)
    if (row === undefined) {
      return this.#buckets.create(endpoint, source, services, Math.max(0, timeSeconds - penaltySeconds))
    }
    const interval = nowSeconds - timeSeconds < DAY ? UPDATE_SECONDS_ONLINE : UPDATE_SECONDS_OFFLINE
    if (rows.time[row] < timeSeconds - interval - penaltySeconds) {
      rows.time[row] = Math.max(0, timeSeconds - penaltySeconds)
    }
    rows.services[row] |= services
    const references = rows.references[row]
    if (timeSeconds <= rows.time[row] || rows.tried[row] === 1 || references === REFERENCES_MAX) return undefined
    // Each further place is twice as hard to get.
    return this.#random.below(1 << references) === 0 ? row : undefined
  }

  #place(row: number, place: number, nowSeconds: number): boolean {
    const { references } = this.#rows
    const occupant = this.#buckets.new.at(place)
    if (occupant === row) return false
    const free =
      occupant === EMPTY ||
      isTerrible(this.#rows, occupant, nowSeconds) ||
      (references[occupant] > 1 && references[row] === 0)
    if (free) this.#buckets.putNew(row, place)
    else if (references[row] === 0) this.#buckets.discard(row)
    return free
  }

  /**
   * An address was reached, and speaks the protocol: moves it to the tried table, unless another stands in its place, which is then
   * to be tested first (see {@link AddressManager.selectTriedCollision}).
   *
   * @returns whether it was moved
   */
  good(endpoint: NetEndpoint, timeSeconds: number): boolean {
    this.#lastGoodSeconds = timeSeconds
    const row = this.#rows.find(endpoint)
    return row !== undefined && this.#good(row, true, timeSeconds)
  }

  #good(row: number, testBeforeEvict: boolean, timeSeconds: number): boolean {
    const rows = this.#rows
    this.#lastGoodSeconds = timeSeconds
    // The time that is told to others stays: it would give away whom we are connected to.
    rows.lastSuccess[row] = timeSeconds
    rows.lastTry[row] = timeSeconds
    rows.attempts[row] = 0
    if (rows.tried[row] === 1) return false
    const place = this.#buckets.triedPlace(row)
    if (testBeforeEvict && this.#buckets.tried.at(place) !== EMPTY) {
      if (this.#collisions.size < COLLISIONS_MAX) this.#collisions.add(row)
      return false
    }
    this.#buckets.makeTried(row, place)
    return true
  }

  /** A connection is attempted; a failure that is ours (no network) is not counted. */
  attempt(endpoint: NetEndpoint, countFailure: boolean, timeSeconds: number): void {
    const rows = this.#rows
    const row = rows.find(endpoint)
    if (row === undefined) return
    rows.lastTry[row] = timeSeconds
    if (!countFailure || rows.lastCountedTry[row] >= this.#lastGoodSeconds) return
    rows.lastCountedTry[row] = timeSeconds
    rows.attempts[row]++
  }

  /** A connection ended that had lasted until now; called only then, for the time is told to others. */
  connected(endpoint: NetEndpoint, timeSeconds: number): void {
    const row = this.#rows.find(endpoint)
    if (row === undefined) return
    if (timeSeconds - this.#rows.time[row] > CONNECTED_UPDATE_SECONDS) this.#rows.time[row] = timeSeconds
  }

  setServices(endpoint: NetEndpoint, services: bigint): void {
    const row = this.#rows.find(endpoint)
    if (row !== undefined) this.#rows.services[row] = services
  }

  /** Ends collisions whose older address has been tested, or could not be. */
  resolveCollisions(nowSeconds: number): void {
    const { lastSuccess, lastTry } = this.#rows
    for (const row of [...this.#collisions]) {
      // What was done for an earlier one may have removed this one.
      if (!this.#collisions.has(row)) continue
      const old = this.#triedRival(row)
      const sinceTry = nowSeconds - lastTry[old]
      if (nowSeconds - lastSuccess[old] >= REPLACEMENT_SECONDS) {
        if (sinceTry < REPLACEMENT_SECONDS) {
          if (sinceTry <= TEST_SECONDS) continue
        } else if (nowSeconds - lastSuccess[row] <= TEST_WINDOW_SECONDS) continue
        this.#good(row, false, nowSeconds)
      }
      this.#collisions.delete(row)
    }
  }

  /** The row in the tried place of a row that collides. */
  #triedRival(row: number): number {
    return this.#buckets.tried.at(this.#buckets.triedPlace(row))
  }

  /** A tried address that another would replace: to be tested by a feeler. */
  selectTriedCollision(): SelectedAddress | undefined {
    if (this.#collisions.size === 0) return undefined
    const rows = [...this.#collisions]
    return this.#selected(this.#triedRival(rows[this.#random.below(rows.length)]))
  }

  #selected(row: number): SelectedAddress {
    return { ...this.#buckets.gossiped(row), lastTrySeconds: this.#rows.lastTry[row] }
  }

  /**
   * Draws an address to connect to: from either table with even chances, those that failed or were tried just now more rarely.
   *
   * @param networks those to draw from; all where there are none
   */
  select(
    { newOnly = false, networks = [] }: { readonly newOnly?: boolean; readonly networks?: readonly AddressNetwork[] },
    nowSeconds: number,
  ): SelectedAddress | undefined {
    const counts = this.#buckets.counts(networks.length === 0 ? NETWORKS : networks)
    if (newOnly ? counts.new === 0 : counts.total === 0) return undefined
    let searchTried = !newOnly && counts.tried > 0
    if (searchTried && counts.new > 0) searchTried = this.#random.below(2) === 1
    const wanted = NETWORKS.map(network => networks.length === 0 || networks.includes(network))
    const table = searchTried ? this.#buckets.tried : this.#buckets.new
    // With each refusal the chances of all grow, so that this ends.
    let factor = 1
    while (true) {
      const row = this.#draw(table, wanted)
      if (row === EMPTY) continue
      const chance = factor * selectionChance(this.#rows, row, nowSeconds)
      if (this.#random.below(CHANCE_UNIT) < chance * CHANCE_UNIT) return this.#selected(row)
      factor *= CHANCE_GROWTH
    }
  }

  /** The first wanted row of a random bucket that is not empty, from a random position on and around; none ({@link EMPTY}) if all are of other networks. */
  #draw({ places, inhabited }: BucketTable, wanted: readonly boolean[]): number {
    const bucket = inhabited[this.#random.below(inhabited.length)]
    const first = this.#random.below(BUCKET_SIZE)
    for (let i = 0; i < BUCKET_SIZE; i++) {
      const row = places[bucket * BUCKET_SIZE + ((first + i) % BUCKET_SIZE)]
      if (row !== EMPTY && wanted[this.#rows.networkNumber(row)]) return row
    }
    return EMPTY
  }

  /** Random addresses, for others and for RPC. */
  getAddresses(
    { max = 0, maxPercent = 0, network, filtered = true }: AddressesWanted,
    nowSeconds: number,
  ): GossipedAddress[] {
    const rows = this.#rows
    let wanted = rows.count
    if (maxPercent > 0) wanted = Math.floor((Math.min(maxPercent, 100) * wanted) / 100)
    if (max > 0) wanted = Math.min(wanted, max)
    const addresses: GossipedAddress[] = []
    for (let n = 0; n < rows.count && addresses.length < wanted; n++) {
      rows.swap(n, n + this.#random.below(rows.count - n))
      const row = rows.at(n)
      if (network !== undefined && addressClass(rows.endpoint(row).address) !== network) continue
      if (filtered && isTerrible(rows, row, nowSeconds)) continue
      addresses.push(this.#buckets.gossiped(row))
    }
    return addresses
  }

  /** What stands in a table, place by place; an address of the new table once for each of its places. */
  entries(name: AddressTableName): AddressEntry[] {
    const entries: AddressEntry[] = []
    this.#buckets[name].places.forEach((row, place) => {
      if (row !== EMPTY) entries.push(this.#buckets.entry(row, name, place))
    })
    return entries
  }

  /** Where an address stands (in the new table, where its first source puts it); undefined if it is not known. */
  find(endpoint: NetEndpoint): (AddressEntry & { readonly table: AddressTableName }) | undefined {
    const row = this.#rows.find(endpoint)
    if (row === undefined) return undefined
    const table = this.#rows.tried[row] === 1 ? 'tried' : 'new'
    const place = table === 'tried' ? this.#buckets.triedPlace(row) : this.#buckets.newPlace(row)
    return { ...this.#buckets.entry(row, table, place), table }
  }

  /** All that is to outlive a restart. */
  records(): AddressManagerRecords {
    return this.#buckets.records()
  }

  /**
   * The address manager that wrote the records. What has no place is left out; records that cannot be are rejected with
   * `address-records-inconsistent`, and Core's number for what is wrong as the detail.
   */
  static fromRecords(
    { random, hash }: Omit<AddressManagerOptions, 'key'>,
    records: AddressManagerRecords,
  ): Verdict<AddressManager> {
    const manager = new AddressManager({ key: records.key, random, hash })
    manager.#buckets.restore(records)
    const code = manager.#buckets.check()
    return code === 0 ? accept(manager) : reject('address-records-inconsistent', String(code))
  }
}
