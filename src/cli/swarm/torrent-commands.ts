import { lstat, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { toHex } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import type { TorrentVersion } from '../../bittorrent/metainfo/create-metainfo.ts'
import { formatMagnet } from '../../bittorrent/metainfo/magnet.ts'
import { type Metainfo, parseMetainfo } from '../../bittorrent/metainfo/metainfo.ts'
import { hasAllPieceLayers } from '../../bittorrent/metainfo/piece-layers.ts'
import { PieceMap } from '../../bittorrent/metainfo/piece-map.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import { checkPieces } from '../../node/swarm/check-pieces.ts'
import { HashPool } from '../../node/swarm/hash-pool.ts'
import { makeTorrent } from '../../node/swarm/make-torrent.ts'
import { nodeBulkHash } from '../../platform/bulk-hash.ts'
import { formatBytes, ProgressReporter } from './progress.ts'
import { readTorrentFile, writeTorrentFile } from './torrent-source.ts'

export interface CreateOptions {
  readonly format: TorrentVersion
  readonly pieceLength?: number
  readonly private?: boolean
  readonly tracker?: readonly string[]
  readonly webSeed?: readonly string[]
  readonly comment?: string
  readonly output?: string
  readonly json?: boolean
}

function describe({ info, trackers, webSeeds, comment, createdBy, creationDate }: Metainfo): Record<string, unknown> {
  const files = info.files.filter(file => !file.padding)
  const { infohashV1, infohashV2, name } = info
  return {
    name,
    ...(infohashV1 && { infohashV1: toHex(infohashV1) }),
    ...(infohashV2 && { infohashV2: toHex(infohashV2) }),
    bytes: files.reduce((sum, file) => sum + file.length, 0),
    pieces: info.pieceCount,
    pieceLength: info.pieceLength,
    private: info.private,
    trackers,
    webSeeds,
    comment,
    createdBy,
    creationDate,
    files: files.map(file => ({ path: file.path.join('/'), bytes: file.length })),
    magnet: formatMagnet({ infohashV1, infohashV2, displayName: name, trackers: trackers.flat(), webSeeds }),
  }
}

/** `peers torrent create`: makes a .torrent file of a file or folder. */
export async function createTorrent(path: string, options: CreateOptions): Promise<number> {
  const reporter = new ProgressReporter(options.json ?? false)
  const pool = new HashPool()
  try {
    const bytes = await makeTorrent(
      path,
      {
        version: options.format,
        private: options.private ?? false,
        trackers: (options.tracker ?? []).map(url => [url]),
        webSeeds: options.webSeed ?? [],
        ...(options.comment !== undefined && { comment: options.comment }),
        ...(options.pieceLength !== undefined && { pieceLength: options.pieceLength }),
        onProgress: (doneBytes, totalBytes) => reporter.show({ what: 'hashing', doneBytes, totalBytes }),
      },
      pool,
    )
    const metainfo = parseMetainfo(bytes, nodeBulkHash)
    if (!metainfo.ok) throw new OperationError(metainfo.code, 'the torrent that was made is not sound')
    const { name } = metainfo.value.info
    const output = options.output ?? `${name}.torrent`
    await writeTorrentFile(output, bytes)
    reporter.clear()
    reporter.say(
      `${output}  ${metainfo.value.info.pieceCount} pieces of ${formatBytes(metainfo.value.info.pieceLength)}`,
    )
    reporter.event('created', { file: output, ...describe(metainfo.value) })
    return 0
  } finally {
    reporter.clear()
    await pool.close()
  }
}

/** `peers torrent show`: what a .torrent file says. */
export async function showTorrent(path: string, options: { readonly json?: boolean }): Promise<number> {
  const metainfo = await readTorrentFile(path)
  const description = describe(metainfo)
  if (options.json) {
    process.stdout.write(`${JSON.stringify(description)}\n`)
    return 0
  }
  const { info } = metainfo
  const lines: [string, string][] = [['name', info.name]]
  if (info.infohashV1) lines.push(['infohash v1', toHex(info.infohashV1)])
  if (info.infohashV2) lines.push(['infohash v2', toHex(info.infohashV2)])
  lines.push(['pieces', `${info.pieceCount} of ${formatBytes(info.pieceLength)}`])
  if (info.private) lines.push(['private', 'yes'])
  for (const tier of metainfo.trackers) lines.push(['trackers', tier.join('  ')])
  for (const seed of metainfo.webSeeds) lines.push(['web seed', seed])
  if (metainfo.comment !== undefined) lines.push(['comment', metainfo.comment])
  if (!hasAllPieceLayers(info, metainfo.pieceLayers))
    lines.push(['note', 'piece layers are missing: peers will be asked for them'])
  lines.push(['magnet', `${description['magnet']}`])
  for (const [name, value] of lines) process.stdout.write(`${name.padEnd(12)}${value}\n`)
  for (const file of info.files) {
    if (!file.padding) process.stdout.write(`${formatBytes(file.length).padStart(10)}  ${file.path.join('/')}\n`)
  }
  return 0
}

/** Throws where a folder does not hold what a torrent is about: mostly it is the torrent's own folder that was named. */
async function assertHolds(folder: string, info: TorrentInfo): Promise<void> {
  const path = join(folder, info.name)
  await stat(path).catch(cause => {
    throw new OperationError('file-missing', `there is no ${path}`, {
      cause,
      next: `name the folder that ${info.name} is in`,
    })
  })
}

/** Files that are not there, or of another size than the torrent says: no piece tells of an empty file, or of bytes behind an end. */
async function ofWrongSize(folder: string, info: TorrentInfo): Promise<Set<number>> {
  const wrong = new Set<number>()
  for (const [index, file] of info.files.entries()) {
    if (file.padding || file.symlink !== undefined) continue
    const found = await lstat(join(folder, ...file.path)).catch(() => undefined)
    if (!found?.isFile() || found.size !== file.length) wrong.add(index)
  }
  return wrong
}

/** `peers torrent verify`: whether the files in a folder are what a torrent says. Status 1 where they are not. */
export async function verifyTorrent(
  path: string,
  folder: string | undefined,
  options: { readonly json?: boolean },
): Promise<number> {
  const reporter = new ProgressReporter(options.json ?? false)
  const { info, pieceLayers } = await readTorrentFile(path)
  const root = resolve(folder ?? '.')
  await assertHolds(root, info)
  const map = new PieceMap(info)
  const pool = new HashPool()
  const wrong = new Set<number>()
  let checked = 0
  try {
    const locate = (file: number, fileOffset: number) => ({
      path: join(root, ...info.files[file].path),
      offset: fileOffset,
    })
    const all = Array.from({ length: info.pieceCount }, (_, piece) => piece)
    await checkPieces({ info, map, layers: pieceLayers, locate }, all, pool, (piece, isRight) => {
      if (!isRight) wrong.add(piece)
      checked++
      reporter.show({
        what: 'verifying',
        doneBytes: Math.min(checked * info.pieceLength, info.totalSize),
        totalBytes: info.totalSize,
      })
    })
  } finally {
    reporter.clear()
    await pool.close()
  }
  const misfits = await ofWrongSize(root, info)
  const damaged = info.files.flatMap((file, index) => {
    if (misfits.has(index)) return [file.path.join('/')]
    const range = file.padding ? undefined : map.piecesOfFile(index)
    if (range === undefined) return []
    for (let piece = range[0]; piece <= range[1]; piece++) if (wrong.has(piece)) return [file.path.join('/')]
    return []
  })
  reporter.event('verified', { pieces: info.pieceCount, wrongPieces: wrong.size, damaged })
  for (const file of damaged) reporter.say(`missing or different: ${file}`)
  if (damaged.length === 0) reporter.say(`all ${info.pieceCount} pieces are right`)
  else if (wrong.size === 0) reporter.say(`all ${info.pieceCount} pieces are right, but not all files`)
  else reporter.say(`${wrong.size} of ${info.pieceCount} pieces are missing or wrong`)
  return wrong.size === 0 && damaged.length === 0 ? 0 : 1
}
