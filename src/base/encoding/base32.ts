import { base32nopad } from '@scure/base'

/** Decoded text has at most this many characters; the longest use is an onion name (56). */
export const BASE32_LENGTH_MAX = 1000

/** Lower-case base32 (RFC 4648) without padding, as onion and I2P names have it. */
export function encodeBase32(data: Uint8Array): string {
  return base32nopad.encode(data).toLowerCase()
}

/** Bytes of unpadded base32 in either case; `undefined` where it is none, or where bits that stand for nothing are set. */
export function decodeBase32(text: string): Uint8Array | undefined {
  if (text.length > BASE32_LENGTH_MAX || !/^[a-zA-Z2-7]*$/.test(text)) return undefined
  try {
    return base32nopad.decode(text.toUpperCase())
  } catch {
    return undefined
  }
}
