import { secp256k1 } from '@noble/curves/secp256k1.js'

/** The 65-byte form (04, X, Y) of a 33-byte key; undefined where X lies on no point. */
export function decompressPublicKey(compressed: Uint8Array): Uint8Array | undefined {
  try {
    return secp256k1.Point.fromBytes(compressed).toBytes(false)
  } catch {
    return undefined
  }
}
