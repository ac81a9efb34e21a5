import { concatBytes, equalBytes, toHex } from '../../base/bytes/bytes.ts'
import { sha256 } from '../../base/crypto/hash.ts'
import { MERKLE_BLOCK_BYTES, merkleLayers, merkleLevels, merklePad } from '../metainfo/merkle.ts'
import type { PieceLayers } from '../metainfo/piece-layers.ts'
import type { TorrentInfo } from '../metainfo/torrent-info.ts'
import type { HashRange } from '../wire/hash-messages.ts'
import { SecondBudget } from './second-budget.ts'

/** Upper trees kept for answering: those that were used last. */
const TREES_BYTES_MAX = 16 * 1024 * 1024
/** Bytes of hashes from which trees are built in a second. */
const BUILT_BYTES_PER_SECOND = 1024 * 1024
/** Data that is read and hashed for one answer. */
const LEAF_BYTES_MAX = 16 * 1024 * 1024

const SIZE = 32
const NO_LEAF = new Uint8Array(SIZE)

/** Leaves that an answer needs: those of whole pieces, from the disk. */
export interface LeafSpan {
  readonly file: number
  /** First leaf, counted within the file. */
  readonly first: number
  /** Leaves that have data; those up to `span` stand for nothing. */
  readonly count: number
  readonly span: number
}

/** BEP 52: answers those who ask for hashes of a file's tree, with proofs. */
export class HashAnswers {
  readonly #info: TorrentInfo
  readonly #layers: PieceLayers
  /** From the one that was used longest ago to the last. */
  readonly #trees = new Map<string, Uint8Array[]>()
  #treesBytes = 0
  readonly #builds = new SecondBudget(BUILT_BYTES_PER_SECOND)
  /** Files by their roots; made for the first who asks. */
  #files: Map<string, number> | undefined
  readonly #leavesPerPiece: number

  constructor(info: TorrentInfo, layers: PieceLayers) {
    this.#info = info
    this.#layers = layers
    this.#leavesPerPiece = info.pieceLength / MERKLE_BLOCK_BYTES
  }

  #fileOf(root: string): number | undefined {
    if (this.#files === undefined) {
      this.#files = new Map()
      for (const [index, { piecesRoot }] of this.#info.files.entries()) {
        if (piecesRoot !== undefined) this.#files.set(toHex(piecesRoot), index)
      }
    }
    return this.#files.get(root)
  }

  /** The file that a range is of, and how high its tree is; `undefined` where it has no such range. */
  #place(range: HashRange): { file: number; leaves: number; height: number } | undefined {
    const file = this.#fileOf(toHex(range.piecesRoot))
    if (file === undefined) return undefined
    const leaves = Math.ceil(this.#info.files[file].length / MERKLE_BLOCK_BYTES)
    const height = merkleLevels(leaves)
    const isInside = range.index + range.length <= 2 ** (height - range.baseLayer)
    return isInside ? { file, leaves, height } : undefined
  }

  /** Leaves without which a range cannot be answered; `undefined` where it can be, or never will. */
  leavesFor(range: HashRange): LeafSpan | undefined {
    const place = this.#place(range)
    if (place === undefined) return undefined
    const perPiece = Math.min(this.#leavesPerPiece, 2 ** place.height)
    if (2 ** range.baseLayer >= perPiece) return undefined
    const span = Math.max(perPiece, range.length * 2 ** range.baseLayer)
    const first = Math.floor((range.index * 2 ** range.baseLayer) / span) * span
    const count = Math.min(span, place.leaves - first)
    if (span * MERKLE_BLOCK_BYTES > LEAF_BYTES_MAX || count <= 0) return undefined
    return { file: place.file, first, count, span }
  }

  /**
   * The hashes of a range and their proof; `undefined` where we cannot give them.
   *
   * @param leaves those that `leavesFor` wanted, 32 bytes each
   */
  answer(range: HashRange, now: number, leaves?: Uint8Array): Uint8Array | undefined {
    const place = this.#place(range)
    if (place === undefined) return undefined
    const wanted = this.leavesFor(range)
    if (wanted !== undefined && leaves?.length !== SIZE * wanted.count) return undefined
    const lower = wanted && this.#lowerTree(wanted, leaves!)
    if (wanted !== undefined && lower === undefined) return undefined
    const perPieceLevels = merkleLevels(this.#leavesPerPiece)
    const at = (level: number, index: number, count: number): Uint8Array | undefined => {
      const local = lower?.[level]
      const offset = SIZE * (index - Math.floor((wanted?.first ?? 0) / 2 ** level))
      if (local !== undefined && offset >= 0 && offset + SIZE * count <= local.length)
        return local.subarray(offset, offset + SIZE * count)
      const upper = this.#upperTree(toHex(range.piecesRoot), now)?.[level - perPieceLevels]
      const start = SIZE * index
      return upper !== undefined && start + SIZE * count <= upper.length
        ? upper.subarray(start, start + SIZE * count)
        : undefined
    }
    const parts = [at(range.baseLayer, range.index, range.length)]
    // The proof begins above the subtree that the hashes themselves make.
    for (let up = merkleLevels(range.length); up <= range.proofLayers && range.baseLayer + up < place.height; up++)
      parts.push(at(range.baseLayer + up, Math.floor(range.index / 2 ** up) ^ 1, 1))
    return parts.every(part => part !== undefined) ? concatBytes(...parts) : undefined
  }

  /** The tree over the span's leaves; `undefined` where it does not lead to the hashes of its pieces: their data has changed. */
  #lowerTree({ file, first, span }: LeafSpan, leaves: Uint8Array): Uint8Array[] | undefined {
    const padded = new Uint8Array(SIZE * span)
    padded.set(leaves)
    const tree = merkleLayers(padded, NO_LEAF, sha256)
    const root = this.#info.files[file].piecesRoot!
    const layer = this.#layers.get(toHex(root))
    // A file of one piece has no layer of pieces.
    if (layer === undefined) return equalBytes(tree.at(-1)!, root) ? tree : undefined
    const piece = first / this.#leavesPerPiece
    const expected = layer.subarray(SIZE * piece, SIZE * (piece + span / this.#leavesPerPiece))
    const found = tree[merkleLevels(this.#leavesPerPiece)].subarray(0, expected.length)
    return equalBytes(found, expected) ? tree : undefined
  }

  /** The tree from the piece layer up; `undefined` where there is none, or too many had to be built of late. */
  #upperTree(root: string, now: number): Uint8Array[] | undefined {
    const tree = this.#trees.get(root) ?? this.#build(root, now)
    if (tree === undefined) return undefined
    this.#trees.delete(root)
    this.#trees.set(root, tree)
    return tree
  }

  #build(root: string, now: number): Uint8Array[] | undefined {
    const layer = this.#layers.get(root)
    if (layer === undefined || !this.#builds.take(layer.length, now)) return undefined
    const tree = merkleLayers(layer, merklePad(merkleLevels(this.#leavesPerPiece), sha256), sha256)
    this.#treesBytes += treeBytes(tree)
    for (const [oldest, old] of this.#trees) {
      if (this.#treesBytes <= TREES_BYTES_MAX) break
      this.#trees.delete(oldest)
      this.#treesBytes -= treeBytes(old)
    }
    return tree
  }
}

function treeBytes(tree: readonly Uint8Array[]): number {
  return tree.reduce((sum, layer) => sum + layer.length, 0)
}
