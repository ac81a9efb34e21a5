import { type PieceLayers, pieceRoot } from '../metainfo/piece-layers.ts'
import type { PieceMap } from '../metainfo/piece-map.ts'
import type { TorrentInfo } from '../metainfo/torrent-info.ts'
import type { ExpectedHashes } from './piece-verifier.ts'

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
