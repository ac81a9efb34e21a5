import type { Execution, Operation } from './execution.ts'
import { SCRIPT_VERIFY_MINIMALDATA } from './flags.ts'
import {
  OP_0NOTEQUAL,
  OP_1ADD,
  OP_1SUB,
  OP_ABS,
  OP_ADD,
  OP_BOOLAND,
  OP_BOOLOR,
  OP_GREATERTHAN,
  OP_GREATERTHANOREQUAL,
  OP_LESSTHAN,
  OP_LESSTHANOREQUAL,
  OP_MAX,
  OP_MIN,
  OP_NEGATE,
  OP_NOT,
  OP_NUMEQUAL,
  OP_NUMEQUALVERIFY,
  OP_NUMNOTEQUAL,
  OP_SUB,
  OP_WITHIN,
} from './opcodes.ts'
import type { ScriptError } from './script-error.ts'
import { decodeScriptNumber, encodeScriptNumber, FALSE_ITEM, TRUE_ITEM } from './script-number.ts'

/** The number that lies `depth` below the top of the stack; `undefined` where it is none. */
function numberAt(run: Execution, depth: number): number | undefined {
  const { stack } = run
  return decodeScriptNumber(stack[stack.length - 1 - depth], (run.flags & SCRIPT_VERIFY_MINIMALDATA) !== 0)
}

function unary(compute: (a: number) => number): Operation {
  return run => {
    if (run.stack.length < 1) return 'INVALID_STACK_OPERATION'
    const a = numberAt(run, 0)
    if (a === undefined) return 'SCRIPTNUM'
    run.stack[run.stack.length - 1] = encodeScriptNumber(compute(a))
    return undefined
  }
}

function binary(compute: (a: number, b: number) => number): Operation {
  return run => {
    if (run.stack.length < 2) return 'INVALID_STACK_OPERATION'
    const a = numberAt(run, 1)
    const b = numberAt(run, 0)
    if (a === undefined || b === undefined) return 'SCRIPTNUM'
    run.stack.pop()
    run.stack[run.stack.length - 1] = encodeScriptNumber(compute(a, b))
    return undefined
  }
}

const numEqual = binary((a, b) => (a === b ? 1 : 0))

function numEqualVerify(run: Execution): ScriptError | undefined {
  const error = numEqual(run)
  if (error !== undefined) return error
  return run.stack.pop()!.length === 0 ? 'NUMEQUALVERIFY' : undefined
}

function within(run: Execution): ScriptError | undefined {
  const { stack } = run
  if (stack.length < 3) return 'INVALID_STACK_OPERATION'
  const value = numberAt(run, 2)
  const least = numberAt(run, 1)
  const bound = numberAt(run, 0)
  if (value === undefined || least === undefined || bound === undefined) return 'SCRIPTNUM'
  stack.length -= 2
  stack[stack.length - 1] = least <= value && value < bound ? TRUE_ITEM : FALSE_ITEM
  return undefined
}

/** Arithmetic and comparison of numbers, by opcode. */
export const NUMERIC_OPERATIONS: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  [OP_1ADD, unary(a => a + 1)],
  [OP_1SUB, unary(a => a - 1)],
  [OP_NEGATE, unary(a => 0 - a)],
  [OP_ABS, unary(a => Math.abs(a))],
  [OP_NOT, unary(a => (a === 0 ? 1 : 0))],
  [OP_0NOTEQUAL, unary(a => (a === 0 ? 0 : 1))],
  [OP_ADD, binary((a, b) => a + b)],
  [OP_SUB, binary((a, b) => a - b)],
  [OP_BOOLAND, binary((a, b) => (a !== 0 && b !== 0 ? 1 : 0))],
  [OP_BOOLOR, binary((a, b) => (a !== 0 || b !== 0 ? 1 : 0))],
  [OP_NUMEQUAL, numEqual],
  [OP_NUMEQUALVERIFY, numEqualVerify],
  [OP_NUMNOTEQUAL, binary((a, b) => (a !== b ? 1 : 0))],
  [OP_LESSTHAN, binary((a, b) => (a < b ? 1 : 0))],
  [OP_GREATERTHAN, binary((a, b) => (a > b ? 1 : 0))],
  [OP_LESSTHANOREQUAL, binary((a, b) => (a <= b ? 1 : 0))],
  [OP_GREATERTHANOREQUAL, binary((a, b) => (a >= b ? 1 : 0))],
  [OP_MIN, binary((a, b) => Math.min(a, b))],
  [OP_MAX, binary((a, b) => Math.max(a, b))],
  [OP_WITHIN, within],
])
