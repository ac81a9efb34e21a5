import { ByteWriter } from '../../base/bytes/writer.ts'
import { type BlockView, HEADER_SIZE } from './block.ts'
import type { TxTable } from './tx-table.ts'

function writeStripped(writer: ByteWriter, txs: TxTable, tx: number): void {
  const { bytes } = txs
  const start = txs.txOffset[tx]
  const end = txs.txOffset[tx + 1]
  const witnessStart = txs.witnessStart[tx]
  if (witnessStart === 0) {
    writer.range(bytes, start, end)
    return
  }
  // Between version and inputs stand marker and flag.
  writer
    .range(bytes, start, start + 4)
    .range(bytes, start + 6, witnessStart)
    .range(bytes, end - 4, end)
}

/** BIP144: a transaction's bytes as nodes from before segwit know them. */
export function strippedTransaction(txs: TxTable, tx: number): Uint8Array {
  const writer = new ByteWriter(txs.baseSize(tx))
  writeStripped(writer, txs, tx)
  return writer.finish()
}

/** BIP144: a block's bytes as nodes from before segwit know them, without any witness. */
export function stripWitness({ bytes, txs }: BlockView): Uint8Array {
  const writer = new ByteWriter(bytes.length)
  writer.range(bytes, 0, HEADER_SIZE).compactSize(txs.txCount)
  for (let tx = 0; tx < txs.txCount; tx++) writeStripped(writer, txs, tx)
  return writer.finish()
}
