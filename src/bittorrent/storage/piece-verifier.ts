import { equalBytes } from '../../base/bytes/bytes.ts'
import type { BulkHash, HashStream } from '../../base/ports/bulk-hash.ts'
import { MERKLE_BLOCK_BYTES, MERKLE_HASH_BYTES, merkleRoot } from '../metainfo/merkle.ts'

/** What a piece must hash to. */
export interface ExpectedHashes {
  /** SHA-1 of the whole piece. */
  readonly sha1?: Uint8Array
  /** BEP 52: the piece's node of the merkle tree, and how many levels it stands above the leaves. */
  readonly merkle?: { readonly root: Uint8Array; readonly levels: number }
  /** Zeros that follow the piece's data (BEP 47); part of the SHA-1, not of the tree. */
  readonly paddingBytes: number
}

const ZEROS = new Uint8Array(65_536)
const NO_HASH = new Uint8Array(MERKLE_HASH_BYTES)

/** The running hash of one piece, its blocks in order. */
export class PieceVerifier {
  readonly #hash: BulkHash
  readonly #expected: ExpectedHashes
  readonly #sha1: HashStream | undefined
  readonly #leaves: Uint8Array | undefined
  #next = 0

  constructor(hash: BulkHash, expected: ExpectedHashes, blockCount: number) {
    this.#hash = hash
    this.#expected = expected
    this.#sha1 = expected.sha1 && hash.sha1Stream()
    this.#leaves = expected.merkle && new Uint8Array(blockCount * MERKLE_HASH_BYTES)
  }

  /** The block that is wanted next. */
  get nextBlock(): number {
    return this.#next
  }

  /** Takes the next blocks, one or many; only the last of a piece may be short. */
  update(blocks: Uint8Array): void {
    this.#sha1?.update(blocks)
    for (let at = 0; at < blocks.length; at += MERKLE_BLOCK_BYTES) {
      const leaf = this.#leaves && this.#hash.sha256(blocks.subarray(at, at + MERKLE_BLOCK_BYTES))
      this.#leaves?.set(leaf!, this.#next * MERKLE_HASH_BYTES)
      this.#next++
    }
  }

  /** After the last block: whether the piece is what the torrent says. */
  matches(): boolean {
    const { sha1, merkle, paddingBytes } = this.#expected
    if (this.#sha1 !== undefined) {
      for (let left = paddingBytes; left > 0; left -= ZEROS.length) {
        this.#sha1.update(left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS)
      }
      if (!equalBytes(this.#sha1.digest(), sha1!)) return false
    }
    if (merkle === undefined || this.#leaves === undefined) return true
    return equalBytes(merkleRoot(this.#leaves, merkle.levels, NO_HASH, this.#hash.sha256), merkle.root)
  }
}
