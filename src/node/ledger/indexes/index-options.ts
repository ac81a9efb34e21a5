/** Which indexes a ledger keeps; plain data that crosses threads. */
export interface IndexOptions {
  /** -txindex: where every transaction stands. */
  readonly transactions: boolean
  /** -blockfilterindex: BIP158's basic filters. */
  readonly blockFilters: boolean
  /** -coinstatsindex: statistics and hashes of all coins behind every block. */
  readonly coinStats: boolean
}

export const NO_INDEXES: IndexOptions = {
  transactions: false,
  blockFilters: false,
  coinStats: false,
}
