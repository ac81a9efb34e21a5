import type { EventEmitter } from 'node:events'
import { stat } from 'node:fs/promises'
import { OperationError } from '../../base/errors.ts'
import { freeBytes } from './disk-room.ts'
import type { OpenedFiles } from './open-files.ts'
import type { TorrentEvents } from './torrent-host.ts'

/** Zeros written at once. */
const ZEROS = new Uint8Array(1024 * 1024)
/** What the system counts a file's room in. */
const SECTOR_BYTES = 512

interface EmptyRange {
  readonly start: number
  readonly end: number
}

/** Where a file has no bytes that count, in the torrent's space of pieces. */
function emptyRanges({ stored, target: { info, map } }: OpenedFiles, file: number): EmptyRange[] {
  const { offset, length } = info.files[file]
  const [first, last] = map.piecesOfFile(file) ?? [1, 0]
  const ranges: { start: number; end: number }[] = []
  for (let piece = first; piece <= last; piece++) {
    if (stored.have.has(piece) || stored.partial.has(piece)) continue
    const start = Math.max(offset, piece * info.pieceLength)
    const end = Math.min(offset + length, (piece + 1) * info.pieceLength)
    const before = ranges.at(-1)
    if (before?.end === start) before.end = end
    else ranges.push({ start, end })
  }
  return ranges
}

/**
 * Sets room aside for all wanted files: writes zeros wherever nothing is yet, for Node has no call that reserves. The room is
 * counted before anything is written.
 *
 * @param signal ends it
 * @param events told how many bytes have been written: `allocated`
 * @throws OperationError `disk-full` where there is too little room
 */
export async function allocateFiles(
  opened: OpenedFiles,
  signal: AbortSignal,
  events: EventEmitter<TorrentEvents>,
): Promise<void> {
  const { files, unwanted, target } = opened
  const { info } = target
  const ranges: EmptyRange[] = []
  let missingBytes = 0
  for (const file of files.places.storedFiles()) {
    const { length } = info.files[file]
    if (unwanted.has(file) || length === 0) continue
    const allocated = (await stat(files.path(file)).catch(() => undefined))?.blocks ?? 0
    if (allocated * SECTOR_BYTES >= length) continue
    const empty = emptyRanges(opened, file)
    const emptyBytes = empty.reduce((sum, { start, end }) => sum + end - start, 0)
    missingBytes += Math.min(emptyBytes, length - allocated * SECTOR_BYTES)
    ranges.push(...empty)
  }
  const free = missingBytes === 0 ? 0 : await freeBytes(files.places.folder)
  if (missingBytes > free) {
    const { folder } = files.places
    throw new OperationError('disk-full', `no room in ${folder}: ${missingBytes} bytes are needed, ${free} free`, {
      next: 'make room: it goes on by itself',
    })
  }
  const totalBytes = ranges.reduce((sum, { start, end }) => sum + end - start, 0)
  let doneBytes = 0
  for (const { start, end } of ranges) {
    for (let at = start; at < end; at += ZEROS.length) {
      if (signal.aborted) return
      const zeros = ZEROS.subarray(0, Math.min(ZEROS.length, end - at))
      await files.write(at, [zeros])
      doneBytes += zeros.length
      events.emit('allocated', doneBytes, totalBytes)
    }
  }
  if (totalBytes > 0) await files.sync()
}
