import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeaderList } from '../../../test/header-list.ts'
import { coinCode } from '../primitives/coin.ts'
import { encodeTransaction, unsignedInput } from '../primitives/transaction.ts'
import { parseTransaction, type TxTable } from '../primitives/tx-table.ts'
import { isFinalTransaction, sequenceLocks, sequenceLocksPassed } from './lock-times.ts'

const FINAL = 0xffff_ffff
const TIME_UNITS = 1 << 22
const DISABLED = 2 ** 31

function table(lockTime: number, sequences: readonly number[], version = 2): TxTable {
  const inputs = sequences.map((sequence, i) => unsignedInput(new Uint8Array(32).fill(1), i, sequence))
  const outputs = [{ valueSats: 0n, script: new Uint8Array(0) }]
  const parsed = parseTransaction(encodeTransaction({ version, inputs, outputs, lockTime }))
  assert.ok(parsed.ok)
  return parsed.value
}

test('a lock time is a height below 500,000,000 and a time from there on', () => {
  const isFinal = (lockTime: number, height: number, time: number, sequences = [0]): boolean =>
    isFinalTransaction(table(lockTime, sequences), 0, height, time)
  assert.ok(isFinal(0, 0, 0))
  assert.ok(!isFinal(100, 100, FINAL))
  assert.ok(isFinal(100, 101, 0))
  assert.ok(!isFinal(499_999_999, 499_999_999, FINAL))
  assert.ok(!isFinal(500_000_000, FINAL, 500_000_000))
  assert.ok(isFinal(500_000_000, 0, 500_000_001))
  assert.ok(isFinal(FINAL, 0, 0, [FINAL, FINAL]))
  assert.ok(!isFinal(FINAL, 0, 0, [FINAL, FINAL - 1]))
})

test('BIP68: heights and times of each coin, the latest of them', () => {
  const list = new HeaderList()
  for (let height = 0; height < 60; height++) list.add({ time: 1000 + 600 * height })
  const locks = (sequences: number[], heights: number[], version = 2): { height: number; timeSeconds: number } => {
    const codes = Uint32Array.from(heights, height => coinCode(height, false))
    return sequenceLocks(table(0, sequences, version), 0, codes, list, 59)
  }
  assert.deepEqual(locks([FINAL, DISABLED + 5], [20, 20]), { height: -1, timeSeconds: -1 })
  assert.deepEqual(locks([5], [20], 1), { height: -1, timeSeconds: -1 })
  assert.deepEqual(locks([5, 3], [20, 30]), { height: 32, timeSeconds: -1 })
  // The median time before block 20 is that of block 14.
  const medianBefore20 = 1000 + 600 * 14
  assert.deepEqual(locks([TIME_UNITS | 2], [20]), { height: -1, timeSeconds: medianBefore20 + 1024 - 1 })
  assert.deepEqual(locks([TIME_UNITS | 2, 7], [20, 20]), { height: 26, timeSeconds: medianBefore20 + 1023 })
  // Only the low sixteen bits count.
  assert.deepEqual(locks([0x0012_0005], [20]), { height: 24, timeSeconds: -1 })
  assert.deepEqual(locks([0], [0]), { height: -1, timeSeconds: -1 })
  // A version is unsigned.
  assert.deepEqual(locks([5], [20], FINAL), { height: 24, timeSeconds: -1 })
})

test('BIP68: locks are past when block and median time are behind them', () => {
  assert.ok(sequenceLocksPassed({ height: 24, timeSeconds: -1 }, 25, 0))
  assert.ok(!sequenceLocksPassed({ height: 24, timeSeconds: -1 }, 24, 0))
  assert.ok(sequenceLocksPassed({ height: -1, timeSeconds: 1000 }, 0, 1001))
  assert.ok(!sequenceLocksPassed({ height: -1, timeSeconds: 1000 }, 0, 1000))
})
