import { base58 as scureBase58 } from '@scure/base'
import { equalBytes } from '../bytes/bytes.ts'
import { sha256d } from '../crypto/hash.ts'

/** Decoding takes time quadratic in the length, so no text beyond this is tried; the longest use is an extended key (111). */
export const BASE58_LENGTH_MAX = 1000

const CHECKSUM_SIZE = 4

export function encodeBase58(data: Uint8Array): string {
  return scureBase58.encode(data)
}

/**
 * Bytes of base58 text, at most `sizeMax` of them; `undefined` where it is not base58 or longer. White space around the text is
 * ignored, as Bitcoin Core does.
 */
export function decodeBase58(text: string, sizeMax: number): Uint8Array | undefined {
  const trimmed = text.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, '')
  if (trimmed.length > BASE58_LENGTH_MAX || !/^[1-9A-HJ-NP-Za-km-z]*$/.test(trimmed)) return undefined
  const data = scureBase58.decode(trimmed)
  return data.length <= sizeMax ? data : undefined
}

/** Base58 with the first four bytes of the double SHA-256 behind the data. */
export function encodeBase58Check(data: Uint8Array): string {
  const checked = new Uint8Array(data.length + CHECKSUM_SIZE)
  checked.set(data)
  checked.set(sha256d(data).subarray(0, CHECKSUM_SIZE), data.length)
  return encodeBase58(checked)
}

/** The data of {@link encodeBase58Check}, at most `sizeMax` bytes of it; `undefined` where text or checksum are wrong. */
export function decodeBase58Check(text: string, sizeMax: number): Uint8Array | undefined {
  const checked = decodeBase58(text, sizeMax + CHECKSUM_SIZE)
  if (checked === undefined || checked.length < CHECKSUM_SIZE) return undefined
  const data = checked.subarray(0, checked.length - CHECKSUM_SIZE)
  return equalBytes(sha256d(data).subarray(0, CHECKSUM_SIZE), checked.subarray(data.length)) ? data : undefined
}
