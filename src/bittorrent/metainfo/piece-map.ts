import { invariant } from '../../base/errors.ts'
import { MERKLE_BLOCK_BYTES, merkleLevels } from './merkle.ts'
import type { TorrentInfo } from './torrent-info.ts'

/** Peers ask for pieces in blocks of this many bytes (BEP 3; BEP 52 fixes it). */
export const PIECE_BLOCK_BYTES = MERKLE_BLOCK_BYTES

/** A run of bytes within one file. */
export interface FileSlice {
  /** Index into the torrent's files. */
  readonly file: number
  readonly fileOffset: number
  readonly length: number
}

/** Where a piece stands in its file's merkle tree (BEP 52). */
export interface MerklePlace {
  readonly file: number
  /** The piece's number within its file. */
  readonly pieceInFile: number
  /** Leaves that hash data; the others of the piece are zero. */
  readonly leafCount: number
  /** Levels from the leaves to the hash that the torrent gives for the piece. */
  readonly levels: number
}

/** The geometry of a torrent: which bytes of which files make up each piece. */
export class PieceMap {
  readonly #info: TorrentInfo
  /** Offsets of all files, for searching. */
  readonly #offsets: Float64Array
  readonly #hasPadding: boolean
  /** Of torrents with padding, once somebody asks: it is asked for with every block. */
  #dataSizes: Uint32Array | undefined
  readonly pieceCount: number
  readonly pieceLength: number

  constructor(info: TorrentInfo) {
    this.#info = info
    this.pieceCount = info.pieceCount
    this.pieceLength = info.pieceLength
    this.#hasPadding = info.files.some(file => file.padding)
    this.#offsets = Float64Array.from(info.files, file => file.offset)
  }

  /** Bytes of a piece, padding included. */
  size(piece: number): number {
    return Math.min(this.pieceLength, this.#info.totalSize - piece * this.pieceLength)
  }

  /**
   * Bytes of a piece that travel and are stored: without padding at its end. A piece that is nothing but padding is treated as data, so
   * that its hash is checked like any other's.
   */
  dataSize(piece: number): number {
    if (!this.#hasPadding) return this.size(piece)
    this.#dataSizes ??= Uint32Array.from({ length: this.pieceCount }, (_, each) => this.#sizeWithoutPadding(each))
    return this.#dataSizes[piece]
  }

  #sizeWithoutPadding(piece: number): number {
    const start = piece * this.pieceLength
    let end = start + this.size(piece)
    const { files } = this.#info
    for (let i = this.#fileAt(end - 1); i >= 0; i--) {
      const file = files[i]
      if (file.length === 0) continue
      if (!file.padding || file.offset <= start) break
      end = Math.min(end, file.offset)
    }
    return end - start
  }

  blockCount(piece: number): number {
    return Math.ceil(this.dataSize(piece) / PIECE_BLOCK_BYTES)
  }

  blockSize(piece: number, block: number): number {
    return Math.min(PIECE_BLOCK_BYTES, this.dataSize(piece) - block * PIECE_BLOCK_BYTES)
  }

  /** Index of the last file that begins at or before `position`. */
  #fileAt(position: number): number {
    let low = 0
    let high = this.#offsets.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.#offsets[middle] <= position) low = middle
      else high = middle - 1
    }
    return low
  }

  /** The runs of files, padding and empty files included, that hold `length` bytes from `position` on. */
  slices(position: number, length: number): FileSlice[] {
    const { files, totalSize } = this.#info
    invariant(position >= 0 && length >= 0 && position + length <= totalSize, 'slice outside the torrent')
    const slices: FileSlice[] = []
    let at = position
    const end = position + length
    let index = this.#fileAt(position)
    // Empty files share the offset of their successor; the search may end on any of them.
    while (index > 0 && files[index].offset + files[index].length > at && files[index].offset > at) index--
    for (; at < end; index++) {
      const file = files[index]
      const fileEnd = file.offset + file.length
      if (fileEnd <= at) continue
      const run = Math.min(end, fileEnd) - at
      slices.push({ file: index, fileOffset: at - file.offset, length: run })
      at += run
    }
    return slices
  }

  /** First and last piece that hold bytes of a file; `undefined` for an empty one. */
  piecesOfFile(file: number): readonly [first: number, last: number] | undefined {
    const { offset, length } = this.#info.files[file]
    if (length === 0) return undefined
    return [Math.floor(offset / this.pieceLength), Math.floor((offset + length - 1) / this.pieceLength)]
  }

  /** For v2 and hybrid torrents; `undefined` for a piece of padding alone. */
  merklePlace(piece: number): MerklePlace | undefined {
    const start = piece * this.pieceLength
    const { files } = this.#info
    let index = this.#fileAt(start)
    while (index > 0 && files[index].length === 0) index--
    const file = files[index]
    if (file.piecesRoot === undefined) return undefined
    const leafCount = Math.ceil(Math.min(this.pieceLength, file.offset + file.length - start) / MERKLE_BLOCK_BYTES)
    const levels = merkleLevels(file.length <= this.pieceLength ? leafCount : this.pieceLength / MERKLE_BLOCK_BYTES)
    return { file: index, pieceInFile: (start - file.offset) / this.pieceLength, leafCount, levels }
  }
}
