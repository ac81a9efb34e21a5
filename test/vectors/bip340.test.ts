import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { hex } from '../../src/base/bytes/bytes.ts'
import { portableCrypto } from '../../src/base/crypto/portable.ts'
import { loadCrypto } from '../../src/platform/crypto.ts'
import { sharedPath, skipWithout } from '../shared-data.ts'

const FILE = ['vectors', 'bips', 'bip-0340', 'test-vectors.csv'] as const

test('BIP340: every signature of the test vectors, portable and fastest', { skip: skipWithout(...FILE) }, async () => {
  const lines = readFileSync(sharedPath(...FILE)!, 'utf8')
    .trim()
    .split(/\r?\n/)
    .slice(1)
  assert.equal(lines.length, 19)
  for (const crypto of [portableCrypto, await loadCrypto()]) {
    for (const line of lines) {
      const [index, , publicKey, , message, signature, result] = line.split(',')
      const valid = crypto.verifySchnorr(hex(signature), hex(publicKey), hex(message))
      assert.equal(valid, result === 'TRUE', `vector ${index} with ${crypto.curveName}`)
    }
  }
})
