import { compactSizeLength } from '../../base/bytes/writer.ts'
import { Execution, NO_CODE_SEPARATOR, type SignatureChecker, type TaprootContext } from './execution.ts'
import {
  SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS,
  SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION,
  SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM,
  SCRIPT_VERIFY_NULLFAIL,
  SCRIPT_VERIFY_TAPROOT,
} from './flags.ts'
import { evalScript } from './interpreter.ts'
import { MAX_SCRIPT_ELEMENT_SIZE, MAX_STACK_SIZE } from './limits.ts'
import { isOpSuccess } from './opcodes.ts'
import { payToPublicKeyHash } from './script-builder.ts'
import type { ScriptError } from './script-error.ts'
import type { ScriptHasher } from './script-hasher.ts'
import { isTruthy } from './script-number.ts'
import { ScriptReader } from './script-reader.ts'
import { checkPublicKeyEncoding, checkSignatureEncoding } from './signature-encoding.ts'
import { SIG_TAPROOT, SIG_TAPSCRIPT, SIG_WITNESS_V0 } from './signature-version.ts'
import { isAnchorProgram } from './standard.ts'

const WITNESS_V0_SCRIPTHASH_SIZE = 32
const WITNESS_V0_KEYHASH_SIZE = 20
const WITNESS_V1_TAPROOT_SIZE = 32

const ANNEX_TAG = 0x50
const TAPROOT_LEAF_MASK = 0xfe
const TAPROOT_LEAF_TAPSCRIPT = 0xc0
const TAPROOT_CONTROL_BASE_SIZE = 33
const TAPROOT_CONTROL_NODE_SIZE = 32
const TAPROOT_CONTROL_MAX_NODE_COUNT = 128
/** BIP342: the signature budget is this much more than the size of the witness. */
const VALIDATION_WEIGHT_OFFSET = 50

/** BIP141: whether a witness satisfies a program; undefined where it does. */
export function verifyWitnessProgram(
  version: number,
  program: Uint8Array,
  witness: readonly Uint8Array[],
  flags: number,
  inScriptHash: boolean,
  checker: SignatureChecker,
  hasher: ScriptHasher,
): ScriptError | undefined {
  if (version === 0) {
    if (program.length === WITNESS_V0_KEYHASH_SIZE) return verifyKeyHash(program, witness, flags, checker, hasher)
    if (program.length === WITNESS_V0_SCRIPTHASH_SIZE) return verifyScriptHash(program, witness, flags, checker, hasher)
    return 'WITNESS_PROGRAM_WRONG_LENGTH'
  }
  if (version === 1 && program.length === WITNESS_V1_TAPROOT_SIZE && !inScriptHash) {
    if ((flags & SCRIPT_VERIFY_TAPROOT) === 0) return undefined
    return verifyTaproot(program, witness, flags, checker, hasher)
  }
  if (!inScriptHash && isAnchorProgram(version, program)) return undefined
  // Any other version is left to later soft forks.
  return (flags & SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM) !== 0
    ? 'DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM'
    : undefined
}

/**
 * BIP141: P2WPKH stands for `DUP HASH160 <program> EQUALVERIFY CHECKSIG` on the two items of the witness. That script is not
 * run but spelled out here, step by step in its order, because this is the commonest spend of all.
 */
function verifyKeyHash(
  program: Uint8Array,
  witness: readonly Uint8Array[],
  flags: number,
  checker: SignatureChecker,
  hasher: ScriptHasher,
): ScriptError | undefined {
  if (witness.length !== 2) return 'WITNESS_PROGRAM_MISMATCH'
  const signature = witness[0]
  const publicKey = witness[1]
  if (signature.length > MAX_SCRIPT_ELEMENT_SIZE || publicKey.length > MAX_SCRIPT_ELEMENT_SIZE) return 'PUSH_SIZE'
  if (!hasher.matchesHash160(publicKey, program)) return 'EQUALVERIFY'
  const error = checkSignatureEncoding(signature, flags) ?? checkPublicKeyEncoding(publicKey, flags, SIG_WITNESS_V0)
  if (error !== undefined) return error
  if (checker.checkEcdsa(signature, publicKey, payToPublicKeyHash(program), SIG_WITNESS_V0)) return undefined
  return (flags & SCRIPT_VERIFY_NULLFAIL) !== 0 && signature.length > 0 ? 'NULLFAIL' : 'EVAL_FALSE'
}

