/** A hash that takes its input in parts. */
export interface HashStream {
  update(data: Uint8Array): void
  /** Ends the stream: nothing more may follow. */
  digest(): Uint8Array
}

/** Hashes over much data, as fast as the platform has them. */
export interface BulkHash {
  sha1Stream(): HashStream
  sha1(data: Uint8Array): Uint8Array
  sha256(data: Uint8Array): Uint8Array
}
