import { chacha20, chacha20poly1305 } from '@noble/ciphers/chacha.js'

/** Bytes that sealing adds: the tag. */
export const POLY1305_TAG_SIZE = 16

/** RFC 8439, section 2.8: encryption that notices every change. Keys have 32 bytes, nonces 12. */
export interface ChaCha20Poly1305 {
  /** Encrypts `plaintext` and writes ciphertext and tag into `out`, which is 16 bytes longer and does not overlap it. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void

  /**
   * Checks and decrypts what {@link ChaCha20Poly1305.seal} made into `out`, which is 16 bytes shorter and does not overlap it.
   *
   * @returns whether the tag was right; where it was not, `out` holds nothing of use
   */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean
}

/** The implementation that works everywhere. */
export const portableChaCha20Poly1305: ChaCha20Poly1305 = {
  seal(key, nonce, aad, plaintext, out) {
    chacha20poly1305(key, nonce, aad).encrypt(plaintext, out)
  },

  open(key, nonce, aad, sealed, out) {
    try {
      chacha20poly1305(key, nonce, aad).decrypt(sealed, out)
      return true
    } catch {
      return false
    }
  },
}

/** RFC 8439, section 2.4: `length` bytes of the stream that ChaCha20 encrypts with, from a 64-byte block on. */
export function chacha20Keystream(key: Uint8Array, nonce: Uint8Array, length: number, firstBlock = 0): Uint8Array {
  return chacha20(key, nonce, new Uint8Array(length), undefined, firstBlock)
}
