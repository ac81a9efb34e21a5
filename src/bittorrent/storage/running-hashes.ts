import type { BulkHash, PieceWork, Sha1State } from '../../base/ports/bulk-hash.ts'
import { MERKLE_HASH_BYTES, subtreeRoot } from '../metainfo/merkle.ts'

/** Which hashes of a piece are wanted, and what of it there is to hash. */
export interface HashPlan {
  readonly sha1: boolean
  /** BEP 52: levels of the piece's tree; `undefined` where it has none. */
  readonly levels: number | undefined
  readonly blockCount: number
  /** Zeros that follow the piece's data (BEP 47); part of the SHA-1, not of the tree. */
  readonly paddingBytes: number
}

/** What a piece hashed to. */
export interface FoundHashes {
  readonly sha1: Uint8Array | undefined
  /** BEP 52: the piece's node of the merkle tree. */
  readonly root: Uint8Array | undefined
}

/** The running hashes of one piece, its blocks in order. */
export class RunningHashes {
  readonly #hash: BulkHash
  readonly #plan: HashPlan
  readonly #sha1: Sha1State | undefined
  /** Up to the tree's width: what lies beyond the data stays zero, as BEP 52 has it. */
  readonly #leaves: Uint8Array | undefined
  #next = 0

  constructor(hash: BulkHash, plan: HashPlan) {
    this.#hash = hash
    this.#plan = plan
    this.#sha1 = plan.sha1 ? hash.startSha1() : undefined
    this.#leaves = plan.levels === undefined ? undefined : new Uint8Array(MERKLE_HASH_BYTES * 2 ** plan.levels)
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
      zeros: end === this.#plan.blockCount ? this.#plan.paddingBytes : 0,
    }
  }

  took(blockCount: number): void {
    this.#next += blockCount
  }

  /** After the last block, once. */
  found(): FoundHashes {
    return {
      sha1: this.#sha1?.digest(),
      root: this.#leaves && subtreeRoot(this.#leaves.slice(), this.#hash.sha256Pairs),
    }
  }

  /** After the last block: SHA-256 of each, 32 bytes; `undefined` where the piece has no tree. */
  get leaves(): Uint8Array | undefined {
    return this.#leaves?.subarray(0, MERKLE_HASH_BYTES * this.#plan.blockCount)
  }
}
