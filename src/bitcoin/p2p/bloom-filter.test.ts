import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hex } from '../../base/bytes/bytes.ts'
import { BloomFilter, murmur3 } from './bloom-filter.ts'

test('MurmurHash3 gives the published values', () => {
  for (const [seed, data, expected] of [
    [0x00000000, '', 0x00000000],
    [0xfba4c795, '', 0x6a396f08],
    [0xffffffff, '', 0x81f16f39],
    [0x00000000, '00', 0x514e28b7],
    [0xfba4c795, '00', 0xea3f0b17],
    [0x00000000, 'ff', 0xfd6cf10d],
    [0x00000000, '0011', 0x16c6b7ab],
    [0x00000000, '001122', 0x8eb51c3d],
    [0x00000000, '00112233', 0xb4471bf8],
    [0x00000000, '0011223344', 0xe2301fa8],
    [0x00000000, '001122334455', 0xfc2e4a15],
    [0x00000000, '00112233445566', 0xb074502c],
    [0x00000000, '0011223344556677', 0x8034d2a0],
    [0x00000000, '001122334455667788', 0xb4698def],
  ] as const) {
    assert.equal(murmur3(seed, hex(data)), expected, `${seed} ${data}`)
  }
})

test('BIP37: what was inserted is there, and little else', () => {
  const filter = new BloomFilter({ filter: new Uint8Array(3), hashFunctions: 5, tweak: 0, flags: 1 })
  const inserted = ['99108ad8ed9bb6274d3980bab5a85c048f0950c8', 'b5a2c786d9ef4658287ced5914b37a1b4aa32eee']
  for (const key of inserted) filter.insert(hex(key))
  filter.insert(hex('b9300670b4c5366e95b2699e8b18bc75e5f729c5'))
  for (const key of inserted) assert.ok(filter.has(hex(key)))
  assert.ok(!filter.has(hex('19108ad8ed9bb6274d3980bab5a85c048f0950c8')))
})

test('an empty filter matches everything, and nothing breaks it', () => {
  const filter = new BloomFilter({ filter: new Uint8Array(0), hashFunctions: 50, tweak: 7, flags: 0 })
  filter.insert(Uint8Array.of(1))
  assert.ok(filter.has(Uint8Array.of(2)))
})
