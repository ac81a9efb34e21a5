import { concatBytes, fromHex } from '../../src/base/bytes/bytes.ts'
import { utf8 } from '../../src/base/bytes/utf8.ts'
import { MAX_OPCODE, OP_NOP, OP_RESERVED, opcodeName } from '../../src/bitcoin/script/opcodes.ts'
import { pushData, pushNumber } from '../../src/bitcoin/script/script-builder.ts'

const OPCODES = new Map<string, number>()
for (let opcode = OP_RESERVED; opcode <= MAX_OPCODE; opcode++) {
  if (opcode < OP_NOP && opcode !== OP_RESERVED) continue
  const name = opcodeName(opcode)
  OPCODES.set(name, opcode)
  OPCODES.set(name.slice(3), opcode)
}

function parseWord(word: string): Uint8Array {
  if (/^-?[0-9]+$/.test(word)) {
    const value = Number(word)
    if (Math.abs(value) > 0xffff_ffff) throw new Error(`number out of range: ${word}`)
    return pushNumber(value)
  }
  const raw = word.startsWith('0x') && word.length > 2 ? fromHex(word.slice(2)) : undefined
  if (raw !== undefined) return raw
  if (word.length >= 2 && word.startsWith("'") && word.endsWith("'")) return pushData(utf8(word.slice(1, -1)))
  const opcode = OPCODES.get(word)
  if (opcode === undefined) throw new Error(`unknown word in script: ${word}`)
  return Uint8Array.of(opcode)
}

/**
 * A script as Core's test vectors write it: decimal numbers and 'quoted' text are pushed, 0x… is copied as it stands, all else
 * names an opcode with or without OP_.
 */
export function parseScriptText(text: string): Uint8Array {
  return concatBytes(
    ...text
      .split(/[ \t\n]/)
      .filter(word => word !== '')
      .map(parseWord),
  )
}
