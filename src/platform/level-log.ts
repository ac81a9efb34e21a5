import { maskedCrc } from './level-crc.ts'

/** Bytes of a block of LevelDB's log, in which no record crosses into the next, and of a record's header. */
const LOG_BLOCK_BYTES = 32 << 10
const HEADER_BYTES = 7
/** A record that is whole, or the first part of one; the other parts are 3 and 4. */
const FULL = 1
const FIRST = 2
const LAST = 4
const TYPE_MAX = 4

/**
 * Whether a log of LevelDB lacks something in its middle: a record that is damaged, with a sound one in a later block. LevelDB
 * itself passes over such a record without a word, and all later writes take effect without it. A damaged end is no hole: it is
 * what a power failure leaves, and the writes before it are a state that there was.
 */
export function hasLogHole(log: Uint8Array): boolean {
  const view = new DataView(log.buffer, log.byteOffset, log.length)
  let damaged = false
  for (let block = 0; block < log.length; block += LOG_BLOCK_BYTES) {
    const end = Math.min(block + LOG_BLOCK_BYTES, log.length)
    let at = block
    while (at + HEADER_BYTES <= end) {
      const length = view.getUint16(at + 4, true)
      const type = log[at + 6]
      // Room set aside and never written.
      if (type === 0 && length === 0) break
      const next = at + HEADER_BYTES + length
      if (next > end || type > TYPE_MAX || maskedCrc(log, at + 6, next) !== view.getUint32(at, true)) {
        // LevelDB drops the rest of the block with it.
        damaged = true
        break
      }
      if (damaged && (type === FULL || type === FIRST)) return true
      at = next
    }
  }
  return false
}

/** The records of a log, each in its parts, up to the first that is not sound. */
export function* readLogRecords(log: Uint8Array): Generator<readonly Uint8Array[]> {
  const view = new DataView(log.buffer, log.byteOffset, log.length)
  let parts: Uint8Array[] = []
  for (let block = 0; block < log.length; block += LOG_BLOCK_BYTES) {
    const end = Math.min(block + LOG_BLOCK_BYTES, log.length)
    let at = block
    while (at + HEADER_BYTES <= end) {
      const length = view.getUint16(at + 4, true)
      const type = log[at + 6]
      if (type === 0 && length === 0) break
      const next = at + HEADER_BYTES + length
      if (next > end || type > TYPE_MAX || maskedCrc(log, at + 6, next) !== view.getUint32(at, true)) return
      if (type === FULL || type === FIRST) parts = []
      parts.push(log.subarray(at + HEADER_BYTES, next))
      if (type === FULL || type === LAST) yield parts
      at = next
    }
  }
}
