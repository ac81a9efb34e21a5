import { expand, extract } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8 } from '../bytes/utf8.ts'

/**
 * RFC 5869 with SHA-256: from one secret, a 32-byte key for each purpose.
 *
 * @example
 * const keyFor = hkdfSha256(sharedSecret, salt)
 * const sendKey = keyFor('initiator_P')
 */
export function hkdfSha256(secret: Uint8Array, salt: Uint8Array): (info: string) => Uint8Array {
  const extracted = extract(sha256, secret, salt)
  return info => expand(sha256, extracted, utf8(info), 32)
}
