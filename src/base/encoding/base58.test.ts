import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readSharedJson, skipWithout } from '../../../test/shared-data.ts'
import { hex } from '../bytes/bytes.ts'
import { decodeBase58, decodeBase58Check, encodeBase58, encodeBase58Check } from './base58.ts'

const VECTORS = ['vectors', 'core', 'base58_encode_decode.json']

test('base58 agrees with every vector of Bitcoin Core', { skip: skipWithout(...VECTORS) }, () => {
  const vectors = readSharedJson<[string, string][]>(...VECTORS)
  assert.equal(vectors.length, 21)
  for (const [bytes, text] of vectors) {
    assert.equal(encodeBase58(hex(bytes)), text)
    assert.deepEqual(decodeBase58(text, 256), hex(bytes))
    assert.deepEqual(decodeBase58(` ${text}\n`, 256), hex(bytes))
  }
})

test('what is not base58, or too long, is refused', () => {
  assert.equal(decodeBase58('0', 10), undefined)
  assert.equal(decodeBase58('a b', 10), undefined)
  assert.equal(decodeBase58('ä', 10), undefined)
  assert.equal(decodeBase58('1111', 3), undefined)
  assert.equal(decodeBase58('z'.repeat(100_000), 100_000), undefined)
})

test('base58check gives back what went in and notices a changed character', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(), (data, at) => {
      const text = encodeBase58Check(data)
      assert.deepEqual(decodeBase58Check(text, 80), data)
      const position = at % text.length
      const changed = text.slice(0, position) + (text[position] === '2' ? '3' : '2') + text.slice(position + 1)
      assert.equal(decodeBase58Check(changed, 80), undefined)
    }),
  )
})
