import { chacha20 } from '@noble/ciphers/chacha.js'
import { toHex } from '../bytes/bytes.ts'
import { sha256 } from './hash.ts'

const ELEMENT_BYTES = 384
const MODULUS_COMPLEMENT = 1103717n
const BITS = 3072n
const MODULUS = (1n << BITS) - MODULUS_COMPLEMENT
const LOW_MASK = (1n << BITS) - 1n

const ZEROS = new Uint8Array(ELEMENT_BYTES)
const NONCE = new Uint8Array(12)

function reduce(product: bigint): bigint {
  let value = product
  while (value >> BITS > 0n) value = (value & LOW_MASK) + (value >> BITS) * MODULUS_COMPLEMENT
  return value
}

function elementOf(data: Uint8Array): bigint {
  const stream = chacha20(sha256(data), NONCE, ZEROS)
  return BigInt(`0x${toHex(stream.reverse())}`)
}

function inverse(value: bigint): bigint {
  let [a, b, x, y] = [value % MODULUS, MODULUS, 1n, 0n]
  while (a !== 0n) {
    const quotient = b / a
    ;[a, b] = [b - quotient * a, a]
    ;[x, y] = [y - quotient * x, x]
  }
  return ((y % MODULUS) + MODULUS) % MODULUS
}

/**
 * A hash of a set whose elements may come and go in any order: a product modulo 2^3072 − 1103717, as Core's MuHash3072.
 *
 * @example
 * const hash = new MuHash()
 * hash.insert(coinBytes)
 * toHexReversed(hash.digest())
 */
export class MuHash {
  #numerator = 1n
  #denominator = 1n

  insert(data: Uint8Array): void {
    this.#numerator = reduce(this.#numerator * elementOf(data))
  }

  remove(data: Uint8Array): void {
    this.#denominator = reduce(this.#denominator * elementOf(data))
  }

  /** 32 bytes. */
  digest(): Uint8Array {
    let value = this.#denominator === 1n ? this.#numerator : this.#numerator * inverse(this.#denominator)
    value %= MODULUS
    const bytes = new Uint8Array(ELEMENT_BYTES)
    const hexText = value.toString(16).padStart(2 * ELEMENT_BYTES, '0')
    for (let i = 0; i < ELEMENT_BYTES; i++) {
      bytes[ELEMENT_BYTES - 1 - i] = Number.parseInt(hexText.slice(2 * i, 2 * i + 2), 16)
    }
    return sha256(bytes)
  }
}
