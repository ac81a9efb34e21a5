import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseByIndex } from './file-selection.ts'

test('BEP 53: many of very many files are chosen in no time', () => {
  const choose = chooseByIndex(Array.from({ length: 100_000 }, (_, i) => 2 * i))!
  const startedAt = performance.now()
  let chosen = 0
  for (let index = 0; index < 1_000_000; index++) if (choose('', index)) chosen++
  assert.equal(chosen, 100_000)
  // Looked for one by one it takes a minute.
  assert.ok(performance.now() - startedAt < 5000)
  assert.equal(chooseByIndex([]), undefined)
})
