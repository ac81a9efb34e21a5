import { ByteReader } from '../base/bytes/reader.ts'
import { maskedCrc } from './level-crc.ts'
import { readLevelVarint } from './level-varint.ts'

const FOOTER_BYTES = 48
/** What every table ends with, in the order of the file. */
const MAGIC_LOW = 0x8b80_fb57
const MAGIC_HIGH = 0xdb47_7524
/** Behind each block: how it is compressed, and a checksum. */
const TRAILER_BYTES = 5

interface BlockHandle {
  readonly offset: number
  readonly size: number
}

function readHandle(reader: ByteReader): BlockHandle {
  return { offset: readLevelVarint(reader), size: readLevelVarint(reader) }
}

function isBlockSound(table: Uint8Array, { offset, size }: BlockHandle): boolean {
  const end = offset + size
  if (end + TRAILER_BYTES > table.length - FOOTER_BYTES) return false
  return maskedCrc(table, offset, end + 1) === new ByteReader(table, end + 1).u32()
}

/** Whether a block that lists others is sound, and all that it lists: the index its data, the metaindex the bloom filter. */
function isListSound(table: Uint8Array, list: BlockHandle): boolean {
  if (list.size < 4 || !isBlockSound(table, list)) return false
  const end = list.offset + list.size
  // A compressed list is beyond us, but ours never are.
  if (table[end] !== 0) return true
  const restarts = new ByteReader(table, end - 4).u32()
  const entries = new ByteReader(table, list.offset, Math.max(list.offset, end - 4 - 4 * restarts))
  while (entries.remaining > 0) {
    readLevelVarint(entries)
    const keyBytes = readLevelVarint(entries)
    readLevelVarint(entries)
    entries.skip(keyBytes)
    const handle = readHandle(entries)
    if (entries.failure !== undefined || !isBlockSound(table, handle)) return false
  }
  return true
}

/** Whether every block of a LevelDB table has the checksum that stands behind it. */
export function isTableSound(table: Uint8Array): boolean {
  if (table.length < FOOTER_BYTES) return false
  const footer = new ByteReader(table, table.length - FOOTER_BYTES)
  const meta = readHandle(footer)
  const index = readHandle(footer)
  const magic = new ByteReader(table, table.length - 8)
  if (footer.failure !== undefined || magic.u32() !== MAGIC_LOW || magic.u32() !== MAGIC_HIGH) return false
  return isListSound(table, meta) && isListSound(table, index)
}
