import type { ByteReader } from '../base/bytes/reader.ts'

/** LevelDB's varint: base 128, lowest group first; fails with `bad-varint` above 2^49. */
export function readLevelVarint(reader: ByteReader): number {
  let value = 0
  for (let scale = 1; scale <= 2 ** 42; scale *= 128) {
    const group = reader.u8()
    value += (group & 0x7f) * scale
    if (group < 0x80) return value
  }
  reader.fail('bad-varint')
  return 0
}
