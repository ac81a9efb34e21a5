import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toHex } from './bytes.ts'
import { ByteReader } from './reader.ts'
import { ByteWriter, compactSizeLength } from './writer.ts'

test('a writer that was reset keeps its head and writes on behind it', () => {
  const writer = new ByteWriter(4).u32(0x04030201).u16(0x0605)
  assert.equal(toHex(writer.view()), '010203040506')
  assert.equal(toHex(writer.reset(2).u8(0xff).view()), '0102ff')
  assert.equal(toHex(writer.reset().view()), '')
})

test('ranges short and long are copied alike', () => {
  const source = Uint8Array.from({ length: 400 }, (_, i) => i)
  for (const [start, end] of [
    [0, 0],
    [3, 10],
    [1, 129],
    [1, 130],
    [0, 400],
  ]) {
    assert.deepEqual(new ByteWriter(1).u8(7).range(source, start, end).view().slice(1), source.slice(start, end))
  }
})

test('whole doubles are written as the 64 bits that a bigint would be', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), value => {
      assert.deepEqual(new ByteWriter().u64Number(value).finish(), new ByteWriter().u64(BigInt(value)).finish())
    }),
  )
})

test('compact sizes are as long as announced and are read back', () => {
  for (const value of [0, 0xfc, 0xfd, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER]) {
    const bytes = new ByteWriter().compactSize(value).finish()
    assert.equal(bytes.length, compactSizeLength(value))
    assert.equal(new ByteReader(bytes).compactSize(), value)
  }
})
