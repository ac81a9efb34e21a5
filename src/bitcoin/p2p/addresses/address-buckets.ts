import type { HashBackend } from '../../../base/crypto/backend.ts'
import { invariant } from '../../../base/errors.ts'
import type { Random } from '../../../base/ports/random.ts'
import { type AddressClass, addressClass, isValidAddress, netGroup } from '../../wire/address-class.ts'
import type { GossipedAddress } from '../../wire/address-messages.ts'
import type { AddressNetwork, NetAddress, NetEndpoint } from '../../wire/net-address.ts'
import type { AddressManagerRecords, AddressRecord } from './address-records.ts'
import { AddressTable, NETWORKS } from './address-table.ts'
import { BUCKET_SIZE, BucketPlacer, NEW_BUCKETS, TRIED_BUCKETS } from './bucket-placer.ts'
import { BucketTable, EMPTY } from './bucket-table.ts'
import { endpointBytes } from './endpoint-bytes.ts'

export type AddressTableName = 'new' | 'tried'

/** An address in one of its places, as `getrawaddrman` shows it. */
export interface AddressEntry extends GossipedAddress {
  readonly bucket: number
  readonly position: number
  /** Places that the address has in all. */
  readonly multiplicity: number
  readonly network: AddressClass
  /** Who told of it first. */
  readonly source: NetAddress
  readonly sourceNetwork: AddressClass
}

export interface AddressCounts {
  readonly new: number
  readonly tried: number
  readonly total: number
}

/** New buckets that one address may stand in. */
export const REFERENCES_MAX = 8

/**
 * The two tables of buckets, and the rows that stand in them: a row of the new table in one to eight places, a row of the tried table
 * in one. A row with no place is gone.
 */
export class AddressBuckets {
  readonly #placer: BucketPlacer
  readonly rows: AddressTable
  readonly new = new BucketTable(NEW_BUCKETS)
  readonly tried = new BucketTable(TRIED_BUCKETS)
  readonly #newCounts = new Int32Array(NETWORKS.length)
  readonly #triedCounts = new Int32Array(NETWORKS.length)
  readonly #onGone: (row: number) => void

  /** @param onGone told of each row that is gone */
  constructor(
    { key, random, hash }: { key: Uint8Array; random: Random; hash: Pick<HashBackend, 'sha256d'> },
    onGone: (row: number) => void,
  ) {
    this.#placer = new BucketPlacer(key, hash)
    // One more, for an address whose place is not free yet.
    this.rows = new AddressTable(this.new.places.length + this.tried.places.length + 1, random)
    this.#onGone = onGone
  }

  counts(networks: readonly AddressNetwork[]): AddressCounts {
    let inNew = 0
    let inTried = 0
    NETWORKS.forEach((network, number) => {
      if (!networks.includes(network)) return
      inNew += this.#newCounts[number]
      inTried += this.#triedCounts[number]
    })
    return { new: inNew, tried: inTried, total: inNew + inTried }
  }

  /** Gives the place in the new table of each endpoint told by one source. */
  newPlacesOf(source: NetAddress): (endpoint: NetEndpoint) => number {
    const bucketOf = this.#placer.newBucketsOf(netGroup(source))
    return endpoint => {
      const bucket = bucketOf(netGroup(endpoint.address))
      return bucket * BUCKET_SIZE + this.#placer.position('new', bucket, endpointBytes(endpoint))
    }
  }

  /** The place in the new table that a row's first source gives it. */
  newPlace(row: number): number {
    return this.newPlacesOf(this.rows.source(row))(this.rows.endpoint(row))
  }

  triedPlace(row: number): number {
    return this.#triedPlaceOf(this.rows.endpoint(row))
  }

