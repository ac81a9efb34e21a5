import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hex } from './bytes.ts'
import { ByteReader } from './reader.ts'
import { ByteWriter } from './writer.ts'

test('values come back as they were written', () => {
  fc.assert(
    fc.property(
      fc.nat(255),
      fc.nat(0xffff),
      fc.nat(0xffff_ffff),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.uint8Array({ maxLength: 300 }),
      (u8, u16, u32, i64, bytes) => {
        const written = new ByteWriter(1)
          .u8(u8)
          .u16(u16)
          .u16be(u16)
          .u32(u32)
          .u32be(u32)
          .u32(u32 | 0)
          .u64(i64)
          .u64(i64)
          .sizedBytes(bytes)
          .finish()
        const reader = new ByteReader(written)
        assert.equal(reader.u8(), u8)
        assert.equal(reader.u16(), u16)
        assert.equal(reader.u16be(), u16)
        assert.equal(reader.u32(), u32)
        assert.equal(reader.u32be(), u32)
        assert.equal(reader.i32(), u32 | 0)
        assert.equal(reader.i64(), i64)
        assert.equal(reader.u64(), BigInt.asUintN(64, i64))
        assert.deepEqual(reader.bytes(reader.compactSize()), bytes)
        assert.equal(reader.remaining, 0)
        assert.equal(reader.failure, undefined)
      },
    ),
  )
})

test('a read past the end fails once and for all', () => {
  const reader = new ByteReader(hex('0102030405'))
  assert.equal(reader.u16(), 0x0201)
  assert.equal(reader.u32(), 0)
  assert.equal(reader.failure, 'truncated')
  assert.equal(reader.remaining, 0)
  assert.equal(reader.u8(), 0)
  assert.deepEqual(reader.bytes(1), new Uint8Array(0))
  reader.fail('other')
  assert.equal(reader.failure, 'truncated')
})

test('bounds of a part are those of the whole', () => {
  const reader = new ByteReader(hex('0102030405'), 1, 3)
  assert.equal(reader.u16(), 0x0302)
  assert.equal(reader.u8(), 0)
  assert.equal(reader.failure, 'truncated')
})

test('a compact size has one form', () => {
  for (const [form, value] of [
    ['00', 0],
    ['fc', 0xfc],
    ['fdfd00', 0xfd],
    ['fdffff', 0xffff],
    ['fe00000100', 0x1_0000],
    ['feffffffff', 0xffff_ffff],
    ['ff0000000001000000', 2 ** 32],
    ['ffffffffffffff1f00', Number.MAX_SAFE_INTEGER],
  ] as const) {
    const reader = new ByteReader(hex(form))
    assert.equal(reader.compactSize(), value)
    assert.equal(reader.failure, undefined)
  }
  for (const [form, failure] of [
    ['', 'truncated'],
    ['fd', 'truncated'],
    ['fdfc00', 'non-canonical-size'],
    ['fd0000', 'non-canonical-size'],
    ['feffff0000', 'non-canonical-size'],
    ['ffffffffff00000000', 'non-canonical-size'],
    ['ff0000000000002000', 'size-too-large'],
    ['ffffffffffffffffff', 'size-too-large'],
    ['ffff', 'truncated'],
  ]) {
    const reader = new ByteReader(hex(form))
    assert.equal(reader.compactSize(), 0)
    assert.equal(reader.failure, failure, form)
  }
  const limited = new ByteReader(hex('0b'))
  assert.equal(limited.compactSize(10), 0)
  assert.equal(limited.failure, 'size-too-large')
})
