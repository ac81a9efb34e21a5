import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { sharedPath, skipWithout } from '../../../test/shared-data.ts'
import { hex, toHex } from '../bytes/bytes.ts'
import { seededRandom } from '../ports/seeded-random.ts'
import {
  bip324SharedSecret,
  decodeElligatorSwift,
  encodeElligatorSwift,
  invertElligatorSwift,
} from './elligator-swift.ts'
import { publicKeyOf } from './keys.ts'

const FOLDER = ['vectors', 'bips', 'bip-0324'] as const

function rowsOf(file: string): string[][] {
  const text = readFileSync(sharedPath(...FOLDER, file)!, 'utf8')
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map(line => line.trim().split(','))
}

test('BIP324: what 64 bytes stand for', { skip: skipWithout(...FOLDER) }, () => {
  const rows = rowsOf('ellswift_decode_test_vectors.csv')
  assert.equal(rows.length, 76)
  for (const [encoded, x] of rows) assert.equal(toHex(decodeElligatorSwift(hex(encoded))), x)
})

test('BIP324: the eight ways back', { skip: skipWithout(...FOLDER) }, () => {
  const rows = rowsOf('xswiftec_inv_test_vectors.csv')
  assert.equal(rows.length, 32)
  let found = 0
  for (const [u, x, ...cases] of rows) {
    for (let branch = 0; branch < 8; branch++) {
      const t = invertElligatorSwift(hex(x), hex(u), branch)
      assert.equal(t === undefined ? '' : toHex(t), cases[branch], `${u} ${x} case ${branch}`)
      if (t === undefined) continue
      found++
      assert.equal(toHex(decodeElligatorSwift(hex(u + cases[branch]))), x)
    }
  }
  assert.equal(found, 98)
})

test('an encoded key stands for its key, and both sides share a secret', () => {
  const random = seededRandom(324)
  for (let i = 0; i < 8; i++) {
    const [a, b] = [random.bytes(32), random.bytes(32)]
    const [encodedA, encodedB] = [encodeElligatorSwift(a, random), encodeElligatorSwift(b, random)]
    assert.deepEqual(decodeElligatorSwift(encodedA), publicKeyOf(a).slice(1))
    const shared = bip324SharedSecret(a, encodedA, encodedB, true)
    assert.deepEqual(bip324SharedSecret(b, encodedB, encodedA, false), shared)
    assert.notDeepEqual(bip324SharedSecret(b, encodedB, encodedA, true), shared)
  }
})
