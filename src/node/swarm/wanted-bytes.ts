import type { Torrent } from '../../bittorrent/swarm/torrent.ts'

/** Bytes of the pieces that are wanted, and of those that are there; zeros while nobody knows the pieces. */
export function wantedBytes({ picker, map }: Torrent): { readonly doneBytes: number; readonly totalBytes: number } {
  let [doneBytes, totalBytes] = [0, 0]
  if (picker === undefined || map === undefined) return { doneBytes, totalBytes }
  for (let piece = 0; piece < picker.pieceCount; piece++) {
    if (picker.priority(piece) === 0) continue
    const bytes = map.dataSize(piece)
    totalBytes += bytes
    if (picker.have.has(piece)) doneBytes += bytes
  }
  return { doneBytes, totalBytes }
}

/** BEP 21: bytes that are missing of the whole torrent, wanted or not. BEP 3: one while nobody knows, for zero would say that we seed. */
export function missingBytes({ picker, map, isSeed }: Torrent): number {
  if (picker === undefined || map === undefined) return 1
  let missing = 0
  for (let piece = 0; !isSeed && piece < picker.pieceCount; piece++) {
    if (!picker.have.has(piece)) missing += map.dataSize(piece)
  }
  return missing
}
