import { emptyBytes } from '../../base/bytes/bytes.ts'
import { OP_16, OP_PUSHDATA1, OP_PUSHDATA2, OP_PUSHDATA4 } from './opcodes.ts'

/**
 * Steps through a script one operation at a time.
 *
 * @example
 * const reader = new ScriptReader(script)
 * while (reader.next()) if (reader.opcode === OP_CHECKSIG) count++
 */
export class ScriptReader {
  readonly script: Uint8Array
  /** Offset of the next operation. */
  position = 0
  /** The operation just read. */
  opcode = 0xff
  /** Where the pushed bytes of the operation just read start and end; equal where it pushes none. */
  dataStart = 0
  dataEnd = 0

  constructor(script: Uint8Array) {
    this.script = script
  }

  /**
   * Reads the next operation.
   *
   * @returns false at the end, and where a push reaches beyond it (then `position` is short of the end or the push was cut;
   *   ask {@link ScriptReader.atEnd} beforehand to tell the two apart)
   */
  next(): boolean {
    const script = this.script
    const end = script.length
    let at = this.position
    if (at >= end) return false
    const opcode = script[at++]
    let length = 0
    if (opcode <= OP_PUSHDATA4) {
      length = opcode
      if (opcode >= OP_PUSHDATA1) {
        const sizeBytes = opcode === OP_PUSHDATA1 ? 1 : opcode === OP_PUSHDATA2 ? 2 : 4
        this.position = at
        if (end - at < sizeBytes) return false
        length = script[at]
        if (sizeBytes > 1) length += script[at + 1] * 0x100
        if (sizeBytes > 2) length += script[at + 2] * 0x1_0000 + script[at + 3] * 0x100_0000
        at += sizeBytes
      }
      if (length > end - at) {
        this.position = at
        return false
      }
    }
    this.opcode = opcode
    this.dataStart = at
    this.dataEnd = at + length
    this.position = at + length
    return true
  }

  /** Whether every operation has been read. */
  get atEnd(): boolean {
    return this.position >= this.script.length
  }

  /** The bytes that the operation just read pushes; a view. */
  data(): Uint8Array {
    return this.dataEnd === this.dataStart ? emptyBytes() : this.script.subarray(this.dataStart, this.dataEnd)
  }
}

/** Whether a script does nothing but push, from offset `start` on (OP_RESERVED counts as a push here, as it does in Core). */
export function isPushOnly(script: Uint8Array, start = 0): boolean {
  const reader = new ScriptReader(script)
  reader.position = start
  while (!reader.atEnd) if (!reader.next() || reader.opcode > OP_16) return false
  return true
}
