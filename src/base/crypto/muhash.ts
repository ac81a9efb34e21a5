import type { HashBackend } from './backend.ts'
import { sha256 } from './hash.ts'
import { MUHASH_BYTES, MUHASH_MODULUS, muhashNumber, muhashNumberBytes } from './muhash-number.ts'

function one(): Uint8Array {
  const state = new Uint8Array(MUHASH_BYTES)
  state[0] = 1
  return state
}

function inverse(value: bigint): bigint {
  let [a, b, x, y] = [value % MUHASH_MODULUS, MUHASH_MODULUS, 1n, 0n]
  while (a !== 0n) {
    const quotient = b / a
    ;[a, b] = [b - quotient * a, a]
    ;[x, y] = [y - quotient * x, x]
  }
  return ((y % MUHASH_MODULUS) + MUHASH_MODULUS) % MUHASH_MODULUS
}

/**
 * A hash of a set whose elements may come and go in any order: a product modulo 2^3072 − 1103717, as Core's MuHash3072.
 *
 * @example
 * const hash = new MuHash(crypto)
 * hash.insert(coinBytes)
 * toHexReversed(hash.digest())
 */
export class MuHash {
  readonly #crypto: HashBackend
  readonly #numerator = one()
  readonly #denominator = one()
  #hasRemoved = false

  constructor(crypto: HashBackend) {
    this.#crypto = crypto
  }

  insert(data: Uint8Array): void {
    this.#crypto.muhashMultiply(this.#numerator, data)
  }

  remove(data: Uint8Array): void {
    this.#hasRemoved = true
    this.#crypto.muhashMultiply(this.#denominator, data)
  }

  /** 32 bytes. */
  digest(): Uint8Array {
    const numerator = muhashNumber(this.#numerator)
    const value = this.#hasRemoved ? numerator * inverse(muhashNumber(this.#denominator)) : numerator
    return sha256(muhashNumberBytes(value % MUHASH_MODULUS))
  }
}
