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
