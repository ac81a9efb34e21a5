/**
 * Script verification flags, named and numbered as Core's SCRIPT_VERIFY_*. All of them are soft forks: what passes under a set
 * of flags also passes under each subset of it.
 */

/** BIP16: evaluate the redeem script of pay-to-script-hash. */
export const SCRIPT_VERIFY_P2SH = 1 << 0
/** Strict DER, defined hash types, and plain public keys only. */
export const SCRIPT_VERIFY_STRICTENC = 1 << 1
/** BIP66: strict DER. */
export const SCRIPT_VERIFY_DERSIG = 1 << 2
export const SCRIPT_VERIFY_LOW_S = 1 << 3
/** BIP147: the item that CHECKMULTISIG consumes needlessly must be empty. */
export const SCRIPT_VERIFY_NULLDUMMY = 1 << 4
export const SCRIPT_VERIFY_SIGPUSHONLY = 1 << 5
export const SCRIPT_VERIFY_MINIMALDATA = 1 << 6
export const SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS = 1 << 7
/** Exactly one item may remain; never used without P2SH and WITNESS. */
export const SCRIPT_VERIFY_CLEANSTACK = 1 << 8
/** BIP65. */
export const SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY = 1 << 9
/** BIP112. */
export const SCRIPT_VERIFY_CHECKSEQUENCEVERIFY = 1 << 10
/** BIP141, BIP143; never used without P2SH. */
export const SCRIPT_VERIFY_WITNESS = 1 << 11
export const SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM = 1 << 12
export const SCRIPT_VERIFY_MINIMALIF = 1 << 13
export const SCRIPT_VERIFY_NULLFAIL = 1 << 14
export const SCRIPT_VERIFY_WITNESS_PUBKEYTYPE = 1 << 15
/** No OP_CODESEPARATOR and nothing for FindAndDelete to find in scripts before segwit. */
export const SCRIPT_VERIFY_CONST_SCRIPTCODE = 1 << 16
/** BIP341, BIP342. */
export const SCRIPT_VERIFY_TAPROOT = 1 << 17
export const SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION = 1 << 18
export const SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS = 1 << 19
export const SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE = 1 << 20

export const SCRIPT_VERIFY_NONE = 0

/** Every flag that exists. */
export const ALL_SCRIPT_VERIFY_FLAGS = (1 << 21) - 1

/** What every new transaction must satisfy; a failure under these is a fault of the sender, not a matter of policy. */
export const MANDATORY_SCRIPT_VERIFY_FLAGS =
  SCRIPT_VERIFY_P2SH |
  SCRIPT_VERIFY_DERSIG |
  SCRIPT_VERIFY_NULLDUMMY |
  SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY |
  SCRIPT_VERIFY_CHECKSEQUENCEVERIFY |
  SCRIPT_VERIFY_WITNESS |
  SCRIPT_VERIFY_TAPROOT

/** What the mempool asks of a transaction. */
export const STANDARD_SCRIPT_VERIFY_FLAGS =
  MANDATORY_SCRIPT_VERIFY_FLAGS |
  SCRIPT_VERIFY_STRICTENC |
  SCRIPT_VERIFY_MINIMALDATA |
  SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS |
  SCRIPT_VERIFY_CLEANSTACK |
  SCRIPT_VERIFY_MINIMALIF |
  SCRIPT_VERIFY_NULLFAIL |
  SCRIPT_VERIFY_LOW_S |
  SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM |
  SCRIPT_VERIFY_WITNESS_PUBKEYTYPE |
  SCRIPT_VERIFY_CONST_SCRIPTCODE |
  SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION |
  SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS |
  SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE

/** Flags by the names that test vectors and RPC answers use, in alphabetical order. */
export const SCRIPT_FLAGS_BY_NAME: ReadonlyMap<string, number> = new Map([
  ['CHECKLOCKTIMEVERIFY', SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY],
  ['CHECKSEQUENCEVERIFY', SCRIPT_VERIFY_CHECKSEQUENCEVERIFY],
  ['CLEANSTACK', SCRIPT_VERIFY_CLEANSTACK],
  ['CONST_SCRIPTCODE', SCRIPT_VERIFY_CONST_SCRIPTCODE],
  ['DERSIG', SCRIPT_VERIFY_DERSIG],
  ['DISCOURAGE_OP_SUCCESS', SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS],
  ['DISCOURAGE_UPGRADABLE_NOPS', SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS],
  ['DISCOURAGE_UPGRADABLE_PUBKEYTYPE', SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE],
  ['DISCOURAGE_UPGRADABLE_TAPROOT_VERSION', SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION],
  ['DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM', SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM],
  ['LOW_S', SCRIPT_VERIFY_LOW_S],
  ['MINIMALDATA', SCRIPT_VERIFY_MINIMALDATA],
  ['MINIMALIF', SCRIPT_VERIFY_MINIMALIF],
  ['NULLDUMMY', SCRIPT_VERIFY_NULLDUMMY],
  ['NULLFAIL', SCRIPT_VERIFY_NULLFAIL],
  ['P2SH', SCRIPT_VERIFY_P2SH],
  ['SIGPUSHONLY', SCRIPT_VERIFY_SIGPUSHONLY],
  ['STRICTENC', SCRIPT_VERIFY_STRICTENC],
  ['TAPROOT', SCRIPT_VERIFY_TAPROOT],
  ['WITNESS', SCRIPT_VERIFY_WITNESS],
  ['WITNESS_PUBKEYTYPE', SCRIPT_VERIFY_WITNESS_PUBKEYTYPE],
])

/** Flags of a comma-separated list of names; the empty text and `NONE` mean none. `undefined` where a name is unknown. */
export function parseScriptFlags(text: string): number | undefined {
  if (text === '' || text === 'NONE') return SCRIPT_VERIFY_NONE
  let flags = 0
  for (const name of text.split(',')) {
    const flag = SCRIPT_FLAGS_BY_NAME.get(name)
    if (flag === undefined) return undefined
    flags |= flag
  }
  return flags
}

/** The names of `flags`, in alphabetical order. */
export function scriptFlagNames(flags: number): string[] {
  return [...SCRIPT_FLAGS_BY_NAME].filter(([, flag]) => (flags & flag) !== 0).map(([name]) => name)
}
