import type { ByteWriter } from '../../base/bytes/writer.ts'
import { OP_CODESEPARATOR } from './opcodes.ts'
import { ScriptReader } from './script-reader.ts'
import { SIGHASH_ANYONECANPAY, SIGHASH_NONE, SIGHASH_SINGLE } from './signature-version.ts'
import { BLANK_INPUT_SIZE, type TransactionHashes } from './transaction-hashes.ts'

/** The mask for the part of a hash type that says which outputs are signed. */
const OUTPUT_BITS = 0x1f

/**
 * Whether a legacy SIGHASH_SINGLE has no output to sign; then the digest is the number one, a bug of old that is consensus.
 */
export function signsNoOutput(hashes: TransactionHashes, hashType: number): boolean {
  return (hashType & OUTPUT_BITS) === SIGHASH_SINGLE && hashes.inputIndex >= hashes.table.outputCountOf(hashes.tx)
}

/**
 * Writes what a legacy signature of the selected input signs, but for the hash type at its end.
 *
 * @param scriptCode the script from the last code separator on, signatures deleted
 */
export function writeLegacyPreimage(hashes: TransactionHashes, scriptCode: Uint8Array, hashType: number): ByteWriter {
  const { table, tx, input } = hashes
  const { bytes } = table
  const writer = hashes.writer.reset()
  const start = table.txOffset[tx]
  const end = table.txOffset[tx + 1]
  writer.range(bytes, start, start + 4)
  writeInputs(hashes, writer, scriptCode, hashType)

  const outputBits = hashType & OUTPUT_BITS
  const firstOutput = table.outputFirst[tx]
  if (outputBits === SIGHASH_NONE) {
    writer.compactSize(0)
  } else if (outputBits === SIGHASH_SINGLE) {
    const index = input - table.inputFirst[tx]
    writer.compactSize(index + 1)
    // Outputs before the one that is signed are blank: value -1, empty script.
    for (let i = 0; i < index; i++) writer.u32(-1).u32(-1).u8(0)
    writer.range(bytes, table.outputOffset[firstOutput + index], hashes.outputEnd(firstOutput + index))
  } else {
    const count = table.outputFirst[tx + 1] - firstOutput
    writer.compactSize(count)
    if (count > 0) writer.range(bytes, table.outputOffset[firstOutput], hashes.outputEnd(firstOutput + count - 1))
  }
  return writer.range(bytes, end - 4, end)
}

function writeInputs(hashes: TransactionHashes, writer: ByteWriter, scriptCode: Uint8Array, hashType: number): void {
  const { table, tx, input, inputIndex } = hashes
  const { bytes } = table
  const at = table.inputOffset[input]
  const sequenceAt = table.inputScriptOffset[input] + table.inputScriptLength[input]
  const count = table.inputCountOf(tx)
  if ((hashType & SIGHASH_ANYONECANPAY) !== 0 || count === 1) {
    writer.u8(1).range(bytes, at, at + 36)
    writeScriptCode(writer, scriptCode)
    writer.range(bytes, sequenceAt, sequenceAt + 4)
    return
  }
  const outputBits = hashType & OUTPUT_BITS
  const blank = hashes.blankInputs(outputBits === SIGHASH_NONE || outputBits === SIGHASH_SINGLE)
  writer.compactSize(count).range(blank, 0, BLANK_INPUT_SIZE * inputIndex + 36)
  writeScriptCode(writer, scriptCode)
  writer.range(bytes, sequenceAt, sequenceAt + 4)
  writer.range(blank, BLANK_INPUT_SIZE * (inputIndex + 1), blank.length)
}

/** The script without its code separators, as far as it can be parsed. */
function writeScriptCode(writer: ByteWriter, scriptCode: Uint8Array): void {
  if (!scriptCode.includes(OP_CODESEPARATOR)) {
    writer.sizedBytes(scriptCode)
    return
  }
  const counter = new ScriptReader(scriptCode)
  let separators = 0
  while (counter.next()) if (counter.opcode === OP_CODESEPARATOR) separators++
  writer.compactSize(scriptCode.length - separators)
  const reader = new ScriptReader(scriptCode)
  let copiedTo = 0
  while (reader.next()) {
    if (reader.opcode !== OP_CODESEPARATOR) continue
    writer.range(scriptCode, copiedTo, reader.position - 1)
    copiedTo = reader.position
  }
  writer.range(scriptCode, copiedTo, scriptCode.length)
}
