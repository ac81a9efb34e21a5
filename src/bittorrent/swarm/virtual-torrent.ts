import { concatBytes, toHex } from '../../base/bytes/bytes.ts'
import { sha256 } from '../../base/crypto/hash.ts'
import { invariant } from '../../base/errors.ts'
import { encodeInfo, planTorrent, type TorrentVersion } from '../metainfo/create-metainfo.ts'
import { merkleLayers, merkleLevels } from '../metainfo/merkle.ts'
import type { PieceLayers } from '../metainfo/piece-layers.ts'
import { PIECE_BLOCK_BYTES } from '../metainfo/piece-map.ts'
import { parseTorrentInfo, type TorrentInfo } from '../metainfo/torrent-info.ts'

/** For tests: the leaf (BEP 52) of a block of so many zeros. */
export function zeroLeaf(size: number): Uint8Array {
  return sha256(new Uint8Array(size))
}

export interface VirtualTorrent {
  readonly info: TorrentInfo
  readonly layers: PieceLayers
}

/** For tests: a torrent of one file of so many zeros, whose SHA-1 hashes are never looked at; and its layers, if it has a tree. */
export function makeTorrent(version: TorrentVersion, sizeBytes: number, pieceLength: number): VirtualTorrent {
  const plan = planTorrent('film', [{ path: ['film'], length: sizeBytes }], true, { version, pieceLength })
  invariant(plan.ok, 'the plan is sound')
  const pieceHashes = new Uint8Array(20 * plan.value.pieceCount)
  const layers = new Map<string, Uint8Array>()
  let roots: Uint8Array[] = []
  if (version !== 'v1') {
    const full = Math.floor(sizeBytes / PIECE_BLOCK_BYTES)
    const rest = sizeBytes % PIECE_BLOCK_BYTES
    const leaves = [
      ...new Array<Uint8Array>(full).fill(zeroLeaf(PIECE_BLOCK_BYTES)),
      ...(rest > 0 ? [zeroLeaf(rest)] : []),
    ]
    const tree = merkleLayers(concatBytes(...leaves), new Uint8Array(32), sha256)
    roots = tree.slice(-1)
    const pieces = Math.ceil(sizeBytes / pieceLength)
    const layer = tree[merkleLevels(pieceLength / PIECE_BLOCK_BYTES)]
    if (pieces > 1) layers.set(toHex(roots[0]), layer.slice(0, 32 * pieces))
  }
  const info = parseTorrentInfo(encodeInfo(plan.value, { pieceHashes, roots }))
  invariant(info.ok, 'the torrent is sound')
  return { info: info.value, layers }
}
