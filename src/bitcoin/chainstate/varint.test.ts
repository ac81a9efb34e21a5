import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hex, toHex } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { readVarint, readVarintBig, writeVarint, writeVarintBig } from './varint.ts'

function written(value: number): string {
  const writer = new ByteWriter()
  writeVarint(writer, value)
  return toHex(writer.finish())
}

function writtenBig(value: bigint): Uint8Array {
  const writer = new ByteWriter()
  writeVarintBig(writer, value)
  return writer.finish()
}

test("the forms of Bitcoin Core's serialiser", () => {
  for (const [value, form] of [
    [0, '00'],
    [1, '01'],
    [127, '7f'],
    [128, '8000'],
    [255, '807f'],
    [256, '8100'],
    [16383, 'fe7f'],
    [16384, 'ff00'],
    [16511, 'ff7f'],
    [65535, '82fe7f'],
    [2 ** 32, '8efefeff00'],
  ] as const) {
    assert.equal(written(value), form)
    assert.equal(readVarint(new ByteReader(hex(form))), value)
  }
})

test('every number comes back, and is written alike by both writers', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), value => {
      const form = written(value)
      assert.equal(form, toHex(writtenBig(BigInt(value))))
      assert.equal(readVarint(new ByteReader(hex(form))), value)
    }),
  )
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), value => {
      assert.equal(readVarintBig(new ByteReader(writtenBig(value))), value)
    }),
  )
})

test('what is cut off or too large fails', () => {
  for (const form of ['', '80', 'ffff']) {
    const reader = new ByteReader(hex(form))
    assert.equal(readVarint(reader), 0)
    assert.equal(reader.failure, 'truncated')
  }
  const above53 = new ByteReader(writtenBig(2n ** 53n))
  assert.equal(readVarint(above53), 0)
  assert.equal(above53.failure, 'bad-varint')
  const above64 = new ByteReader(new Uint8Array(11).fill(0xff))
  assert.equal(readVarintBig(above64), 0n)
  assert.equal(above64.failure, 'bad-varint')
})
