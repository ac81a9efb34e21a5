import { toHex } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { SipHash } from '../../base/crypto/siphash.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'

/** BIP158: what a Golomb-coded set was made with. */
export interface GcsParams {
  /** The key that elements are hashed with, as two little-endian numbers. */
  readonly k0: bigint
  readonly k1: bigint
  /** Bits of the remainder in each coded difference. */
  readonly p: number
  /** One in so many foreign elements seems to be in the set. */
  readonly m: number
}

/** Up to here an element's bytes are its key; beyond, a call would have too many arguments. */
const KEY_CHARACTERS_MAX = 128

/** Sets have fewer elements than this. */
export const GCS_ELEMENTS_MAX = 0xffff_ffff

/**
 * Hashes elements evenly into [0, n·m). All values stay below 2^53: n is below 2^32, and m of every filter in use below 2^20.
 */
function rangeHash(params: GcsParams, n: number): (element: Uint8Array) => number {
  const hash = new SipHash(params.k0, params.k1)
  const range = BigInt(n) * BigInt(params.m)
  return element => Number((hash.hash(element) * range) >> 64n)
}

function rangeHashes(params: GcsParams, n: number, elements: Iterable<Uint8Array>): Float64Array {
  const hash = rangeHash(params, n)
  return Float64Array.from(elements, hash).sort()
}

/** Writes bits, the highest of each byte first. */
class BitWriter {
  readonly #out: ByteWriter
  #byte = 0
  #used = 0

  constructor(out: ByteWriter) {
    this.#out = out
  }

  /** The low `count` bits of `value`, at most 32. */
  bits(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--) {
      this.#byte = (this.#byte << 1) | ((value >>> i) & 1)
      if (++this.#used < 8) continue
      this.#out.u8(this.#byte)
      this.#byte = 0
      this.#used = 0
    }
  }

  /** Fills the last byte with zeros. */
  flush(): void {
    if (this.#used > 0) this.bits(0, 8 - this.#used)
  }
}

/** Reads what {@link BitWriter} wrote; past the end it fails, and gives zeros. */
class BitReader {
  readonly #bytes: Uint8Array
  #bit: number
  failed = false

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes
    this.#bit = start * 8
  }

  bit(): number {
    const byte = this.#bit >>> 3
    if (byte >= this.#bytes.length) {
      this.failed = true
      return 0
    }
    const bit = (this.#bytes[byte] >>> (7 - (this.#bit & 7))) & 1
    this.#bit++
    return bit
  }

  /** A Golomb-Rice code: a run of ones, a zero, and `p` bits. */
  code(p: number): number {
    let quotient = 0
    while (this.bit() === 1) quotient++
    let remainder = 0
    for (let i = 0; i < p; i++) remainder = remainder * 2 + this.bit()
    return quotient * 2 ** p + remainder
  }

  /** Whether all bytes were used, at least in part. */
  get atEnd(): boolean {
    return Math.ceil(this.#bit / 8) === this.#bytes.length
  }
}

/** A text for each element: characters for the short ones, which are nearly all, and the longer hex for the others. */
function keyOf(element: Uint8Array): string {
  if (element.length > KEY_CHARACTERS_MAX) return toHex(element)
  // Several times as fast as spreading the bytes; apply takes any list of numbers, whatever its type says.
  return String.fromCharCode.apply(null, element as unknown as number[])
}

/**
 * BIP158: the coded set of the elements, each counted once.
 *
 * @example
 * const filter = encodeGcsFilter(params, scripts)
 */
export function encodeGcsFilter(params: GcsParams, elements: Iterable<Uint8Array>): Uint8Array {
  const distinct = new Map<string, Uint8Array>()
  for (const element of elements) distinct.set(keyOf(element), element)
  const out = new ByteWriter(64 + 3 * distinct.size).compactSize(distinct.size)
  const bits = new BitWriter(out)
  const divisor = 2 ** params.p
  let last = 0
  for (const value of rangeHashes(params, distinct.size, distinct.values())) {
    const difference = value - last
    last = value
    for (let quotient = Math.floor(difference / divisor); quotient > 0; quotient -= 32) {
      bits.bits(0xffff_ffff, Math.min(quotient, 32))
    }
    bits.bits(0, 1)
    bits.bits(difference % divisor, params.p)
  }
  bits.flush()
  return out.finish()
}

/** A coded set that was found to be whole. */
export interface GcsFilter {
  readonly params: GcsParams
  readonly encoded: Uint8Array
  /** How many elements it says it has. */
  readonly elementCount: number
  /** Where the codes begin. */
  readonly codesAt: number
}

/** Opens a coded set of anybody's making: that it has as many codes as it says, and nothing behind them. */
export function decodeGcsFilter(params: GcsParams, encoded: Uint8Array): Verdict<GcsFilter> {
  const reader = new ByteReader(encoded)
  const elementCount = reader.compactSize(GCS_ELEMENTS_MAX)
  if (reader.failure !== undefined) return reject(reader.failure)
  const codesAt = reader.position
  const bits = new BitReader(encoded, codesAt)
  for (let i = 0; i < elementCount && !bits.failed; i++) bits.code(params.p)
  if (bits.failed) return reject('truncated')
  if (!bits.atEnd) return reject('trailing-data')
  return accept({ params, encoded, elementCount, codesAt })
}

/** Whether any of `elements` seems to be in the set: always for one that is, and by chance once in m for one that is not. */
export function gcsFilterMatches(filter: GcsFilter, elements: Iterable<Uint8Array>): boolean {
  const { params, encoded, elementCount, codesAt } = filter
  const wanted = rangeHashes(params, elementCount, elements)
  const bits = new BitReader(encoded, codesAt)
  let value = 0
  let next = 0
  for (let i = 0; i < elementCount && next < wanted.length; i++) {
    value += bits.code(params.p)
    while (next < wanted.length && wanted[next] < value) next++
    if (wanted[next] === value) return true
  }
  return false
}
