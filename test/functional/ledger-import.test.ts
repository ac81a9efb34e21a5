import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { concatBytes } from '../../src/base/bytes/bytes.ts'
import { ByteWriter } from '../../src/base/bytes/writer.ts'
import { blockFileName } from '../../src/bitcoin/chainstate/block-files.ts'
import { builtInNetwork } from '../../src/bitcoin/params/networks.ts'
import type { LedgerOptions } from '../../src/node/ledger/ledger-options.ts'
import { sharedPath, skipWithout } from '../shared-data.ts'
import { mixedChain, mixedChainExpectations, openLedger, stateOf, temporaryFolder } from './ledger-harness.ts'

type State = Awaited<ReturnType<typeof stateOf>>

/** Opens, looks, closes. */
async function stateAfter(folder: string, changes: Partial<LedgerOptions> = {}): Promise<State> {
  const ledger = await openLedger(folder, changes)
  try {
    return await stateOf(ledger)
  } finally {
    await ledger.close()
  }
}

function frame(block: Uint8Array): Uint8Array {
  const { magic } = builtInNetwork('regtest')!
  return new ByteWriter(8 + block.length).bytes(magic).u32(block.length).bytes(block).finish()
}

describe('a ledger that takes in files of blocks', { skip: skipWithout('fixtures', 'chain-mixed') }, () => {
  const expected = (): State => {
    const { tip, heights } = mixedChainExpectations()
    const { gettxoutsetinfo: coins } = heights.at(-1)!
    assert.equal(coins.bestblock, tip.hash)
    return { tip: tip.hash, hash: coins.hash_serialized_3, txouts: coins.txouts }
  }
  const blocksFile = (): string => sharedPath('fixtures', 'chain-mixed', 'blocks.dat')!

  test('-loadblock leads to the same tip and coins, with and without XOR key; so do both kinds of reindex', async () => {
    for (const blocksXor of [true, false]) {
      const folder = temporaryFolder()
      const changes = { blocksXor }
      assert.deepEqual(await stateAfter(folder, { ...changes, loadBlocks: [blocksFile()] }), expected())
      const key = readFileSync(join(folder, 'blocks', 'xor.dat'))
      assert.equal(
        key.some(byte => byte !== 0),
        blocksXor,
      )
      assert.deepEqual(await stateAfter(folder, changes), expected())
      const size = readFileSync(join(folder, 'blocks', blockFileName(0))).length
      assert.deepEqual(await stateAfter(folder, { ...changes, reindex: true }), expected())
      assert.deepEqual(await stateAfter(folder, { ...changes, reindexChainstate: true }), expected())
      assert.deepEqual(await stateAfter(folder, changes), expected())
      assert.equal(readFileSync(join(folder, 'blocks', blockFileName(0))).length, size, 'blocks stay where they are')
    }
  })

  test('blocks in any order, with garbage between them and a cut-off end', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'shuffled.dat')
    const blocks = mixedChain().map(({ bytes }) => bytes)
    const { magic } = builtInNetwork('regtest')!
    const parts: Uint8Array[] = [new Uint8Array(5).fill(1)]
    for (const block of [...blocks].reverse()) parts.push(frame(block), magic, new Uint8Array(3).fill(7))
    parts.push(frame(blocks[0]).subarray(0, 100))
    writeFileSync(file, concatBytes(...parts))
    const state = await stateAfter(join(folder, 'data'), { loadBlocks: [file] })
    assert.deepEqual(state, expected())
  })

  test('a bitcoind folder whose blocks came out of order is adopted by -reindex, across files too', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'blocks'), { recursive: true })
    const blocks = mixedChain().map(({ bytes }) => bytes)
    const genesis = builtInNetwork('regtest')!.genesisBytes
    // Three files, the last blocks in the first of them.
    const third = Math.ceil(blocks.length / 3)
    const files = [blocks.slice(2 * third), blocks.slice(0, third), blocks.slice(third, 2 * third)]
    files[0].unshift(genesis)
    files.forEach((content, number) => {
      writeFileSync(join(folder, 'blocks', blockFileName(number)), concatBytes(...content.map(frame)))
    })
    assert.deepEqual(await stateAfter(folder, { reindex: true }), expected())
    assert.deepEqual(await stateAfter(folder), expected())
  })

  test('a folder without its index and coins is rebuilt by -reindex', async () => {
    const folder = temporaryFolder()
    await stateAfter(folder, { loadBlocks: [blocksFile()] })
    const copy = join(temporaryFolder(), 'copy')
    cpSync(folder, copy, { recursive: true })
    for (const name of readdirSync(join(copy, 'blocks'))) {
      if (!/^(blk\d+|xor)\.dat$/.test(name)) rmSync(join(copy, 'blocks', name), { recursive: true })
    }
    rmSync(join(copy, 'chainstate'), { recursive: true })
    assert.deepEqual(await stateAfter(copy, { reindex: true }), expected())
  })

  test('a file that is not there is told of, and does no harm', async () => {
    const folder = temporaryFolder()
    const missing = join(folder, 'missing.dat')
    const ledger = await openLedger(folder, { loadBlocks: [missing, blocksFile()] })
    assert.ok(ledger.messages.includes(`Could not open blocks file ${missing}`))
    assert.deepEqual(await stateOf(ledger), expected())
    await ledger.close()
  })
})
