import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, hex, toHexReversed } from '../../base/bytes/bytes.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { portableCrypto } from '../../base/crypto/portable.ts'
import { encodeTransaction, type Transaction, transactionFromTable } from './transaction.ts'
import { parseTransaction, parseTransactions } from './tx-table.ts'

const U32 = fc.nat(0xffff_ffff)
const SCRIPT = fc.uint8Array({ maxLength: 60 })

const PLAIN = { noNullPrototype: true } as const

const INPUT = fc.record(
  {
    txid: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    index: U32,
    scriptSig: SCRIPT,
    sequence: U32,
    witness: fc.array(SCRIPT, { maxLength: 3 }),
  },
  PLAIN,
)

const OUTPUT = fc.record({ valueSats: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), script: SCRIPT }, PLAIN)

const TRANSACTION: fc.Arbitrary<Transaction> = fc.record(
  {
    version: U32,
    lockTime: U32,
    inputs: fc.array(INPUT, { minLength: 1, maxLength: 4 }),
    outputs: fc.array(OUTPUT, { maxLength: 4 }),
  },
  PLAIN,
)

function failureOf(bytes: Uint8Array): string {
  const parsed = parseTransaction(bytes)
  return parsed.ok ? 'ok' : parsed.code
}

test('a table of transactions says what the objects say', () => {
  fc.assert(
    fc.property(fc.array(TRANSACTION, { maxLength: 5 }), fc.uint8Array({ maxLength: 9 }), (transactions, front) => {
      const encoded = transactions.map(transaction => encodeTransaction(transaction))
      const bytes = concatBytes(front, ...encoded)
      const parsed = parseTransactions(bytes, front.length, transactions.length)
      assert.ok(parsed.ok)
      const { table, end } = parsed.value
      assert.equal(end, bytes.length)
      const [txids, wtxids] = [table.txids(portableCrypto), table.wtxids(portableCrypto)]
      transactions.forEach((transaction, tx) => {
        assert.deepEqual(transactionFromTable(table, tx), transaction)
        assert.deepEqual(new Uint8Array(table.txBytes(tx)), encoded[tx])
        const base = encodeTransaction(transaction, false)
        assert.equal(table.baseSize(tx), base.length)
        assert.equal(table.totalSize(tx), encoded[tx].length)
        assert.equal(table.weight(tx), 3 * base.length + encoded[tx].length)
        assert.equal(table.hasWitness(tx), encoded[tx].length > base.length)
        assert.equal(table.inputCountOf(tx), transaction.inputs.length)
        assert.equal(table.outputCountOf(tx), transaction.outputs.length)
        assert.deepEqual(txids.slice(32 * tx, 32 * tx + 32), portableCrypto.sha256d(base))
        assert.deepEqual(wtxids.slice(32 * tx, 32 * tx + 32), portableCrypto.sha256d(encoded[tx]))
        transaction.outputs.forEach(({ valueSats }, i) => {
          assert.equal(table.outputValue(table.outputFirst[tx] + i), Number(valueSats))
        })
      })
    }),
  )
})

test('a transaction that is cut off or goes on is refused', () => {
  fc.assert(
    fc.property(TRANSACTION, fc.nat(1000), (transaction, cut) => {
      const bytes = encodeTransaction(transaction)
      assert.notEqual(failureOf(bytes.subarray(0, cut % bytes.length)), 'ok')
      assert.equal(failureOf(concatBytes(bytes, Uint8Array.of(0))), 'trailing-data')
    }),
  )
})

test('BIP144: forms that nobody may write', () => {
  const input = `${'00'.repeat(37)}ffffffff`
  const output = `01${'00'.repeat(8)}`
  const rest = `01${input}01${output}`
  assert.equal(failureOf(hex(`02000000${rest}00000000`)), 'ok')
  assert.equal(failureOf(hex(`020000000001${rest}010000000000`)), 'ok')
  assert.equal(failureOf(hex(`020000000001${rest}0000000000`)), 'superfluous-witness')
  assert.equal(failureOf(hex(`020000000002${rest}00000000`)), 'unknown-transaction-data')
  assert.equal(failureOf(hex(`020000000003${rest}010000000000`)), 'unknown-transaction-data')
  assert.equal(failureOf(hex(`02000000fd0100${input}01${output}00000000`)), 'non-canonical-size')
  assert.equal(failureOf(hex(`02000000feffffff7f${input}`)), 'size-too-large')
  assert.equal(failureOf(hex(`02000000fe00000002${input}`)), 'truncated')
  // No inputs and no witness allowed: the marker is a count.
  const bare = parseTransaction(hex(`0200000000${`01${output}`}00000000`), { allowWitness: false })
  assert.ok(bare.ok && bare.value.inputCount === 0 && bare.value.outputCount === 1)
})

test('a coinbase has one input, and that spends nothing', () => {
  const coinbase = (txid: string, index: string): boolean => {
    const parsed = parseTransaction(hex(`02000000${`01${txid}${index}00ffffffff`}0000000000`))
    assert.ok(parsed.ok)
    return parsed.value.isCoinbase(0)
  }
  assert.ok(coinbase('00'.repeat(32), 'ffffffff'))
  assert.ok(!coinbase('00'.repeat(32), 'feffffff'))
  assert.ok(!coinbase(`${'00'.repeat(31)}01`, 'ffffffff'))
})

test('the first transaction there was', () => {
  const bytes = hex(
    '01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65' +
      '732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f7220' +
      '62616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc' +
      '3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000',
  )
  const parsed = parseTransaction(bytes)
  assert.ok(parsed.ok)
  assert.equal(
    toHexReversed(parsed.value.txids(portableCrypto)),
    '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b',
  )
  assert.equal(parsed.value.outputValue(0), 50e8)
})

test('no bytes make the parser throw, and claims cost no memory', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => void parseTransaction(bytes)),
    { numRuns: 500 },
  )
  const claim = new ByteWriter().u32(2).u8(0xfe).u32(0x0200_0000).finish()
  assert.equal(failureOf(claim), 'truncated')
})
