import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readSharedJson, skipWithout } from '../../../test/shared-data.ts'
import { concatBytes, hex } from '../bytes/bytes.ts'
import { SipHash } from './siphash.ts'

const FILE = ['vectors', 'core', 'siphash.json'] as const

test('siphash.json: SipHash-2-4 of every entry, its blocks one after the other', { skip: skipWithout(...FILE) }, () => {
  interface Entry {
    readonly key: [string, string]
    readonly input: string[]
    readonly expected: { readonly siphash24: string; readonly siphash13uj: string }
  }
  const entries = readSharedJson<Entry[]>(...FILE)
  assert.equal(entries.length, 146)
  let hashes = 0
  for (const { key, input, expected } of entries) {
    const hash = new SipHash(BigInt(`0x${key[0]}`), BigInt(`0x${key[1]}`))
    const bytes = concatBytes(...input.map(hex))
    assert.equal(hash.hash(bytes).toString(16).padStart(16, '0'), expected.siphash24)
    if (bytes.length !== 32) continue
    hashes++
    if (input.length === 1) {
      assert.equal(hash.hash256OneRoundHigh40(bytes).toString(16).padStart(10, '0'), expected.siphash13uj.slice(0, 10))
    }
    assert.equal(hash.hash256(bytes).toString(16).padStart(16, '0'), expected.siphash24)
  }
  assert.ok(hashes > 10)
})

test("the paper's own vectors", () => {
  const hash = new SipHash(0x0706050403020100n, 0x0f0e0d0c0b0a0908n)
  const bytes = Uint8Array.from({ length: 63 }, (_, i) => i)
  assert.equal(hash.hash(bytes, 0, 0), 0x726fdb47dd0e0e31n)
  assert.equal(hash.hash(bytes, 0, 15), 0xa129ca6149be45e5n)
  assert.equal(hash.hash(bytes), 0x958a324ceb064572n)
})

test('the form for 256 bits and any offset are the general one', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.uint8Array({ minLength: 32, maxLength: 80 }),
      fc.nat(48),
      (k0, k1, bytes, offset) => {
        const hash = new SipHash(k0, k1)
        const at = Math.min(offset, bytes.length - 32)
        assert.equal(hash.hash256(bytes, at), hash.hash(bytes.slice(at, at + 32)))
        assert.equal(hash.hash(bytes, at, at + 32), hash.hash(bytes.slice(at, at + 32)))
        assert.equal(BigInt(hash.hashLow32(bytes, at)), hash.hash(bytes, at) & 0xffff_ffffn)
        assert.equal(BigInt(hash.hash256Low48(bytes, at)), hash.hash256(bytes, at) & 0xffff_ffff_ffffn)
      },
    ),
  )
})
