import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../bytes/utf8.ts'
import { BASE32_LENGTH_MAX, decodeBase32, encodeBase32 } from './base32.ts'

test('RFC 4648, section 10, without the padding', () => {
  for (const [plain, text] of [
    ['', ''],
    ['f', 'my'],
    ['fo', 'mzxq'],
    ['foo', 'mzxw6'],
    ['foob', 'mzxw6yq'],
    ['fooba', 'mzxw6ytb'],
    ['foobar', 'mzxw6ytboi'],
  ]) {
    assert.equal(encodeBase32(utf8(plain)), text)
    assert.deepEqual(decodeBase32(text.toUpperCase()), utf8(plain))
  }
})

test('bytes go there and back, and any text is either base32 or not', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), data => assert.deepEqual(decodeBase32(encodeBase32(data)), data)),
  )
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'abcxyz27A=1 é'), maxLength: 12 }), text => {
      const data = decodeBase32(text)
      if (data !== undefined) assert.equal(encodeBase32(data), text.toLowerCase())
    }),
  )
  for (const text of ['m', 'mz=', 'mzx', 'mz', '1', 'my======', 'a'.repeat(BASE32_LENGTH_MAX + 8)]) {
    assert.equal(decodeBase32(text), undefined)
  }
})
