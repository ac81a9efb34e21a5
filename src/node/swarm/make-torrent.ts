import { lstat, readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { toHex } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import {
  encodeInfo,
  encodeMetainfo,
  type MetainfoExtras,
  planTorrent,
  type SourceFile,
  type TorrentPlan,
  type TorrentPlanOptions,
} from '../../bittorrent/metainfo/create-metainfo.ts'
import { MERKLE_BLOCK_BYTES, merkleLevels, merklePad, merkleRoot } from '../../bittorrent/metainfo/merkle.ts'
import { nodeBulkHash } from '../../platform/bulk-hash.ts'
import type { HashPiece, PieceHashes } from './hash-job.ts'
import type { HashPool } from './hash-pool.ts'

export interface MakeTorrentOptions extends TorrentPlanOptions, MetainfoExtras {
  /** Told how far it is, now and then. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

const FILES_MAX = 1_000_000
const JOB_BYTES = 32 * 1024 * 1024

/** Finds the regular files below a folder. Links are left out: what they lead to may be anywhere. */
async function listFiles(folder: string, path: string[], found: SourceFile[]): Promise<void> {
  for (const entry of await readdir(join(folder, ...path), { withFileTypes: true })) {
    const entryPath = [...path, entry.name]
    if (entry.isDirectory()) await listFiles(folder, entryPath, found)
    else if (entry.isFile()) {
      const { size, mode } = await lstat(join(folder, ...entryPath))
      found.push({ path: entryPath, length: size, executable: (mode & 0o100) !== 0 })
    }
    if (found.length > FILES_MAX) throw new OperationError('too-many-files', `${folder} has too many files`)
  }
}

/** The files of a plan as they lie in its space of pieces. */
function piecesOf(plan: TorrentPlan, root: string): HashPiece[] {
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
      else
        segments.push({ path: join(root, ...(plan.singleFile ? [] : source.path)), offset: from - offset, length: run })
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
 * @throws OperationError `torrent-…` where the files cannot be shared as they are, `file-changed` where one changes meanwhile
 * @example
 * const pool = new HashPool(2)
 * const bytes = await makeTorrent('./album', { version: 'hybrid' }, pool)
 * const parsed = parseMetainfo(bytes)
 * if (parsed.ok) console.log(parsed.value.info.files.map(file => file.path.join('/')))
 * await pool.close()
 */
export async function makeTorrent(path: string, options: MakeTorrentOptions, pool: HashPool): Promise<Uint8Array> {
  const root = resolve(path)
  const found = await lstat(root).catch(cause => {
    throw new OperationError('file-missing', `${path} cannot be read`, {
      cause,
      next: 'name a file or folder that is there',
    })
  })
  const singleFile = found.isFile()
  const sources: SourceFile[] = []
  if (singleFile) sources.push({ path: [basename(root)], length: found.size, executable: (found.mode & 0o100) !== 0 })
  else await listFiles(root, [], sources)
  const planned = planTorrent(basename(root), sources, singleFile, options)
  if (!planned.ok) throw new OperationError(planned.code, planned.detail ?? `${path} cannot be shared`)
  const plan = planned.value
  const hashes = await hashAll(plan, piecesOf(plan, root), pool, options.onProgress)
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
  pieces: readonly HashPiece[],
  pool: HashPool,
  onProgress: MakeTorrentOptions['onProgress'],
): Promise<PieceHashes[]> {
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
        if (hash === undefined) throw new OperationError('file-changed', 'a file became shorter while it was read')
        hashes[start + i] = hash
      }
      done += result.length
      onProgress?.(Math.min(done * plan.pieceLength, plan.totalSize), plan.totalSize)
    }
  }
  await Promise.all(Array.from({ length: pool.size }, runner))
  return hashes
}
