import type { PieceMap } from '../../bittorrent/metainfo/piece-map.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import { fitsAny } from './glob.ts'

/** Chooses files by their path in the torrent, without the torrent's own folder, and with it, as paths are shown. */
export type ChooseFile = (path: string, index: number, shownPath: string) => boolean

/** BEP 53: files by their places in the torrent; `undefined`, which is all of them, where none are named. */
export function chooseByIndex(indices: readonly number[]): ChooseFile | undefined {
  const chosen = new Set(indices)
  return chosen.size === 0 ? undefined : (_, index) => chosen.has(index)
}

/** Files that fit one of several patterns, in either form of their paths: people copy what they are shown. */
export function chooseByPatterns(patterns: readonly string[]): ChooseFile {
  return (path, _, shownPath) => fitsAny(path, patterns) || fitsAny(shownPath, patterns)
}

/** The paths of all files but padding as they are shown. */
export function shownPaths(info: TorrentInfo): string[] {
  return info.files.filter(file => !file.padding).map(file => file.path.join('/'))
}

/** Whether a file is chosen, by its path as it is shown; that of a single file has no folder. */
export function isChosen(choose: ChooseFile, shownPath: string, index: number): boolean {
  return choose(shownPath.slice(shownPath.indexOf('/') + 1), index, shownPath)
}

/** The files that nobody asked for. */
export function unwantedFiles(info: TorrentInfo, only: ChooseFile | undefined): Set<number> {
  const unwanted = new Set<number>()
  if (only === undefined) return unwanted
  for (const [index, file] of info.files.entries()) {
    if (!file.padding && !isChosen(only, file.path.join('/'), index)) unwanted.add(index)
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
