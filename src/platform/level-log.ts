import { maskedCrc } from './level-crc.ts'

/** Bytes of a block of LevelDB's log, in which no record crosses into the next, and of a record's header. */
const LOG_BLOCK_BYTES = 32 << 10
const HEADER_BYTES = 7
/** A record that is whole, or the first part of one; the other parts are 3 and 4. */
const FULL = 1
const FIRST = 2
const LAST = 4
const TYPE_MAX = 4

/** What stands at one place of a log: a sound record, or (type 0) damage, with which LevelDB drops the rest of the block. */
interface LogEntry {
  readonly type: number
  readonly start: number
  readonly end: number
}

/** All records, and where there is damage, in order. */
function* entriesOf(log: Uint8Array): Generator<LogEntry> {
  const view = new DataView(log.buffer, log.byteOffset, log.length)
  for (let block = 0; block < log.length; block += LOG_BLOCK_BYTES) {
    const blockEnd = Math.min(block + LOG_BLOCK_BYTES, log.length)
    let at = block
    while (at + HEADER_BYTES <= blockEnd) {
      const length = view.getUint16(at + 4, true)
      const type = log[at + 6]
      // Room set aside and never written.
      if (type === 0 && length === 0) break
      const start = at + HEADER_BYTES
      const end = start + length
      if (end > blockEnd || type > TYPE_MAX || maskedCrc(log, at + 6, end) !== view.getUint32(at, true)) {
        yield { type: 0, start: at, end: blockEnd }
        break
      }
      yield { type, start, end }
      at = end
    }
  }
}

/**
 * Whether a log of LevelDB lacks something in its middle: a record that is damaged, with a sound one in a later block. LevelDB
 * itself passes over such a record without a word, and all later writes take effect without it. A damaged end is no hole: it is
 * what a power failure leaves, and the writes before it are a state that there was.
 */
export function hasLogHole(log: Uint8Array): boolean {
  let damaged = false
  for (const { type } of entriesOf(log)) {
    if (type === 0) damaged = true
    else if (damaged && (type === FULL || type === FIRST)) return true
  }
  return false
}

/** The records of a log, each in its parts, up to the first that is not sound. */
export function* readLogRecords(log: Uint8Array): Generator<readonly Uint8Array[]> {
  let parts: Uint8Array[] = []
  for (const { type, start, end } of entriesOf(log)) {
    if (type === 0) return
    if (type === FULL || type === FIRST) parts = []
    parts.push(log.subarray(start, end))
    if (type === FULL || type === LAST) yield parts
  }
}
