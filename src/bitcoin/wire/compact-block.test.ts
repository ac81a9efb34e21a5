import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes } from '../../base/bytes/bytes.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { portableCrypto } from '../../base/crypto/portable.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import type { Verdict } from '../../base/verdict.ts'
import { type BlockView, encodeBlock, encodeHeader, parseBlock } from '../primitives/block.ts'
import { encodeTransaction, unsignedInput } from '../primitives/transaction.ts'
import {
  beginReconstruction,
  COMPACT_BLOCK_FAILED,
  COMPACT_BLOCK_INVALID,
  compactBlockOf,
  finishReconstruction,
  shortIdHash,
  type TransactionColumns,
} from './compact-block.ts'
import type { CompactBlockMessage } from './compact-block-messages.ts'
import { decodeMessage, encodePayload } from './messages.ts'

const random = seededRandom(152)
const NONE: TransactionColumns = columns([])

function transaction(): Uint8Array {
  const outputs = [{ valueSats: 42n, script: random.bytes(5) }]
  const inputs = [{ ...unsignedInput(random.bytes(32), 0), witness: [random.bytes(3)] }]
  return encodeTransaction({ version: 2, inputs, outputs, lockTime: 0 })
}

function columns(transactions: readonly Uint8Array[], wtxids?: readonly Uint8Array[]): TransactionColumns {
  const hashes = wtxids ?? transactions.map(bytes => portableCrypto.sha256d(bytes))
  return { count: transactions.length, wtxids: concatBytes(...hashes), transaction: i => transactions[i] }
}

function blockOf(transactions: readonly Uint8Array[]): BlockView {
  const [previous, merkleRoot] = [random.bytes(32), random.bytes(32)]
  const header = { version: 42, previous, merkleRoot, time: 1, bits: 0x207fffff, nonce: 0 }
  const parsed = parseBlock(encodeBlock(header, transactions))
  assert.ok(parsed.ok)
  return parsed.value
}

function compact(block: BlockView, prefill?: ReadonlySet<number>): CompactBlockMessage {
  const message = compactBlockOf(block, block.txs.wtxids(portableCrypto), random.u64(), prefill)
  const decoded = decodeMessage('cmpctblock', encodePayload('cmpctblock', message))
  assert.ok(decoded.ok && decoded.value.command === 'cmpctblock')
  assert.deepEqual(decoded.value.value, message)
  return decoded.value.value
}

function codeOf<T>(verdict: Verdict<T>): string {
  return verdict.ok ? 'ok' : verdict.code
}

test('a block comes back from what is known and what is asked for', () => {
  const pool = Array.from({ length: 12 }, transaction)
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.nat(11)),
      fc.array(fc.nat(11)),
      fc.array(fc.nat(11)),
      (count, prefill, inMempool, inExtra) => {
        const txs = pool.slice(0, count)
        const block = blockOf(txs)
        const message = compact(block, new Set(prefill))
        const mempool = columns([...new Set(inMempool)].map(i => pool[i]))
        const begun = beginReconstruction(message, mempool, columns([...new Set(inExtra)].map(i => pool[i])))
        assert.ok(begun.ok)
        const known = new Set([0, ...prefill, ...inMempool, ...inExtra])
        assert.deepEqual(
          begun.value.missing,
          txs.flatMap((_, i) => (known.has(i) ? [] : [i])),
        )
        const { prefilledCount, foundCount, extraCount, missing } = begun.value
        assert.equal(prefilledCount + foundCount + missing.length, count)
        assert.ok(extraCount <= foundCount)
        const asked = missing.map(i => pool[i])
        const finished = finishReconstruction(begun.value, asked, bytes => bytes.length !== block.bytes.length)
        assert.deepEqual(finished, { ok: true, value: block.bytes })
        assert.equal(codeOf(finishReconstruction(begun.value, asked, () => true)), COMPACT_BLOCK_FAILED)
        const tooMany = finishReconstruction(begun.value, [...asked, pool[0]], () => false)
        assert.equal(codeOf(tooMany), COMPACT_BLOCK_INVALID)
        if (asked.length > 0) {
          const tooFew = finishReconstruction(begun.value, asked.slice(1), () => false)
          assert.equal(codeOf(tooFew), COMPACT_BLOCK_INVALID)
        }
      },
    ),
    { numRuns: 200 },
  )
})

