import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { heightOfCode } from '../primitives/coin.ts'
import { MAX_SIZE, type TxTable } from '../primitives/tx-table.ts'
import { readAmount, readScript, writeAmount, writeScript } from './coin-codec.ts'
import { SpentCoins } from './spent-coins.ts'
import { readVarint, writeVarint } from './varint.ts'

/** A block's undo data in Core's form: for each transaction but the coinbase, the coins that its inputs spent. */
export function encodeUndo(txs: TxTable, spent: SpentCoins): Uint8Array {
  const writer = new ByteWriter(32 * spent.inputCount + 16)
  writer.compactSize(Math.max(txs.txCount - 1, 0))
  for (let tx = 1; tx < txs.txCount; tx++) {
    writer.compactSize(txs.inputCountOf(tx))
    for (let input = txs.inputFirst[tx]; input < txs.inputFirst[tx + 1]; input++) {
      const code = spent.codes[input]
      writeVarint(writer, code)
      // Once the version of the spent transaction; kept because every reader expects it.
      if (heightOfCode(code) > 0) writer.u8(0)
      writeAmount(writer, spent.values[input])
      writeScript(writer, spent.script(input))
    }
  }
  return writer.finish()
}

/** Reads the undo data that belongs to the transactions of `txs`; rejects with `undo-mismatch` or what made it unreadable. */
export function decodeUndo(bytes: Uint8Array, txs: TxTable): Verdict<SpentCoins> {
  const reader = new ByteReader(bytes)
  const spent = new SpentCoins(txs.inputCount)
  if (reader.compactSize(MAX_SIZE) !== Math.max(txs.txCount - 1, 0)) return reject('undo-mismatch')
  for (let tx = 1; tx < txs.txCount; tx++) {
    if (reader.compactSize(MAX_SIZE) !== txs.inputCountOf(tx)) return reject('undo-mismatch')
    for (let input = txs.inputFirst[tx]; input < txs.inputFirst[tx + 1]; input++) {
      const code = readVarint(reader)
      if (heightOfCode(code) > 0) readVarint(reader)
      const value = readAmount(reader)
      const script = readScript(reader)
      if (reader.failure !== undefined) return reject(reader.failure)
      spent.set(input, value, code, script, 0, script.length)
    }
  }
  return reader.remaining === 0 ? accept(spent) : reject('undo-mismatch')
}
