import { concatBytes } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { sha256d } from '../../base/crypto/hash.ts'
import type { Prevouts } from '../primitives/prevouts.ts'
import type { TxTable } from '../primitives/tx-table.ts'
import { OP_RETURN } from '../script/opcodes.ts'
import { encodeGcsFilter, type GcsParams } from './gcs-filter.ts'

const BASIC_P = 19
const BASIC_M = 784931

/** BIP158: how the basic filter of a block is coded; the key is the beginning of its hash (internal byte order). */
export function basicFilterParams(blockHash: Uint8Array): GcsParams {
  const key = new ByteReader(blockHash)
  return { k0: key.u64(), k1: key.u64(), p: BASIC_P, m: BASIC_M }
}

/** BIP158: the scripts that a block pays to, but for those that say they are data, and the scripts of the coins that it spends. */
function* basicFilterElements(txs: TxTable, prevouts: Prevouts): Iterable<Uint8Array> {
  for (let output = 0; output < txs.outputCount; output++) {
    const script = txs.outputScript(output)
    if (script.length > 0 && script[0] !== OP_RETURN) yield script
  }
  for (let input = 0; input < txs.inputCount; input++) {
    const script = prevouts.script(input)
    if (script.length > 0) yield script
  }
}

/**
 * BIP158: the basic filter of a block, encoded as it is stored and sent.
 *
 * @param prevouts what the inputs spend, the coinbase's empty script included
 */
export function encodeBasicFilter(blockHash: Uint8Array, txs: TxTable, prevouts: Prevouts): Uint8Array {
  return encodeGcsFilter(basicFilterParams(blockHash), basicFilterElements(txs, prevouts))
}

/** BIP157: what the chain of filter headers is made of. */
export function filterHash(encoded: Uint8Array): Uint8Array {
  return sha256d(encoded)
}

/** BIP157: the header of a filter; that before the first is all zeros. */
export function filterHeader(hash: Uint8Array, previousHeader: Uint8Array): Uint8Array {
  return sha256d(concatBytes(hash, previousHeader))
}
