import type { Execution, Operation } from './execution.ts'
import { findAndDeletePush } from './find-and-delete.ts'
import {
  SCRIPT_VERIFY_CONST_SCRIPTCODE,
  SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE,
  SCRIPT_VERIFY_MINIMALDATA,
  SCRIPT_VERIFY_NULLDUMMY,
  SCRIPT_VERIFY_NULLFAIL,
} from './flags.ts'
import { MAX_OPS_PER_SCRIPT, MAX_PUBKEYS_PER_MULTISIG } from './limits.ts'
import {
  OP_CHECKMULTISIG,
  OP_CHECKMULTISIGVERIFY,
  OP_CHECKSIG,
  OP_CHECKSIGADD,
  OP_CHECKSIGVERIFY,
  OP_CODESEPARATOR,
  OP_HASH160,
  OP_HASH256,
  OP_RIPEMD160,
  OP_SHA1,
  OP_SHA256,
} from './opcodes.ts'
import type { ScriptError } from './script-error.ts'
import type { ScriptHasher } from './script-hasher.ts'
import { decodeScriptNumber, encodeScriptNumber, FALSE_ITEM, TRUE_ITEM } from './script-number.ts'
import { checkPublicKeyEncoding, checkSignatureEncoding } from './signature-encoding.ts'
import { SIG_BASE, SIG_TAPSCRIPT } from './signature-version.ts'

/** BIP342: what each signature takes from the budget. */
const VALIDATION_WEIGHT_PER_SIGOP_PASSED = 50

function hashing(hash: (hasher: ScriptHasher, item: Uint8Array) => Uint8Array): Operation {
  return run => {
    const { stack } = run
    if (stack.length < 1) return 'INVALID_STACK_OPERATION'
    stack[stack.length - 1] = hash(run.hasher, stack[stack.length - 1])
    return undefined
  }
}

function codeSeparator(run: Execution): ScriptError | undefined {
  run.codeStart = run.reader.position
  if (run.taproot !== undefined) run.taproot.codeSeparatorPosition = run.operationIndex
  return undefined
}

/** Checks one signature before tapscript; whether it holds goes to `run.signatureValid`. */
function evalEcdsa(run: Execution, signature: Uint8Array, publicKey: Uint8Array): ScriptError | undefined {
  const { flags, version } = run
  let scriptCode = run.scriptCode()
  if (version === SIG_BASE) {
    const remaining = findAndDeletePush(scriptCode, signature)
    if (remaining !== scriptCode && (flags & SCRIPT_VERIFY_CONST_SCRIPTCODE) !== 0) return 'SIG_FINDANDDELETE'
    scriptCode = remaining
  }
  const error = checkSignatureEncoding(signature, flags) ?? checkPublicKeyEncoding(publicKey, flags, version)
  if (error !== undefined) return error
  run.signatureValid = run.checker.checkEcdsa(signature, publicKey, scriptCode, version)
  if (!run.signatureValid && (flags & SCRIPT_VERIFY_NULLFAIL) !== 0 && signature.length > 0) return 'NULLFAIL'
  return undefined
}

/** BIP342: the order of these rules is consensus. */
function evalTapscript(run: Execution, signature: Uint8Array, publicKey: Uint8Array): ScriptError | undefined {
  const taproot = run.taproot!
  run.signatureValid = signature.length > 0
  if (run.signatureValid) {
    taproot.weightLeft -= VALIDATION_WEIGHT_PER_SIGOP_PASSED
    if (taproot.weightLeft < 0) return 'TAPSCRIPT_VALIDATION_WEIGHT'
  }
  if (publicKey.length === 0) return 'TAPSCRIPT_EMPTY_PUBKEY'
  if (publicKey.length === 32) {
    return run.signatureValid ? run.checker.checkSchnorr(signature, publicKey, SIG_TAPSCRIPT, taproot) : undefined
  }
  // Keys of other lengths are left to later soft forks: any non-empty signature holds.
  return (run.flags & SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE) !== 0
    ? 'DISCOURAGE_UPGRADABLE_PUBKEYTYPE'
    : undefined
}

function evalSignature(run: Execution, signature: Uint8Array, publicKey: Uint8Array): ScriptError | undefined {
  return run.version === SIG_TAPSCRIPT ? evalTapscript(run, signature, publicKey) : evalEcdsa(run, signature, publicKey)
}

function checkSig(run: Execution): ScriptError | undefined {
  const { stack } = run
  if (stack.length < 2) return 'INVALID_STACK_OPERATION'
  const error = evalSignature(run, stack[stack.length - 2], stack[stack.length - 1])
  if (error !== undefined) return error
  stack.pop()
  stack[stack.length - 1] = run.signatureValid ? TRUE_ITEM : FALSE_ITEM
  return undefined
}

function checkSigVerify(run: Execution): ScriptError | undefined {
  const error = checkSig(run)
  if (error !== undefined) return error
  run.stack.pop()
  return run.signatureValid ? undefined : 'CHECKSIGVERIFY'
}

/** BIP342: counts on with each signature that holds. */
function checkSigAdd(run: Execution): ScriptError | undefined {
  if (run.version !== SIG_TAPSCRIPT) return 'BAD_OPCODE'
  const { stack } = run
  if (stack.length < 3) return 'INVALID_STACK_OPERATION'
  const count = decodeScriptNumber(stack[stack.length - 2], (run.flags & SCRIPT_VERIFY_MINIMALDATA) !== 0)
  if (count === undefined) return 'SCRIPTNUM'
  const error = evalSignature(run, stack[stack.length - 3], stack[stack.length - 1])
  if (error !== undefined) return error
  stack.length -= 2
  stack[stack.length - 1] = encodeScriptNumber(count + (run.signatureValid ? 1 : 0))
  return undefined
}

