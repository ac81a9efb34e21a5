import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../base/bytes/utf8.ts'
import { decodeBencode } from './decode.ts'
import { type Bencodable, encodeBencode } from './encode.ts'
import { type BencodeDict, type BencodeValue, byteKey } from './value.ts'

function decodeText(text: string, limits = {}): BencodeValue | string {
  const decoded = decodeBencode(utf8(text), limits)
  return decoded.ok ? decoded.value.value : decoded.code
}

test('decodes the examples of BEP 3', () => {
  assert.deepEqual(decodeText('4:spam'), utf8('spam'))
  assert.equal(decodeText('i3e'), 3)
  assert.equal(decodeText('i-3e'), -3)
  assert.equal(decodeText('i0e'), 0)
  assert.deepEqual(decodeText('l4:spam4:eggse'), [utf8('spam'), utf8('eggs')])
  assert.deepEqual(decodeText('d4:spaml1:a1:bee'), new Map([['spam', [utf8('a'), utf8('b')]]]))
})

test('refuses whatever is not canonical', () => {
  const refused: [string, string][] = [
    ['', 'bencode-truncated'],
    ['i-0e', 'bencode-bad-integer'],
    ['i03e', 'bencode-bad-integer'],
    ['ie', 'bencode-bad-integer'],
    ['i12', 'bencode-truncated'],
    ['i9223372036854775808e', 'bencode-bad-integer'],
    ['04:spam', 'bencode-bad-string'],
    ['5:spam', 'bencode-truncated'],
    ['99999999999:a', 'bencode-bad-string'],
    ['l1:a', 'bencode-truncated'],
    ['di1ei2ee', 'bencode-bad-string'],
    ['d1:ae', 'bencode-bad-token'],
    ['d1:bi1e1:ai2ee', 'bencode-unsorted-keys'],
    ['d1:ai1e1:ai2ee', 'bencode-duplicate-key'],
    ['i1ei2e', 'bencode-trailing-bytes'],
    ['x', 'bencode-bad-token'],
  ]
  for (const [text, code] of refused) assert.equal(decodeText(text), code, text)
})

test('keeps 64-bit integers exact', () => {
  assert.equal(decodeText('i9007199254740991e'), Number.MAX_SAFE_INTEGER)
  assert.equal(decodeText('i9007199254740993e'), 9007199254740993n)
  assert.equal(decodeText('i-9223372036854775808e'), -9223372036854775808n)
})

test('bounds depth and tokens', () => {
  assert.equal(decodeText('l'.repeat(100_000)), 'bencode-too-deep')
  assert.equal(decodeText('lllleeee', { depthMax: 4 }).constructor, Array)
  assert.equal(decodeText('lllleeee', { depthMax: 3 }), 'bencode-too-deep')
  assert.equal(decodeText(`l${'i1e'.repeat(10)}e`, { tokenMax: 10 }), 'bencode-too-many-tokens')
})

test('tells where the value ends and where the fields lie', () => {
  const decoded = decodeBencode(utf8('d4:infod1:ai1ee1:zi2eetail'), { allowTrailing: true })
  assert.ok(decoded.ok)
  assert.equal(decoded.value.end, 22)
  assert.deepEqual(decoded.value.spans.get('info'), [7, 15])
})

const leaf = fc.oneof(
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(n => (Number.isSafeInteger(Number(n)) ? Number(n) : n)),
  fc.uint8Array({ maxLength: 40 }),
)
const { value: anyValue } = fc.letrec<{ value: BencodeValue; dict: BencodeDict; list: BencodeValue[] }>(tie => ({
  value: fc.oneof({ maxDepth: 5 }, leaf, tie('list'), tie('dict')),
  list: fc.array(tie('value'), { maxLength: 5 }),
  dict: fc
    .array(fc.tuple(fc.uint8Array({ maxLength: 6 }).map(byteKey), tie('value')), { maxLength: 5 })
    .map(entries => new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)))),
}))

test('decoding undoes encoding', () => {
  fc.assert(
    fc.property(anyValue, value => {
      const decoded = decodeBencode(encodeBencode(value as Bencodable))
      assert.ok(decoded.ok)
      assert.deepEqual(decoded.value.value, value)
    }),
  )
})

test('whatever is accepted encodes to the same bytes', () => {
  const token = fc.constantFrom('i', 'l', 'd', 'e', ':', '-', '0', '1', '2', 'a', '1:a', 'i1e', 'de', 'le')
  fc.assert(
    fc.property(fc.array(token, { maxLength: 14 }), parts => {
      const bytes = utf8(parts.join(''))
      const decoded = decodeBencode(bytes)
      if (decoded.ok) assert.deepEqual(encodeBencode(decoded.value.value as Bencodable), bytes)
    }),
    { numRuns: 3000 },
  )
})
