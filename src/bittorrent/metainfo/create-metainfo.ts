import { compareBytes, hex } from '../../base/bytes/bytes.ts'
import { utf8 } from '../../base/bytes/utf8.ts'
import { invariant } from '../../base/errors.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { type Bencodable, encodeBencode, Verbatim } from '../bencode/encode.ts'
import { byteKey } from '../bencode/value.ts'
import { isStorablePath, PathRegister, safeName } from './safe-path.ts'
import { TORRENT_LIMITS } from './torrent-file.ts'

export type TorrentVersion = 'v1' | 'v2' | 'hybrid'

/** A file to be shared. */
export interface SourceFile {
  /** From the shared folder down, without the folder's own name; just the name for a single file. */
  readonly path: readonly string[]
  readonly length: number
  readonly executable?: boolean
}

export interface TorrentPlanOptions {
  readonly version: TorrentVersion
  /** Power of two; chosen by size where it is left out. */
  readonly pieceLength?: number
  readonly private?: boolean
}

/** A file's place in a torrent to be. Padding has no source. */
export interface PlannedFile {
  readonly source: SourceFile | undefined
  readonly length: number
  readonly offset: number
}

/** What is to be hashed, and in which order. */
export interface TorrentPlan {
  readonly name: string
  readonly singleFile: boolean
  readonly version: TorrentVersion
  readonly private: boolean
  readonly pieceLength: number
  readonly pieceCount: number
  readonly totalSize: number
  readonly files: readonly PlannedFile[]
}

const PIECE_LENGTH_MIN = 16_384
const PIECE_LENGTH_MAX = 16 * 1024 * 1024
/** So many pieces keep the torrent small and the pieces quickly verified. */
const PIECES_WANTED = 1500

/** A piece length for so many bytes: the power of two that gives about 1,500 pieces, from 16 KiB to 16 MiB. */
export function choosePieceLength(totalSize: number): number {
  let pieceLength = PIECE_LENGTH_MIN
  while (pieceLength < PIECE_LENGTH_MAX && totalSize / pieceLength > PIECES_WANTED) pieceLength *= 2
  return pieceLength
}

/** BEP 52's order: by the bytes of each name on the way down. */
function comparePaths(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareBytes(utf8(a[i]), utf8(b[i]))
    if (order !== 0) return order
  }
  return a.length - b.length
}

/** A name that every receiver would keep as it is. */
function isPortable(name: string): boolean {
  return name !== '' && safeName(utf8(name)) === name
}

function checkNames(name: string, files: readonly SourceFile[], singleFile: boolean): Verdict {
  const register = new PathRegister()
  for (const file of files) {
    const path = singleFile ? [name] : [name, ...file.path]
    const culprit = path.find(element => !isPortable(element))
    if (culprit !== undefined) return reject('torrent-name-unsafe', `not a portable name: ${culprit}`)
    if (!isStorablePath(path)) return reject('torrent-path-too-long', `too long for some systems: ${path.join('/')}`)
    if (register.claim(path).join('/') !== path.join('/')) {
      return reject('torrent-names-collide', `some systems cannot tell this name from another: ${path.join('/')}`)
    }
  }
  return accept()
}

/**
 * Lays files out as a torrent, in an order that depends on nothing but their names. Names that a careful receiver would
 * have to change are refused.
 *
 * @param name the folder's name, or the single file's
 */
export function planTorrent(
  name: string,
  sources: readonly SourceFile[],
  singleFile: boolean,
  options: TorrentPlanOptions,
): Verdict<TorrentPlan> {
  const { version } = options
  if (sources.length === 0) return reject('torrent-no-files')
  if (sources.length > TORRENT_LIMITS.fileCountMax) return reject('torrent-too-many-files')
  const names = checkNames(name, sources, singleFile)
  if (!names.ok) return names
  const dataSize = sources.reduce((sum, file) => sum + file.length, 0)
  if (dataSize === 0) return reject('torrent-empty', 'no file has any bytes')
  const pieceLength = options.pieceLength ?? choosePieceLength(dataSize)
  const isPowerOfTwo = 2 ** Math.round(Math.log2(pieceLength)) === pieceLength
  if (!isPowerOfTwo || pieceLength < PIECE_LENGTH_MIN || pieceLength > TORRENT_LIMITS.pieceLengthMax) {
    return reject('torrent-piece-length-invalid')
  }
  const files: PlannedFile[] = []
  let offset = 0
  for (const source of sources.toSorted((a, b) => comparePaths(a.path, b.path))) {
    const gap = version === 'v1' || source.length === 0 ? 0 : (pieceLength - (offset % pieceLength)) % pieceLength
    if (gap > 0) files.push({ source: undefined, length: gap, offset })
    offset += gap
    files.push({ source, length: source.length, offset })
    offset += source.length
  }
  const pieceCount = Math.ceil(offset / pieceLength)
  if (offset > TORRENT_LIMITS.totalSizeMax || pieceCount > TORRENT_LIMITS.pieceCountMax) {
    return reject('torrent-too-large')
  }
  const isPrivate = options.private ?? false
  return accept({ name, singleFile, version, private: isPrivate, pieceLength, pieceCount, totalSize: offset, files })
}

