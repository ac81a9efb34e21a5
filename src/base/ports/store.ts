/** One change of a batch: a put, or, where `value` is undefined, a delete. */
export interface StoreChange {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** An ordered key-value store. Keys order as byte strings. */
export interface Store {
  get(key: Uint8Array): Uint8Array | undefined
  /**
   * Applies all changes or none. Resolves once they are visible and survive the end of the process; with `sync`, once they
   * survive a power failure too.
   */
  write(changes: readonly StoreChange[], options?: { sync?: boolean }): Promise<void>
  /** Entries with `from` ≤ key < `to`, in order, in batches; sees the store as it was when the iteration began. */
  entries(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly (readonly [Uint8Array, Uint8Array])[]>
  /** Bytes on disk that the keys in [from, to) take, roughly. */
  approximateSize(from: Uint8Array, to: Uint8Array): Promise<number>
  close(): Promise<void>
}
