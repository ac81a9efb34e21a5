import { secp256k1 } from '@noble/curves/secp256k1.js'

/** Key arithmetic on secp256k1, for what is done now and then; signature checks in bulk go through a {@link CurveBackend}. */

const { Point } = secp256k1

/** Whether 32 bytes are a secret key: not zero, and below the group's order. */
export function isSecretKey(secret: Uint8Array): boolean {
  return secret.length === 32 && secp256k1.utils.isValidSecretKey(secret)
}

/** The public key of a valid secret key: 33 bytes compressed, 65 otherwise. */
export function publicKeyOf(secret: Uint8Array, compressed = true): Uint8Array {
  return secp256k1.getPublicKey(secret, compressed)
}

/** Whether bytes are a public key on the curve: compressed (02, 03), plain (04) or hybrid (06, 07) with its true parity. */
export function isPublicKey(bytes: Uint8Array): boolean {
  const prefix = bytes[0]
  if (bytes.length === 33 && (prefix === 2 || prefix === 3)) return secp256k1.utils.isValidPublicKey(bytes, true)
  if (bytes.length !== 65 || (prefix !== 4 && prefix !== 6 && prefix !== 7)) return false
  if (prefix !== 4 && (bytes[64] & 1) !== (prefix & 1)) return false
  const plain = bytes.slice()
  plain[0] = 4
  return secp256k1.utils.isValidPublicKey(plain, false)
}

/** BIP340: whether 32 bytes are the X of a point. */
export function isXOnlyPublicKey(key: Uint8Array): boolean {
  return key.length === 32 && secp256k1.utils.isValidPublicKey(withEvenY(key), true)
}

/** The compressed form of an x-only key, whose Y is even by definition. */
export function withEvenY(key: Uint8Array): Uint8Array {
  const even = new Uint8Array(33)
  even[0] = 2
  even.set(key, 1)
  return even
}

/** An x-only key and the parity of the Y that was dropped. */
export interface XOnlyKey {
  readonly key: Uint8Array
  readonly parity: 0 | 1
}

/** BIP341: the x-only key of `internalKey` (even Y) plus `tweak` times G; `undefined` where either is out of range. */
export function tweakXOnlyPublicKey(internalKey: Uint8Array, tweak: Uint8Array): XOnlyKey | undefined {
  if (!isXOnlyPublicKey(internalKey)) return undefined
  const scalar = bigEndian(tweak)
  if (scalar >= Point.Fn.ORDER) return undefined
  const base = Point.fromBytes(withEvenY(internalKey))
  const sum = scalar === 0n ? base : base.add(Point.BASE.multiply(scalar))
  if (sum.is0()) return undefined
  const bytes = sum.toBytes(true)
  return { key: bytes.slice(1), parity: bytes[0] === 3 ? 1 : 0 }
}

function bigEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return value
}
