import { parseLaxDer } from '../../base/crypto/lax-der.ts'
import { isLowS } from '../../base/crypto/low-s.ts'
import {
  SCRIPT_VERIFY_DERSIG,
  SCRIPT_VERIFY_LOW_S,
  SCRIPT_VERIFY_STRICTENC,
  SCRIPT_VERIFY_WITNESS_PUBKEYTYPE,
} from './flags.ts'
import type { ScriptError } from './script-error.ts'
import {
  SIG_WITNESS_V0,
  SIGHASH_ALL,
  SIGHASH_ANYONECANPAY,
  SIGHASH_SINGLE,
  type SigVersion,
} from './signature-version.ts'

/**
 * BIP66: whether a signature with its hash type is strictly DER:
 * `30 total 02 length R 02 length S hash-type`, R and S positive and without needless zeros.
 */
function isStrictDer(signature: Uint8Array): boolean {
  const size = signature.length
  if (size < 9 || size > 73) return false
  if (signature[0] !== 0x30 || signature[1] !== size - 3) return false
  const lengthR = signature[3]
  if (5 + lengthR >= size) return false
  const lengthS = signature[5 + lengthR]
  if (lengthR + lengthS + 7 !== size) return false
  return isStrictInteger(signature, 2) && isStrictInteger(signature, lengthR + 4)
}

/** Whether a DER integer at `at` (tag, length, bytes) is positive and as short as it can be. */
function isStrictInteger(signature: Uint8Array, at: number): boolean {
  const length = signature[at + 1]
  if (signature[at] !== 0x02 || length === 0 || (signature[at + 2] & 0x80) !== 0) return false
  return length === 1 || signature[at + 2] !== 0 || (signature[at + 3] & 0x80) !== 0
}

function isDefinedHashType(hashType: number): boolean {
  const base = hashType & ~SIGHASH_ANYONECANPAY
  return base >= SIGHASH_ALL && base <= SIGHASH_SINGLE
}

const DER_FLAGS = SCRIPT_VERIFY_DERSIG | SCRIPT_VERIFY_LOW_S | SCRIPT_VERIFY_STRICTENC

/** Why an ECDSA signature with its hash type is not written as `flags` ask; the empty signature always is. */
export function checkSignatureEncoding(signature: Uint8Array, flags: number): ScriptError | undefined {
  if (signature.length === 0 || (flags & DER_FLAGS) === 0) return undefined
  if (!isStrictDer(signature)) return 'SIG_DER'
  if ((flags & SCRIPT_VERIFY_LOW_S) !== 0) {
    const numbers = new Uint8Array(64)
    // What is strict DER also parses laxly.
    parseLaxDer(signature.subarray(0, signature.length - 1), numbers)
    if (!isLowS(numbers)) return 'SIG_HIGH_S'
  }
  if ((flags & SCRIPT_VERIFY_STRICTENC) !== 0 && !isDefinedHashType(signature[signature.length - 1])) {
    return 'SIG_HASHTYPE'
  }
  return undefined
}

function isCompressedKey(key: Uint8Array): boolean {
  return key.length === 33 && (key[0] === 2 || key[0] === 3)
}

/** Why a public key is not of a kind that `flags` allow. */
export function checkPublicKeyEncoding(key: Uint8Array, flags: number, version: SigVersion): ScriptError | undefined {
  if ((flags & SCRIPT_VERIFY_STRICTENC) !== 0 && !isCompressedKey(key) && !(key.length === 65 && key[0] === 4)) {
    return 'PUBKEYTYPE'
  }
  if ((flags & SCRIPT_VERIFY_WITNESS_PUBKEYTYPE) !== 0 && version === SIG_WITNESS_V0 && !isCompressedKey(key)) {
    return 'WITNESS_PUBKEYTYPE'
  }
  return undefined
}

/** Whether a key's length is the one that its first byte announces; others are never handed to the curve. */
export function isSizedPublicKey(key: Uint8Array): boolean {
  const kind = key[0]
  if (key.length === 33) return kind === 2 || kind === 3
  return key.length === 65 && (kind === 4 || kind === 6 || kind === 7)
}
