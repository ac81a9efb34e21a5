import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hex, toHex } from '../../base/bytes/bytes.ts'
import { decodeScriptNumber, encodeScriptNumber, isTruthy } from './script-number.ts'

test('numbers of up to four bytes survive the way there and back', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }), value => {
      assert.equal(decodeScriptNumber(encodeScriptNumber(value), true), value)
    }),
  )
})

test('sums of operands have five bytes and are no operands', () => {
  const item = encodeScriptNumber(2 ** 31)
  assert.equal(toHex(item), '0000008000')
  assert.equal(decodeScriptNumber(item, true), undefined)
  assert.equal(decodeScriptNumber(item, true, 5), 2 ** 31)
  assert.equal(toHex(encodeScriptNumber(-(2 ** 32) + 2)), 'feffffff80')
})

test('what is not minimal is taken or refused as asked', () => {
  for (const [item, value] of [
    ['80', 0],
    ['00', 0],
    ['0100', 1],
    ['ff80', -255],
    ['ff00', 255],
    ['7f80', -127],
  ] as const) {
    assert.equal(decodeScriptNumber(hex(item), false), value, item)
    assert.equal(decodeScriptNumber(hex(item), true), item.startsWith('ff') ? value : undefined, item)
  }
})

test('zero and negative zero of any length are false', () => {
  for (const item of ['', '00', '80', '000080', '0000']) assert.equal(isTruthy(hex(item)), false, item)
  for (const item of ['01', '81', '8000', '000001']) assert.equal(isTruthy(hex(item)), true, item)
})
