import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Json, JsonNumber, JsonObject, jsonAmount, jsonFloat, jsonTypeName } from './json-value.ts'
import { readJson } from './read-json.ts'
import { writeJson } from './write-json.ts'

/** What JSON.parse would have made of it. */
function plain(value: Json | undefined): unknown {
  if (value instanceof JsonNumber) return Number(value.text)
  if (value instanceof JsonObject) return Object.fromEntries(value.keys.map((key, i) => [key, plain(value.values[i])]))
  return Array.isArray(value) ? value.map(plain) : value
}

test('whatever JSON.parse takes is read alike, and written back', () => {
  fc.assert(
    fc.property(fc.json({ noUnicodeString: false }), fc.constantFrom('', ' ', '\n\t'), (text, space) => {
      const spaced = space + text + space
      const value = readJson(spaced)
      assert.deepEqual(plain(value), JSON.parse(text))
      assert.deepEqual(plain(readJson(writeJson(value!))), JSON.parse(text))
      assert.deepEqual(plain(readJson(writeJson(value!, 4))), JSON.parse(text))
    }),
  )
})

test('what JSON.parse refuses is refused', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    'a',
    ':',
    ',',
    '1',
    '0',
    '-',
    '.',
    'e',
    'null',
    'true',
    '\\',
    ' ',
    '\\u',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 10 }), parts => {
      const text = parts.join('')
      let expected: unknown
      try {
        expected = JSON.parse(text)
      } catch {
        assert.equal(readJson(text), undefined, text)
        return
      }
      assert.deepEqual(plain(readJson(text)), expected)
    }),
    { numRuns: 3000 },
  )
  for (const text of ['"\\ud800"', '"\n"', '\ufeff1', '{"a":1,}', '[1,]', '01', '+1', '"\\x"', '"abc', '"abc\\"']) {
    assert.equal(readJson(text), undefined, text)
  }
})

test('numbers keep their text, objects the order and repetition of keys', () => {
  const text = '{"2":1.50000000,"1":1e400,"2":-0,"b":[0.1]}'
  assert.equal(writeJson(readJson(text)!), text)
})

test('nesting is bounded', () => {
  assert.notEqual(readJson('['.repeat(512) + ']'.repeat(512)), undefined)
  assert.equal(readJson('['.repeat(513) + ']'.repeat(513)), undefined)
  assert.equal(readJson('['.repeat(1_000_000)), undefined)
})

test('strings are escaped as Bitcoin Core escapes them', () => {
  assert.equal(writeJson('a"\\/\b\f\n\r\t\u0001\u007fé'), '"a\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u007fé"')
})

test('the pretty form is that of error messages', () => {
  assert.equal(
    writeJson({ a: [1, {}], b: undefined, c: 'x' }, 4),
    '{\n    "a": [\n        1,\n        {\n        }\n    ],\n    "c": "x"\n}',
  )
})

test('amounts have eight decimals', () => {
  const cases: [number | bigint, string][] = [
    [0, '0.00000000'],
    [1, '0.00000001'],
    [-1, '-0.00000001'],
    [100000000, '1.00000000'],
    [5000000000, '50.00000000'],
    [2100000000000000n, '21000000.00000000'],
    [-9223372036854775808n, '-92233720368.54775808'],
  ]
  for (const [value, text] of cases) assert.equal(jsonAmount(value).text, text)
})

test('floats have sixteen significant digits', () => {
  const cases: [number, string][] = [
    [4.656542373906925e-10, '4.656542373906925e-10'],
    [1, '1'],
    [0, '0'],
    [0.006870155615022118, '0.006870155615022118'],
    [1e-5, '1e-05'],
    [0.0001, '0.0001'],
    [123456789.5, '123456789.5'],
    [1e15, '1000000000000000'],
    [1e16, '1e+16'],
    [150_000_000_000_000.12, '150000000000000.1'],
    [0.1 + 0.2, '0.3'],
    [1.5e300, '1.5e+300'],
  ]
  for (const [value, text] of cases) assert.equal(jsonFloat(value).text, text)
})

test('types have the names of error messages', () => {
  const values: Json[] = [null, true, 'a', 1, [], {}, new JsonNumber('1'), new JsonObject()]
  assert.deepEqual(values.map(jsonTypeName), [
    'null',
    'bool',
    'string',
    'number',
    'array',
    'object',
    'number',
    'object',
  ])
})
