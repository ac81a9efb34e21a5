import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../ports/seeded-random.ts'
import { shuffled } from './shuffled.ts'

test('every order comes up, about equally often', () => {
  const random = seededRandom(1)
  const counts = new Map<string, number>()
  for (let i = 0; i < 6000; i++) {
    const order = shuffled(['a', 'b', 'c'], random).join('')
    counts.set(order, (counts.get(order) ?? 0) + 1)
  }
  assert.equal(counts.size, 6)
  for (const count of counts.values()) assert.ok(count > 850 && count < 1150)
})
