import { concatBytes } from '../base/bytes/bytes.ts'
import { ByteReader } from '../base/bytes/reader.ts'
import { readLogRecords } from './level-log.ts'
import { readLevelVarint } from './level-varint.ts'

/** Fields of a version edit, by LevelDB's tags. */
const COMPARATOR = 1
const LOG_NUMBER = 2
const NEXT_FILE_NUMBER = 3
const LAST_SEQUENCE = 4
const COMPACT_POINTER = 5
const DELETED_FILE = 6
const NEW_FILE = 7
const PREVIOUS_LOG_NUMBER = 9

/** The files that a LevelDB store consists of; others in its folder are left over and will be removed when it is opened. */
export interface LiveFiles {
  /** Numbers of the tables. */
  readonly tables: ReadonlySet<number>
  /** Logs of this number and above hold what is not in tables yet. */
  readonly firstLog: number
}

/** Takes one edit's changes over; false where it cannot be read. */
function applyEdit(edit: Uint8Array, tables: Set<number>, log: { first: number }): boolean {
  const reader = new ByteReader(edit)
  const skipText = (): void => reader.skip(readLevelVarint(reader))
  while (reader.remaining > 0 && reader.failure === undefined) {
    switch (readLevelVarint(reader)) {
      case COMPARATOR:
        skipText()
        break
      case LOG_NUMBER:
        log.first = readLevelVarint(reader)
        break
      case NEXT_FILE_NUMBER:
      case LAST_SEQUENCE:
      case PREVIOUS_LOG_NUMBER:
        readLevelVarint(reader)
        break
      case COMPACT_POINTER:
        readLevelVarint(reader)
        skipText()
        break
      case DELETED_FILE:
        readLevelVarint(reader)
        tables.delete(readLevelVarint(reader))
        break
      case NEW_FILE:
        readLevelVarint(reader)
        tables.add(readLevelVarint(reader))
        readLevelVarint(reader)
        skipText()
        skipText()
        break
      default:
        return false
    }
  }
  return reader.failure === undefined
}

/**
 * The live files by a store's manifest, read as far as it is sound: a torn end is what a crash leaves, and LevelDB takes it the
 * same way. Undefined where an edit is of a form that is not known here.
 */
export function liveFiles(manifest: Uint8Array): LiveFiles | undefined {
  const tables = new Set<number>()
  const log = { first: 0 }
  for (const parts of readLogRecords(manifest)) {
    if (!applyEdit(concatBytes(...parts), tables, log)) return undefined
  }
  return { tables, firstLog: log.first }
}
