import { SipHash } from '../../../base/crypto/siphash.ts'
import { invariant } from '../../../base/errors.ts'
import type { Random } from '../../../base/ports/random.ts'
import { ADDRESS_SIZES, type AddressNetwork, type NetAddress, type NetEndpoint } from '../../wire/net-address.ts'

/** The networks by number, as rows hold them. */
export const NETWORKS: readonly AddressNetwork[] = ['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns', 'internal']

const NETWORK_NUMBERS = new Map(NETWORKS.map((network, number) => [network, number]))

/** Of a row's endpoint: network, port, and up to 32 bytes of the address. */
const ENDPOINT_SIZE = 35
/** Of a row's source: network and address. */
const SOURCE_SIZE = 33
const ROWS_AT_FIRST = 64
const NONE = -1

function grown<T extends { set(old: T): void; readonly length: number }>(
  make: new (length: number) => T,
  old: T,
  length: number,
): T {
  const column = new make(length)
  column.set(old)
  return column
}

function writeAddress(address: NetAddress, into: Uint8Array, at: number): void {
  const { bytes } = address
  for (let i = 0; i < bytes.length; i++) into[at + i] = bytes[i]
}

/**
 * The addresses that are known, as rows of typed arrays: an endpoint, who told of it, and what became of attempts. Found by endpoint
 * through a hash table whose key nobody else knows, and in a random order. A row's number is given again once the row is gone.
 */
export class AddressTable {
  /** Rows that there may be. */
  readonly #rowsMax: number
  readonly #sip: SipHash
  #capacity = ROWS_AT_FIRST
  #used = 0
  readonly #free: number[] = []

  #endpoints = new Uint8Array(ROWS_AT_FIRST * ENDPOINT_SIZE)
  #sources = new Uint8Array(ROWS_AT_FIRST * SOURCE_SIZE)
  #hashes = new Uint32Array(ROWS_AT_FIRST)
  /** Rows by hash, twice as many places as rows; a row's place is the first free one from its hash on. */
  #index = new Int32Array(2 * ROWS_AT_FIRST).fill(NONE)
  readonly #wanted = new Uint8Array(ENDPOINT_SIZE)

  services = new BigUint64Array(ROWS_AT_FIRST)
  /** When the address was last seen by anyone, seconds since 1970; the columns of times below likewise. */
  time = new Float64Array(ROWS_AT_FIRST)
  lastTry = new Float64Array(ROWS_AT_FIRST)
  /** The last attempt that counted as one. */
  lastCountedTry = new Float64Array(ROWS_AT_FIRST)
  /** When we last had a connection; 0 for never. */
  lastSuccess = new Float64Array(ROWS_AT_FIRST)
  /** Attempts since the last success. */
  attempts = new Int32Array(ROWS_AT_FIRST)
  /** In how many new buckets the row stands. */
  references = new Uint8Array(ROWS_AT_FIRST)
  /** 1 for a row of the tried table. */
  tried = new Uint8Array(ROWS_AT_FIRST)
  /** All rows in a random order, of which the first `count` places are used; and each row's place in it. */
  #order = new Int32Array(ROWS_AT_FIRST)
  #orderPosition = new Int32Array(ROWS_AT_FIRST)
  #count = 0

  constructor(rowsMax: number, random: Random) {
    this.#rowsMax = rowsMax
    this.#sip = new SipHash(random.u64(), random.u64())
  }

  get count(): number {
    return this.#count
  }

