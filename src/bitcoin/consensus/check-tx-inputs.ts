import { accept, type Rejected, reject, type Verdict } from '../../base/verdict.ts'
import { isMoneyRange } from '../primitives/amount.ts'
import { heightOfCode, isCoinbaseCode } from '../primitives/coin.ts'
import type { TxTable } from '../primitives/tx-table.ts'
import { COINBASE_MATURITY } from './limits.ts'

/** An input whose coin is spent already or never was. */
export const MISSING_INPUTS: Rejected = reject('bad-txns-inputs-missingorspent', 'CheckTxInputs: inputs missing/spent')

function money(valueSats: number): string {
  return (valueSats / 1e8).toFixed(8)
}

/**
 * What a transaction owes to the coins that it spends, all of which were found. Accepts with its fee in satoshi.
 *
 * @param values the coins' values, in the numbering of the table's inputs
 * @param codes their heights and coinbase marks
 */
export function checkTxInputs(
  txs: TxTable,
  tx: number,
  values: Float64Array,
  codes: Uint32Array,
  height: number,
): Verdict<number> {
  let valueIn = 0
  for (let input = txs.inputFirst[tx]; input < txs.inputFirst[tx + 1]; input++) {
    const code = codes[input]
    if (isCoinbaseCode(code) && height - heightOfCode(code) < COINBASE_MATURITY) {
      const depth = height - heightOfCode(code)
      return reject('bad-txns-premature-spend-of-coinbase', `tried to spend coinbase at depth ${depth}`)
    }
    valueIn += values[input]
    if (!isMoneyRange(values[input]) || !isMoneyRange(valueIn)) return reject('bad-txns-inputvalues-outofrange')
  }
  let valueOut = 0
  for (let output = txs.outputFirst[tx]; output < txs.outputFirst[tx + 1]; output++) valueOut += txs.outputValue(output)
  if (valueIn < valueOut) {
    return reject('bad-txns-in-belowout', `value in (${money(valueIn)}) < value out (${money(valueOut)})`)
  }
  return accept(valueIn - valueOut)
}
