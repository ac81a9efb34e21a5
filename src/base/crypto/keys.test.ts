import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSharedJson, skipWithout } from '../../../test/shared-data.ts'
import { hex, toHex } from '../bytes/bytes.ts'
import { taggedHash } from './hash.ts'
import { isPublicKey, isSecretKey, isXOnlyPublicKey, publicKeyOf, tweakXOnlyPublicKey } from './keys.ts'

const GENERATOR_X = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
const GENERATOR_Y = '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8'
const ORDER = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'

test('secret keys lie between one and the order of the group', () => {
  assert.equal(isSecretKey(hex('00'.repeat(32))), false)
  assert.equal(isSecretKey(hex(ORDER)), false)
  assert.equal(isSecretKey(hex('01')), false)
  const one = hex(`${'00'.repeat(31)}01`)
  assert.equal(isSecretKey(one), true)
  assert.equal(toHex(publicKeyOf(one)), `02${GENERATOR_X}`)
  assert.equal(toHex(publicKeyOf(one, false)), `04${GENERATOR_X}${GENERATOR_Y}`)
})

test('public keys are judged by form, field and curve', () => {
  const cases: [string, boolean][] = [
    [`02${GENERATOR_X}`, true],
    [`03${GENERATOR_X}`, true],
    [`04${GENERATOR_X}${GENERATOR_Y}`, true],
    [`06${GENERATOR_X}${GENERATOR_Y}`, true],
    [`07${GENERATOR_X}${GENERATOR_Y}`, false],
    [`05${GENERATOR_X}`, false],
    [`02${'ff'.repeat(32)}`, false],
    [`02${'11'.repeat(31)}12`, true],
    [`04${GENERATOR_X}${GENERATOR_X}`, false],
    ['', false],
  ]
  for (const [key, valid] of cases) assert.equal(isPublicKey(hex(key)), valid, key)
  assert.equal(isXOnlyPublicKey(hex(GENERATOR_X)), true)
  assert.equal(isXOnlyPublicKey(hex('11'.repeat(32))), false)
})

interface WalletVectors {
  scriptPubKey: { given: { internalPubkey: string }; intermediary: { tweak: string; tweakedPubkey: string } }[]
}

test('taproot tweaks agree with the vectors of BIP341', { skip: skipWithout('vectors', 'core') }, () => {
  const { scriptPubKey } = readSharedJson<WalletVectors>('vectors', 'core', 'bip341_wallet_vectors.json')
  assert.equal(scriptPubKey.length, 7)
  for (const { given, intermediary } of scriptPubKey) {
    const tweaked = tweakXOnlyPublicKey(hex(given.internalPubkey), hex(intermediary.tweak))
    assert.equal(toHex(tweaked!.key), intermediary.tweakedPubkey)
  }
})

test('a tweak outside the group, or of no point, is refused', () => {
  assert.equal(tweakXOnlyPublicKey(hex(GENERATOR_X), hex(ORDER)), undefined)
  assert.equal(tweakXOnlyPublicKey(hex('11'.repeat(32)), taggedHash('TapTweak')), undefined)
  assert.equal(toHex(tweakXOnlyPublicKey(hex(GENERATOR_X), hex('00'.repeat(32)))!.key), GENERATOR_X)
})
