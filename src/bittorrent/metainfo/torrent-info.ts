import { toHex } from '../../base/bytes/bytes.ts'
import { sha1, sha256 } from '../../base/crypto/hash.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { decodeBencode } from '../bencode/decode.ts'
import { asDict, bytesField, integerField } from '../bencode/fields.ts'
import type { BencodeDict } from '../bencode/value.ts'
import { readFilesV1 } from './info-v1.ts'
import { mergeHybrid, readFilesV2 } from './info-v2.ts'
import { safeName } from './safe-path.ts'
import { type InfoContext, type ListedFiles, TORRENT_LIMITS, type TorrentFile } from './torrent-file.ts'

/** The hashes that torrents are judged by. */
export interface TorrentHashes {
  sha1(data: Uint8Array): Uint8Array
  sha256(data: Uint8Array): Uint8Array
}

/** Where nothing faster is at hand. */
export const PORTABLE_HASHES: TorrentHashes = { sha1, sha256 }

/** An info dictionary that was found sound: what the infohash stands for. */
export interface TorrentInfo {
  /** The dictionary's own bytes, which the infohashes are of. */
  readonly bytes: Uint8Array
  /** SHA-1 of them, for v1 and hybrid torrents: 20 bytes. */
  readonly infohashV1: Uint8Array | undefined
  /** SHA-256 of them, for v2 and hybrid torrents: 32 bytes. */
  readonly infohashV2: Uint8Array | undefined
  /** Safe to use as a name of a file or folder. */
  readonly name: string
  /** Whether it is one file and no folder. */
  readonly singleFile: boolean
  readonly pieceLength: number
  readonly pieceCount: number
  /** Bytes of all files, padding included: where the last piece ends. */
  readonly totalSize: number
  /** In the order of their offsets; v2's gaps appear as padding. */
  readonly files: readonly TorrentFile[]
  /** SHA-1 of each piece, 20 bytes each; absent in v2-only torrents. */
  readonly pieceHashes: Uint8Array | undefined
  /** BEP 27: peers come from its trackers alone. */
  readonly private: boolean
}

function readName(info: BencodeDict, fallback: string): string | undefined {
  const bytes = bytesField(info, 'name.utf-8') ?? bytesField(info, 'name')
  if (bytes === undefined || bytes.length === 0) return undefined
  return safeName(bytes) ?? fallback
}

function readPieceLength(info: BencodeDict, isV2: boolean): number | undefined {
  const pieceLength = integerField(info, 'piece length')
  if (pieceLength === undefined || pieceLength <= 0 || pieceLength > TORRENT_LIMITS.pieceLengthMax) return undefined
  // BEP 52: a power of two, and no smaller than a leaf of the tree.
  const isPowerOfTwo = 2 ** Math.round(Math.log2(pieceLength)) === pieceLength
  return isV2 && (!isPowerOfTwo || pieceLength < 16_384) ? undefined : pieceLength
}

function readFiles(context: InfoContext, hasV1: boolean, hasV2: boolean): Verdict<ListedFiles> {
  const v1 = hasV1 ? readFilesV1(context) : undefined
  if (v1 !== undefined && !v1.ok) return v1
  const v2 = hasV2 ? readFilesV2(context) : undefined
  if (v2 !== undefined && !v2.ok) return v2
  if (v1 !== undefined && v2 !== undefined) return mergeHybrid(v1.value, v2.value)
  return (v1 ?? v2)!
}

/**
 * Judges an info dictionary.
 *
 * @param bytes exactly the dictionary
 * @param hashes for the infohashes
 */
export function parseTorrentInfo(bytes: Uint8Array, hashes = PORTABLE_HASHES): Verdict<TorrentInfo> {
  if (bytes.length > TORRENT_LIMITS.infoBytesMax) return reject('torrent-info-too-large')
  const decoded = decodeBencode(bytes, { allowUnsorted: true })
  if (!decoded.ok) return decoded
  const info = asDict(decoded.value.value)
  if (info === undefined) return reject('torrent-info-invalid', 'the info section is not a dictionary')

  const metaVersion = info.get('meta version') ?? 1
  if (metaVersion !== 1 && metaVersion !== 2) return reject('torrent-version-unknown', `meta version ${metaVersion}`)
  const hasV2 = metaVersion === 2
  const pieceHashes = bytesField(info, 'pieces')
  const hasV1 = !hasV2 || pieceHashes !== undefined
  if (hasV2) {
    // BEP 52: clients must reject what is not canonical.
    const strict = decodeBencode(bytes)
    if (!strict.ok) return strict
  }

  const infohashV1 = hasV1 ? hashes.sha1(bytes) : undefined
  const infohashV2 = hasV2 ? hashes.sha256(bytes) : undefined
  const name = readName(info, toHex((infohashV1 ?? infohashV2)!))
  if (name === undefined) return reject('torrent-name-missing')
  const pieceLength = readPieceLength(info, hasV2)
  if (pieceLength === undefined) return reject('torrent-piece-length-invalid')

  const listed = readFiles({ info, name, pieceLength }, hasV1, hasV2)
  if (!listed.ok) return listed
  const { files, totalSize, singleFile } = listed.value
  if (totalSize === 0) return reject('torrent-empty', 'no file has any bytes')
  if (totalSize > TORRENT_LIMITS.totalSizeMax) return reject('torrent-too-large')
  const pieceCount = Math.ceil(totalSize / pieceLength)
  if (pieceCount > TORRENT_LIMITS.pieceCountMax) return reject('torrent-too-many-pieces')
  if (hasV1) {
    if (pieceHashes === undefined) return reject('torrent-pieces-missing')
    if (pieceHashes.length !== 20 * pieceCount) return reject('torrent-pieces-count')
  }
  return accept({
    bytes,
    infohashV1,
    infohashV2,
    name,
    singleFile,
    pieceLength,
    pieceCount,
    totalSize,
    files,
    pieceHashes: hasV1 ? pieceHashes : undefined,
    private: info.get('private') === 1,
  })
}
