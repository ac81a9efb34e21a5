import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toHex, toHexReversed } from '../bytes/bytes.ts'
import { MuHash, muhashDigests } from './muhash.ts'
import { portableCrypto } from './portable.ts'

/** A number as 32 little-endian bytes. */
function element(value: number): Uint8Array {
  const bytes = new Uint8Array(32)
  bytes[0] = value
  return bytes
}

test("Bitcoin Core's value for a set that two elements joined and one left", () => {
  const hash = new MuHash(portableCrypto)
  hash.insert(element(0))
  hash.insert(element(1))
  hash.remove(element(2))
  assert.equal(toHexReversed(hash.digest()), '10d312b100cbd32ada024a6646e40d3482fcff103668d2625f10002a607d5863')
})

test('elements may come and go in any order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(255), { maxLength: 12 }), fc.array(fc.nat(255), { maxLength: 6 }), (kept, gone) => {
      const [plain, mixed] = [new MuHash(portableCrypto), new MuHash(portableCrypto)]
      for (const value of kept) plain.insert(element(value))
      for (const value of gone) mixed.remove(element(value))
      for (const value of [...gone, ...kept].reverse()) mixed.insert(element(value))
      assert.equal(toHex(mixed.digest()), toHex(plain.digest()))
    }),
    { numRuns: 15 },
  )
})

test('a set that all have left is the empty one, and differs from one with an element', () => {
  const [empty, left, one] = [new MuHash(portableCrypto), new MuHash(portableCrypto), new MuHash(portableCrypto)]
  left.insert(element(1))
  left.remove(element(1))
  one.insert(element(1))
  assert.equal(toHex(left.digest()), toHex(empty.digest()))
  assert.notEqual(toHex(one.digest()), toHex(empty.digest()))
})

test('the digests of many states are those of each, and a set goes on from its state', () => {
  const states = []
  const digests: string[] = []
  let hash = new MuHash(portableCrypto)
  for (let value = 0; value < 12; value++) {
    if (value % 3 > 0) hash.insert(element(value))
    if (value % 4 === 3) hash.remove(element(value - 1))
    states.push(hash.state)
    digests.push(toHex(hash.digest()))
    hash = new MuHash(portableCrypto, hash.state)
  }
  assert.deepEqual(muhashDigests(states).map(toHex), digests)
  assert.deepEqual(muhashDigests([]), [])
})
