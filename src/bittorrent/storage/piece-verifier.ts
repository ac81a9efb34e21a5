import { equalBytes } from '../../base/bytes/bytes.ts'
import type { BulkHash, PieceWork, Sha1State } from '../../base/ports/bulk-hash.ts'
import { MERKLE_HASH_BYTES, subtreeRoot } from '../metainfo/merkle.ts'

/** What a piece must hash to. */
export interface ExpectedHashes {
  /** SHA-1 of the whole piece. */
  readonly sha1?: Uint8Array
  /** BEP 52: the piece's node of the merkle tree, and how many levels it stands above the leaves. */
  readonly merkle?: { readonly root: Uint8Array; readonly levels: number }
  /** Zeros that follow the piece's data (BEP 47); part of the SHA-1, not of the tree. */
  readonly paddingBytes: number
}

/** The running hash of one piece, its blocks in order. */
export class PieceVerifier {
  readonly #hash: BulkHash
  readonly #expected: ExpectedHashes
  readonly #blockCount: number
  readonly #sha1: Sha1State | undefined
  /** Up to the tree's width: what lies beyond the data stays zero, as BEP 52 has it. */
  readonly #leaves: Uint8Array | undefined
  #next = 0

  constructor(hash: BulkHash, expected: ExpectedHashes, blockCount: number) {
    this.#hash = hash
    this.#expected = expected
    this.#blockCount = blockCount
    this.#sha1 = expected.sha1 && hash.startSha1()
    this.#leaves = expected.merkle && new Uint8Array(MERKLE_HASH_BYTES * 2 ** expected.merkle.levels)
  }

  /** The block that is to be hashed next. */
  get nextBlock(): number {
    return this.#next
  }

  /** What is to be done for the next blocks; {@link took} tells that it is. */
  work(blockCount: number, parts: readonly Uint8Array[]): PieceWork {
    const end = this.#next + blockCount
    return {
      sha1: this.#sha1,
      leaves: this.#leaves?.subarray(MERKLE_HASH_BYTES * this.#next, MERKLE_HASH_BYTES * end),
      parts,
      zeros: end === this.#blockCount ? this.#expected.paddingBytes : 0,
    }
  }

  took(blockCount: number): void {
    this.#next += blockCount
  }

  /** After the last block: whether the piece is what the torrent says. */
  matches(): boolean {
    const { sha1, merkle } = this.#expected
    if (this.#sha1 !== undefined && !equalBytes(this.#sha1.digest(), sha1!)) return false
    if (this.#leaves === undefined) return true
    return equalBytes(subtreeRoot(this.#leaves.slice(), this.#hash.sha256Pairs), merkle!.root)
  }

  /** After the last block: SHA-256 of each, 32 bytes; `undefined` where the piece has no tree. */
  get leaves(): Uint8Array | undefined {
    return this.#leaves?.subarray(0, MERKLE_HASH_BYTES * this.#blockCount)
  }
}
