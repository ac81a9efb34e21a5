import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { hexReversed, toHexReversed } from '../../src/base/bytes/bytes.ts'
import { OperationError } from '../../src/base/errors.ts'
import { readInvalidBlocks } from '../invalid-blocks.ts'
import { readSharedBytes, skipWithout } from '../shared-data.ts'
import {
  mixedChain,
  mixedChainExpectations,
  type OpenLedger,
  openLedger,
  stateOf,
  temporaryFolder,
  tipOf,
} from './ledger-harness.ts'

/** submitblock's answer: null where accepted, as JSON has it; an error's message where the block does not decode. */
async function answerTo(ledger: OpenLedger, bytes: Uint8Array): Promise<string | null> {
  try {
    return (await ledger.service.submitBlock(bytes)) ?? null
  } catch (error) {
    if (error instanceof OperationError && error.code === 'block-decode') return error.message
    throw error
  }
}

describe('a ledger that is fed through submitblock', {
  skip: skipWithout('fixtures', 'chain-mixed') || skipWithout('fixtures', 'invalid-blocks'),
}, () => {
  let ledger: OpenLedger
  after(() => ledger?.close())

  test("gives Bitcoin Core's answer to every block of chain-mixed, and has its coins at every listed height", async () => {
    ledger = await openLedger(temporaryFolder())
    const expected = mixedChainExpectations()
    const blocks = mixedChain()
    assert.equal(blocks.length, 476)
    assert.equal(expected.heights.length, 14)
    const compared = new Set<number>()
    for (const { entry, bytes } of blocks) {
      assert.equal(await answerTo(ledger, bytes), entry.result, `${entry.height} ${entry.hash}`)
      assert.equal(tipOf(ledger) === entry.hash, entry.tip, `${entry.height} ${entry.hash}`)
      const listed = expected.heights.find(({ hash }) => hash === entry.hash)
      if (listed === undefined || !entry.tip) continue
      compared.add(listed.height)
      const { gettxoutsetinfo: coins } = listed
      const serialized = await ledger.service.utxoSetInfo('hash_serialized_3')
      assert.equal(serialized.hash, coins.hash_serialized_3, `coins at ${listed.height}`)
      assert.equal(serialized.txouts, coins.txouts)
      assert.equal(serialized.bogoSize, coins.bogosize)
      assert.equal(serialized.totalAmountSats, Math.round(coins.total_amount * 1e8))
      assert.equal((await ledger.service.utxoSetInfo('muhash')).hash, coins.muhash, `coins at ${listed.height}`)
    }
    assert.equal(compared.size, 14)
    assert.equal(tipOf(ledger), expected.tip.hash)
  })

  test('has the same active chain and the same tips', async () => {
    const expected = mixedChainExpectations()
    assert.equal(expected.activeChain.length, 451)
    for (const [height, hash] of expected.activeChain.entries()) {
      assert.equal(toHexReversed((await ledger.service.entryAtHeight(height))!.hash), hash)
    }
    const tips = (await ledger.service.chainTips()).map(({ height, hash, branchLength, status }) => ({
      height,
      hash: toHexReversed(hash),
      branchlen: branchLength,
      status,
    }))
    const byHash = (a: { hash: string }, b: { hash: string }): number => (a.hash < b.hash ? -1 : 1)
    assert.deepEqual([...tips].sort(byHash), [...expected.getchaintips].sort(byHash))
  })

  test("gives Bitcoin Core's answer to every invalid block, and leaves tip and coins as they were", async () => {
    const { cases } = readInvalidBlocks()
    assert.equal(cases.filter(({ valid }) => valid).length, 17)
    const before = await stateOf(ledger)
    for (const { name, file, valid, result, error } of cases) {
      const bytes = readSharedBytes('fixtures', 'invalid-blocks', file)
      assert.equal(await answerTo(ledger, bytes), error?.message ?? result, name)
      assert.equal(tipOf(ledger) !== before.tip, valid, name)
      if (valid) {
        await ledger.service.invalidate(hexReversed(tipOf(ledger)))
        assert.equal(tipOf(ledger), before.tip, name)
      }
    }
    assert.deepEqual(await stateOf(ledger), before)
  })

  test('checks out to the last block at the most thorough level', async () => {
    assert.equal(await ledger.service.verify(4, 0), undefined)
  })
})
