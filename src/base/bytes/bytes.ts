/** Small operations on byte arrays that every wing needs. */

import { textOf } from './utf8.ts'

const DIGITS = '0123456789abcdef'
/** The two digits of each byte, as UTF-16 units. */
const HEX = Array.from({ length: 512 }, (_, i) => DIGITS.charCodeAt(i % 2 === 0 ? i >>> 5 : (i >>> 1) & 15))
/** Units that are made a string at once. */
const UNITS_MAX = 8192

const EMPTY = new Uint8Array(0)

/** The empty byte string; shared, so never written to (it has no room anyway). */
export function emptyBytes(): Uint8Array {
  return EMPTY
}

/** Lower-case hex of `bytes`. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (let start = 0; start < bytes.length; start += UNITS_MAX / 2)
    text += hexOf(bytes.subarray(start, start + UNITS_MAX / 2))
  return text
}

/** In one go: a string that grows by two digits at a time keeps each of them as an object of its own. */
function hexOf(bytes: Uint8Array): string {
  const units = new Uint8Array(2 * bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    units[2 * i] = HEX[2 * bytes[i]]
    units[2 * i + 1] = HEX[2 * bytes[i] + 1]
  }
  return textOf(units)
}

/** Hex of `bytes` back to front: how Bitcoin shows hashes to people. */
export function toHexReversed(bytes: Uint8Array): string {
  return toHex(reversed(bytes))
}

function nibble(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  if (code >= 97 && code <= 102) return code - 87
  if (code >= 65 && code <= 70) return code - 55
  return -1
}

/** Bytes of a hex string of even length, either case; `undefined` if it is not one. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) {
    const high = nibble(text.charCodeAt(2 * i))
    const low = nibble(text.charCodeAt(2 * i + 1))
    if (high < 0 || low < 0) return undefined
    bytes[i] = (high << 4) | low
  }
  return bytes
}

/** Like {@link fromHex} for text of our own making; throws on anything that is not hex. */
export function hex(text: string): Uint8Array {
  const bytes = fromHex(text)
  if (bytes === undefined) throw new TypeError(`not hex: ${text.slice(0, 80)}`)
  return bytes
}

/** Bytes of a hash as people write it (back to front); throws on anything that is not hex. */
export function hexReversed(text: string): Uint8Array {
  return hex(text).reverse()
}

/** Whether two byte strings are equal. Not constant-time: never for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Lexicographic order, as memcmp: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = a[i] - b[i]
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** The parts, one after the other, in a new array. */
export function concatBytes(...parts: Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let position = 0
  for (const part of parts) {
    joined.set(part, position)
    position += part.length
  }
  return joined
}

/** A copy with the bytes in opposite order. */
export function reversed(bytes: Uint8Array): Uint8Array {
  // Not `slice`: what it gives of a Buffer is the same memory.
  return new Uint8Array(bytes).reverse()
}
