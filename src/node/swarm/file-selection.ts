import type { PieceMap } from '../../bittorrent/metainfo/piece-map.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'

/** Chooses files by their path in the torrent, without the torrent's own folder. */
export type ChooseFile = (path: string, index: number) => boolean

/** BEP 53: files by their places in the torrent; `undefined`, which is all of them, where none are named. */
export function chooseByIndex(indices: readonly number[]): ChooseFile | undefined {
  const chosen = new Set(indices)
  return chosen.size === 0 ? undefined : (_, index) => chosen.has(index)
}

/** A file's path as people choose by it: the torrent's own folder is no part of it. */
export function chosenPath(info: TorrentInfo, file: number): string {
  return info.files[file].path.slice(info.singleFile ? 0 : 1).join('/')
}

/** The files that nobody asked for. */
export function unwantedFiles(info: TorrentInfo, only: ChooseFile | undefined): Set<number> {
  const unwanted = new Set<number>()
  if (only === undefined) return unwanted
  for (const [index, file] of info.files.entries()) {
    if (!file.padding && !only(chosenPath(info, index), index)) unwanted.add(index)
  }
  return unwanted
}

/** The pieces that hold no byte of a wanted file, with the priority that says so. */
export function unwantedPieces(
  info: TorrentInfo,
  map: PieceMap,
  unwanted: ReadonlySet<number>,
): { readonly piece: number; readonly priority: 0 }[] {
  const wanted = new Set<number>()
  for (const [index, file] of info.files.entries()) {
    const range = file.padding || unwanted.has(index) ? undefined : map.piecesOfFile(index)
    if (range === undefined) continue
    for (let piece = range[0]; piece <= range[1]; piece++) wanted.add(piece)
  }
  const pieces: { piece: number; priority: 0 }[] = []
  for (let piece = 0; piece < map.pieceCount; piece++) if (!wanted.has(piece)) pieces.push({ piece, priority: 0 })
  return pieces
}
