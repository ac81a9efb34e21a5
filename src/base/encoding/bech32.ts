/**
 * Bech32 (BIP173) and bech32m (BIP350). Written out rather than taken from a package because the error locator
 * (bech32-errors.ts) needs the raw remainder of the checksum polynomial, which packages keep to themselves.
 */

export type Bech32Encoding = 'bech32' | 'bech32m'

/** BIP173: the longest string for which the checksum finds any four errors. */
export const BECH32_LENGTH_MAX = 90

export const BECH32_CHECKSUM_SIZE = 6
export const BECH32_SEPARATOR = '1'

const CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]

const VALUE_OF = new Map<string, number>([...CHARSET].map((character, value) => [character, value]))

/** What the polynomial leaves for a right checksum. */
export const BECH32_CONSTANT: Readonly<Record<Bech32Encoding, number>> = { bech32: 1, bech32m: 0x2bc830a3 }

/** The 5-bit value of a character of either case; `undefined` where it is none of the alphabet. */
export function bech32Value(character: string): number | undefined {
  return VALUE_OF.get(character.toLowerCase())
}

/** The remainder of the checksum polynomial over prefix and values. */
export function bech32Remainder(hrp: string, values: Iterable<number>): number {
  let remainder = 1
  const feed = (value: number): void => {
    const top = remainder >>> 25
    remainder = ((remainder & 0x1ffffff) << 5) ^ value
    for (let bit = 0; bit < 5; bit++) if ((top >>> bit) & 1) remainder ^= GENERATOR[bit]
  }
  for (let i = 0; i < hrp.length; i++) feed(hrp.charCodeAt(i) >>> 5)
  feed(0)
  for (let i = 0; i < hrp.length; i++) feed(hrp.charCodeAt(i) & 31)
  for (const value of values) feed(value)
  return remainder >>> 0
}

/** Where characters are outside the printable range, or of the other case than the first letter. */
export function bech32BadCharacters(text: string): number[] {
  const positions: number[] = []
  let lower = false
  let upper = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 97 && code <= 122) {
      if (upper) positions.push(i)
      else lower = true
    } else if (code >= 65 && code <= 90) {
      if (lower) positions.push(i)
      else upper = true
    } else if (code < 33 || code > 126) positions.push(i)
  }
  return positions
}

/** Text of 5-bit `values` under a lower-case prefix. */
export function encodeBech32(encoding: Bech32Encoding, hrp: string, values: readonly number[]): string {
  const padded = [...values, 0, 0, 0, 0, 0, 0]
  const checksum = bech32Remainder(hrp, padded) ^ BECH32_CONSTANT[encoding]
  for (let i = 0; i < BECH32_CHECKSUM_SIZE; i++) padded[values.length + i] = (checksum >>> (5 * (5 - i))) & 31
  return hrp + BECH32_SEPARATOR + padded.map(value => CHARSET[value]).join('')
}

/** A decoded string: which checksum it carries, its prefix in lower case, its 5-bit values without the checksum. */
export interface Bech32 {
  readonly encoding: Bech32Encoding
  readonly hrp: string
  readonly values: number[]
}

/** `undefined` where the text is not bech32 of either kind (bech32-errors.ts says why). */
export function decodeBech32(text: string): Bech32 | undefined {
  if (text.length > BECH32_LENGTH_MAX || bech32BadCharacters(text).length > 0) return undefined
  const separator = text.lastIndexOf(BECH32_SEPARATOR)
  if (separator < 1 || separator + BECH32_CHECKSUM_SIZE >= text.length) return undefined
  const values: number[] = []
  for (const character of text.slice(separator + 1)) {
    const value = bech32Value(character)
    if (value === undefined) return undefined
    values.push(value)
  }
  const hrp = text.slice(0, separator).toLowerCase()
  const remainder = bech32Remainder(hrp, values)
  const encoding =
    remainder === BECH32_CONSTANT.bech32 ? 'bech32' : remainder === BECH32_CONSTANT.bech32m ? 'bech32m' : undefined
  if (encoding === undefined) return undefined
  return { encoding, hrp, values: values.slice(0, -BECH32_CHECKSUM_SIZE) }
}

/** Bytes as 5-bit values, the last one padded with zero bits. */
export function toFiveBits(bytes: Uint8Array): number[] {
  const values: number[] = []
  let buffer = 0
  let bits = 0
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      values.push((buffer >>> bits) & 31)
    }
  }
  if (bits > 0) values.push((buffer << (5 - bits)) & 31)
  return values
}

/** Bytes of 5-bit values; `undefined` where padding is as long as a value or not zero. */
export function fromFiveBits(values: readonly number[]): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((values.length * 5) / 8))
  let length = 0
  let buffer = 0
  let bits = 0
  for (const value of values) {
    buffer = ((buffer << 5) | value) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[length++] = (buffer >>> bits) & 255
    }
  }
  if (bits >= 5 || ((buffer << (8 - bits)) & 255) !== 0) return undefined
  return bytes
}