/** What hashing a plan gave. */
export interface TorrentHashes {
  /** SHA-1 of each piece, padding included: 20 bytes a piece; for v1 and hybrid. */
  readonly pieceHashes?: Uint8Array
  /** Root of each planned file's merkle tree, in the plan's order; for v2 and hybrid. */
  readonly roots?: readonly (Uint8Array | undefined)[]
  /** By root in hex: hashes of the pieces of each file that has more than one. */
  readonly pieceLayers?: ReadonlyMap<string, Uint8Array>
}

/** What may be said around the info dictionary. */
export interface MetainfoExtras {
  readonly trackers?: readonly (readonly string[])[]
  readonly webSeeds?: readonly string[]
  readonly comment?: string
  readonly createdBy?: string
  /** Seconds since 1970; left out unless given, so that equal files make equal torrents. */
  readonly creationDate?: number
}

function filesV1(plan: TorrentPlan): Bencodable {
  return plan.files.map(({ source, length }) =>
    source === undefined
      ? { attr: 'p', length, path: ['.pad', `${length}`] }
      : { attr: source.executable ? 'x' : undefined, length, path: source.path },
  )
}

type MutableTree = Map<string, MutableTree | Bencodable>

function fileTree(plan: TorrentPlan, roots: readonly (Uint8Array | undefined)[]): Bencodable {
  const tree: MutableTree = new Map()
  plan.files.forEach(({ source, length }, index) => {
    if (source === undefined) return
    let folder = tree
    for (const element of plan.singleFile ? [plan.name] : source.path) {
      const key = byteKey(utf8(element))
      const child = folder.get(key) ?? new Map()
      folder.set(key, child)
      folder = child as MutableTree
    }
    folder.set('', { attr: source.executable ? 'x' : undefined, length, 'pieces root': roots[index] })
  })
  return tree as Bencodable
}

/** The info dictionary of a plan that has been hashed. */
export function encodeInfo(plan: TorrentPlan, hashes: TorrentHashes): Uint8Array {
  const hasV1 = plan.version !== 'v2'
  const hasV2 = plan.version !== 'v1'
  invariant(!hasV1 || hashes.pieceHashes?.length === 20 * plan.pieceCount, 'piece hashes do not fit the plan')
  invariant(!hasV2 || hashes.roots?.length === plan.files.length, 'merkle roots do not fit the plan')
  return encodeBencode({
    attr: hasV1 && plan.singleFile && plan.files[0].source?.executable ? 'x' : undefined,
    files: hasV1 && !plan.singleFile ? filesV1(plan) : undefined,
    'file tree': hasV2 ? fileTree(plan, hashes.roots!) : undefined,
    length: hasV1 && plan.singleFile ? plan.totalSize : undefined,
    'meta version': hasV2 ? 2 : undefined,
    name: plan.name,
    'piece length': plan.pieceLength,
    pieces: hasV1 ? hashes.pieceHashes : undefined,
    private: plan.private ? 1 : undefined,
  })
}

/** A .torrent file around an info dictionary. */
export function encodeMetainfo(
  info: Uint8Array,
  pieceLayers: ReadonlyMap<string, Uint8Array> | undefined,
  extras: MetainfoExtras = {},
): Uint8Array {
  const fields = new Map<string, Bencodable>()
  const { trackers = [], webSeeds = [] } = extras
  if (trackers.length > 0) fields.set('announce', trackers[0][0])
  if (trackers.flat().length > 1) fields.set('announce-list', trackers)
  if (extras.comment !== undefined) fields.set('comment', extras.comment)
  if (extras.createdBy !== undefined) fields.set('created by', extras.createdBy)
  if (extras.creationDate !== undefined) fields.set('creation date', extras.creationDate)
  if (webSeeds.length > 0) fields.set('url-list', webSeeds)
  if (pieceLayers !== undefined) {
    const layers = new Map<string, Bencodable>()
    for (const [root, layer] of pieceLayers) layers.set(byteKey(hex(root)), layer)
    fields.set('piece layers', layers)
  }
  fields.set('info', new Verbatim(info))
  return encodeBencode(fields)
}
