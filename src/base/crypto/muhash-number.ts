import { chacha20 } from '@noble/ciphers/chacha.js'
import { toHex } from '../bytes/bytes.ts'
import { sha256 } from './hash.ts'

/** Bytes of MuHash's numbers. */
export const MUHASH_BYTES = 384
const BITS = 3072n
const MODULUS_COMPLEMENT = 1103717n
export const MUHASH_MODULUS = (1n << BITS) - MODULUS_COMPLEMENT
const LOW_MASK = (1n << BITS) - 1n

const ZEROS = new Uint8Array(MUHASH_BYTES)
const NONCE = new Uint8Array(12)

/** The number that 384 little-endian bytes are. */
export function muhashNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.slice().reverse())}`)
}

/** The 384 little-endian bytes of a number. */
export function muhashNumberBytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(MUHASH_BYTES)
  const digits = value.toString(16).padStart(2 * MUHASH_BYTES, '0')
  for (let i = 0; i < MUHASH_BYTES; i++) {
    bytes[MUHASH_BYTES - 1 - i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  }
  return bytes
}

/** The portable form of HashBackend's muhashMultiply. */
export function muhashMultiply(state: Uint8Array, data: Uint8Array): void {
  let value = muhashNumber(state) * muhashNumber(chacha20(sha256(data), NONCE, ZEROS))
  while (value >> BITS > 0n) value = (value & LOW_MASK) + (value >> BITS) * MODULUS_COMPLEMENT
  state.set(muhashNumberBytes(value))
}
