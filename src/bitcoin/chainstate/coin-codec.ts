import { concatBytes, emptyBytes } from '../../base/bytes/bytes.ts'
import type { ByteReader } from '../../base/bytes/reader.ts'
import type { ByteWriter } from '../../base/bytes/writer.ts'
import { decompressPublicKey } from '../../base/crypto/public-key-form.ts'
import { readVarint, readVarintBig, writeVarint, writeVarintBig } from './varint.ts'

/** Longest script that can be spent; a longer one is kept as OP_RETURN, for nobody can ever spend it. */
const MAX_SCRIPT_SIZE = 10_000
const SPECIAL_SCRIPTS = 6

/** Amounts below this compress to less than 2^53. */
const EXACT_AMOUNT_MAX = 9e14

/**
 * An amount as Core's files have it: trailing zeros are counted instead of written, for amounts are round more often than not.
 */
export function writeAmount(writer: ByteWriter, valueSats: number): void {
  if (valueSats === 0) {
    writer.u8(0)
    return
  }
  let rest = valueSats
  let exponent = 0
  while (exponent < 9 && rest % 10 === 0) {
    rest /= 10
    exponent++
  }
  if (exponent === 9) {
    writeVarint(writer, 1 + (rest - 1) * 10 + 9)
    return
  }
  const digit = rest % 10
  const front = (rest - digit) / 10
  if (rest < EXACT_AMOUNT_MAX) writeVarint(writer, 1 + (front * 9 + digit - 1) * 10 + exponent)
  else writeVarintBig(writer, 1n + (BigInt(front) * 9n + BigInt(digit - 1)) * 10n + BigInt(exponent))
}

/** Reads what {@link writeAmount} wrote. */
export function readAmount(reader: ByteReader): number {
  const start = reader.position
  let compressed: number
  const first = reader.source[start]
  // Seven groups are below 2^50; longer ones take the slow road.
  let groups = 1
  while (groups < 8 && start + groups <= reader.end && reader.source[start + groups - 1] & 0x80) groups++
  if (groups < 8) {
    compressed = readVarint(reader)
    if (first === 0) return 0
    compressed -= 1
    const exponent = compressed % 10
    compressed = (compressed - exponent) / 10
    if (exponent === 9) return (compressed + 1) * 1e9
    const digit = (compressed % 9) + 1
    return (Math.floor(compressed / 9) * 10 + digit) * 10 ** exponent
  }
  const big = readVarintBig(reader) - 1n
  const exponent = Number(big % 10n)
  const rest = big / 10n
  if (exponent === 9) return Number((rest + 1n) * 1_000_000_000n)
  return Number((rest / 9n) * 10n + (rest % 9n) + 1n) * 10 ** exponent
}

/** Which of the compressed kinds of script this is: 0 P2PKH, 1 P2SH, 2 to 5 P2PK; -1 for none. */
function specialKind(script: Uint8Array): number {
  const length = script.length
  if (
    length === 25 &&
    script[0] === 0x76 &&
    script[1] === 0xa9 &&
    script[2] === 20 &&
    script[23] === 0x88 &&
    script[24] === 0xac
  ) {
    return 0
  }
  if (length === 23 && script[0] === 0xa9 && script[1] === 20 && script[22] === 0x87) return 1
  if (length === 35 && script[0] === 33 && script[34] === 0xac && (script[1] === 2 || script[1] === 3)) return script[1]
  if (length === 67 && script[0] === 65 && script[66] === 0xac && script[1] === 4) {
    const kind = 4 | (script[65] & 1)
    // Only a key that is really on the curve comes back from its X alone.
    const whole = decompressPublicKey(concatBytes(Uint8Array.of(kind - 2), script.subarray(2, 34)))
    return whole?.every((byte, i) => byte === script[i + 1]) ? kind : -1
  }
  return -1
}

/** A script as Core's files have it: the usual templates without what is the same in all of them. */
export function writeScript(writer: ByteWriter, script: Uint8Array): void {
  const kind = specialKind(script)
  if (kind < 0) {
    writeVarint(writer, script.length + SPECIAL_SCRIPTS)
    writer.bytes(script)
    return
  }
  writer.u8(kind)
  if (kind === 0) writer.bytes(script.subarray(3, 23))
  else writer.bytes(script.subarray(2, kind === 1 ? 22 : 34))
}

/** Reads what {@link writeScript} wrote; a view into the source where the script stands there as it is. */
export function readScript(reader: ByteReader): Uint8Array {
  const size = readVarint(reader)
  if (size >= SPECIAL_SCRIPTS) {
    const length = size - SPECIAL_SCRIPTS
    if (length <= MAX_SCRIPT_SIZE) return reader.bytes(length)
    reader.skip(length)
    return Uint8Array.of(0x6a)
  }
  if (size === 0) {
    return concatBytes(Uint8Array.of(0x76, 0xa9, 20), reader.bytes(20), Uint8Array.of(0x88, 0xac))
  }
  if (size === 1) return concatBytes(Uint8Array.of(0xa9, 20), reader.bytes(20), Uint8Array.of(0x87))
  if (size <= 3) return concatBytes(Uint8Array.of(33, size), reader.bytes(32), Uint8Array.of(0xac))
  const whole = decompressPublicKey(concatBytes(Uint8Array.of(size - 2), reader.bytes(32)))
  if (whole === undefined) {
    reader.fail('bad-compressed-key')
    return emptyBytes()
  }
  return concatBytes(Uint8Array.of(65), whole, Uint8Array.of(0xac))
}
