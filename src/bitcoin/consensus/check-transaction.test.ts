import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_MONEY } from '../primitives/amount.ts'
import { encodeTransaction, type Transaction, unsignedInput } from '../primitives/transaction.ts'
import { parseTransaction } from '../primitives/tx-table.ts'
import { checkTransaction } from './check-transaction.ts'

function plain(inputCount = 1): Transaction {
  const inputs = Array.from({ length: inputCount }, (_, i) => unsignedInput(new Uint8Array(32).fill(7), i))
  return { version: 2, inputs, outputs: [{ valueSats: 1n, script: Uint8Array.of(0x51) }], lockTime: 0 }
}

function verdict(tx: Transaction): string {
  const parsed = parseTransaction(encodeTransaction(tx), { allowWitness: tx.inputs.length > 0 })
  assert.ok(parsed.ok)
  const checked = checkTransaction(parsed.value, 0)
  return checked.ok ? 'ok' : checked.code
}

test('each rule has its reason', () => {
  const changed = (change: (tx: Transaction) => void): string => {
    const tx = plain(2)
    change(tx)
    return verdict(tx)
  }
  const values = (...sats: bigint[]): string =>
    changed(tx => {
      tx.outputs = sats.map(valueSats => ({ valueSats, script: new Uint8Array(0) }))
    })
  const maxMoney = BigInt(MAX_MONEY)
  assert.equal(
    changed(() => {}),
    'ok',
  )
  assert.equal(
    changed(tx => {
      tx.inputs = []
    }),
    'bad-txns-vin-empty',
  )
  assert.equal(values(), 'bad-txns-vout-empty')
  assert.equal(values(-1n), 'bad-txns-vout-negative')
  assert.equal(values(-(2n ** 63n)), 'bad-txns-vout-negative')
  assert.equal(values(maxMoney), 'ok')
  assert.equal(values(maxMoney + 1n), 'bad-txns-vout-toolarge')
  assert.equal(values(2n ** 63n - 1n), 'bad-txns-vout-toolarge')
  assert.equal(values(maxMoney, 1n), 'bad-txns-txouttotal-toolarge')
  assert.equal(
    changed(tx => {
      tx.inputs[1] = unsignedInput(new Uint8Array(32), 0xffff_ffff)
    }),
    'bad-txns-prevout-null',
  )
})

test('size is counted without witness', () => {
  const tx = plain()
  tx.outputs[0].script = new Uint8Array(1_000_000 - 64)
  assert.equal(encodeTransaction(tx).length, 1_000_000)
  assert.equal(verdict(tx), 'ok')
  tx.inputs[0].witness = [new Uint8Array(1000)]
  assert.equal(verdict(tx), 'ok')
  tx.outputs[0].script = new Uint8Array(1_000_000 - 63)
  assert.equal(verdict(tx), 'bad-txns-oversize')
})

test('a duplicate is found among few inputs and among many, wherever it stands', () => {
  for (const count of [2, 24, 25, 300]) {
    assert.equal(verdict(plain(count)), 'ok')
    for (const at of [1, count >> 1, count - 1]) {
      const tx = plain(count)
      tx.inputs[at] = unsignedInput(tx.inputs[0].txid, 0)
      if (at > 0) assert.equal(verdict(tx), 'bad-txns-inputs-duplicate', `${at} of ${count}`)
    }
  }
})

test('a coinbase has two to a hundred bytes of script', () => {
  for (const [size, expected] of [
    [1, 'bad-cb-length'],
    [2, 'ok'],
    [100, 'ok'],
    [101, 'bad-cb-length'],
  ] as const) {
    const tx = plain()
    tx.inputs[0] = { ...unsignedInput(new Uint8Array(32), 0xffff_ffff), scriptSig: new Uint8Array(size) }
    assert.equal(verdict(tx), expected)
  }
})
