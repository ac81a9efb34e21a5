import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../ports/seeded-random.ts'
import { fromUtf8, utf8 } from './utf8.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function expected(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

test('text is what the host makes of the same bytes, and nothing where they are not strict', () => {
  const random = seededRandom(1)
  const pieces = ['a', 'é', '漢', '😀', '\u0000', '\uffff', '\u{10ffff}', '\ufeff'].map(utf8)
  const broken = [
    '80',
    'c080',
    'c1bf',
    'e08080',
    'eda080',
    'f0808080',
    'f4908080',
    'f5808080',
    'c3',
    'e6bc',
    'f09f98',
    'ff',
  ]
  for (let round = 0; round < 2000; round++) {
    const parts = Array.from({ length: random.below(8) }, () => pieces[random.below(pieces.length)])
    if (random.below(2) === 0) parts.push(Buffer.from(broken[random.below(broken.length)], 'hex'))
    if (random.below(2) === 0) parts.push(pieces[random.below(pieces.length)])
    const bytes = new Uint8Array(Buffer.concat(parts))
    assert.equal(fromUtf8(bytes), expected(bytes), Buffer.from(bytes).toString('hex'))
  }
})

test('long texts are whole at every seam', () => {
  for (const character of ['x', 'ß', '漢', '😀']) {
    for (const before of [0, 1, 4094, 4095, 4096]) {
      const text = 'y'.repeat(before) + character.repeat(9000)
      assert.equal(fromUtf8(utf8(text)), text)
    }
  }
})
