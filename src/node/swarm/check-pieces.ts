import type { PieceLayers } from '../../bittorrent/metainfo/piece-layers.ts'
import type { PieceMap } from '../../bittorrent/metainfo/piece-map.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import { expectedHashes, isAsExpected } from '../../bittorrent/storage/expected-hashes.ts'
import type { HashPiece } from './hash-job.ts'
import type { HashPool } from './hash-pool.ts'

/** Bytes hashed in one job: enough to be worth the message, little enough for progress to flow. */
const JOB_BYTES = 32 * 1024 * 1024

/** What is to be checked, and where it lies. */
export interface CheckTarget {
  readonly info: TorrentInfo
  readonly map: PieceMap
  readonly layers: PieceLayers
  /** Path and offset of a place in a file; files that are not there have none. */
  locate(file: number, fileOffset: number, position: number): { path: string; offset: number } | undefined
}

function hashPieceOf({ info, map, layers, locate }: CheckTarget, piece: number): HashPiece | undefined {
  const expected = expectedHashes(info, map, layers, piece)
  if (expected === undefined) return undefined
  const start = piece * info.pieceLength
  let position = start
  const segments: { path: string | undefined; offset: number; length: number }[] = []
  for (const slice of map.slices(start, map.dataSize(piece))) {
    if (info.files[slice.file].padding) segments.push({ path: undefined, offset: 0, length: slice.length })
    else {
      const place = locate(slice.file, slice.fileOffset, position)
      if (place === undefined) return undefined
      segments.push({ ...place, length: slice.length })
    }
    position += slice.length
  }
  return { segments, levels: expected.merkle?.levels, paddingBytes: expected.paddingBytes }
}

/**
 * Hashes pieces from the disk, on all of the pool's threads.
 *
 * @param onChecked called for each piece, in no particular order
 */
export async function checkPieces(
  target: CheckTarget,
  pieces: Iterable<number>,
  pool: HashPool,
  onChecked: (piece: number, isRight: boolean) => void,
): Promise<void> {
  const { info, map, layers } = target
  const perJob = Math.max(1, Math.floor(JOB_BYTES / info.pieceLength))
  const waiting = pieces[Symbol.iterator]()
  const runner = async () => {
    for (;;) {
      const numbers: number[] = []
      const batch: HashPiece[] = []
      while (batch.length < perJob) {
        const { value: piece, done } = waiting.next()
        if (done) break
        const hashPiece = hashPieceOf(target, piece)
        if (hashPiece === undefined) onChecked(piece, false)
        else {
          numbers.push(piece)
          batch.push(hashPiece)
        }
      }
      if (batch.length === 0) return
      const hashes = await pool.run({ sha1: info.pieceHashes !== undefined, pieces: batch })
      numbers.forEach((piece, i) => {
        const expected = expectedHashes(info, map, layers, piece)!
        const found = hashes[i]
        onChecked(piece, found !== undefined && isAsExpected(found, expected))
      })
    }
  }
  await Promise.all(Array.from({ length: pool.size }, runner))
}
