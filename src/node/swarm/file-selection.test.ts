import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseByIndex, chooseByPatterns, isChosen } from './file-selection.ts'

test('BEP 53: many of very many files are chosen in no time', () => {
  const choose = chooseByIndex(Array.from({ length: 100_000 }, (_, i) => 2 * i))!
  const startedAt = performance.now()
  let chosen = 0
  for (let index = 0; index < 1_000_000; index++) if (choose('', index, '')) chosen++
  assert.equal(chosen, 100_000)
  // Looked for one by one it takes a minute.
  assert.ok(performance.now() - startedAt < 5000)
  assert.equal(chooseByIndex([]), undefined)
})

test('a pattern may begin with the folder of the torrent, or below it', () => {
  const cases: [pattern: string, chosen: string[]][] = [
    ['album/live/two.flac', ['album/live/two.flac']],
    ['live/*', ['album/live/two.flac']],
    ['album/*', ['album/one.flac', 'album/album/three.flac']],
    ['album/album/*', ['album/album/three.flac']],
    ['*.flac', ['album/one.flac', 'album/live/two.flac', 'album/album/three.flac', 'single.flac']],
    ['single.flac', ['single.flac']],
    ['album', []],
  ]
  const paths = cases[4][1]
  for (const [pattern, chosen] of cases) {
    const choose = chooseByPatterns(['nothing', pattern])
    assert.deepEqual(
      paths.filter((path, index) => isChosen(choose, path, index)),
      chosen,
      pattern,
    )
  }
})
