import { OP_PUSHDATA1, OP_PUSHDATA2, OP_PUSHDATA4 } from './opcodes.ts'
import { ScriptReader } from './script-reader.ts'

/** Bytes before the data in the push that Core's serialiser writes for data of that length. */
function pushPrefixSize(length: number): number {
  return length < OP_PUSHDATA1 ? 1 : length <= 0xff ? 2 : length <= 0xffff ? 3 : 5
}

function pushOpcode(length: number): number {
  return length < OP_PUSHDATA1 ? length : length <= 0xff ? OP_PUSHDATA1 : length <= 0xffff ? OP_PUSHDATA2 : OP_PUSHDATA4
}

/** Whether the push that Core's serialiser writes for `data` stands at `at`. */
export function isPushAt(script: Uint8Array, at: number, data: Uint8Array): boolean {
  const length = data.length
  const prefix = pushPrefixSize(length)
  if (at + prefix + length > script.length || script[at] !== pushOpcode(length)) return false
  for (let i = 1, rest = length; i < prefix; i++, rest >>>= 8) if (script[at + i] !== (rest & 0xff)) return false
  for (let i = 0; i < length; i++) if (script[at + prefix + i] !== data[i]) return false
  return true
}

/**
 * The script without any push of `data` that starts at an operation's boundary: what signatures before segwit commit to, for a
 * signature cannot sign itself. The same array where there is none, which is the rule.
 */
export function findAndDeletePush(script: Uint8Array, data: Uint8Array): Uint8Array {
  const size = pushPrefixSize(data.length) + data.length
  const reader = new ScriptReader(script)
  let kept: Uint8Array | undefined
  let keptLength = 0
  let copiedTo = 0
  do {
    const at = reader.position
    let behind = at
    while (isPushAt(script, behind, data)) behind += size
    if (behind === at) continue
    kept ??= new Uint8Array(script.length)
    kept.set(script.subarray(copiedTo, at), keptLength)
    keptLength += at - copiedTo
    copiedTo = behind
    reader.position = behind
  } while (reader.next())
  if (kept === undefined) return script
  kept.set(script.subarray(copiedTo), keptLength)
  return kept.subarray(0, keptLength + script.length - copiedTo)
}
