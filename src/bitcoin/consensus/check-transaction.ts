import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { isMoneyRange, MAX_MONEY } from '../primitives/amount.ts'
import type { TxTable } from '../primitives/tx-table.ts'
import { MAX_BLOCK_WEIGHT, WITNESS_SCALE_FACTOR } from './limits.ts'

/** Bytes of an outpoint. */
const OUTPOINT_SIZE = 36
/** Up to this many inputs are compared pairwise, which needs no memory. */
const PAIRWISE_INPUTS_MAX = 24
/** Bytes of a coinbase's script. */
const COINBASE_SCRIPT_SIZE_MIN = 2
const COINBASE_SCRIPT_SIZE_MAX = 100

/**
 * The rules for a transaction that need no context. Rejects with Core's reasons, from `bad-txns-vin-empty` to
 * `bad-txns-prevout-null`.
 *
 * @param tx its number in the table
 */
export function checkTransaction(table: TxTable, tx: number): Verdict {
  if (table.inputCountOf(tx) === 0) return reject('bad-txns-vin-empty')
  if (table.outputCountOf(tx) === 0) return reject('bad-txns-vout-empty')
  if (table.baseSize(tx) * WITNESS_SCALE_FACTOR > MAX_BLOCK_WEIGHT) return reject('bad-txns-oversize')

  // CVE-2010-5139: values are checked one by one, so that their sum cannot overflow.
  let total = 0
  for (let o = table.outputFirst[tx]; o < table.outputFirst[tx + 1]; o++) {
    const value = table.outputValue(o)
    if (value < 0) return reject('bad-txns-vout-negative')
    if (value > MAX_MONEY) return reject('bad-txns-vout-toolarge')
    total += value
    if (!isMoneyRange(total)) return reject('bad-txns-txouttotal-toolarge')
  }

  if (hasDuplicateInputs(table, tx)) return reject('bad-txns-inputs-duplicate')

  const first = table.inputFirst[tx]
  if (table.isCoinbase(tx)) {
    const size = table.inputScriptLength[first]
    return size < COINBASE_SCRIPT_SIZE_MIN || size > COINBASE_SCRIPT_SIZE_MAX ? reject('bad-cb-length') : accept()
  }
  for (let i = first; i < table.inputFirst[tx + 1]; i++) {
    if (table.isNullOutpoint(i)) return reject('bad-txns-prevout-null')
  }
  return accept()
}

/** CVE-2018-17144: whether two inputs spend the same output. */
function hasDuplicateInputs(table: TxTable, tx: number): boolean {
  const first = table.inputFirst[tx]
  const count = table.inputCountOf(tx)
  if (count <= PAIRWISE_INPUTS_MAX) {
    for (let i = first + 1; i < first + count; i++) {
      for (let k = first; k < i; k++) if (compareOutpoints(table, i, k) === 0) return true
    }
    return false
  }
  // Sorting bounds the work for any bytes; a hash table could be attacked with chosen txids.
  const order = new Uint32Array(count)
  for (let i = 0; i < count; i++) order[i] = first + i
  order.sort((a, b) => compareOutpoints(table, a, b))
  for (let i = 1; i < count; i++) if (compareOutpoints(table, order[i - 1], order[i]) === 0) return true
  return false
}

function compareOutpoints(table: TxTable, a: number, b: number): number {
  const { bytes, inputOffset } = table
  const atA = inputOffset[a]
  const atB = inputOffset[b]
  for (let i = 0; i < OUTPOINT_SIZE; i++) {
    const difference = bytes[atA + i] - bytes[atB + i]
    if (difference !== 0) return difference
  }
  return 0
}
