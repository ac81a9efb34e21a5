import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { concatBytes, hex, toHex } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { COIN, MAX_MONEY } from '../primitives/amount.ts'
import { readAmount, readScript, writeAmount, writeScript } from './coin-codec.ts'
import { readVarintBig } from './varint.ts'

function amountForm(valueSats: number): Uint8Array {
  const writer = new ByteWriter()
  writeAmount(writer, valueSats)
  return writer.finish()
}

function roundTrip(valueSats: number): void {
  const reader = new ByteReader(amountForm(valueSats))
  assert.equal(readAmount(reader), valueSats)
  assert.equal(reader.remaining, 0)
  assert.equal(reader.failure, undefined)
}

function scriptForm(script: Uint8Array): Uint8Array {
  const writer = new ByteWriter()
  writeScript(writer, script)
  return writer.finish()
}

test("amounts compress to Bitcoin Core's numbers", () => {
  for (const [value, compressed] of [
    [0, 0x0n],
    [1, 0x1n],
    [COIN / 100, 0x7n],
    [COIN, 0x9n],
    [50 * COIN, 0x32n],
    [MAX_MONEY, 0x1406f40n],
  ] as const) {
    assert.equal(readVarintBig(new ByteReader(amountForm(value))), compressed)
    roundTrip(value)
  }
})

test('every amount comes back, the greatest too', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: MAX_MONEY }), roundTrip))
  fc.assert(fc.property(fc.integer({ min: 0, max: 100_000 }), below => roundTrip(MAX_MONEY - below)))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 21_000_000 }), fc.nat(14), (digits, zeros) => {
      const value = digits * 10 ** zeros
      if (value <= MAX_MONEY) roundTrip(value)
    }),
  )
  // Around the place where the compressed number leaves the safe integers.
  for (let i = -50; i <= 50; i++) roundTrip(9e14 + i)
})

test('templates are kept without what is the same in all of them', () => {
  const hash = new Uint8Array(20).fill(9)
  const key = secp256k1.getPublicKey(new Uint8Array(32).fill(3))
  const whole = secp256k1.Point.fromBytes(key).toBytes(false)
  for (const [script, bytes] of [
    [concatBytes(hex('76a914'), hash, hex('88ac')), 21],
    [concatBytes(hex('a914'), hash, hex('87')), 21],
    [concatBytes(hex('21'), key, hex('ac')), 33],
    [concatBytes(hex('41'), whole, hex('ac')), 33],
    [concatBytes(hex('0014'), hash), 23],
    [hex(''), 1],
  ] as const) {
    const form = scriptForm(script)
    assert.equal(form.length, bytes)
    assert.equal(toHex(readScript(new ByteReader(form))), toHex(script))
  }
})

test('a whole key that is not on the curve, or a hybrid one, is kept as it is', () => {
  const whole = secp256k1.Point.fromBytes(secp256k1.getPublicKey(new Uint8Array(32).fill(3))).toBytes(false)
  const offCurve = whole.slice()
  offCurve[40] ^= 1
  const hybrid = whole.slice()
  hybrid[0] = 6 | (whole[64] & 1)
  for (const key of [offCurve, hybrid]) {
    const script = concatBytes(hex('41'), key, hex('ac'))
    const form = scriptForm(script)
    assert.equal(form.length, 68)
    assert.deepEqual(readScript(new ByteReader(form)), script)
  }
})

test('every script comes back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), script => {
      const reader = new ByteReader(scriptForm(script))
      assert.equal(toHex(readScript(reader)), toHex(script))
      assert.equal(reader.remaining, 0)
    }),
  )
})

test('a script too long to be spent comes back as OP_RETURN; a damaged one fails', () => {
  const long = new ByteReader(scriptForm(new Uint8Array(10_001)))
  assert.equal(toHex(readScript(long)), '6a')
  assert.equal(long.remaining, 0)
  const cut = new ByteReader(hex('0a51'))
  readScript(cut)
  assert.equal(cut.failure, 'truncated')
  const noPoint = new ByteReader(concatBytes(hex('04'), new Uint8Array(32).fill(0xff)))
  readScript(noPoint)
  assert.equal(noPoint.failure, 'bad-compressed-key')
})

test('no bytes make a reader throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
      readAmount(new ByteReader(bytes))
      readScript(new ByteReader(bytes))
    }),
  )
})
