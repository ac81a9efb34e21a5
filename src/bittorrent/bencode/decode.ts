import { emptyBytes } from '../../base/bytes/bytes.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { type BencodeDict, type BencodeValue, byteKey } from './value.ts'

/** What a decoder puts up with before it gives up. */
export interface BencodeLimits {
  /** Nesting of lists and dictionaries. */
  readonly depthMax: number
  /** Values and keys in all. */
  readonly tokenMax: number
  /** Whether bytes may follow the value (BEP 9: the payload after the dictionary). */
  readonly allowTrailing: boolean
  /**
   * Whether dictionary keys may be out of order. BEP 3 forbids it, but torrents with unordered keys are in use; their
   * infohash is that of their bytes as they are.
   */
  readonly allowUnsorted: boolean
}

export const BENCODE_LIMITS: BencodeLimits = {
  depthMax: 64,
  tokenMax: 4_000_000,
  allowTrailing: false,
  allowUnsorted: false,
}

export interface DecodedBencode {
  readonly value: BencodeValue
  /** Offset of the first byte after the value. */
  readonly end: number
  /** For a dictionary at the top: start and end offsets of the value of each key. */
  readonly spans: ReadonlyMap<string, readonly [start: number, end: number]>
}

const CODE_0 = 48
const CODE_9 = 57
const CODE_COLON = 58
const CODE_D = 100
const CODE_E = 101
const CODE_I = 105
const CODE_L = 108
const CODE_MINUS = 45

/** BEP 3 sets no bound on integers; no field of any BEP needs more than 64 bits. */
const INTEGER_DIGITS_MAX = 19
const LENGTH_DIGITS_MAX = 10

class Decoder {
  readonly #source: Uint8Array
  readonly #limits: BencodeLimits
  readonly spans = new Map<string, readonly [number, number]>()
  position = 0
  failure: string | undefined
  #tokens = 0

  constructor(source: Uint8Array, limits: BencodeLimits) {
    this.#source = source
    this.#limits = limits
  }

  #fail(code: string): BencodeValue {
    this.failure ??= code
    this.position = this.#source.length
    return 0
  }

  value(depth: number): BencodeValue {
    if (++this.#tokens > this.#limits.tokenMax) return this.#fail('bencode-too-many-tokens')
    const lead = this.#source[this.position]
    if (lead === CODE_I) return this.#integer()
    if (lead >= CODE_0 && lead <= CODE_9) return this.#string()
    if (lead !== CODE_L && lead !== CODE_D) {
      return this.#fail(this.position >= this.#source.length ? 'bencode-truncated' : 'bencode-bad-token')
    }
    if (depth >= this.#limits.depthMax) return this.#fail('bencode-too-deep')
    this.position++
    return lead === CODE_L ? this.#list(depth + 1) : this.#dict(depth + 1)
  }

  #list(depth: number): BencodeValue {
    const items: BencodeValue[] = []
    while (this.failure === undefined) {
      if (this.#source[this.position] === CODE_E) {
        this.position++
        break
      }
      items.push(this.value(depth))
    }
    return items
  }

  #dict(depth: number): BencodeValue {
    const entries: BencodeDict = new Map()
    let previous: string | undefined
    while (this.failure === undefined) {
      if (this.#source[this.position] === CODE_E) {
        this.position++
        break
      }
      if (++this.#tokens > this.#limits.tokenMax) return this.#fail('bencode-too-many-tokens')
      const key = byteKey(this.#string())
      if (this.failure !== undefined) break
      if (entries.has(key)) return this.#fail('bencode-duplicate-key')
      if (previous !== undefined && key < previous && !this.#limits.allowUnsorted) {
        return this.#fail('bencode-unsorted-keys')
      }
      previous = key
      const start = this.position
      entries.set(key, this.value(depth))
      if (depth === 1) this.spans.set(key, [start, this.position])
    }
    return entries
  }

  #integer(): BencodeValue {
    const source = this.#source
    let at = this.position + 1
    const negative = source[at] === CODE_MINUS
    if (negative) at++
    const first = at
    while (source[at] >= CODE_0 && source[at] <= CODE_9) at++
    const digits = at - first
    if (at >= source.length) return this.#fail('bencode-truncated')
    if (digits === 0 || digits > INTEGER_DIGITS_MAX || source[at] !== CODE_E) return this.#fail('bencode-bad-integer')
    // BEP 3: no leading zeros, and no minus zero.
    if (source[first] === CODE_0 && (digits > 1 || negative)) return this.#fail('bencode-bad-integer')
    this.position = at + 1
    if (digits <= 15) {
      let value = 0
      for (let i = first; i < at; i++) value = value * 10 + (source[i] - CODE_0)
      return negative ? -value : value
    }
    const exact = BigInt(byteKey(source.subarray(first, at))) * (negative ? -1n : 1n)
    if (exact !== BigInt.asIntN(64, exact)) return this.#fail('bencode-bad-integer')
    return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact
  }

  #string(): Uint8Array {
    const source = this.#source
    const first = this.position
    let at = first
    let length = 0
    while (source[at] >= CODE_0 && source[at] <= CODE_9 && at - first < LENGTH_DIGITS_MAX) {
      length = length * 10 + (source[at] - CODE_0)
      at++
    }
    if (at >= source.length) {
      this.#fail('bencode-truncated')
      return emptyBytes()
    }
    if (at === first || source[at] !== CODE_COLON || (source[first] === CODE_0 && at - first > 1)) {
      this.#fail('bencode-bad-string')
      return emptyBytes()
    }
    at++
    if (length > source.length - at) {
      this.#fail('bencode-truncated')
      return emptyBytes()
    }
    this.position = at + length
    return source.subarray(at, at + length)
  }
}

/**
 * Decodes one bencoded value. Strict: integers and lengths in their shortest form, no duplicate keys, keys in order,
 * nothing after the value (the last two unless the limits allow it). Byte strings are views of `source`.
 *
 * @example
 * const decoded = decodeBencode(bytes)
 * if (!decoded.ok) return decoded
 */
export function decodeBencode(source: Uint8Array, limits: Partial<BencodeLimits> = {}): Verdict<DecodedBencode> {
  const all = { ...BENCODE_LIMITS, ...limits }
  const decoder = new Decoder(source, all)
  const value = decoder.value(0)
  if (decoder.failure !== undefined) return reject(decoder.failure)
  if (!all.allowTrailing && decoder.position !== source.length) return reject('bencode-trailing-bytes')
  return accept({ value, end: decoder.position, spans: decoder.spans })
}
