import { fromHex } from '../../base/bytes/bytes.ts'
import { parseTransaction, type TxTable } from '../../bitcoin/primitives/tx-table.ts'
import { MAX_SCRIPT_ELEMENT_SIZE, MAX_SCRIPT_SIZE } from '../../bitcoin/script/limits.ts'
import { MAX_OPCODE } from '../../bitcoin/script/opcodes.ts'
import { ScriptReader } from '../../bitcoin/script/script-reader.ts'

/** Whether a script is made of known opcodes and pushes of allowed size, and ends where its last one does. */
export function hasValidOperations(script: Uint8Array): boolean {
  const reader = new ScriptReader(script)
  while (!reader.atEnd) {
    if (!reader.next() || reader.opcode > MAX_OPCODE) return false
    if (reader.dataEnd - reader.dataStart > MAX_SCRIPT_ELEMENT_SIZE) return false
  }
  return true
}

function looksSane(table: TxTable): boolean {
  const isSane = (script: Uint8Array): boolean => script.length <= MAX_SCRIPT_SIZE && hasValidOperations(script)
  if (!table.isCoinbase(0)) for (let i = 0; i < table.inputCount; i++) if (!isSane(table.scriptSig(i))) return false
  for (let o = 0; o < table.outputCount; o++) if (!isSane(table.outputScript(o))) return false
  return true
}

/**
 * A transaction in hex that a person hands in. Without inputs, as before funding, its bytes can be read in two ways; the one whose
 * scripts make sense wins, and the one with witness if both or neither do.
 */
export function decodeTransaction(
  text: string,
  forms: { witness: boolean; legacy: boolean } = { witness: true, legacy: true },
): TxTable | undefined {
  const bytes = fromHex(text)
  if (bytes === undefined) return undefined
  const parsed = forms.witness ? parseTransaction(bytes) : undefined
  const withWitness = parsed?.ok ? parsed.value : undefined
  if (withWitness !== undefined && looksSane(withWitness)) return withWitness
  const plain = forms.legacy ? parseTransaction(bytes, { allowWitness: false }) : undefined
  const legacy = plain?.ok ? plain.value : undefined
  if (legacy !== undefined && (withWitness === undefined || looksSane(legacy))) return legacy
  return withWitness
}
