import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, hex } from '../../base/bytes/bytes.ts'
import { MAX_MONEY } from '../primitives/amount.ts'
import { coinCode } from '../primitives/coin.ts'
import { encodeTransaction, unsignedInput } from '../primitives/transaction.ts'
import { parseTransactions, type TxTable } from '../primitives/tx-table.ts'
import { SpentCoins } from './spent-coins.ts'
import { decodeUndo, encodeUndo } from './undo-codec.ts'

/** Transactions with as many inputs each; the first counts as the coinbase. */
function tableOf(inputCounts: readonly number[]): TxTable {
  const transactions = inputCounts.map(count => {
    const inputs = Array.from({ length: count }, (_, i) => unsignedInput(new Uint8Array(32).fill(7), i))
    return encodeTransaction({ version: 2, inputs, outputs: [], lockTime: 0 })
  })
  const parsed = parseTransactions(concatBytes(...transactions), 0, transactions.length)
  assert.ok(parsed.ok)
  return parsed.value.table
}

const COIN = fc.tuple(fc.nat(MAX_MONEY), fc.nat(800_000), fc.boolean(), fc.uint8Array({ maxLength: 120 }))

function spentOf(txs: TxTable, coins: readonly (readonly [number, number, boolean, Uint8Array])[]): SpentCoins {
  const spent = new SpentCoins(txs.inputCount)
  for (let input = txs.inputFirst[1]; input < txs.inputCount; input++) {
    const [value, height, coinbase, script] = coins[input % coins.length]
    spent.set(input, value, coinCode(height, coinbase), script, 0, script.length)
  }
  return spent
}

test('undo data gives the coins back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 }),
      fc.array(COIN, { minLength: 1, maxLength: 8 }),
      (counts, coins) => {
        const txs = tableOf(counts)
        const spent = spentOf(txs, coins)
        const bytes = encodeUndo(txs, spent)
        const read = decodeUndo(bytes, txs)
        assert.ok(read.ok)
        for (let input = txs.inputFirst[1]; input < txs.inputCount; input++) {
          assert.deepEqual(read.value.coin(input), spent.coin(input))
        }
        const longer = decodeUndo(concatBytes(bytes, Uint8Array.of(0)), txs)
        assert.ok(!longer.ok && longer.code === 'undo-mismatch')
        const other = decodeUndo(bytes, tableOf([...counts, 1]))
        assert.ok(!other.ok && other.code === 'undo-mismatch')
        if (bytes.length > 1) assert.ok(!decodeUndo(bytes.subarray(0, bytes.length - 1), txs).ok)
      },
    ),
  )
})

test("the form is Bitcoin Core's: count, inputs, height and coinbase, nothing, amount, script", () => {
  const txs = tableOf([1, 1])
  const script = hex(`76a914${'09'.repeat(20)}88ac`)
  const spent = spentOf(txs, [[50e8, 1, true, script]])
  assert.deepEqual(encodeUndo(txs, spent), hex(`0101030032${'00'}${'09'.repeat(20)}`))
})

test('no bytes make the reader throw', () => {
  const txs = tableOf([1, 2, 1])
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), bytes => void decodeUndo(bytes, txs)))
})
