import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteWriter } from '../bytes/writer.ts'
import { seededRandom } from '../ports/seeded-random.ts'
import { RollingFilter } from './rolling-filter.ts'

function key(number: number): Uint8Array {
  return new ByteWriter().u32(number).u32(7).finish()
}

test('the last keys are there, whatever came before', () => {
  for (const keys of [1, 2, 7, 100]) {
    const filter = new RollingFilter(keys, 0.01, seededRandom(keys))
    for (let i = 0; i < 10 * keys + 5; i++) {
      filter.insert(key(i))
      for (let back = 0; back < keys && back <= i; back++)
        assert.ok(filter.has(key(i - back)), `${keys}: ${i} - ${back}`)
    }
  }
})

test('old keys are forgotten, and strangers are taken for known as rarely as was asked', () => {
  const filter = new RollingFilter(5000, 0.001, seededRandom(3))
  for (let i = 0; i < 52_000; i++) filter.insert(key(i))
  const known = (from: number, count: number): number => {
    let found = 0
    for (let i = from; i < from + count; i++) if (filter.has(key(i))) found++
    return found
  }
  assert.equal(known(47_000, 5000), 5000)
  assert.ok(known(0, 44_000) < 2 * 44, 'more than one and a half times as old')
  assert.ok(known(1_000_000, 100_000) < 2 * 100, 'never seen')
})

test('a filter that was cleared knows nothing', () => {
  const filter = new RollingFilter(10, 1e-6, seededRandom(5))
  for (let i = 0; i < 10; i++) filter.insert(key(i))
  filter.clear()
  for (let i = 0; i < 10; i++) assert.ok(!filter.has(key(i)))
})
