import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { OperationError } from '../base/errors.ts'
import { seededRandom } from '../base/ports/seeded-random.ts'
import type { Store } from '../base/ports/store.ts'
import { hasLogHole } from './level-log.ts'
import { openLevelStore } from './level-store.ts'
import { isTableSound } from './level-table.ts'

const BATCHES = 20

function open(folder: string): Promise<Store> {
  return openLevelStore(folder, { cacheBytes: 1 << 20, name: 'test store', mend: 'the remedy' })
}

/** A store with a log of many batches; its folder and the log's path. */
async function storeWithLog(): Promise<{ folder: string; log: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'peers-level-'))
  const store = await open(folder)
  const random = seededRandom(1)
  for (let batch = 0; batch < BATCHES; batch++) {
    await store.write(
      Array.from({ length: 50 }, (_, i) => ({ key: Uint8Array.of(batch, i), value: random.bytes(200) })),
    )
  }
  await store.close()
  const [name] = readdirSync(folder).filter(file => file.endsWith('.log'))
  return { folder, log: join(folder, name) }
}

test('a store whose log has a hole is named with its remedy', async () => {
  const { folder, log } = await storeWithLog()
  const sound = readFileSync(log)
  assert.equal(hasLogHole(sound), false)
  const random = seededRandom(2)
  for (let round = 0; round < 20; round++) {
    const damaged = Buffer.from(sound)
    damaged[random.below(sound.length - (64 << 10))] ^= 1 << random.below(8)
    assert.equal(hasLogHole(damaged), true, `round ${round}`)
    writeFileSync(log, damaged)
    await assert.rejects(open(folder), (error: unknown) => {
      return error instanceof OperationError && error.code === 'store-damaged' && error.next === 'the remedy'
    })
  }
  writeFileSync(log, sound)
  await (await open(folder)).close()
  rmSync(folder, { recursive: true })
})

test('a log that was cut off is opened with the batches before the cut, whole', async () => {
  const { folder, log } = await storeWithLog()
  truncateSync(log, readFileSync(log).length - 5000)
  const store = await open(folder)
  const count = (batch: number): number =>
    Array.from({ length: 50 }, (_, i) => store.get(Uint8Array.of(batch, i))).filter(value => value !== undefined).length
  for (let batch = 0; batch < BATCHES - 1; batch++) assert.equal(count(batch), 50)
  assert.equal(count(BATCHES - 1), 0)
  await store.close()
  rmSync(folder, { recursive: true })
})

test('one process at a time', async () => {
  const { folder } = await storeWithLog()
  const store = await open(folder)
  await assert.rejects(
    open(folder),
    (error: unknown) => error instanceof OperationError && error.code === 'store-locked',
  )
  await store.close()
  rmSync(folder, { recursive: true })
})

test('a store with a damaged table is named with its remedy, wherever the damage is', async () => {
  const { folder } = await storeWithLog()
  // A second start turns the log into a table.
  await (await open(folder)).close()
  const [name] = readdirSync(folder).filter(file => file.endsWith('.ldb'))
  const table = join(folder, name)
  const sound = readFileSync(table)
  assert.ok(isTableSound(sound) && sound.length > 100_000)
  const random = seededRandom(3)
  for (let round = 0; round < 200; round++) {
    const damaged = Buffer.from(sound)
    // Between the handles and the magic number the footer has room that nobody reads.
    damaged[random.below(sound.length - 48)] ^= 1 << random.below(8)
    assert.equal(isTableSound(damaged), false, `round ${round}`)
  }
  for (const length of [0, 10, 48, 1000, sound.length - 1]) assert.equal(isTableSound(sound.subarray(0, length)), false)
  sound[5000] ^= 1
  writeFileSync(table, sound)
  await assert.rejects(open(folder), (error: unknown) => {
    return error instanceof OperationError && error.code === 'store-damaged' && error.next === 'the remedy'
  })
  rmSync(folder, { recursive: true })
})

test('a table that a crash cut short, and that no manifest names, is no damage', async () => {
  const { folder } = await storeWithLog()
  const left = join(folder, '999999.ldb')
  writeFileSync(left, Uint8Array.of(1, 2, 3))
  const store = await open(folder)
  assert.equal(store.get(Uint8Array.of(0, 0))?.length, 200)
  await store.close()
  assert.ok(!readdirSync(folder).includes('999999.ldb'))
  rmSync(folder, { recursive: true })
})
