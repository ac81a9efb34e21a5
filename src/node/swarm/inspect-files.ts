import type { StoredPieces } from '../../bittorrent/swarm/torrent-options.ts'
import { Bitfield } from '../../bittorrent/wire/bitfield.ts'
import { type CheckTarget, checkPieces } from './check-pieces.ts'
import type { HashPool } from './hash-pool.ts'
import type { ResumeStore } from './resume-store.ts'
import type { TorrentFiles } from './torrent-files.ts'

/** Blocks that a journal says were written, by piece. */
function journalBlocks(journal: Awaited<ReturnType<ResumeStore['load']>>['journal']): Map<number, Set<number>> {
  const written = new Map<number, Set<number>>()
  for (const { piece, firstBlock, blockCount } of journal) {
    const blocks = written.get(piece) ?? new Set()
    written.set(piece, blocks)
    for (let i = 0; i < blockCount; i++) blocks.add(firstBlock + i)
  }
  return written
}

/**
 * Finds out what is there: what resume data claims and the files bear out, and by hash what they leave in doubt.
 *
 * @param onChecked told how many of the doubtful pieces have been hashed
 */
export async function inspectFiles(
  target: CheckTarget,
  files: TorrentFiles,
  resume: ResumeStore,
  pool: HashPool,
  onChecked: (done: number, total: number) => void,
): Promise<StoredPieces> {
  const { info, map } = target
  const have = new Bitfield(map.pieceCount)
  const states = await files.states()
  const { snapshot, journal } = await resume.load(map, info.files.length)
  const written = journalBlocks(journal)
  const isUnchanged = (file: number) =>
    states[file].size === snapshot!.files[file].size && states[file].modifiedMs === snapshot!.files[file].modifiedMs
  const doubtful: number[] = []
  for (let piece = 0; piece < map.pieceCount; piece++) {
    const touched = map.slices(piece * info.pieceLength, map.dataSize(piece)).filter(s => !info.files[s.file].padding)
    if (touched.every(slice => states[slice.file].size === 0)) continue
    const isClaimed = snapshot?.have.has(piece) ?? false
    const isWritten = written.get(piece)?.size === map.blockCount(piece)
    if (isClaimed && touched.every(slice => isUnchanged(slice.file))) have.add(piece)
    else if (isClaimed || snapshot === undefined || isWritten) doubtful.push(piece)
  }
  let done = 0
  await checkPieces(target, doubtful, pool, (piece, isRight) => {
    if (isRight) have.add(piece)
    onChecked(++done, doubtful.length)
  })
  const partial = new Map<number, number[]>()
  for (const [piece, blocks] of written) {
    if (!have.has(piece) && blocks.size < map.blockCount(piece)) partial.set(piece, [...blocks])
  }
  return { have, partial }
}
