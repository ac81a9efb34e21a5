import type { ByteReader } from '../../base/bytes/reader.ts'
import { MAX_SIZE } from '../primitives/tx-table.ts'

/** BIP144: the flag of a transaction with witness. */
const WITNESS_FLAG = 1

function skipSized(reader: ByteReader): void {
  reader.skip(reader.compactSize(MAX_SIZE))
}

/**
 * Finds the end of a transaction, and nothing else: for messages in which transactions stand apart, each of which would need a table
 * of its own. Fails the reader for the same reasons as parseTransactions.
 */
export function skipTransaction(reader: ByteReader): void {
  reader.skip(4)
  let inputs = reader.compactSize(MAX_SIZE)
  let flags = 0
  const marker = inputs === 0
  if (marker) flags = reader.u8()
  if (flags !== 0) inputs = reader.compactSize(MAX_SIZE)
  for (let i = 0; i < inputs && reader.failure === undefined; i++) {
    reader.skip(36)
    skipSized(reader)
    reader.skip(4)
  }
  // A marker without a flag is a transaction without inputs, whose count of outputs the flag was.
  const outputs = marker && flags === 0 ? 0 : reader.compactSize(MAX_SIZE)
  for (let i = 0; i < outputs && reader.failure === undefined; i++) {
    reader.skip(8)
    skipSized(reader)
  }
  let superfluous = (flags & WITNESS_FLAG) !== 0
  if (superfluous) {
    for (let i = 0; i < inputs && reader.failure === undefined; i++) {
      const items = reader.compactSize(MAX_SIZE)
      if (items > 0) superfluous = false
      for (let k = 0; k < items && reader.failure === undefined; k++) skipSized(reader)
    }
  }
  reader.skip(4)
  if (superfluous) reader.fail('superfluous-witness')
  if ((flags & ~WITNESS_FLAG) !== 0) reader.fail('unknown-transaction-data')
}
