import { SipHash } from '../crypto/siphash.ts'
import type { Random } from '../ports/random.ts'

const HASHES_MAX = 50
const GENERATIONS = 3
const WORD_BITS = 32
const RANGE = 2 ** 32

/**
 * A Bloom filter that forgets: it holds at least the last `keys` keys inserted, at most half as many again, and says of any other
 * that it is there with a chance of at most `falsePositiveRate`. Its size never changes. Nobody without its random key can make
 * strangers look known. Equal in what it promises to Core's CRollingBloomFilter.
 *
 * @example
 * const known = new RollingFilter(5000, 0.001, random)
 * known.insert(key)
 * known.has(key) // true
 */
export class RollingFilter {
  readonly #random: Random
  readonly #hashes: number
  readonly #keysPerGeneration: number
  readonly #bits: number
  /** Of each bit the generation (1 to 3) that set it last, or 0: its low and its high half. */
  readonly #low: Uint32Array
  readonly #high: Uint32Array
  readonly #places: Uint32Array
  #hash: SipHash
  #generation = 1
  #keysInGeneration = 0

  constructor(keys: number, falsePositiveRate: number, random: Random) {
    const rateLog = Math.log(falsePositiveRate)
    this.#random = random
    this.#hashes = Math.max(1, Math.min(Math.round(rateLog / Math.log(0.5)), HASHES_MAX))
    this.#keysPerGeneration = Math.ceil(keys / 2)
    const keysMax = GENERATIONS * this.#keysPerGeneration
    const words = Math.ceil((-this.#hashes * keysMax) / Math.log(1 - Math.exp(rateLog / this.#hashes)) / WORD_BITS)
    this.#bits = words * WORD_BITS
    this.#low = new Uint32Array(words)
    this.#high = new Uint32Array(words)
    this.#places = new Uint32Array(this.#hashes)
    this.#hash = new SipHash(random.u64(), random.u64())
  }

  /** Works out the bits of a key: from two hashes, which is as good as many (Kirsch and Mitzenmacher). */
  #place(key: Uint8Array): Uint32Array {
    const hash = this.#hash.hash(key)
    const step = Number(hash >> 32n) | 1
    let at = Number(hash & 0xffff_ffffn)
    for (let i = 0; i < this.#hashes; i++) {
      this.#places[i] = Math.floor((at / RANGE) * this.#bits)
      at = (at + step) >>> 0
    }
    return this.#places
  }

  /** Takes back what was set in the generation that is to be used again. */
  #wipe(generation: number): void {
    const low = this.#low
    const high = this.#high
    const flipLow = generation & 1 ? 0 : -1
    const flipHigh = generation & 2 ? 0 : -1
    for (let i = 0; i < low.length; i++) {
      const others = ~((low[i] ^ flipLow) & (high[i] ^ flipHigh))
      low[i] &= others
      high[i] &= others
    }
  }

  insert(key: Uint8Array): void {
    if (this.#keysInGeneration === this.#keysPerGeneration) {
      this.#keysInGeneration = 0
      this.#generation = (this.#generation % GENERATIONS) + 1
      this.#wipe(this.#generation)
    }
    this.#keysInGeneration++
    for (const place of this.#place(key)) {
      const word = place >>> 5
      const bit = 1 << (place & 31)
      if (this.#generation & 1) this.#low[word] |= bit
      else this.#low[word] &= ~bit
      if (this.#generation & 2) this.#high[word] |= bit
      else this.#high[word] &= ~bit
    }
  }

  /** Whether the key was inserted lately; a stranger is taken for one of these now and then. */
  has(key: Uint8Array): boolean {
    for (const place of this.#place(key)) {
      const word = place >>> 5
      if ((((this.#low[word] | this.#high[word]) >>> (place & 31)) & 1) === 0) return false
    }
    return true
  }

  /** Forgets everything, and mistakes others from now on. */
  clear(): void {
    this.#hash = new SipHash(this.#random.u64(), this.#random.u64())
    this.#generation = 1
    this.#keysInGeneration = 0
    this.#low.fill(0)
    this.#high.fill(0)
  }
}