  #grow(): void {
    const length = Math.min(2 * this.#capacity, this.#rowsMax)
    invariant(length > this.#capacity, 'the address table is full')
    this.#capacity = length
    this.#endpoints = grown(Uint8Array, this.#endpoints, length * ENDPOINT_SIZE)
    this.#sources = grown(Uint8Array, this.#sources, length * SOURCE_SIZE)
    this.#hashes = grown(Uint32Array, this.#hashes, length)
    this.services = grown(BigUint64Array, this.services, length)
    this.time = grown(Float64Array, this.time, length)
    this.lastTry = grown(Float64Array, this.lastTry, length)
    this.lastCountedTry = grown(Float64Array, this.lastCountedTry, length)
    this.lastSuccess = grown(Float64Array, this.lastSuccess, length)
    this.attempts = grown(Int32Array, this.attempts, length)
    this.references = grown(Uint8Array, this.references, length)
    this.tried = grown(Uint8Array, this.tried, length)
    this.#order = grown(Int32Array, this.#order, length)
    this.#orderPosition = grown(Int32Array, this.#orderPosition, length)
    if (this.#index.length >= 2 * length) return
    this.#index = new Int32Array(2 * this.#index.length).fill(NONE)
    for (let i = 0; i < this.#count; i++) this.#enter(this.#order[i])
  }

  #enter(row: number): void {
    const mask = this.#index.length - 1
    let place = this.#hashes[row] & mask
    while (this.#index[place] !== NONE) place = (place + 1) & mask
    this.#index[place] = row
  }

  #leave(row: number): void {
    const index = this.#index
    const mask = index.length - 1
    let hole = this.#hashes[row] & mask
    while (index[hole] !== row) {
      // A row that another of the same endpoint took the place of; files may hold such.
      if (index[hole] === NONE) return
      hole = (hole + 1) & mask
    }
    // Rows behind move up where their hash allows, so that no search ends at the hole.
    for (let place = (hole + 1) & mask; index[place] !== NONE; place = (place + 1) & mask) {
      const home = this.#hashes[index[place]] & mask
      if (((place - home) & mask) < ((place - hole) & mask)) continue
      index[hole] = index[place]
      hole = place
    }
    index[hole] = NONE
  }

  /** Writes down what is looked for; gives its hash. */
  #want({ address, port }: NetEndpoint): number {
    const wanted = this.#wanted
    wanted.fill(0)
    wanted[0] = NETWORK_NUMBERS.get(address.network)!
    wanted[1] = port >>> 8
    wanted[2] = port
    writeAddress(address, wanted, 3)
    return this.#sip.hashLow32(wanted, 0, 3 + address.bytes.length)
  }

  #isWanted(row: number): boolean {
    const endpoints = this.#endpoints
    const wanted = this.#wanted
    for (let i = 0, at = row * ENDPOINT_SIZE; i < ENDPOINT_SIZE; i++, at++) {
      if (endpoints[at] !== wanted[i]) return false
    }
    return true
  }

  #placeOf(hash: number): number {
    const index = this.#index
    const mask = index.length - 1
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const row = index[place]
      if (row === NONE || (this.#hashes[row] === hash && this.#isWanted(row))) return place
    }
  }

  /** The row of an endpoint; undefined if there is none. */
  find(endpoint: NetEndpoint): number | undefined {
    const row = this.#index[this.#placeOf(this.#want(endpoint))]
    return row === NONE ? undefined : row
  }

  /** Adds a row that is last in the order. If one has the same endpoint, it is from now on not found any more. */
  create(endpoint: NetEndpoint, source: NetAddress, services: bigint, timeSeconds: number): number {
    if (this.#free.length === 0 && this.#used === this.#capacity) this.#grow()
    const row = this.#free.pop() ?? this.#used++
    const hash = this.#want(endpoint)
    const place = this.#placeOf(hash)
    this.#index[place] = row
    this.#hashes[row] = hash
    this.#endpoints.set(this.#wanted, row * ENDPOINT_SIZE)
    this.#sources[row * SOURCE_SIZE] = NETWORK_NUMBERS.get(source.network)!
    writeAddress(source, this.#sources, row * SOURCE_SIZE + 1)
    this.services[row] = services
    this.time[row] = timeSeconds
    this.lastTry[row] = 0
    this.lastCountedTry[row] = 0
    this.lastSuccess[row] = 0
    this.attempts[row] = 0
    this.references[row] = 0
    this.tried[row] = 0
    this.#order[this.#count] = row
    this.#orderPosition[row] = this.#count++
    return row
  }

  delete(row: number): void {
    this.swap(this.#orderPosition[row], this.#count - 1)
    this.#count--
    this.#leave(row)
    this.#free.push(row)
  }

  /** The row at a place of the random order. */
  at(place: number): number {
    return this.#order[place]
  }

  /** Exchanges two places of the random order. */
  swap(place: number, other: number): void {
    const order = this.#order
    const row = order[place]
    order[place] = order[other]
    order[other] = row
    this.#orderPosition[order[place]] = place
    this.#orderPosition[row] = other
  }

  networkNumber(row: number): number {
    return this.#endpoints[row * ENDPOINT_SIZE]
  }

  endpoint(row: number): NetEndpoint {
    const at = row * ENDPOINT_SIZE
    const network = NETWORKS[this.#endpoints[at]]
    const bytes = this.#endpoints.slice(at + 3, at + 3 + ADDRESS_SIZES[network])
    return { address: { network, bytes }, port: (this.#endpoints[at + 1] << 8) | this.#endpoints[at + 2] }
  }

  source(row: number): NetAddress {
    const at = row * SOURCE_SIZE
    const network = NETWORKS[this.#sources[at]]
    return { network, bytes: this.#sources.slice(at + 1, at + 1 + ADDRESS_SIZES[network]) }
  }
}
