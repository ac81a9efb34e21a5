import { basename } from 'node:path'
import { toHex } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import {
  encodeInfo,
  encodeMetainfo,
  type MetainfoExtras,
  planTorrent,
  type TorrentPlan,
  type TorrentPlanOptions,
} from '../../bittorrent/metainfo/create-metainfo.ts'
import { MERKLE_BLOCK_BYTES, merkleLevels, merklePad, merkleRoot } from '../../bittorrent/metainfo/merkle.ts'
import { nodeBulkHash } from '../../platform/bulk-hash.ts'
import type { HashPiece, PieceHashes } from './hash-job.ts'
import type { HashPool } from './hash-pool.ts'
import { assertUnchanged, findSourceFiles, pathOfSource, type SourceFiles, whyUnread } from './source-files.ts'

export interface MakeTorrentOptions extends TorrentPlanOptions, MetainfoExtras {
  /** Told how far it is, now and then. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

const JOB_BYTES = 32 * 1024 * 1024

/** What whoever shares can do about names and sizes that no torrent can carry. */
const NEXT: Readonly<Record<string, string>> = {
  'torrent-no-files': 'name a file, or a folder with files in it: links are left out',
  'torrent-empty': 'name a file, or a folder with files in it, that has any bytes',
  'torrent-too-many-files': 'share it in parts',
  'torrent-too-large': 'choose larger pieces, or share it in parts',
  'torrent-name-unsafe': 'give it another name',
  'torrent-path-too-long': 'give it a shorter name, or the folders above it',
  'torrent-names-collide': 'give it another name',
  'torrent-piece-length-invalid': 'choose a power of two from 16 KiB to 512 MiB',
}

/** The files of a plan as they lie in its space of pieces. */
function piecesOf(plan: TorrentPlan, sources: SourceFiles): HashPiece[] {
  const pieces: HashPiece[] = []
  let first = 0
  for (let piece = 0; piece < plan.pieceCount; piece++) {
    const start = piece * plan.pieceLength
    const end = Math.min(plan.totalSize, start + plan.pieceLength)
    const segments: { path: string; offset: number; length: number }[] = []
    let paddingBytes = 0
    let levels: number | undefined
    while (first < plan.files.length && plan.files[first].offset + plan.files[first].length <= start) first++
    for (let i = first; i < plan.files.length && plan.files[i].offset < end; i++) {
      const { source, offset, length } = plan.files[i]
      const from = Math.max(start, offset)
      const run = Math.min(end, offset + length) - from
      if (run <= 0) continue
      if (source === undefined) paddingBytes += run
      else segments.push({ path: pathOfSource(sources, source), offset: from - offset, length: run })
      if (source !== undefined && plan.version !== 'v1') {
        const leaves =
          length <= plan.pieceLength ? Math.ceil(length / MERKLE_BLOCK_BYTES) : plan.pieceLength / MERKLE_BLOCK_BYTES
        levels = merkleLevels(leaves)
      }
    }
    pieces.push({ segments, levels, paddingBytes })
  }
  return pieces
}

function pathsOf({ segments }: HashPiece): string[] {
  return segments.map(({ path }) => path!)
}

/** Roots and piece layers out of the roots of the pieces. */
function treesOf(
  plan: TorrentPlan,
  hashes: readonly PieceHashes[],
): { roots: (Uint8Array | undefined)[]; layers: Map<string, Uint8Array> } {
  const layers = new Map<string, Uint8Array>()
  const pieceLevels = merkleLevels(plan.pieceLength / MERKLE_BLOCK_BYTES)
  const pad = merklePad(pieceLevels, nodeBulkHash.sha256)
  const roots = plan.files.map(({ source, length, offset }) => {
    if (source === undefined || length === 0) return undefined
    const first = offset / plan.pieceLength
    if (length <= plan.pieceLength) return hashes[first]!.root
    const layer = new Uint8Array(32 * Math.ceil(length / plan.pieceLength))
    for (let i = 0; 32 * i < layer.length; i++) layer.set(hashes[first + i]!.root!, 32 * i)
    const root = merkleRoot(layer, merkleLevels(layer.length / 32), pad, nodeBulkHash.sha256)
    layers.set(toHex(root), layer)
    return root
  })
  return { roots, layers }
}

/**
 * Makes a torrent of a file or folder. The same files give the same bytes, whatever the machine.
 *
 * @throws OperationError `file-missing`, `path-not-a-file`, `path-is-a-link`, `cannot-read`; `torrent-…` where the files cannot be
 * shared as they are, `file-changed` where one changes meanwhile
 * @example
 * const pool = new HashPool(2)
 * const bytes = await makeTorrent('./album', { version: 'hybrid' }, pool)
 * const parsed = parseMetainfo(bytes)
 * if (parsed.ok) console.log(parsed.value.info.files.map(file => file.path.join('/')))
 * await pool.close()
 */
export async function makeTorrent(path: string, options: MakeTorrentOptions, pool: HashPool): Promise<Uint8Array> {
  const sources = await findSourceFiles(path)
  const planned = planTorrent(basename(sources.root), sources.files, sources.singleFile, options)
  if (!planned.ok) {
    const { code, detail } = planned
    throw new OperationError(code, detail ?? `${path} cannot be shared`, { ...(NEXT[code] && { next: NEXT[code] }) })
  }
  const plan = planned.value
  const hashes = await hashAll(plan, sources, pool, options.onProgress)
  await assertUnchanged(sources)
  const { roots, layers } = plan.version === 'v1' ? { roots: [], layers: undefined } : treesOf(plan, hashes)
  let pieceHashes: Uint8Array | undefined
  if (plan.version !== 'v2') {
    pieceHashes = new Uint8Array(20 * plan.pieceCount)
    for (const [i, hash] of hashes.entries()) pieceHashes.set(hash!.sha1!, 20 * i)
  }
  const info = encodeInfo(plan, { ...(pieceHashes && { pieceHashes }), roots })
  return encodeMetainfo(info, layers, options)
}

async function hashAll(
  plan: TorrentPlan,
  sources: SourceFiles,
  pool: HashPool,
  onProgress: MakeTorrentOptions['onProgress'],
): Promise<PieceHashes[]> {
  const pieces = piecesOf(plan, sources)
  const hashes: PieceHashes[] = []
  const perJob = Math.max(1, Math.floor(JOB_BYTES / plan.pieceLength))
  let next = 0
  let done = 0
  const runner = async () => {
    while (next < pieces.length) {
      const start = next
      next += perJob
      const result = await pool.run({ sha1: plan.version !== 'v2', pieces: pieces.slice(start, start + perJob) })
      for (const [i, hash] of result.entries()) {
        if (hash === undefined) throw await whyUnread(sources, pathsOf(pieces[start + i]))
        hashes[start + i] = hash
      }
      done += result.length
      onProgress?.(Math.min(done * plan.pieceLength, plan.totalSize), plan.totalSize)
    }
  }
  await Promise.all(Array.from({ length: pool.size }, runner))
  return hashes
}
