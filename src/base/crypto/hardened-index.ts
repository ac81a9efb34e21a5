/** BIP32: children from here on are hardened; in a file of its own for those who write paths and derive nothing. */
export const HARDENED_INDEX = 0x8000_0000
