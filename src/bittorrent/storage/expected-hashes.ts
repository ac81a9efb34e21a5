import { equalBytes } from '../../base/bytes/bytes.ts'
import { type PieceLayers, pieceRoot } from '../metainfo/piece-layers.ts'
import type { PieceMap } from '../metainfo/piece-map.ts'
import type { TorrentInfo } from '../metainfo/torrent-info.ts'
import type { FoundHashes } from './running-hashes.ts'

/** What a piece must hash to. */
export interface ExpectedHashes {
  /** SHA-1 of the whole piece. */
  readonly sha1?: Uint8Array
  /** BEP 52: the piece's node of the merkle tree, and how many levels it stands above the leaves. */
  readonly merkle?: { readonly root: Uint8Array; readonly levels: number }
  /** Zeros that follow the piece's data (BEP 47); part of the SHA-1, not of the tree. */
  readonly paddingBytes: number
}

/**
 * What a piece must hash to; `undefined` where nothing is known yet by which to judge it (v2, without its piece layer).
 * A hybrid's piece must match both ways, unless its layer is missing.
 */
export function expectedHashes(
  info: TorrentInfo,
  map: PieceMap,
  layers: PieceLayers,
  piece: number,
): ExpectedHashes | undefined {
  const paddingBytes = map.size(piece) - map.dataSize(piece)
  const sha1 = info.pieceHashes?.subarray(20 * piece, 20 * piece + 20)
  const place = info.infohashV2 === undefined ? undefined : map.merklePlace(piece)
  if (place === undefined) return sha1 && { sha1, paddingBytes }
  const root = pieceRoot(info, layers, place)
  if (root === undefined) return sha1 && { sha1, paddingBytes }
  return { ...(sha1 && { sha1 }), merkle: { root, levels: place.levels }, paddingBytes }
}

/** Whether a piece is what the torrent says, by all of its hashes. */
export function isAsExpected({ sha1, root }: FoundHashes, expected: ExpectedHashes): boolean {
  return isSame(sha1, expected.sha1) && isSame(root, expected.merkle?.root)
}

/** Whether a piece is right by one half of a hybrid and wrong by the other: then the torrent is wrong, and nobody who gave it. */
export function isContradiction({ sha1, root }: FoundHashes, expected: ExpectedHashes): boolean {
  if (expected.sha1 === undefined || expected.merkle === undefined) return false
  return isSame(sha1, expected.sha1) !== isSame(root, expected.merkle.root)
}

function isSame(found: Uint8Array | undefined, expected: Uint8Array | undefined): boolean {
  return expected === undefined || (found !== undefined && equalBytes(found, expected))
}
