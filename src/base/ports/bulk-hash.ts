/** SHA-1 of a message that comes in parts: see {@link BulkHash.hashPieces}. */
export interface Sha1State {
  /** The hash of all that came, 20 bytes. Nothing may follow. */
  digest(): Uint8Array
}

/** The next bytes of one piece of a torrent. */
export interface PieceWork {
  /** Takes the bytes; `undefined` where SHA-1 is not wanted. */
  readonly sha1: Sha1State | undefined
  /** BEP 52: receives the SHA-256 of each 16 KiB, 32 bytes each; `undefined` where they are not wanted. */
  readonly leaves: Uint8Array | undefined
  /** The bytes, in order. Where leaves are wanted, each part but the last is a whole number of 16 KiB. */
  readonly parts: readonly Uint8Array[]
  /** Zeros that follow the bytes (BEP 47), for SHA-1 alone. */
  readonly zeros: number
}

/** Hashes over much data, as fast as the platform has them. */
export interface BulkHash {
  /** Names the implementation for `peers doctor`. */
  readonly name: string
  /** Pieces that are hashed side by side where so many are given at once: one alone would leave the processor waiting. */
  readonly lanes: number
  sha1(data: Uint8Array): Uint8Array
  sha256(data: Uint8Array): Uint8Array
  /** SHA-256 of consecutive messages of 64 bytes: one level of a merkle tree. `out` may begin where `pairs` does. */
  sha256Pairs(pairs: Uint8Array, out: Uint8Array): void
  /** The SHA-1 of nothing yet. */
  startSha1(): Sha1State
  /** Hashes here and now; no two works may have the same state. */
  hashPieces(works: readonly PieceWork[]): void
  /**
   * The same beside whatever the caller goes on with, where the platform has a way: parts, states and leaves must be left alone until
   * it resolves.
   */
  readonly hashPiecesAside: ((works: readonly PieceWork[]) => Promise<void>) | undefined
}