/** BIP141: P2WSH, whose last witness item is the script. */
function verifyScriptHash(
  program: Uint8Array,
  witness: readonly Uint8Array[],
  flags: number,
  checker: SignatureChecker,
  hasher: ScriptHasher,
): ScriptError | undefined {
  if (witness.length === 0) return 'WITNESS_PROGRAM_WITNESS_EMPTY'
  const script = witness[witness.length - 1]
  if (!hasher.matchesSha256(script, program)) return 'WITNESS_PROGRAM_MISMATCH'
  const stack = witness.slice(0, -1)
  return runWitnessScript(new Execution(script, stack, flags, SIG_WITNESS_V0, checker, hasher))
}

/** BIP341. */
function verifyTaproot(
  program: Uint8Array,
  witness: readonly Uint8Array[],
  flags: number,
  checker: SignatureChecker,
  hasher: ScriptHasher,
): ScriptError | undefined {
  let count = witness.length
  if (count === 0) return 'WITNESS_PROGRAM_WITNESS_EMPTY'
  let annexHash: Uint8Array | undefined
  if (count >= 2 && witness[count - 1][0] === ANNEX_TAG) annexHash = hasher.annexHash(witness[--count])
  if (count === 1) {
    const taproot: TaprootContext = {
      annexHash,
      leafHash: undefined,
      codeSeparatorPosition: NO_CODE_SEPARATOR,
      weightLeft: 0,
    }
    return checker.checkSchnorr(witness[0], program, SIG_TAPROOT, taproot)
  }

  const control = witness[count - 1]
  const script = witness[count - 2]
  const pathSize = control.length - TAPROOT_CONTROL_BASE_SIZE
  if (pathSize < 0 || pathSize % TAPROOT_CONTROL_NODE_SIZE !== 0) return 'TAPROOT_WRONG_CONTROL_SIZE'
  if (pathSize > TAPROOT_CONTROL_NODE_SIZE * TAPROOT_CONTROL_MAX_NODE_COUNT) return 'TAPROOT_WRONG_CONTROL_SIZE'
  const leafVersion = control[0] & TAPROOT_LEAF_MASK
  const leafHash = hasher.tapLeafHash(leafVersion, script)
  if (!hasher.commitsToLeaf(program, control, leafHash)) return 'WITNESS_PROGRAM_MISMATCH'
  if (leafVersion === TAPROOT_LEAF_TAPSCRIPT) {
    const weightLeft = serializedSize(witness) + VALIDATION_WEIGHT_OFFSET
    const taproot = { annexHash, leafHash, codeSeparatorPosition: NO_CODE_SEPARATOR, weightLeft }
    const stack = witness.slice(0, count - 2)
    return runTapscript(new Execution(script, stack, flags, SIG_TAPSCRIPT, checker, hasher, taproot))
  }
  return (flags & SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION) !== 0
    ? 'DISCOURAGE_UPGRADABLE_TAPROOT_VERSION'
    : undefined
}

/** Bytes of a witness on the wire. */
function serializedSize(witness: readonly Uint8Array[]): number {
  let size = compactSizeLength(witness.length)
  for (const item of witness) size += compactSizeLength(item.length) + item.length
  return size
}

/** BIP342: an OP_SUCCESS overrides everything, limits included, if all before it can be parsed. */
function runTapscript(run: Execution): ScriptError | undefined {
  const reader = new ScriptReader(run.reader.script)
  while (!reader.atEnd) {
    if (!reader.next()) return 'BAD_OPCODE'
    if (isOpSuccess(reader.opcode)) {
      return (run.flags & SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS) !== 0 ? 'DISCOURAGE_OP_SUCCESS' : undefined
    }
  }
  if (run.stack.length > MAX_STACK_SIZE) return 'STACK_SIZE'
  return runWitnessScript(run)
}

/** Scripts in a witness must leave exactly one true item, whatever the flags. */
function runWitnessScript(run: Execution): ScriptError | undefined {
  const { stack } = run
  for (let i = 0; i < stack.length; i++) if (stack[i].length > MAX_SCRIPT_ELEMENT_SIZE) return 'PUSH_SIZE'
  const error = evalScript(run)
  if (error !== undefined) return error
  if (stack.length !== 1) return 'CLEANSTACK'
  return isTruthy(stack[0]) ? undefined : 'EVAL_FALSE'
}
