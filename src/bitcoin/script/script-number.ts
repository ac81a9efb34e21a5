/**
 * Numbers on the script stack: little-endian, sign in the top bit of the last byte, zero the empty string. Operands have at
 * most four bytes (five for lock times), so that every number and every result fits a double exactly.
 */

import { emptyBytes } from '../../base/bytes/bytes.ts'

/** Bytes of an operand of arithmetic. */
export const SCRIPT_NUMBER_SIZE_MAX = 4
/** Bytes of an operand of CHECKLOCKTIMEVERIFY and CHECKSEQUENCEVERIFY (BIP65: good beyond the year 2038). */
export const LOCKTIME_NUMBER_SIZE_MAX = 5

/**
 * The number that an item stands for.
 *
 * @param requireMinimal whether leading zeros and negative zero are refused
 * @returns `undefined` where it is too long or not minimal
 */
export function decodeScriptNumber(
  item: Uint8Array,
  requireMinimal: boolean,
  sizeMax = SCRIPT_NUMBER_SIZE_MAX,
): number | undefined {
  const length = item.length
  if (length === 0) return 0
  if (length > sizeMax) return undefined
  const last = item[length - 1]
  if (requireMinimal && (last & 0x7f) === 0 && (length === 1 || (item[length - 2] & 0x80) === 0)) return undefined
  let value = last & 0x7f
  for (let i = length - 2; i >= 0; i--) value = value * 256 + item[i]
  // Negative zero is zero; minus zero as a double would compare equal to it, but must not be shown.
  return (last & 0x80) !== 0 && value !== 0 ? -value : value
}

/** One shared item for each of -1 to 16; items are never written to. */
const SMALL: Uint8Array[] = []
for (let n = -1; n <= 16; n++) SMALL.push(n === -1 ? Uint8Array.of(0x81) : n === 0 ? emptyBytes() : Uint8Array.of(n))

/** The item for true, which is the number 1; shared, never written to. */
export const TRUE_ITEM = SMALL[2]
/** The item for false, which is the number 0; shared. */
export const FALSE_ITEM = SMALL[1]

/** The shortest item that stands for `value`, a safe integer. */
export function encodeScriptNumber(value: number): Uint8Array {
  if (value >= -1 && value <= 16) return SMALL[value + 1]
  let magnitude = Math.abs(value)
  const bytes: number[] = []
  while (magnitude > 0) {
    bytes.push(magnitude % 256)
    magnitude = Math.floor(magnitude / 256)
  }
  if (bytes[bytes.length - 1] & 0x80) bytes.push(value < 0 ? 0x80 : 0)
  else if (value < 0) bytes[bytes.length - 1] |= 0x80
  return Uint8Array.from(bytes)
}

/** Whether an item counts as true: anything but zero and negative zero of whatever length. */
export function isTruthy(item: Uint8Array): boolean {
  const last = item.length - 1
  for (let i = 0; i < last; i++) if (item[i] !== 0) return true
  return last >= 0 && item[last] !== 0 && item[last] !== 0x80
}