  #triedPlaceOf(endpoint: NetEndpoint): number {
    const bytes = endpointBytes(endpoint)
    const bucket = this.#placer.triedBucket(bytes, netGroup(endpoint.address))
    return bucket * BUCKET_SIZE + this.#placer.position('tried', bucket, bytes)
  }

  /** Makes a row of the new table that has no place yet: it is to get one, or to be discarded. */
  create(endpoint: NetEndpoint, source: NetAddress, services: bigint, timeSeconds: number): number {
    const row = this.rows.create(endpoint, source, services, timeSeconds)
    this.#newCounts[this.rows.networkNumber(row)]++
    return row
  }

  /** Removes a row of the new table that has no place. */
  discard(row: number): void {
    this.#newCounts[this.rows.networkNumber(row)]--
    this.#onGone(row)
    this.rows.delete(row)
  }

  /** Puts a row into a place of the new table, instead of whichever stood there. */
  putNew(row: number, place: number): void {
    const occupant = this.new.at(place)
    this.new.put(place, row)
    if (occupant !== EMPTY && --this.rows.references[occupant] === 0) this.discard(occupant)
    this.rows.references[row]++
  }

  /** Moves a row from the new table to a place of the tried one; who stood there goes back to the new one. */
  makeTried(row: number, place: number): void {
    const { rows } = this
    const { places } = this.new
    for (let at = places.indexOf(row); at >= 0; at = places.indexOf(row, at + 1)) {
      this.new.put(at, EMPTY)
      rows.references[row]--
    }
    invariant(rows.references[row] === 0, 'an address has a place in the new table that is not there')
    this.#newCounts[rows.networkNumber(row)]--
    const evicted = this.tried.at(place)
    if (evicted !== EMPTY) {
      this.#triedCounts[rows.networkNumber(evicted)]--
      rows.tried[evicted] = 0
      this.#newCounts[rows.networkNumber(evicted)]++
      this.putNew(evicted, this.newPlace(evicted))
    }
    this.#putTried(row, place)
  }

  #putTried(row: number, place: number): void {
    this.tried.put(place, row)
    this.rows.tried[row] = 1
    this.#triedCounts[this.rows.networkNumber(row)]++
  }

  gossiped(row: number): GossipedAddress {
    const { time, services } = this.rows
    return { timeSeconds: time[row], services: services[row], endpoint: this.rows.endpoint(row) }
  }

  /** What stands in a place. */
  entry(row: number, name: AddressTableName, place: number): AddressEntry {
    const gossiped = this.gossiped(row)
    const source = this.rows.source(row)
    return {
      ...gossiped,
      bucket: Math.floor(place / BUCKET_SIZE),
      position: place % BUCKET_SIZE,
      multiplicity: name === 'tried' ? 1 : this.rows.references[row],
      network: addressClass(gossiped.endpoint.address),
      source,
      sourceNetwork: addressClass(source),
    }
  }

  #record(row: number): AddressRecord {
    const { lastSuccess, attempts } = this.rows
    return {
      ...this.gossiped(row),
      source: this.rows.source(row),
      lastSuccessSeconds: lastSuccess[row],
      attempts: attempts[row],
    }
  }

  /** All that is to outlive a restart. */
  records(): AddressManagerRecords {
    const indices = new Map<number, number>()
    const inNew: AddressRecord[] = []
    const references: number[] = []
    this.new.places.forEach((row, place) => {
      if (row === EMPTY) return
      let index = indices.get(row)
      if (index === undefined) {
        index = inNew.push(this.#record(row)) - 1
        indices.set(row, index)
      }
      references.push(Math.floor(place / BUCKET_SIZE), index)
    })
    const tried = [...this.tried.places].filter(row => row !== EMPTY).map(row => this.#record(row))
    return { key: this.#placer.key, new: inNew, tried, references, sameBuckets: true }
  }

  #createFrom(record: AddressRecord): number {
    const { rows } = this
    const row = rows.create(record.endpoint, record.source, record.services, record.timeSeconds)
    rows.lastSuccess[row] = record.lastSuccessSeconds
    rows.attempts[row] = record.attempts
    return row
  }

  /** Takes in records, into empty tables; what finds no place is left out. */
  restore(records: AddressManagerRecords): void {
    const { rows } = this
    const added = records.new.map(record => this.#createFrom(record))
    for (const row of added) this.#newCounts[rows.networkNumber(row)]++
    for (const record of records.tried) {
      const place = this.#triedPlaceOf(record.endpoint)
      if (!isValidAddress(record.endpoint.address) || this.tried.at(place) !== EMPTY) continue
      this.#putTried(this.#createFrom(record), place)
    }
    const { references } = records
    for (let i = 0; i < references.length; i += 2) {
      this.#restoreReference(added[references[i + 1]], records.sameBuckets ? references[i] : undefined)
    }
    for (const row of added) if (rows.references[row] === 0) this.discard(row)
  }

  #restoreReference(row: number, bucket: number | undefined): void {
    const endpoint = this.rows.endpoint(row)
    if (!isValidAddress(endpoint.address) || this.rows.references[row] >= REFERENCES_MAX) return
    let place = this.newPlace(row)
    if (bucket !== undefined) {
      const known = bucket * BUCKET_SIZE + this.#placer.position('new', bucket, endpointBytes(endpoint))
      if (this.new.at(known) === EMPTY) place = known
    }
    if (this.new.at(place) === EMPTY) this.putNew(row, place)
  }

  /** What only damaged records can make wrong, by Core's numbers; 0 if all is well. */
  check(): number {
    const { rows } = this
    for (let n = 0; n < rows.count; n++) {
      const row = rows.at(n)
      if (rows.tried[row] === 1 && rows.lastSuccess[row] === 0) return -1
      if (rows.find(rows.endpoint(row)) !== row) return -5
      if (rows.lastSuccess[row] < 0) return -8
    }
    return this.#placer.key.every(byte => byte === 0) ? -16 : 0
  }
}