test("what nobody makes in good faith is the sender's fault", () => {
  const txs = [transaction(), transaction(), transaction()]
  const message = compact(blockOf(txs))
  const begin = (changes: Partial<CompactBlockMessage>): string =>
    codeOf(beginReconstruction({ ...message, ...changes }, NONE, NONE))
  assert.equal(begin({}), 'ok')
  assert.equal(begin({ header: new Uint8Array(80) }), COMPACT_BLOCK_INVALID)
  assert.equal(begin({ shortIds: new Float64Array(0), prefilled: [] }), COMPACT_BLOCK_INVALID)
  assert.equal(begin({ shortIds: Float64Array.from({ length: 0x10000 }, (_, i) => i) }), COMPACT_BLOCK_INVALID)
  assert.equal(begin({ prefilled: [{ gap: 0, transaction: new Uint8Array(10) }] }), COMPACT_BLOCK_INVALID)
  const at = (...gaps: number[]): string => begin({ prefilled: gaps.map(gap => ({ gap, transaction: txs[0] })) })
  assert.deepEqual(
    [at(2), at(3), at(2, 0), at(2, 1), at(0, 3)],
    ['ok', COMPACT_BLOCK_INVALID, 'ok', COMPACT_BLOCK_INVALID, COMPACT_BLOCK_INVALID],
  )
})

test('equal short ids are an accident', () => {
  const block = blockOf([transaction(), transaction(), transaction()])
  const message = compact(block)
  const shortIds = Float64Array.of(message.shortIds[0], message.shortIds[0])
  assert.equal(codeOf(beginReconstruction({ ...message, shortIds }, NONE, NONE)), COMPACT_BLOCK_FAILED)
})

/** A header and nonce under which two wtxids have the same short id; they were searched for among thirty million. */
const COLLIDING = {
  header: encodeHeader({
    version: 42,
    previous: new Uint8Array(32),
    merkleRoot: new Uint8Array(32),
    time: 1,
    bits: 0x207fffff,
    nonce: 0,
  }),
  nonce: 7n,
  shortId: 251226419200372,
  wtxids: [21438431, 28926061].map(number => new ByteWriter(32).u32(number).bytes(new Uint8Array(28)).finish()),
}

test('two candidates for one place leave it open, for good', () => {
  const { header, nonce, shortId, wtxids } = COLLIDING
  const hash = shortIdHash(header, nonce)
  assert.deepEqual(
    wtxids.map(wtxid => hash.hash256Low48(wtxid)),
    [shortId, shortId],
  )
  const [first, second, other] = Array.from({ length: 3 }, transaction)
  const otherId = portableCrypto.sha256d(other)
  const shortIds = Float64Array.of(shortId, hash.hash256Low48(otherId), 1)
  const message = { header, nonce, shortIds, prefilled: [{ gap: 0, transaction: transaction() }] }
  const state = (mempool: TransactionColumns, extra: TransactionColumns): unknown[] => {
    const begun = beginReconstruction(message, mempool, extra)
    assert.ok(begun.ok)
    return [begun.value.missing, begun.value.foundCount, begun.value.extraCount]
  }
  const [a, b] = [columns([first], [wtxids[0]]), columns([second], [wtxids[1]])]
  const both = columns([first, second, first], [wtxids[0], wtxids[1], wtxids[0]])
  assert.deepEqual(state(a, NONE), [[2, 3], 1, 0])
  assert.deepEqual(state(NONE, b), [[2, 3], 1, 1])
  // The same transaction in both sources is no collision.
  assert.deepEqual(state(a, a), [[2, 3], 1, 0])
  assert.deepEqual(state(a, b), [[1, 2, 3], 0, 0])
  assert.deepEqual(state(both, NONE), [[1, 2, 3], 0, 0])
  assert.deepEqual(state(both, a), [[1, 2, 3], 0, 0])
  assert.deepEqual(state(NONE, both), [[1, 2, 3], 0, 0])
  const more = columns([other, second], [otherId, wtxids[1]])
  assert.deepEqual(state(a, more), [[1, 3], 1, 1])
})

test('any compact block is put together, refused or given up', () => {
  const [small, known] = [transaction(), transaction()]
  const message = fc.record({
    nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    header: fc.uint8Array({ minLength: 80, maxLength: 80 }),
    shortIds: fc.array(fc.nat(20), { maxLength: 8 }).map(ids => Float64Array.from(ids)),
    prefilled: fc.array(fc.record({ gap: fc.nat(4), transaction: fc.constant(small) }), { maxLength: 5 }),
  })
  fc.assert(
    fc.property(message, compactBlock => {
      const begun = beginReconstruction(compactBlock, columns([known]), NONE)
      if (!begun.ok) assert.ok(begun.code === COMPACT_BLOCK_INVALID || begun.code === COMPACT_BLOCK_FAILED)
      else assert.equal(begun.value.transactions.length, compactBlock.shortIds.length + compactBlock.prefilled.length)
    }),
    { numRuns: 500 },
  )
})
