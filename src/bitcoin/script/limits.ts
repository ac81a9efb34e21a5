/** Limits of script execution; all of them are consensus. */

/** Bytes of one stack item. */
export const MAX_SCRIPT_ELEMENT_SIZE = 520
/** Operations other than pushes in one script, tapscript excepted. */
export const MAX_OPS_PER_SCRIPT = 201
export const MAX_PUBKEYS_PER_MULTISIG = 20
/** Bytes of one script, tapscript excepted. */
export const MAX_SCRIPT_SIZE = 10_000
/** Items on both stacks together. */
export const MAX_STACK_SIZE = 1000
/** Lock times below are block heights, others are seconds since 1970. */
export const LOCKTIME_THRESHOLD = 500_000_000
/** BIP68: a sequence with this bit set is no relative lock time. */
export const SEQUENCE_LOCKTIME_DISABLE_FLAG = 0x8000_0000
/** BIP68: with this bit set the relative lock time counts units of 512 seconds, else blocks. */
export const SEQUENCE_LOCKTIME_TYPE_FLAG = 0x0040_0000
export const SEQUENCE_LOCKTIME_MASK = 0x0000_ffff
