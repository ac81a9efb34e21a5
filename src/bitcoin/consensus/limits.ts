/** Consensus limits of a block, with Core's names. */

/** BIP141: the heaviest block. */
export const MAX_BLOCK_WEIGHT = 4_000_000
/** The longest serialised block. */
export const MAX_BLOCK_SERIALIZED_SIZE = 4_000_000
/** BIP141: the most that signature operations may cost. */
export const MAX_BLOCK_SIGOPS_COST = 80_000
export const WITNESS_SCALE_FACTOR = 4
/** Blocks after which a coinbase's outputs may be spent. */
export const COINBASE_MATURITY = 100
/** How far ahead of our clock a block's time may be. */
export const MAX_FUTURE_BLOCK_TIME_SECONDS = 2 * 60 * 60
/** BIP94: how far a period's first block may reach back behind its parent. */
export const MAX_TIMEWARP_SECONDS = 600
