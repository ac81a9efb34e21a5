import { equalBytes, toHex } from '../../base/bytes/bytes.ts'
import { sha256 } from '../../base/crypto/hash.ts'
import { MERKLE_BLOCK_BYTES, MERKLE_HASH_BYTES, merkleLevels, merklePad, merkleRoot, type Sha256 } from './merkle.ts'
import type { MerklePlace } from './piece-map.ts'
import type { TorrentFile } from './torrent-file.ts'
import type { TorrentInfo } from './torrent-info.ts'

/** BEP 52's piece layers: for each file of more than one piece, by its root in hex, the hashes of its pieces. */
export type PieceLayers = ReadonlyMap<string, Uint8Array>

/** Whether a file's pieces need a layer: one of a single piece has its root for a hash. */
export function needsPieceLayer(file: TorrentFile, pieceLength: number): boolean {
  return file.piecesRoot !== undefined && file.length > pieceLength
}

/** Whether these are the hashes of the file's pieces: their number is right and they lead to the file's root. */
export function isPieceLayer(
  file: TorrentFile,
  pieceLength: number,
  layer: Uint8Array,
  hash: Sha256 = sha256,
): boolean {
  const pieces = Math.ceil(file.length / pieceLength)
  if (file.piecesRoot === undefined || layer.length !== pieces * MERKLE_HASH_BYTES) return false
  const pad = merklePad(merkleLevels(pieceLength / MERKLE_BLOCK_BYTES), hash)
  return equalBytes(merkleRoot(layer, merkleLevels(pieces), pad, hash), file.piecesRoot)
}

/** What a piece's leaves must lead to: a hash of its file's layer, or the root of a file of one piece; `undefined` where the layer is missing. */
export function pieceRoot(info: TorrentInfo, layers: PieceLayers, place: MerklePlace): Uint8Array | undefined {
  const { piecesRoot, length } = info.files[place.file]
  if (length <= info.pieceLength) return piecesRoot
  const start = MERKLE_HASH_BYTES * place.pieceInFile
  return layers.get(toHex(piecesRoot!))?.subarray(start, start + MERKLE_HASH_BYTES)
}

/** Whether every file that needs a layer has one. */
export function hasAllPieceLayers(info: TorrentInfo, layers: PieceLayers): boolean {
  return info.files.every(file => !needsPieceLayer(file, info.pieceLength) || layers.has(toHex(file.piecesRoot!)))
}
