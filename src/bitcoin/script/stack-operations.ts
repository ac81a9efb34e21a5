import { equalBytes } from '../../base/bytes/bytes.ts'
import type { Execution, Operation } from './execution.ts'
import { SCRIPT_VERIFY_MINIMALDATA } from './flags.ts'
import {
  OP_2DROP,
  OP_2DUP,
  OP_2OVER,
  OP_2ROT,
  OP_2SWAP,
  OP_3DUP,
  OP_DEPTH,
  OP_DROP,
  OP_DUP,
  OP_EQUAL,
  OP_EQUALVERIFY,
  OP_FROMALTSTACK,
  OP_IFDUP,
  OP_NIP,
  OP_OVER,
  OP_PICK,
  OP_ROLL,
  OP_ROT,
  OP_SIZE,
  OP_SWAP,
  OP_TOALTSTACK,
  OP_TUCK,
} from './opcodes.ts'
import type { ScriptError } from './script-error.ts'
import { decodeScriptNumber, encodeScriptNumber, FALSE_ITEM, isTruthy, TRUE_ITEM } from './script-number.ts'

/** An operation that needs at least `depth` items, and cannot fail once it has them. */
function onStack(depth: number, change: (stack: Uint8Array[]) => void): Operation {
  return run => {
    if (run.stack.length < depth) return 'INVALID_STACK_OPERATION'
    change(run.stack)
    return undefined
  }
}

function pickOrRoll(run: Execution, roll: boolean): ScriptError | undefined {
  const { stack } = run
  if (stack.length < 2) return 'INVALID_STACK_OPERATION'
  const n = decodeScriptNumber(stack[stack.length - 1], (run.flags & SCRIPT_VERIFY_MINIMALDATA) !== 0)
  if (n === undefined) return 'SCRIPTNUM'
  stack.pop()
  if (n < 0 || n >= stack.length) return 'INVALID_STACK_OPERATION'
  const at = stack.length - 1 - n
  stack.push(roll ? stack.splice(at, 1)[0] : stack[at])
  return undefined
}

function equalVerify(run: Execution): ScriptError | undefined {
  const { stack } = run
  if (stack.length < 2) return 'INVALID_STACK_OPERATION'
  const second = stack.pop()!
  const first = stack.pop()!
  return equalBytes(first, second) ? undefined : 'EQUALVERIFY'
}

function fromAltStack(run: Execution): ScriptError | undefined {
  const item = run.altStack.pop()
  if (item === undefined) return 'INVALID_ALTSTACK_OPERATION'
  run.stack.push(item)
  return undefined
}

function toAltStack(run: Execution): ScriptError | undefined {
  const item = run.stack.pop()
  if (item === undefined) return 'INVALID_STACK_OPERATION'
  run.altStack.push(item)
  return undefined
}

/** Operations that move, copy and compare whole items, by opcode. */
export const STACK_OPERATIONS: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  [OP_TOALTSTACK, toAltStack],
  [OP_FROMALTSTACK, fromAltStack],
  [
    OP_2DROP,
    onStack(2, stack => {
      stack.pop()
      stack.pop()
    }),
  ],
  [OP_2DUP, onStack(2, stack => stack.push(stack[stack.length - 2], stack[stack.length - 1]))],
  [OP_3DUP, onStack(3, stack => stack.push(stack[stack.length - 3], stack[stack.length - 2], stack[stack.length - 1]))],
  [OP_2OVER, onStack(4, stack => stack.push(stack[stack.length - 4], stack[stack.length - 3]))],
  [OP_2ROT, onStack(6, stack => stack.push(...stack.splice(stack.length - 6, 2)))],
  [OP_2SWAP, onStack(4, stack => stack.push(...stack.splice(stack.length - 4, 2)))],
  [
    OP_IFDUP,
    onStack(1, stack => {
      const top = stack[stack.length - 1]
      if (isTruthy(top)) stack.push(top)
    }),
  ],
  [OP_DEPTH, onStack(0, stack => stack.push(encodeScriptNumber(stack.length)))],
  [OP_DROP, onStack(1, stack => stack.pop())],
  [OP_DUP, onStack(1, stack => stack.push(stack[stack.length - 1]))],
  [
    OP_NIP,
    onStack(2, stack => {
      stack[stack.length - 2] = stack[stack.length - 1]
      stack.pop()
    }),
  ],
  [OP_OVER, onStack(2, stack => stack.push(stack[stack.length - 2]))],
  [OP_PICK, run => pickOrRoll(run, false)],
  [OP_ROLL, run => pickOrRoll(run, true)],
  [OP_ROT, onStack(3, stack => stack.push(stack.splice(stack.length - 3, 1)[0]))],
  [
    OP_SWAP,
    onStack(2, stack => {
      const top = stack[stack.length - 1]
      stack[stack.length - 1] = stack[stack.length - 2]
      stack[stack.length - 2] = top
    }),
  ],
  [OP_TUCK, onStack(2, stack => stack.splice(stack.length - 2, 0, stack[stack.length - 1]))],
  [OP_SIZE, onStack(1, stack => stack.push(encodeScriptNumber(stack[stack.length - 1].length)))],
  [
    OP_EQUAL,
    onStack(2, stack => {
      const second = stack.pop()!
      const first = stack.pop()!
      stack.push(equalBytes(first, second) ? TRUE_ITEM : FALSE_ITEM)
    }),
  ],
  [OP_EQUALVERIFY, equalVerify],
])
