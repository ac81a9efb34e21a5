import { emptyBytes } from '../../base/bytes/bytes.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import type { TxTable } from './tx-table.ts'

/**
 * A transaction as an object, for building and changing; what is only read or checked stays in a {@link TxTable}.
 * Txids are 32 bytes in internal order (the reverse of how people write them).
 */
export interface Transaction {
  /** Unsigned 32 bits, as on the wire. */
  version: number
  inputs: TransactionInput[]
  outputs: TransactionOutput[]
  lockTime: number
}

export interface TransactionInput {
  txid: Uint8Array
  index: number
  scriptSig: Uint8Array
  sequence: number
  witness: Uint8Array[]
}

export interface TransactionOutput {
  valueSats: bigint
  script: Uint8Array
}

/** BIP68, BIP125: the sequence that opts out of everything. */
export const SEQUENCE_FINAL = 0xffff_ffff

/** Serialises with witness where there is one (BIP144), or without it where `witness` is false. */
export function encodeTransaction(tx: Transaction, witness = true): Uint8Array {
  const writer = new ByteWriter(256)
  const withWitness = witness && tx.inputs.some(input => input.witness.length > 0)
  writer.u32(tx.version)
  if (withWitness) writer.u8(0).u8(1)
  writer.compactSize(tx.inputs.length)
  for (const input of tx.inputs) {
    writer.bytes(input.txid).u32(input.index).sizedBytes(input.scriptSig).u32(input.sequence)
  }
  writer.compactSize(tx.outputs.length)
  for (const output of tx.outputs) writer.u64(output.valueSats).sizedBytes(output.script)
  if (withWitness) {
    for (const input of tx.inputs) {
      writer.compactSize(input.witness.length)
      for (const item of input.witness) writer.sizedBytes(item)
    }
  }
  return writer.u32(tx.lockTime).finish()
}

/** The transaction numbered `tx` of a table as an object of its own (its byte strings are copies). */
export function transactionFromTable(table: TxTable, tx: number): Transaction {
  const inputs: TransactionInput[] = []
  for (let i = table.inputFirst[tx]; i < table.inputFirst[tx + 1]; i++) {
    inputs.push({
      txid: table.prevoutTxid(i).slice(),
      index: table.prevoutIndex(i),
      scriptSig: table.scriptSig(i).slice(),
      sequence: table.sequence(i),
      witness: table.witness(i).map(item => item.slice()),
    })
  }
  const outputs: TransactionOutput[] = []
  for (let o = table.outputFirst[tx]; o < table.outputFirst[tx + 1]; o++) {
    const at = table.outputOffset[o]
    let value = 0n
    for (let k = 7; k >= 0; k--) value = (value << 8n) | BigInt(table.bytes[at + k])
    outputs.push({ valueSats: BigInt.asIntN(64, value), script: table.outputScript(o).slice() })
  }
  return { version: table.version(tx), inputs, outputs, lockTime: table.lockTime(tx) }
}

/** An input with nothing to unlock it yet. */
export function unsignedInput(txid: Uint8Array, index: number, sequence = SEQUENCE_FINAL): TransactionInput {
  return { txid, index, scriptSig: emptyBytes(), sequence, witness: [] }
}
