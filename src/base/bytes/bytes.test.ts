import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  compareBytes,
  concatBytes,
  equalBytes,
  fromHex,
  hex,
  hexReversed,
  reversed,
  toHex,
  toHexReversed,
} from './bytes.ts'
import { fromUtf8, utf8 } from './utf8.ts'

test('hex goes there and back, in either case and either direction', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), bytes => {
      const text = Buffer.from(bytes).toString('hex')
      assert.equal(toHex(bytes), text)
      assert.deepEqual(fromHex(text.toUpperCase()), bytes)
      assert.deepEqual(hexReversed(toHexReversed(bytes)), bytes)
      assert.equal(toHexReversed(bytes), toHex(reversed(bytes)))
    }),
  )
})

test('what is not hex is none', () => {
  for (const text of ['0', '0g', 'g0', ' 00', '0x', '00é0', '０0']) {
    assert.equal(fromHex(text), undefined)
    assert.throws(() => hex(text), TypeError)
  }
})

test('order and equality are those of memcmp', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4, max: 3 }), fc.uint8Array({ maxLength: 4, max: 3 }), (a, b) => {
      assert.equal(Math.sign(compareBytes(a, b)), Buffer.compare(a, b))
      assert.equal(equalBytes(a, b), Buffer.compare(a, b) === 0)
      assert.deepEqual(concatBytes(a, b), new Uint8Array(Buffer.concat([a, b])))
    }),
  )
})

test("UTF-8 is the host's, and strict", () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      const bytes = new Uint8Array(new TextEncoder().encode(text))
      assert.deepEqual(utf8(text), bytes)
      assert.equal(fromUtf8(bytes), new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
    }),
  )
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 6, min: 0x70 }), bytes => {
      let expected: string | undefined
      try {
        expected = strict.decode(bytes)
      } catch {
        expected = undefined
      }
      assert.equal(fromUtf8(bytes), expected)
    }),
  )
})

test('showing a hash back to front leaves it as it is, whatever kind of array it is', () => {
  for (const bytes of [Uint8Array.of(1, 2, 255), Buffer.from([1, 2, 255])]) {
    assert.equal(toHexReversed(bytes), 'ff0201')
    assert.deepEqual([...reversed(bytes)], [255, 2, 1])
    assert.deepEqual([...bytes], [1, 2, 255])
  }
})
