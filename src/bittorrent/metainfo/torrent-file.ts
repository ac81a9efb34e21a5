import type { BencodeDict } from '../bencode/value.ts'

/** A file as a torrent lists it, with a path that is safe to use below the download folder. */
export interface TorrentFile {
  /** From the download folder down: the torrent's own folder first, if it has one. Empty for padding. */
  readonly path: readonly string[]
  readonly length: number
  /** Where its bytes begin in the torrent's space of pieces. */
  readonly offset: number
  /** BEP 47: bytes known to be zero, never stored. */
  readonly padding: boolean
  readonly executable: boolean
  readonly hidden: boolean
  /** BEP 47: what a symbolic link points to, from the torrent's own folder down. */
  readonly symlink?: readonly string[]
  /** BEP 52: root of the merkle tree; absent in v1 and for empty files. */
  readonly piecesRoot?: Uint8Array
}

/** Limits on what a torrent may claim; far above any in use. */
export const TORRENT_LIMITS = {
  pieceLengthMax: 2 ** 29,
  pieceCountMax: 2 ** 22,
  fileCountMax: 1_000_000,
  /** Names in the paths of all files: a tree (BEP 52) says in a few bytes what each path repeats. */
  pathElementsMax: 4_000_000,
  totalSizeMax: 2 ** 44,
  infoBytesMax: 64 * 1024 * 1024,
} as const

/** What the readers of the two halves share. */
export interface InfoContext {
  readonly info: BencodeDict
  readonly name: string
  readonly pieceLength: number
}

/** The files that a half of the dictionary lists, and where they end. */
export interface ListedFiles {
  readonly files: TorrentFile[]
  readonly totalSize: number
  readonly singleFile: boolean
}
