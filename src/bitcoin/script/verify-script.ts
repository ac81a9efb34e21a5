import { emptyBytes } from '../../base/bytes/bytes.ts'
import { invariant } from '../../base/errors.ts'
import { Execution, type SignatureChecker } from './execution.ts'
import { isPushAt } from './find-and-delete.ts'
import {
  SCRIPT_VERIFY_CLEANSTACK,
  SCRIPT_VERIFY_P2SH,
  SCRIPT_VERIFY_SIGPUSHONLY,
  SCRIPT_VERIFY_WITNESS,
} from './flags.ts'
import { evalScript } from './interpreter.ts'
import type { ScriptError } from './script-error.ts'
import type { ScriptHasher } from './script-hasher.ts'
import { isTruthy } from './script-number.ts'
import { isPushOnly } from './script-reader.ts'
import { SIG_BASE } from './signature-version.ts'
import { isPayToScriptHash, isWitnessProgram, witnessProgram, witnessVersion } from './standard.ts'
import { verifyWitnessProgram } from './witness-program.ts'

/** A WITNESS without P2SH, or a CLEANSTACK without both, would make the flags no soft forks of one another. */
function assertSoundFlags(flags: number): void {
  invariant(
    (flags & SCRIPT_VERIFY_CLEANSTACK) === 0 || (flags & SCRIPT_VERIFY_WITNESS) !== 0,
    'script flag CLEANSTACK without WITNESS',
  )
  invariant(
    (flags & SCRIPT_VERIFY_WITNESS) === 0 || (flags & SCRIPT_VERIFY_P2SH) !== 0,
    'script flag WITNESS without P2SH',
  )
}

/**
 * Whether `scriptSig` and `witness` satisfy `scriptPubKey`.
 *
 * @param flags SCRIPT_VERIFY_* bits
 * @param checker what the scripts see of the transaction
 * @returns why they do not; undefined where they do
 *
 * @example
 * const error = verifyScript(scriptSig, scriptPubKey, [], MANDATORY_SCRIPT_VERIFY_FLAGS, checker, new ScriptHasher(crypto))
 * if (error) return reject(`mandatory-script-verify-flag-failed (${scriptErrorMessage(error)})`)
 */
export function verifyScript(
  scriptSig: Uint8Array,
  scriptPubKey: Uint8Array,
  witness: readonly Uint8Array[],
  flags: number,
  checker: SignatureChecker,
  hasher: ScriptHasher,
): ScriptError | undefined {
  assertSoundFlags(flags)
  const witnessOn = (flags & SCRIPT_VERIFY_WITNESS) !== 0
  const isProgram = witnessOn && isWitnessProgram(scriptPubKey)

  if (isProgram && scriptSig.length === 0) {
    // What running the two scripts comes to: the program is left on top, and must count as true.
    const program = witnessProgram(scriptPubKey)
    if (!isTruthy(program)) return 'EVAL_FALSE'
    return verifyWitnessProgram(witnessVersion(scriptPubKey), program, witness, flags, false, checker, hasher)
  }

  if ((flags & SCRIPT_VERIFY_SIGPUSHONLY) !== 0 && !isPushOnly(scriptSig)) return 'SIG_PUSHONLY'

  // CVE-2010-5141: one script after the other on one stack, never their concatenation.
  const stack: Uint8Array[] = []
  let error = evalScript(new Execution(scriptSig, stack, flags, SIG_BASE, checker, hasher))
  if (error !== undefined) return error
  const payToScriptHash = (flags & SCRIPT_VERIFY_P2SH) !== 0 && isPayToScriptHash(scriptPubKey)
  const afterScriptSig = payToScriptHash ? stack.slice() : stack
  error = evalScript(new Execution(scriptPubKey, stack, flags, SIG_BASE, checker, hasher))
  if (error !== undefined) return error
  if (stack.length === 0 || !isTruthy(stack[stack.length - 1])) return 'EVAL_FALSE'
  // A witness program is satisfied by its witness alone; anything in scriptSig would be malleable.
  if (isProgram) return 'WITNESS_MALLEATED'

  if (payToScriptHash) {
    return verifyRedeemScript(scriptSig, afterScriptSig, witness, flags, checker, hasher)
  }
  return checkLeftovers(stack, witness, flags)
}

/** BIP16: the last item that scriptSig pushed is a script, to be run on the items below it. */
function verifyRedeemScript(
  scriptSig: Uint8Array,
  stack: Uint8Array[],
  witness: readonly Uint8Array[],
  flags: number,
  checker: SignatureChecker,
  hasher: ScriptHasher,
): ScriptError | undefined {
  if (!isPushOnly(scriptSig)) return 'SIG_PUSHONLY'
  // Never empty: the hash in scriptPubKey was compared with something.
  const redeemScript = stack.pop() ?? emptyBytes()
  const error = evalScript(new Execution(redeemScript, stack, flags, SIG_BASE, checker, hasher))
  if (error !== undefined) return error
  if (stack.length === 0 || !isTruthy(stack[stack.length - 1])) return 'EVAL_FALSE'

  if ((flags & SCRIPT_VERIFY_WITNESS) !== 0 && isWitnessProgram(redeemScript)) {
    // BIP141: scriptSig must be exactly one push of the redeem script, else it would be malleable.
    if (scriptSig.length !== redeemScript.length + 1 || !isPushAt(scriptSig, 0, redeemScript)) {
      return 'WITNESS_MALLEATED_P2SH'
    }
    const program = witnessProgram(redeemScript)
    return verifyWitnessProgram(witnessVersion(redeemScript), program, witness, flags, true, checker, hasher)
  }
  return checkLeftovers(stack, witness, flags)
}

/** What must not be left over once a script without witness program has succeeded. */
function checkLeftovers(
  stack: readonly Uint8Array[],
  witness: readonly Uint8Array[],
  flags: number,
): ScriptError | undefined {
  if ((flags & SCRIPT_VERIFY_CLEANSTACK) !== 0 && stack.length !== 1) return 'CLEANSTACK'
  if ((flags & SCRIPT_VERIFY_WITNESS) !== 0 && witness.length > 0) return 'WITNESS_UNEXPECTED'
  return undefined
}
