import { OP_0, OP_PUSHDATA1, OP_PUSHDATA2 } from './opcodes.ts'

/**
 * BIP62 rule 3: whether data is pushed in the shortest way.
 *
 * @param opcode the push, at most OP_PUSHDATA4
 * @param length bytes of the data
 * @param first its first byte, where there is one
 */
export function isMinimalPush(opcode: number, length: number, first: number): boolean {
  if (length === 0) return opcode === OP_0
  // One byte that OP_1 to OP_16 or OP_1NEGATE would push.
  if (length === 1 && ((first >= 1 && first <= 16) || first === 0x81)) return false
  if (length <= 75) return opcode === length
  if (length <= 255) return opcode === OP_PUSHDATA1
  return length > 65535 || opcode === OP_PUSHDATA2
}
