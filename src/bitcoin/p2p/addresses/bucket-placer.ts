import { toHex } from '../../../base/bytes/bytes.ts'
import type { HashBackend } from '../../../base/crypto/backend.ts'

export const NEW_BUCKETS = 1024
export const TRIED_BUCKETS = 256
/** Entries of a bucket. */
export const BUCKET_SIZE = 64
/** Bytes of the secret that places are drawn with. */
export const BUCKET_KEY_SIZE = 32

/** Tried buckets that the addresses of one group are spread over. */
const TRIED_BUCKETS_PER_GROUP = 8
/** New buckets that addresses told by one group are spread over. */
const NEW_BUCKETS_PER_SOURCE_GROUP = 64

/** Groups of sources whose buckets are remembered, and for each the groups of addresses. */
const SOURCE_GROUPS_KEPT_MAX = 16
const GROUPS_KEPT_MAX = 4096

const ASCII_K = 0x4b
const ASCII_N = 0x4e

/** What is remembered of the places that a group of sources may fill: hashing again would cost most of an addition's time. */
interface SourceGroup {
  /** The bucket of each of the 64 slots, or -1 while it is not known. */
  readonly buckets: Int16Array
  /** The slot of a group of addresses. */
  readonly slots: Map<number, number>
}

/** A group of addresses (at most 6 bytes) as a number that no other group has. */
function groupNumber(group: Uint8Array): number {
  let number = group.length
  for (const byte of group) number = number * 256 + byte
  return number
}

/**
 * Where addresses stand in the tables: drawn by hashes under a secret, so that whoever offers addresses cannot choose the places, and
 * one group of addresses or of sources reaches few buckets only. The hashes are Core's, so that its files keep their order.
 */
export class BucketPlacer {
  readonly key: Uint8Array
  readonly #hash: Pick<HashBackend, 'sha256d'>
  readonly #message = new Uint8Array(128)
  /** The views of the message of each length, made once. */
  readonly #views: Uint8Array[] = []
  readonly #digest = new Uint8Array(32)
  readonly #sourceGroups = new Map<string, SourceGroup>()
  #length = 0

  /** @param key 32 secret bytes */
  constructor(key: Uint8Array, hash: Pick<HashBackend, 'sha256d'>) {
    this.key = key
    this.#hash = hash
    this.#message.set(key)
  }

  #begin(): void {
    this.#length = BUCKET_KEY_SIZE
  }

  #byte(value: number): void {
    this.#message[this.#length++] = value
  }

  #sized(bytes: Uint8Array): void {
    this.#byte(bytes.length)
    for (let i = 0; i < bytes.length; i++) this.#byte(bytes[i])
  }

  /** A small number in 8 bytes. */
  #number64(value: number): void {
    this.#byte(value)
    for (let i = 1; i < 8; i++) this.#byte(0)
  }

  /** The hash's lowest 16 bits; all counts of places are powers of two. */
  #finish(): number {
    const view = (this.#views[this.#length] ??= this.#message.subarray(0, this.#length))
    this.#hash.sha256d(view, this.#digest)
    return this.#digest[0] | (this.#digest[1] << 8)
  }

  #sourceGroup(group: Uint8Array): SourceGroup {
    const key = toHex(group)
    const known = this.#sourceGroups.get(key)
    if (known !== undefined) return known
    if (this.#sourceGroups.size >= SOURCE_GROUPS_KEPT_MAX) {
      for (const oldest of this.#sourceGroups.keys()) {
        this.#sourceGroups.delete(oldest)
        break
      }
    }
    const fresh = { buckets: new Int16Array(NEW_BUCKETS_PER_SOURCE_GROUP).fill(-1), slots: new Map<number, number>() }
    this.#sourceGroups.set(key, fresh)
    return fresh
  }

  /**
   * Gives the new bucket of each group of addresses told by one group of sources.
   *
   * @param sourceGroup as netGroup has it
   */
  newBucketsOf(sourceGroup: Uint8Array): (group: Uint8Array) => number {
    const { buckets, slots } = this.#sourceGroup(sourceGroup)
    return group => {
      const number = groupNumber(group)
      let slot = slots.get(number)
      if (slot === undefined) {
        this.#begin()
        this.#sized(group)
        this.#sized(sourceGroup)
        slot = this.#finish() % NEW_BUCKETS_PER_SOURCE_GROUP
        if (slots.size >= GROUPS_KEPT_MAX) slots.clear()
        slots.set(number, slot)
      }
      if (buckets[slot] < 0) {
        this.#begin()
        this.#sized(sourceGroup)
        this.#number64(slot)
        buckets[slot] = this.#finish() % NEW_BUCKETS
      }
      return buckets[slot]
    }
  }

  /** @param endpointBytes the address and, big-endian, the port */
  triedBucket(endpointBytes: Uint8Array, group: Uint8Array): number {
    this.#begin()
    this.#sized(endpointBytes)
    const slot = this.#finish() % TRIED_BUCKETS_PER_GROUP
    this.#begin()
    this.#sized(group)
    this.#number64(slot)
    return this.#finish() % TRIED_BUCKETS
  }

  /** The place of an address in a bucket of either table. */
  position(table: 'new' | 'tried', bucket: number, endpointBytes: Uint8Array): number {
    this.#begin()
    this.#byte(table === 'new' ? ASCII_N : ASCII_K)
    for (let shift = 0; shift < 32; shift += 8) this.#byte(bucket >>> shift)
    this.#sized(endpointBytes)
    return this.#finish() % BUCKET_SIZE
  }
}
