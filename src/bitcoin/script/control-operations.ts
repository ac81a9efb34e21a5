import type { Execution, Operation } from './execution.ts'
import {
  SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY,
  SCRIPT_VERIFY_CHECKSEQUENCEVERIFY,
  SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS,
  SCRIPT_VERIFY_MINIMALDATA,
  SCRIPT_VERIFY_MINIMALIF,
} from './flags.ts'
import { SEQUENCE_LOCKTIME_DISABLE_FLAG } from './limits.ts'
import {
  OP_1,
  OP_1NEGATE,
  OP_16,
  OP_CHECKLOCKTIMEVERIFY,
  OP_CHECKSEQUENCEVERIFY,
  OP_ELSE,
  OP_ENDIF,
  OP_IF,
  OP_NOP,
  OP_NOP1,
  OP_NOP4,
  OP_NOP10,
  OP_NOTIF,
  OP_RETURN,
  OP_VERIFY,
} from './opcodes.ts'
import type { ScriptError } from './script-error.ts'
import { decodeScriptNumber, encodeScriptNumber, isTruthy, LOCKTIME_NUMBER_SIZE_MAX } from './script-number.ts'
import { SIG_TAPSCRIPT, SIG_WITNESS_V0 } from './signature-version.ts'

function openCondition(run: Execution, inverted: boolean): ScriptError | undefined {
  if (!run.executing) {
    run.openCondition(false)
    return undefined
  }
  const item = run.stack[run.stack.length - 1]
  if (item === undefined) return 'INVALID_STACK_OPERATION'
  const minimal = item.length === 0 || (item.length === 1 && item[0] === 1)
  if (!minimal && run.version === SIG_TAPSCRIPT) return 'TAPSCRIPT_MINIMALIF'
  if (!minimal && run.version === SIG_WITNESS_V0 && (run.flags & SCRIPT_VERIFY_MINIMALIF) !== 0) return 'MINIMALIF'
  run.stack.pop()
  run.openCondition(isTruthy(item) !== inverted)
  return undefined
}

function orElse(run: Execution): ScriptError | undefined {
  if (!run.inCondition) return 'UNBALANCED_CONDITIONAL'
  run.toggleCondition()
  return undefined
}

function endIf(run: Execution): ScriptError | undefined {
  if (!run.inCondition) return 'UNBALANCED_CONDITIONAL'
  run.closeCondition()
  return undefined
}

function verify(run: Execution): ScriptError | undefined {
  const { stack } = run
  if (stack.length < 1) return 'INVALID_STACK_OPERATION'
  return isTruthy(stack.pop()!) ? undefined : 'VERIFY'
}

/** The lock time on top of the stack, which stays there. */
function lockTimeOperand(run: Execution): number | undefined {
  const requireMinimal = (run.flags & SCRIPT_VERIFY_MINIMALDATA) !== 0
  return decodeScriptNumber(run.stack[run.stack.length - 1], requireMinimal, LOCKTIME_NUMBER_SIZE_MAX)
}

/** BIP65. */
function checkLockTimeVerify(run: Execution): ScriptError | undefined {
  if ((run.flags & SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY) === 0) return undefined
  if (run.stack.length < 1) return 'INVALID_STACK_OPERATION'
  const lockTime = lockTimeOperand(run)
  if (lockTime === undefined) return 'SCRIPTNUM'
  if (lockTime < 0) return 'NEGATIVE_LOCKTIME'
  return run.checker.checkLockTime(lockTime) ? undefined : 'UNSATISFIED_LOCKTIME'
}

/** BIP112. */
function checkSequenceVerify(run: Execution): ScriptError | undefined {
  if ((run.flags & SCRIPT_VERIFY_CHECKSEQUENCEVERIFY) === 0) return undefined
  if (run.stack.length < 1) return 'INVALID_STACK_OPERATION'
  const sequence = lockTimeOperand(run)
  if (sequence === undefined) return 'SCRIPTNUM'
  if (sequence < 0) return 'NEGATIVE_LOCKTIME'
  if ((sequence & SEQUENCE_LOCKTIME_DISABLE_FLAG) !== 0) return undefined
  return run.checker.checkSequence(sequence) ? undefined : 'UNSATISFIED_LOCKTIME'
}

function upgradableNop(run: Execution): ScriptError | undefined {
  return (run.flags & SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS) !== 0 ? 'DISCOURAGE_UPGRADABLE_NOPS' : undefined
}

function pushNumber(value: number): Operation {
  const item = encodeScriptNumber(value)
  return run => {
    run.stack.push(item)
    return undefined
  }
}

function controlOperations(): Map<number, Operation> {
  const operations = new Map<number, Operation>([
    [OP_1NEGATE, pushNumber(-1)],
    [OP_NOP, () => undefined],
    [OP_IF, run => openCondition(run, false)],
    [OP_NOTIF, run => openCondition(run, true)],
    [OP_ELSE, orElse],
    [OP_ENDIF, endIf],
    [OP_VERIFY, verify],
    [OP_RETURN, () => 'OP_RETURN'],
    [OP_NOP1, upgradableNop],
    [OP_CHECKLOCKTIMEVERIFY, checkLockTimeVerify],
    [OP_CHECKSEQUENCEVERIFY, checkSequenceVerify],
  ])
  for (let opcode = OP_1; opcode <= OP_16; opcode++) operations.set(opcode, pushNumber(opcode - OP_1 + 1))
  for (let opcode = OP_NOP4; opcode <= OP_NOP10; opcode++) operations.set(opcode, upgradableNop)
  return operations
}

/** Small numbers, conditions, lock times and operations without effect, by opcode. */
export const CONTROL_OPERATIONS: ReadonlyMap<number, Operation> = controlOperations()
