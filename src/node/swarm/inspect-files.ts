import { expectedHashes } from '../../bittorrent/storage/expected-hashes.ts'
import type { ResumeSnapshot } from '../../bittorrent/storage/resume-data.ts'
import type { StoredPieces } from '../../bittorrent/swarm/torrent-options.ts'
import { Bitfield } from '../../bittorrent/wire/bitfield.ts'
import { type CheckTarget, checkPieces } from './check-pieces.ts'
import { isSameState } from './file-state.ts'
import type { HashPool } from './hash-pool.ts'
import type { FoundResume } from './resume-store.ts'

/** Blocks that a journal says were written, by piece. */
function journalBlocks(journal: FoundResume['journal']): Map<number, Set<number>> {
  const written = new Map<number, Set<number>>()
  for (const { piece, firstBlock, blockCount } of journal) {
    const blocks = written.get(piece) ?? new Set()
    written.set(piece, blocks)
    for (let i = 0; i < blockCount; i++) blocks.add(firstBlock + i)
  }
  return written
}

/** What is there, and the files of which nobody has made sure that it is on the disk. */
export interface InspectedPieces extends StoredPieces {
  readonly unsure: ReadonlySet<number>
}

/** The files of a torrent as they are, and what is remembered of them. */
export interface FoundFiles extends Pick<ResumeSnapshot, 'files' | 'inParts' | 'parts'> {
  readonly resume: FoundResume
}

/**
 * Finds out what is there: what resume data claims and the files bear out, and by hash what they leave in doubt.
 *
 * @param onChecked told how many of the doubtful pieces have been hashed
 */
export async function inspectFiles(
  target: CheckTarget,
  { files, inParts, parts, resume: { snapshot, journal } }: FoundFiles,
  pool: HashPool,
  onChecked: (done: number, total: number) => void,
): Promise<InspectedPieces> {
  const { info, map, layers } = target
  const have = new Bitfield(map.pieceCount)
  const written = journalBlocks(journal)
  const stateOf = (file: number) => (inParts.has(file) ? parts : files[file])
  /** Whether its bytes lie where they lay then. */
  const isInPlace = (file: number) => snapshot === undefined || snapshot.inParts.has(file) === inParts.has(file)
  const isUnchanged = (file: number) =>
    isInPlace(file) && isSameState(stateOf(file), inParts.has(file) ? snapshot!.parts : snapshot!.files[file])
  /** Bytes behind the end of a file make no piece wrong: its last one counts as missing, and goes when that is written. */
  const isTooLong = (file: number, piece: number) =>
    !inParts.has(file) && files[file].size > info.files[file].length && map.piecesOfFile(file)?.[1] === piece
  const slicesOf = (piece: number) =>
    map.slices(piece * info.pieceLength, map.dataSize(piece)).filter(({ file }) => !info.files[file].padding)
  const doubtful: number[] = []
  const partial = new Map<number, number[]>()
  for (let piece = 0; piece < map.pieceCount; piece++) {
    const touched = slicesOf(piece)
    const blocks = written.get(piece)
    const isWhole = blocks?.size === map.blockCount(piece)
    // Blocks that cannot be judged come again, and so do those that lie elsewhere now.
    const isUsable = touched.every(({ file }) => isInPlace(file))
    const canJudge = expectedHashes(info, map, layers, piece) !== undefined
    if (blocks !== undefined && !isWhole && isUsable && canJudge) partial.set(piece, [...blocks])
    if (touched.every(({ file }) => stateOf(file).size === 0)) continue
    const isClaimed = snapshot?.have.has(piece) ?? false
    if (isClaimed && touched.every(({ file }) => isUnchanged(file))) have.add(piece)
    else if (touched.some(({ file }) => isTooLong(file, piece))) continue
    else if (isClaimed || snapshot === undefined || isWhole) doubtful.push(piece)
  }
  let done = 0
  await checkPieces(target, doubtful, pool, (piece, isRight) => {
    if (isRight) have.add(piece)
    onChecked(++done, doubtful.length)
  })
  for (const piece of partial.keys()) if (have.has(piece)) partial.delete(piece)
  const unsure = new Set<number>()
  for (const piece of [...partial.keys(), ...doubtful.filter(each => have.has(each))]) {
    for (const { file } of slicesOf(piece)) unsure.add(file)
  }
  return { have, partial, unsure }
}
