import * as tiny from 'tiny-secp256k1'

/**
 * Key arithmetic on secp256k1, for what is done now and then; signature checks in bulk go through a {@link CurveBackend}. Done by
 * libsecp256k1 in WebAssembly, which takes the same time whatever a secret key is.
 */

/** Whether 32 bytes are a secret key: not zero, and below the group's order. */
export function isSecretKey(secret: Uint8Array): boolean {
  return secret.length === 32 && tiny.isPrivate(secret)
}

/** The public key of a valid secret key: 33 bytes compressed, 65 otherwise. */
export function publicKeyOf(secret: Uint8Array, compressed = true): Uint8Array {
  return tiny.pointFromScalar(secret, compressed)!
}

/** Whether bytes are a public key on the curve: compressed (02, 03), plain (04) or hybrid (06, 07) with its true parity. */
export function isPublicKey(bytes: Uint8Array): boolean {
  const prefix = bytes[0]
  if (bytes.length === 33) return (prefix === 2 || prefix === 3) && tiny.isPoint(bytes)
  if (bytes.length !== 65 || (prefix !== 4 && prefix !== 6 && prefix !== 7)) return false
  if (prefix !== 4 && (bytes[64] & 1) !== (prefix & 1)) return false
  const plain = bytes.slice()
  plain[0] = 4
  return tiny.isPoint(plain)
}

/** BIP340: whether 32 bytes are the X of a point. */
export function isXOnlyPublicKey(key: Uint8Array): boolean {
  return key.length === 32 && tiny.isXOnlyPoint(key)
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
  const zero = tweak.every(byte => byte === 0)
  if (!isXOnlyPublicKey(internalKey) || (!zero && !tiny.isPrivate(tweak))) return undefined
  const sum = tiny.xOnlyPointAddTweak(internalKey, tweak)
  return sum === null ? undefined : { key: sum.xOnlyPubkey, parity: sum.parity }
}
