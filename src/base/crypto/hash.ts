import { hmac } from '@noble/hashes/hmac.js'
import { ripemd160 as nobleRipemd160, sha1 as nobleSha1 } from '@noble/hashes/legacy.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { utf8 } from '../bytes/utf8.ts'

/** Portable hashes for single, small inputs; bulk work goes through a {@link HashBackend}. */

export function sha256(data: Uint8Array): Uint8Array {
  return nobleSha256(data)
}

export function sha256d(data: Uint8Array): Uint8Array {
  return nobleSha256(nobleSha256(data))
}

export function sha1(data: Uint8Array): Uint8Array {
  return nobleSha1(data)
}

export function ripemd160(data: Uint8Array): Uint8Array {
  return nobleRipemd160(data)
}

/** RIPEMD-160 of SHA-256, as in P2PKH and P2SH: 20 bytes. */
export function hash160(data: Uint8Array): Uint8Array {
  return nobleRipemd160(nobleSha256(data))
}

/** RFC 2104, over SHA-256. */
export function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  return hmac(nobleSha256, key, data)
}

/** An incremental SHA-256. */
export interface Sha256Stream {
  update(data: Uint8Array): Sha256Stream
  digest(): Uint8Array
  clone(): Sha256Stream
}

class NobleSha256Stream implements Sha256Stream {
  readonly #hash: ReturnType<typeof nobleSha256.create>

  constructor(hash = nobleSha256.create()) {
    this.#hash = hash
  }

  update(data: Uint8Array): this {
    this.#hash.update(data)
    return this
  }

  digest(): Uint8Array {
    return this.#hash.digest()
  }

  clone(): Sha256Stream {
    return new NobleSha256Stream(this.#hash.clone())
  }
}

/** Starts an incremental SHA-256. */
export function sha256Stream(): Sha256Stream {
  return new NobleSha256Stream()
}

/** The 64-byte prefix SHA256(tag) ‖ SHA256(tag) of BIP340's tagged hashes. */
export function taggedHashPrefix(tag: string): Uint8Array {
  const tagHash = sha256(utf8(tag))
  const prefix = new Uint8Array(64)
  prefix.set(tagHash, 0)
  prefix.set(tagHash, 32)
  return prefix
}

/**
 * BIP340: a stream that already holds the tag's prefix; clone it for each message.
 *
 * @example
 * const TAP_LEAF = taggedHasher('TapLeaf')
 * const leaf = TAP_LEAF.clone().update(serialised).digest()
 */
export function taggedHasher(tag: string): Sha256Stream {
  return sha256Stream().update(taggedHashPrefix(tag))
}

/** BIP340: the tagged hash of the parts, one after the other. */
export function taggedHash(tag: string, ...parts: Uint8Array[]): Uint8Array {
  const stream = taggedHasher(tag)
  for (const part of parts) stream.update(part)
  return stream.digest()
}
