import type { ByteWriter } from '../../base/bytes/writer.ts'
import { SIGHASH_ANYONECANPAY, SIGHASH_NONE, SIGHASH_SINGLE } from './signature-version.ts'
import { OUTPUTS, PREVOUTS, SEQUENCES, type TransactionHashes } from './transaction-hashes.ts'

const ZERO_HASH = new Uint8Array(32)

/**
 * BIP143: writes what a version 0 witness signature of the selected input signs, but for the hash type at its end.
 *
 * @param scriptCode the witness script from the last code separator on, or P2WPKH's implied script
 */
export function writeSegwitPreimage(hashes: TransactionHashes, scriptCode: Uint8Array, hashType: number): ByteWriter {
  const { table, tx, input } = hashes
  const { bytes } = table
  const anyoneCanPay = (hashType & SIGHASH_ANYONECANPAY) !== 0
  const outputBits = hashType & 0x1f
  const signsAll = outputBits !== SIGHASH_SINGLE && outputBits !== SIGHASH_NONE

  // These may use the scratch writer themselves, so they come before it is written to.
  const prevoutsHash = anyoneCanPay ? ZERO_HASH : hashes.double(PREVOUTS)
  const sequencesHash = anyoneCanPay || !signsAll ? ZERO_HASH : hashes.double(SEQUENCES)
  const outputsHash = signsAll ? hashes.double(OUTPUTS) : singleOutputHash(hashes, outputBits)

  const start = table.txOffset[tx]
  const end = table.txOffset[tx + 1]
  const at = table.inputOffset[input]
  const sequenceAt = table.inputScriptOffset[input] + table.inputScriptLength[input]
  return hashes.writer
    .reset()
    .range(bytes, start, start + 4)
    .range(prevoutsHash, 0, 32)
    .range(sequencesHash, 0, 32)
    .range(bytes, at, at + 36)
    .compactSize(scriptCode.length)
    .range(scriptCode, 0, scriptCode.length)
    .u64Number(hashes.prevouts.values[input])
    .range(bytes, sequenceAt, sequenceAt + 4)
    .range(outputsHash, 0, 32)
    .range(bytes, end - 4, end)
}

/** The hash of the one output that is signed; zero where there is none. */
function singleOutputHash(hashes: TransactionHashes, outputBits: number): Uint8Array {
  const exists = hashes.inputIndex < hashes.table.outputCountOf(hashes.tx)
  return outputBits === SIGHASH_SINGLE && exists ? hashes.crypto.sha256(hashes.outputAtIndex()) : ZERO_HASH
}