/** Where the arguments of a CHECKMULTISIG lie on the stack, from its bottom: signatures and keys upward, in script order. */
interface MultisigArguments {
  readonly signatureCount: number
  readonly keyCount: number
  /** Index of the topmost signature and of the topmost key; both lists are used from the top down. */
  readonly lastSignature: number
  readonly lastKey: number
  /** Index of the item that is consumed for no reason. */
  readonly dummy: number
}

function multisigArguments(run: Execution): MultisigArguments | ScriptError {
  const { stack } = run
  const requireMinimal = (run.flags & SCRIPT_VERIFY_MINIMALDATA) !== 0
  const top = stack.length - 1
  if (top < 0) return 'INVALID_STACK_OPERATION'
  const keyCount = decodeScriptNumber(stack[top], requireMinimal)
  if (keyCount === undefined) return 'SCRIPTNUM'
  if (keyCount < 0 || keyCount > MAX_PUBKEYS_PER_MULTISIG) return 'PUBKEY_COUNT'
  run.operationCount += keyCount
  if (run.operationCount > MAX_OPS_PER_SCRIPT) return 'OP_COUNT'
  const lastKey = top - 1
  const signatureCountAt = lastKey - keyCount
  if (signatureCountAt < 0) return 'INVALID_STACK_OPERATION'
  const signatureCount = decodeScriptNumber(stack[signatureCountAt], requireMinimal)
  if (signatureCount === undefined) return 'SCRIPTNUM'
  if (signatureCount < 0 || signatureCount > keyCount) return 'SIG_COUNT'
  const lastSignature = signatureCountAt - 1
  const dummy = lastSignature - signatureCount
  if (dummy < -1) return 'INVALID_STACK_OPERATION'
  return { signatureCount, keyCount, lastSignature, lastKey, dummy }
}

/** Whether each signature, in order, holds under one of the keys, in order; goes to `run.signatureValid`. */
function matchSignatures(run: Execution, found: MultisigArguments): ScriptError | undefined {
  const { stack, flags, version } = run
  let scriptCode = run.scriptCode()
  if (version === SIG_BASE) {
    for (let k = 0; k < found.signatureCount; k++) {
      const remaining = findAndDeletePush(scriptCode, stack[found.lastSignature - k])
      if (remaining !== scriptCode && (flags & SCRIPT_VERIFY_CONST_SCRIPTCODE) !== 0) return 'SIG_FINDANDDELETE'
      scriptCode = remaining
    }
  }
  let signaturesLeft = found.signatureCount
  let keysLeft = found.keyCount
  let signatureAt = found.lastSignature
  let keyAt = found.lastKey
  while (signaturesLeft > 0 && signaturesLeft <= keysLeft) {
    const signature = stack[signatureAt]
    const publicKey = stack[keyAt]
    const error = checkSignatureEncoding(signature, flags) ?? checkPublicKeyEncoding(publicKey, flags, version)
    if (error !== undefined) return error
    if (run.checker.checkEcdsa(signature, publicKey, scriptCode, version)) {
      signatureAt--
      signaturesLeft--
    }
    keyAt--
    keysLeft--
  }
  run.signatureValid = signaturesLeft === 0
  return undefined
}

function checkMultisig(run: Execution): ScriptError | undefined {
  if (run.version === SIG_TAPSCRIPT) return 'TAPSCRIPT_CHECKMULTISIG'
  const { stack, flags } = run
  const found = multisigArguments(run)
  if (typeof found === 'string') return found
  const error = matchSignatures(run, found)
  if (error !== undefined) return error
  if (!run.signatureValid && (flags & SCRIPT_VERIFY_NULLFAIL) !== 0) {
    for (let i = found.lastSignature; i > found.dummy; i--) if (stack[i].length > 0) return 'NULLFAIL'
  }
  if (found.dummy < 0) return 'INVALID_STACK_OPERATION'
  if ((flags & SCRIPT_VERIFY_NULLDUMMY) !== 0 && stack[found.dummy].length > 0) return 'SIG_NULLDUMMY'
  stack.length = found.dummy + 1
  stack[found.dummy] = run.signatureValid ? TRUE_ITEM : FALSE_ITEM
  return undefined
}

function checkMultisigVerify(run: Execution): ScriptError | undefined {
  const error = checkMultisig(run)
  if (error !== undefined) return error
  run.stack.pop()
  return run.signatureValid ? undefined : 'CHECKMULTISIGVERIFY'
}

/** Hashes and signatures, by opcode. */
export const SIGNATURE_OPERATIONS: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  [OP_RIPEMD160, hashing((hasher, item) => hasher.ripemd160(item))],
  [OP_SHA1, hashing((hasher, item) => hasher.sha1(item))],
  [OP_SHA256, hashing((hasher, item) => hasher.sha256(item))],
  [OP_HASH160, hashing((hasher, item) => hasher.hash160(item))],
  [OP_HASH256, hashing((hasher, item) => hasher.sha256d(item))],
  [OP_CODESEPARATOR, codeSeparator],
  [OP_CHECKSIG, checkSig],
  [OP_CHECKSIGVERIFY, checkSigVerify],
  [OP_CHECKSIGADD, checkSigAdd],
  [OP_CHECKMULTISIG, checkMultisig],
  [OP_CHECKMULTISIGVERIFY, checkMultisigVerify],
])
