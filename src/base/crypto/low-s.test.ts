import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hex } from '../bytes/bytes.ts'
import { isLowS } from './low-s.ts'

const ONE = '01'.padStart(64, '0')
const HALF = '7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0'
const ORDER = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'

test('half the order is low, one more is high, and what cannot verify counts as low', () => {
  assert.equal(isLowS(hex(ONE + HALF)), true)
  assert.equal(isLowS(hex(`${ONE}${HALF.slice(0, -1)}1`)), false)
  assert.equal(isLowS(hex(`${ONE}${ORDER.slice(0, -1)}0`)), false)
  assert.equal(isLowS(hex(ONE + ORDER)), true)
  assert.equal(isLowS(hex(`${ORDER}${HALF.slice(0, -1)}1`)), true)
})
