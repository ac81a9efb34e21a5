const COMPRESSION_ROUNDS = 2
const FINAL_ROUNDS = 4
/** Of SipHash-1-3 without padding, and what it marks its end with: "unpadded". */
const UNPADDED_FINAL_ROUNDS = 3
const UNPADDED_LOW = 0x6170_6e75
const UNPADDED_HIGH = 0x6465_6464

/** "somepseudorandomlygeneratedbytes": the constants that the key is mixed with. */
const INITIAL = [0x736f6d6570736575n, 0x646f72616e646f6dn, 0x6c7967656e657261n, 0x7465646279746573n] as const

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}

/**
 * SipHash-2-4 under one key: 64 bits that nobody without the key can foresee (short ids of BIP152, filters of BIP158). The 64-bit
 * words are kept as halves, low half first, for big integers would take most of the time.
 *
 * @example
 * const hash = new SipHash(k0, k1)
 * const id = hash.hash256Low48(wtxids, 32 * tx)
 */
export class SipHash {
  readonly #initial = new Int32Array(8)
  readonly #state = new Int32Array(8)

  /** @param k0 the key's first 8 bytes as a little-endian number; `k1` its last */
  constructor(k0: bigint, k1: bigint) {
    INITIAL.forEach((constant, i) => {
      const value = constant ^ BigInt.asUintN(64, i % 2 === 0 ? k0 : k1)
      this.#initial[2 * i] = Number(BigInt.asIntN(32, value))
      this.#initial[2 * i + 1] = Number(BigInt.asIntN(32, value >> 32n))
    })
  }

  #rounds(count: number): void {
    const s = this.#state
    let a = s[0]
    let A = s[1]
    let b = s[2]
    let B = s[3]
    let c = s[4]
    let C = s[5]
    let d = s[6]
    let D = s[7]
    for (let i = 0; i < count; i++) {
      let sum = (a >>> 0) + (b >>> 0)
      A = (A + B + (sum > 0xffff_ffff ? 1 : 0)) | 0
      a = sum | 0
      let low = (b << 13) | (B >>> 19)
      B = (B << 13) | (b >>> 19)
      b = low ^ a
      B ^= A
      low = A
      A = a
      a = low

      sum = (c >>> 0) + (d >>> 0)
      C = (C + D + (sum > 0xffff_ffff ? 1 : 0)) | 0
      c = sum | 0
      low = (d << 16) | (D >>> 16)
      D = (D << 16) | (d >>> 16)
      d = low ^ c
      D ^= C

      sum = (a >>> 0) + (d >>> 0)
      A = (A + D + (sum > 0xffff_ffff ? 1 : 0)) | 0
      a = sum | 0
      low = (d << 21) | (D >>> 11)
      D = (D << 21) | (d >>> 11)
      d = low ^ a
      D ^= A

      sum = (c >>> 0) + (b >>> 0)
      C = (C + B + (sum > 0xffff_ffff ? 1 : 0)) | 0
      c = sum | 0
      low = (b << 17) | (B >>> 15)
      B = (B << 17) | (b >>> 15)
      b = low ^ c
      B ^= C
      low = C
      C = c
      c = low
    }
    s[0] = a
    s[1] = A
    s[2] = b
    s[3] = B
    s[4] = c
    s[5] = C
    s[6] = d
    s[7] = D
  }

  #compress(low: number, high: number): void {
    const s = this.#state
    s[6] ^= low
    s[7] ^= high
    this.#rounds(COMPRESSION_ROUNDS)
    s[0] ^= low
    s[1] ^= high
  }

  #finish(lastLow: number, lastHigh: number): void {
    this.#compress(lastLow, lastHigh)
    this.#state[4] ^= 0xff
    this.#rounds(FINAL_ROUNDS)
  }

  #low(): number {
    const s = this.#state
    return (s[0] ^ s[2] ^ s[4] ^ s[6]) >>> 0
  }

  #high(): number {
    const s = this.#state
    return (s[1] ^ s[3] ^ s[5] ^ s[7]) >>> 0
  }

  #result(): bigint {
    return (BigInt(this.#high()) << 32n) | BigInt(this.#low())
  }

  #absorb256(bytes: Uint8Array, at: number): void {
    this.#state.set(this.#initial)
    for (let i = at; i < at + 32; i += 8) this.#compress(word(bytes, i), word(bytes, i + 4))
    this.#finish(0, 32 << 24)
  }

  #absorb(bytes: Uint8Array, start: number, end: number): void {
    this.#state.set(this.#initial)
    let at = start
    for (; at + 8 <= end; at += 8) this.#compress(word(bytes, at), word(bytes, at + 4))
    // The last word: the bytes that are left over, and on top the length's lowest byte.
    let low = 0
    let high = ((end - start) & 0xff) << 24
    for (let i = 0; at < end; i++, at++) {
      if (i < 4) low |= bytes[at] << (8 * i)
      else high |= bytes[at] << (8 * (i - 4))
    }
    this.#finish(low, high)
  }

  /** The hash of the bytes from `start` up to `end`, unsigned. */
  hash(bytes: Uint8Array, start = 0, end = bytes.length): bigint {
    this.#absorb(bytes, start, end)
    return this.#result()
  }

  /** The low 32 bits of {@link SipHash.hash}: where a hash table begins to look. */
  hashLow32(bytes: Uint8Array, start = 0, end = bytes.length): number {
    this.#absorb(bytes, start, end)
    return this.#low()
  }

  /** The hash of the 32 bytes at `at`: a txid among others, with nothing cut out for it. */
  hash256(bytes: Uint8Array, at = 0): bigint {
    this.#absorb256(bytes, at)
    return this.#result()
  }

  /**
   * The high 40 bits of another hash of the 32 bytes at `at`: Core's SipHash-1-3 that takes them in one round and without padding.
   * The keys of its transaction index begin with it.
   */
  hash256OneRoundHigh40(bytes: Uint8Array, at = 0): number {
    const s = this.#state
    s.set(this.#initial)
    // Words 0 to 3 go into v3, v0, v1, v2 before the round, and into v0 to v3 behind it.
    for (let i = 0; i < 8; i++) s[(i + 6) % 8] ^= word(bytes, at + 4 * i)
    this.#rounds(1)
    for (let i = 0; i < 8; i++) s[i] ^= word(bytes, at + 4 * i)
    s[4] ^= UNPADDED_LOW
    s[5] ^= UNPADDED_HIGH
    this.#rounds(UNPADDED_FINAL_ROUNDS)
    return this.#high() * 0x100 + (this.#low() >>> 24)
  }

  /** The low 48 bits of {@link SipHash.hash256} as a number: a short id of BIP152, of which a mempool has many. */
  hash256Low48(bytes: Uint8Array, at = 0): number {
    this.#absorb256(bytes, at)
    return (this.#high() & 0xffff) * 0x1_0000_0000 + this.#low()
  }
}
