import { elligatorSwift } from '@scure/btc-signer/p2p.js'
import type { Random } from '../ports/random.ts'
import { publicKeyOf } from './keys.ts'

/** Bytes of a public key in ElligatorSwift form. */
export const ELLIGATOR_SWIFT_SIZE = 64

const FIELD_PRIME = 2n ** 256n - 2n ** 32n - 977n

function numberOf(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return value
}

function writeNumber(value: bigint, out: Uint8Array): void {
  let rest = value
  for (let i = out.length - 1; i >= 0; i--) {
    out[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
}

/** BIP324: the x coordinate (32 bytes) that 64 bytes stand for; there is one for any bytes. */
export function decodeElligatorSwift(encoded: Uint8Array): Uint8Array {
  return elligatorSwift.decode(encoded)
}

/**
 * BIP324, XSwiftECInv: the t (32 bytes) that together with u stands for x, in one of eight cases; `undefined` where that case has
 * none. u and x are below the field's prime, u is not zero, and x is on the curve.
 */
export function invertElligatorSwift(x: Uint8Array, u: Uint8Array, branch: number): Uint8Array | undefined {
  const t = elligatorSwift._inv(numberOf(x), numberOf(u) % FIELD_PRIME, branch)
  if (typeof t !== 'bigint') return undefined
  const bytes = new Uint8Array(32)
  writeNumber(t, bytes)
  return bytes
}

/**
 * BIP324: one of the many 64-byte forms of a secret key's public key, drawn by `random`, so that it looks like random bytes. About
 * four draws are needed.
 */
export function encodeElligatorSwift(secret: Uint8Array, random: Random): Uint8Array {
  const x = publicKeyOf(secret).subarray(1)
  for (;;) {
    const u = random.bytes(32)
    const value = numberOf(u) % FIELD_PRIME
    const t = value === 0n ? undefined : invertElligatorSwift(x, u, random.below(8))
    // Zero for t reads as one, so it would stand for another key.
    if (t === undefined || t.every(byte => byte === 0)) continue
    const encoded = new Uint8Array(ELLIGATOR_SWIFT_SIZE)
    encoded.set(u)
    encoded.set(t, 32)
    return encoded
  }
}

/** BIP324, v2_ecdh: the 32 bytes that both sides derive from their own secret key and the other's encoded public key. */
export function bip324SharedSecret(
  secret: Uint8Array,
  ourEncoded: Uint8Array,
  theirEncoded: Uint8Array,
  initiating: boolean,
): Uint8Array {
  return elligatorSwift.getSharedSecretBip324(secret, theirEncoded, ourEncoded, initiating)
}
