import type { ByteReader } from '../../base/bytes/reader.ts'
import type { ByteWriter } from '../../base/bytes/writer.ts'

/**
 * Core's VARINT of its database and undo files: base 128, most significant group first, each continuation one less than it looks, so
 * that every number has one form. Not the compact size of the wire.
 */
export function writeVarint(writer: ByteWriter, value: number): void {
  if (value < 0x80) {
    writer.u8(value)
    return
  }
  const groups: number[] = [value % 128]
  let rest = Math.floor(value / 128)
  while (rest > 0) {
    rest -= 1
    groups.push((rest % 128) | 0x80)
    rest = Math.floor(rest / 128)
  }
  for (let i = groups.length - 1; i >= 0; i--) writer.u8(groups[i])
}

/** As {@link writeVarint}, for the few numbers above 2^53. */
export function writeVarintBig(writer: ByteWriter, value: bigint): void {
  const groups: number[] = []
  for (let rest = value; ; rest = (rest >> 7n) - 1n) {
    groups.push(Number(rest & 127n) | (groups.length > 0 ? 0x80 : 0))
    if (rest < 128n) break
  }
  for (let i = groups.length - 1; i >= 0; i--) writer.u8(groups[i])
}

/** Reads a VARINT of at most 64 bits; fails with `bad-varint` beyond that. */
export function readVarintBig(reader: ByteReader): bigint {
  let value = 0n
  for (;;) {
    const group = reader.u8()
    if (reader.failure !== undefined) return 0n
    value = (value << 7n) | BigInt(group & 0x7f)
    if (value >= 1n << 64n) {
      reader.fail('bad-varint')
      return 0n
    }
    if ((group & 0x80) === 0) return value
    value += 1n
  }
}

/** Reads a VARINT of at most 53 bits; fails with `bad-varint` beyond that. */
export function readVarint(reader: ByteReader): number {
  let value = 0
  for (;;) {
    const group = reader.u8()
    if (reader.failure !== undefined) return 0
    value = value * 128 + (group & 0x7f)
    if (value > Number.MAX_SAFE_INTEGER) {
      reader.fail('bad-varint')
      return 0
    }
    if ((group & 0x80) === 0) return value
    value += 1
  }
}
