import { schnorr } from '@noble/curves/secp256k1.js'
import * as tiny from 'tiny-secp256k1'
import { equalBytes } from '../bytes/bytes.ts'
import type { Crypto } from './backend.ts'
import { hash160, sha256, sha256d, sha256Stream } from './hash.ts'
import { muhashMultiply } from './muhash-number.ts'

/** A hash function in the form that can also write its result into a given array. */
function into(hash: (data: Uint8Array) => Uint8Array): (data: Uint8Array, out?: Uint8Array) => Uint8Array {
  return (data, out) => {
    const digest = hash(data)
    if (out === undefined) return digest
    out.set(digest)
    return out
  }
}

/** tiny-secp256k1 throws on what it finds malformed; here that is a plain false. */
function quietly(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false
  }
}

/** A hybrid key (06 or 07, then X and Y) as a plain one, if its prefix tells Y's parity truly. */
function plainKey(publicKey: Uint8Array): Uint8Array | undefined {
  if (publicKey.length !== 65 || (publicKey[0] !== 6 && publicKey[0] !== 7)) return publicKey
  if ((publicKey[64] & 1) !== (publicKey[0] & 1)) return undefined
  const plain = publicKey.slice()
  plain[0] = 4
  return plain
}

function atMost(hashLittleEndian: Uint8Array, target: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    if (hashLittleEndian[i] !== target[i]) return hashLittleEndian[i] < target[i]
  }
  return true
}

/** The implementation that works everywhere: hashes in JavaScript, the curve in WebAssembly. */
export const portableCrypto: Crypto = {
  hashName: 'portable',
  curveName: 'tiny-secp256k1 (WebAssembly)',

  sha256: into(sha256),
  sha256d: into(sha256d),
  hash160: into(hash160),

  sha256dGather(source, ranges, rangesPerMessage, out) {
    const stride = 2 * rangesPerMessage
    for (let message = 0; message * stride < ranges.length; message++) {
      const stream = sha256Stream()
      for (let r = message * stride; r < (message + 1) * stride; r += 2) {
        if (ranges[r + 1] > ranges[r]) stream.update(source.subarray(ranges[r], ranges[r + 1]))
      }
      out.set(sha256(stream.digest()), 32 * message)
    }
  },

  sha256dPairs(pairs, out) {
    for (let i = 0; 32 * i < out.length; i++) out.set(sha256d(pairs.subarray(64 * i, 64 * i + 64)), 32 * i)
  },

  muhashMultiply,

  searchHeader(header, target, firstNonce, count) {
    const middle = sha256Stream().update(header.subarray(0, 64))
    const rest = header.slice(64, 80)
    for (let i = 0; i < count; i++) {
      const nonce = (firstNonce + i) >>> 0
      rest[12] = nonce
      rest[13] = nonce >>> 8
      rest[14] = nonce >>> 16
      rest[15] = nonce >>> 24
      if (atMost(sha256(middle.clone().update(rest).digest()), target)) return nonce
    }
    return -1
  },

  verifyEcdsa(signature, publicKey, digest) {
    const key = plainKey(publicKey)
    return key !== undefined && quietly(() => tiny.isPoint(key) && tiny.verify(digest, key, signature, false))
  },

  verifySchnorr(signature, publicKey, message) {
    if (signature.length !== 64) return false
    // The WebAssembly knows messages of 32 bytes alone; others never come from a transaction.
    return message.length === 32
      ? quietly(() => tiny.verifySchnorr(message, publicKey, signature))
      : quietly(() => schnorr.verify(signature, message, publicKey))
  },

  checkTapTweak(outputKey, outputParity, internalKey, tweak) {
    return quietly(() => {
      const tweaked = tiny.xOnlyPointAddTweak(internalKey, tweak)
      return tweaked !== null && tweaked.parity === outputParity && equalBytes(tweaked.xOnlyPubkey, outputKey)
    })
  },
}
