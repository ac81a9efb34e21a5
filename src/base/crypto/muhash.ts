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

function multiply(a: bigint, b: bigint): bigint {
  return (a * b) % MUHASH_MODULUS
}

function digestOf(value: bigint): Uint8Array {
  return sha256(muhashNumberBytes(value))
}

/** A set's product of what joined and of what left: 384 little-endian bytes each, as Core stores them. */
export interface MuHashState {
  readonly numerator: Uint8Array
  readonly denominator: Uint8Array
}

/**
 * The digests of many states, 32 bytes each. They share one inversion, which is by far the dearest step: for a row of states it costs
 * a few multiplications each.
 */
export function muhashDigests(states: readonly MuHashState[]): Uint8Array[] {
  const denominators = states.map(({ denominator }) => muhashNumber(denominator) % MUHASH_MODULUS)
  // Montgomery's trick: the inverse of the product, taken apart from the back.
  const products = [1n]
  for (const [i, denominator] of denominators.entries()) products.push(multiply(products[i], denominator))
  const whole = products[states.length]
  let inverted = whole === 1n ? 1n : inverse(whole)
  const digests: Uint8Array[] = []
  for (let i = states.length - 1; i >= 0; i--) {
    const quotient = multiply(muhashNumber(states[i].numerator), multiply(inverted, products[i]))
    digests.push(digestOf(quotient))
    inverted = multiply(inverted, denominators[i])
  }
  return digests.reverse()
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

  /** @param state where to go on from; the empty set if left out */
  constructor(crypto: HashBackend, state?: MuHashState) {
    this.#crypto = crypto
    if (state === undefined) return
    this.#numerator.set(state.numerator)
    this.#denominator.set(state.denominator)
  }

  insert(data: Uint8Array): void {
    this.#crypto.muhashMultiply(this.#numerator, data)
  }

  remove(data: Uint8Array): void {
    this.#crypto.muhashMultiply(this.#denominator, data)
  }

  /** A copy of where the set stands. */
  get state(): MuHashState {
    return { numerator: this.#numerator.slice(), denominator: this.#denominator.slice() }
  }

  /** 32 bytes. */
  digest(): Uint8Array {
    return muhashDigests([{ numerator: this.#numerator, denominator: this.#denominator }])[0]
  }
}
