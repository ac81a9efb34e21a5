/** Randomness: a cryptographic source in production, a seeded one in the simulator. */
export interface Random {
  /** Fresh random bytes. */
  bytes(length: number): Uint8Array
  /** A whole number in [0, bound), evenly drawn; `bound` at most 2^32. */
  below(bound: number): number
  u64(): bigint
}
