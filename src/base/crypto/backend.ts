/**
 * What the hot paths need of cryptography. Every function has a portable implementation that always works and may have a
 * native one, which platform/ loads where it can; one conformance test runs over all of them.
 */
export interface HashBackend {
  /** Names the implementation for `peers doctor`, such as `native (sha-ni)`. */
  readonly hashName: string

  /** SHA-256: 32 bytes, into `out` where it is given (it may not overlap `data`). */
  sha256(data: Uint8Array, out?: Uint8Array): Uint8Array

  /** SHA-256 of SHA-256: 32 bytes, likewise. */
  sha256d(data: Uint8Array, out?: Uint8Array): Uint8Array

  /** RIPEMD-160 of SHA-256: 20 bytes, likewise. */
  hash160(data: Uint8Array, out?: Uint8Array): Uint8Array

  /**
   * Double SHA-256 of many messages, each the concatenation of `rangesPerMessage` ranges of `source`.
   *
   * @param ranges start and end offsets, `2 * rangesPerMessage` numbers a message; empty ranges are fine
   * @param out receives 32 bytes a message, in order
   */
  sha256dGather(source: Uint8Array, ranges: Uint32Array, rangesPerMessage: number, out: Uint8Array): void

  /** Double SHA-256 of `out.length / 32` consecutive 64-byte messages: one level of a merkle tree. `out` may overlap `pairs` at the same start. */
  sha256dPairs(pairs: Uint8Array, out: Uint8Array): void

  /**
   * One step of MuHash: multiplies `state`, 384 bytes of a little-endian number, by the element that `data` hashes to, modulo
   * 2^3072 − 1103717. The result may exceed the modulus; see MuHash.
   */
  muhashMultiply(state: Uint8Array, data: Uint8Array): void

  /**
   * Tries `count` nonces from `firstNonce` on in an 80-byte header for a double SHA-256 that, read as a little-endian
   * number, is at most `target` (32 bytes, little-endian).
   *
   * @returns the nonce found, or -1
   */
  searchHeader(header: Uint8Array, target: Uint8Array, firstNonce: number, count: number): number
}

/** Signature checks on secp256k1. Total: malformed keys and signatures give false. */
export interface CurveBackend {
  /** Names the implementation for `peers doctor`, such as `libsecp256k1.so.1`. */
  readonly curveName: string

  /**
   * ECDSA, with high S allowed, as consensus has it.
   *
   * @param signature 64 bytes, r then s, big-endian (see parseLaxDer)
   * @param publicKey 33 or 65 bytes; hybrid keys (06, 07) are checked for parity and taken
   * @param digest 32 bytes
   */
  verifyEcdsa(signature: Uint8Array, publicKey: Uint8Array, digest: Uint8Array): boolean

  /** BIP340: a 64-byte signature under an x-only key on a message of any length. */
  verifySchnorr(signature: Uint8Array, publicKey: Uint8Array, message: Uint8Array): boolean

  /** BIP341: whether `outputKey` (32 bytes, with the parity of its Y) is `internalKey` plus `tweak` times G. */
  checkTapTweak(outputKey: Uint8Array, outputParity: number, internalKey: Uint8Array, tweak: Uint8Array): boolean
}

/** All of it, as the cores take it. */
export interface Crypto extends HashBackend, CurveBackend {}
