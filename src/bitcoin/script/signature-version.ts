/** How a script's signatures commit to the transaction. */
export type SigVersion = typeof SIG_BASE | typeof SIG_WITNESS_V0 | typeof SIG_TAPROOT | typeof SIG_TAPSCRIPT

/** Bare scripts, and redeem scripts of BIP16. */
export const SIG_BASE = 0
/** BIP143. */
export const SIG_WITNESS_V0 = 1
/** BIP341, key path. */
export const SIG_TAPROOT = 2
/** BIP342. */
export const SIG_TAPSCRIPT = 3

/** Taproot alone: no byte at all, which means SIGHASH_ALL. */
export const SIGHASH_DEFAULT = 0
export const SIGHASH_ALL = 1
export const SIGHASH_NONE = 2
export const SIGHASH_SINGLE = 3
export const SIGHASH_ANYONECANPAY = 0x80
