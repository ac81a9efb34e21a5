/** What a message may hold at most. Names say what is limited; the values are Core's. */
export const WIRE_LIMITS = {
  /** Bytes of a message's payload. */
  payloadBytesMax: 4_000_000,
  /** Characters of a command. */
  commandLengthMax: 12,
  /** Bytes of the user agent in a version message. */
  userAgentBytesMax: 256,
  addressesMax: 1000,
  inventoryMax: 50_000,
  locatorHashesMax: 101,
  headersMax: 2000,
  /** BIP152: the block's transactions are numbered with 16 bits. */
  compactBlockTransactionsMax: 0xffff,
  /** BIP157 */
  filterHashesMax: 2000,
  /** BIP157: one for each thousand blocks; that is ten million blocks. */
  filterCheckpointsMax: 10_000,
  /** BIP37 */
  bloomFilterBytesMax: 36_000,
  bloomFilterHashFunctionsMax: 50,
  bloomElementBytesMax: 520,
  /** A block has no room for more transactions of the smallest size that is valid. */
  merkleBlockTransactionsMax: 16_666,
} as const
