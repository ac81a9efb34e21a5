import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { OperationError } from '../../src/base/errors.ts'
import type { Random } from '../../src/base/ports/random.ts'
import { seededRandom } from '../../src/base/ports/seeded-random.ts'
import type { LedgerOptions } from '../../src/node/ledger/ledger-options.ts'
import { sharedPath, skipWithout } from '../shared-data.ts'
import { openLedger, stateOf, temporaryFolder } from './ledger-harness.ts'

type State = Awaited<ReturnType<typeof stateOf>>

async function stateAfter(folder: string, changes: Partial<LedgerOptions> = {}): Promise<State> {
  const ledger = await openLedger(folder, changes)
  try {
    return await stateOf(ledger)
  } finally {
    await ledger.close()
  }
}

/** The option that an error's advice names. */
function namedOption(error: OperationError): Partial<LedgerOptions> {
  const [option] = /-reindex(-chainstate)?/.exec(error.next ?? '') ?? []
  assert.ok(option !== undefined, `no command in: ${error.next}`)
  return option === '-reindex' ? { reindex: true } : { reindexChainstate: true }
}

function flipBit(path: string, offset: number, bit = 0): void {
  const bytes = readFileSync(path)
  bytes[offset < 0 ? bytes.length + offset : offset] ^= 1 << bit
  writeFileSync(path, bytes)
}

describe('a start after damage', { skip: skipWithout('fixtures', 'chain-mixed') }, () => {
  let sound: string
  let state: State
  const loadBlocks = [sharedPath('fixtures', 'chain-mixed', 'blocks.dat') ?? '']

  before(async () => {
    sound = join(temporaryFolder(), 'sound')
    state = await stateAfter(sound, { loadBlocks })
    // A second start moves the stores' content from logs to tables.
    assert.deepEqual(await stateAfter(sound), state)
  })

  const copy = (): string => {
    const folder = join(temporaryFolder(), 'copy')
    cpSync(sound, folder, { recursive: true })
    return folder
  }

  /** The error of a start that must fail. */
  const errorOf = async (folder: string): Promise<OperationError> => {
    try {
      await stateAfter(folder)
    } catch (error) {
      assert.ok(error instanceof OperationError, String(error))
      return error
    }
    throw new assert.AssertionError({ message: 'the damage went unnoticed' })
  }

  const mends = async (folder: string, error: OperationError): Promise<void> => {
    assert.deepEqual(await stateAfter(folder, namedOption(error)), state)
    assert.deepEqual(await stateAfter(folder), state)
  }

  test('a block that was changed on disk is named; -reindex keeps what is sound, and the rest can come again', async () => {
    const folder = copy()
    flipBit(join(folder, 'blocks', 'blk00000.dat'), -2000)
    const error = await errorOf(folder)
    assert.equal(error.code, 'chainstate-damaged')
    assert.match(error.message, /height \d+/)
    assert.match(error.message, /blk00000\.dat|bad-txnmrklroot/)
    const kept = await stateAfter(folder, namedOption(error))
    assert.notEqual(kept.tip, state.tip)
    assert.deepEqual(await stateAfter(folder, { loadBlocks }), state)
  })

  test('a block file that was cut short', async () => {
    const folder = copy()
    const file = join(folder, 'blocks', 'blk00000.dat')
    truncateSync(file, readFileSync(file).length - 1000)
    const error = await errorOf(folder)
    assert.match(error.message, /blk00000\.dat/)
    await stateAfter(folder, namedOption(error))
    assert.deepEqual(await stateAfter(folder, { loadBlocks }), state)
  })

  test('undo data that was changed on disk', async () => {
    const folder = copy()
    flipBit(join(folder, 'blocks', 'rev00000.dat'), -3)
    const error = await errorOf(folder)
    assert.match(error.message, /undo data of block [0-9a-f]{64}/)
    await mends(folder, error)
  })

  test('undo data that is gone', async () => {
    const folder = copy()
    rmSync(join(folder, 'blocks', 'rev00000.dat'))
    await mends(folder, await errorOf(folder))
  })

  test('coins that are gone are made anew; an index that is gone is named', async () => {
    const folder = copy()
    rmSync(join(folder, 'chainstate'), { recursive: true })
    assert.deepEqual(await stateAfter(folder), state)
    rmSync(join(folder, 'blocks', 'index'), { recursive: true })
    await mends(folder, await errorOf(folder))
  })

  for (const [name, path, expected] of [
    ['block index', ['blocks', 'index'], /block database|block index/i],
    ['coins', ['chainstate'], /coins database|coin/i],
  ] as const) {
    test(`a ${name} store without one of LevelDB's own files`, async () => {
      for (const missing of ['CURRENT', 'MANIFEST']) {
        const folder = copy()
        const store = join(folder, ...path)
        const [file] = readdirSync(store).filter(entry => entry.startsWith(missing))
        if (missing === 'CURRENT') writeFileSync(join(store, file), 'garbage\n')
        else rmSync(join(store, file))
        const error = await errorOf(folder)
        assert.match(error.message, expected)
        await mends(folder, error)
      }
    })

    test(`bits flipped anywhere in the ${name} store: named and mended, or without effect`, async () => {
      const seed = 20
      const random: Random = seededRandom(seed)
      let noticed = 0
      for (let round = 0; round < 6; round++) {
        const folder = copy()
        const store = join(folder, ...path)
        const files = readdirSync(store).filter(entry => /\.(log|ldb)$|^MANIFEST/.test(entry))
        const file = join(store, files[random.below(files.length)])
        const size = readFileSync(file).length
        if (size === 0) continue
        const offset = random.below(size)
        flipBit(file, offset, random.below(8))
        const where = `seed ${seed}, round ${round}: ${file} at ${offset} of ${size}`
        try {
          assert.deepEqual(await stateAfter(folder), state, where)
        } catch (error) {
          if (!(error instanceof OperationError)) throw error
          assert.match(error.message, expected, where)
          namedOption(error)
          // The remedy takes its time: once is enough.
          if (noticed++ === 0) await mends(folder, error)
        }
      }
      assert.ok(noticed > 0)
    })
  }
})
