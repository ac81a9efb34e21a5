import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteReader } from '../../base/bytes/reader.ts'
import { encodeTransaction, type Transaction } from '../primitives/transaction.ts'
import { parseTransactions } from '../primitives/tx-table.ts'
import { skipTransaction } from './skip-transaction.ts'

const PLAIN = { noNullPrototype: true } as const
const BYTES = fc.uint8Array({ maxLength: 12 })
const U32 = fc.nat(0xffff_ffff)
const INPUT = fc.record(
  {
    txid: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    index: U32,
    scriptSig: BYTES,
    sequence: U32,
    witness: fc.array(BYTES, { maxLength: 2 }),
  },
  PLAIN,
)
const TRANSACTION: fc.Arbitrary<Transaction> = fc.record(
  {
    version: U32,
    inputs: fc.array(INPUT, { maxLength: 3 }),
    outputs: fc.array(fc.record({ valueSats: fc.constant(1n), script: BYTES }, PLAIN), { maxLength: 3 }),
    lockTime: U32,
  },
  PLAIN,
)

/** Where a transaction ends, or why it does not; by skipping and by parsing. */
function ends(bytes: Uint8Array): [skipped: number | string, parsed: number | string] {
  const reader = new ByteReader(bytes)
  skipTransaction(reader)
  const parsed = parseTransactions(bytes, 0, 1)
  return [reader.failure ?? reader.position, parsed.ok ? parsed.value.end : parsed.code]
}

test('a transaction ends where its parse ends, and fails as it fails', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(TRANSACTION, fc.nat(), fc.nat(3), fc.nat(), (transaction, at, byte, cut) => {
      const bytes = encodeTransaction(transaction)
      const changed = bytes.slice()
      changed[at % changed.length] = byte
      // The first bytes decide about form and counts: they are changed more often than others.
      const early = bytes.slice()
      early[4 + (at % Math.min(3, early.length - 4))] = byte
      for (const form of [bytes, changed, early, changed.subarray(0, cut % changed.length)]) {
        const [skipped, parsed] = ends(form)
        assert.equal(skipped, parsed)
        seen.add(typeof parsed === 'number' ? 'end' : parsed)
      }
    }),
    { numRuns: 3000 },
  )
  for (const outcome of ['end', 'truncated', 'superfluous-witness', 'unknown-transaction-data']) {
    assert.ok(seen.has(outcome), outcome)
  }
})
