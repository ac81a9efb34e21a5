import { CONTROL_OPERATIONS } from './control-operations.ts'
import { type Execution, NO_CODE_SEPARATOR, type Operation } from './execution.ts'
import { SCRIPT_VERIFY_CONST_SCRIPTCODE, SCRIPT_VERIFY_MINIMALDATA } from './flags.ts'
import { MAX_OPS_PER_SCRIPT, MAX_SCRIPT_ELEMENT_SIZE, MAX_SCRIPT_SIZE, MAX_STACK_SIZE } from './limits.ts'
import { isMinimalPush } from './minimal-push.ts'
import { NUMERIC_OPERATIONS } from './numeric-operations.ts'
import {
  OP_2DIV,
  OP_2MUL,
  OP_16,
  OP_AND,
  OP_CAT,
  OP_CODESEPARATOR,
  OP_DIV,
  OP_ENDIF,
  OP_IF,
  OP_INVERT,
  OP_LEFT,
  OP_LSHIFT,
  OP_MOD,
  OP_MUL,
  OP_OR,
  OP_PUSHDATA4,
  OP_RIGHT,
  OP_RSHIFT,
  OP_SUBSTR,
  OP_XOR,
} from './opcodes.ts'
import type { ScriptError } from './script-error.ts'
import { SIGNATURE_OPERATIONS } from './signature-operations.ts'
import { SIG_BASE, SIG_TAPSCRIPT } from './signature-version.ts'
import { STACK_OPERATIONS } from './stack-operations.ts'

/** CVE-2010-5137: these fail wherever they stand, even where they would not run. */
const DISABLED = new Uint8Array(256)
for (const opcode of [
  ...[OP_CAT, OP_SUBSTR, OP_LEFT, OP_RIGHT, OP_INVERT, OP_AND, OP_OR, OP_XOR],
  ...[OP_2MUL, OP_2DIV, OP_MUL, OP_DIV, OP_MOD, OP_LSHIFT, OP_RSHIFT],
]) {
  DISABLED[opcode] = 1
}

const OPERATIONS: Operation[] = Array.from({ length: 256 }, () => () => 'BAD_OPCODE')
for (const part of [CONTROL_OPERATIONS, STACK_OPERATIONS, NUMERIC_OPERATIONS, SIGNATURE_OPERATIONS]) {
  for (const [opcode, operation] of part) OPERATIONS[opcode] = operation
}

/**
 * Runs a script to its end.
 *
 * @returns why it fails; undefined where it does not, whatever it left on the stack
 */
export function evalScript(run: Execution): ScriptError | undefined {
  const { reader, stack, altStack, flags, version, taproot } = run
  const sizeLimits = version !== SIG_TAPSCRIPT
  if (sizeLimits && reader.script.length > MAX_SCRIPT_SIZE) return 'SCRIPT_SIZE'
  const requireMinimal = (flags & SCRIPT_VERIFY_MINIMALDATA) !== 0
  const constScriptCode = version === SIG_BASE && (flags & SCRIPT_VERIFY_CONST_SCRIPTCODE) !== 0
  if (taproot !== undefined) taproot.codeSeparatorPosition = NO_CODE_SEPARATOR

  while (!reader.atEnd) {
    if (!reader.next()) return 'BAD_OPCODE'
    const opcode = reader.opcode
    if (opcode <= OP_PUSHDATA4) {
      const length = reader.dataEnd - reader.dataStart
      if (length > MAX_SCRIPT_ELEMENT_SIZE) return 'PUSH_SIZE'
      if (run.executing) {
        if (requireMinimal && !isMinimalPush(opcode, length, reader.script[reader.dataStart])) return 'MINIMALDATA'
        stack.push(reader.data())
      }
    } else {
      if (opcode > OP_16 && sizeLimits && ++run.operationCount > MAX_OPS_PER_SCRIPT) return 'OP_COUNT'
      if (DISABLED[opcode] === 1) return 'DISABLED_OPCODE'
      if (opcode === OP_CODESEPARATOR && constScriptCode) return 'OP_CODESEPARATOR'
      if (run.executing || (opcode >= OP_IF && opcode <= OP_ENDIF)) {
        const error = OPERATIONS[opcode](run)
        if (error !== undefined) return error
      }
    }
    if (stack.length + altStack.length > MAX_STACK_SIZE) return 'STACK_SIZE'
    run.operationIndex++
  }
  return run.inCondition ? 'UNBALANCED_CONDITIONAL' : undefined
}
