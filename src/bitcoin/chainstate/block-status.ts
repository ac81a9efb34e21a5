/** What is known of a block, as bits of its index entry; values are those of Core's files. */

/** Headers up to here are checked. */
export const BLOCK_VALID_TREE = 2
/** The block was received and satisfies everything that needs no coins. */
export const BLOCK_VALID_TRANSACTIONS = 3
/** Everything is checked, scripts too (or they were assumed valid). */
export const BLOCK_VALID_SCRIPTS = 5
export const BLOCK_VALID_MASK = 7

export const BLOCK_HAVE_DATA = 8
export const BLOCK_HAVE_UNDO = 16
/** The block, or one that it descends from, breaks a rule or was invalidated by its owner. */
export const BLOCK_FAILED_VALID = 32
/** No longer set: read as {@link BLOCK_FAILED_VALID}. */
export const BLOCK_FAILED_CHILD = 64
/** The block was stored with its witness. */
export const BLOCK_OPT_WITNESS = 128
