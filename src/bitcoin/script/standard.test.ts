import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes, hex } from '../../base/bytes/bytes.ts'
import {
  minimalPush,
  multisig,
  nullData,
  payToAnchor,
  payToPublicKey,
  payToPublicKeyHash,
  payToScriptHash,
  payToTaproot,
  payToWitness,
  payToWitnessPublicKeyHash,
  payToWitnessScriptHash,
  pushData,
  pushNumber,
} from './script-builder.ts'
import { isPayToAnchor, isUnspendable, solveScript } from './standard.ts'

const KEY = hex(`02${'11'.repeat(32)}`)
const HASH20 = new Uint8Array(20).fill(3)
const HASH32 = new Uint8Array(32).fill(4)

test('each template is recognised by what it was built from', () => {
  assert.deepEqual(solveScript(payToPublicKey(KEY)), { type: 'pubkey', publicKey: KEY })
  assert.deepEqual(solveScript(payToPublicKeyHash(HASH20)), { type: 'pubkeyhash', hash: HASH20 })
  assert.deepEqual(solveScript(payToScriptHash(HASH20)), { type: 'scripthash', hash: HASH20 })
  assert.deepEqual(solveScript(payToWitnessPublicKeyHash(HASH20)), { type: 'witness_v0_keyhash', hash: HASH20 })
  assert.deepEqual(solveScript(payToWitnessScriptHash(HASH32)), { type: 'witness_v0_scripthash', hash: HASH32 })
  assert.deepEqual(solveScript(payToTaproot(HASH32)), { type: 'witness_v1_taproot', outputKey: HASH32 })
  assert.deepEqual(solveScript(payToAnchor()), { type: 'anchor' })
  assert.deepEqual(solveScript(payToWitness(16, HASH20)), { type: 'witness_unknown', version: 16, program: HASH20 })
  assert.deepEqual(solveScript(nullData(HASH20)), { type: 'nulldata' })
  const publicKeys = [KEY, KEY, KEY]
  assert.deepEqual(solveScript(multisig(2, publicKeys)), { type: 'multisig', required: 2, publicKeys })
  assert.ok(isPayToAnchor(payToAnchor()))
})

test('multisig of more than sixteen keys names their number in bytes', () => {
  const solution = solveScript(
    multisig(
      17,
      Array.from({ length: 20 }, () => KEY),
    ),
  )
  assert.ok(solution.type === 'multisig' && solution.required === 17 && solution.publicKeys.length === 20)
})

test('near misses are nonstandard', () => {
  const two = multisig(2, [KEY, KEY])
  for (const script of [
    new Uint8Array(0),
    payToWitness(0, HASH20.subarray(0, 19)),
    multisig(3, [KEY, KEY]),
    multisig(0, [KEY]),
    concatBytes(two, two),
    payToPublicKey(hex(`05${'11'.repeat(32)}`)),
    concatBytes(nullData(HASH20), Uint8Array.of(0x61)),
    concatBytes(payToPublicKeyHash(HASH20), Uint8Array.of(0x61)),
  ]) {
    assert.equal(solveScript(script).type, 'nonstandard')
  }
})

test('outputs that nobody can spend', () => {
  assert.ok(isUnspendable(nullData()))
  assert.ok(isUnspendable(new Uint8Array(10_001)))
  assert.ok(!isUnspendable(new Uint8Array(10_000)))
  assert.ok(!isUnspendable(new Uint8Array(0)))
})

test('pushes are as short as the serialiser makes them', () => {
  assert.deepEqual(pushNumber(0), hex('00'))
  assert.deepEqual(pushNumber(-1), hex('4f'))
  assert.deepEqual(pushNumber(16), hex('60'))
  assert.deepEqual(pushNumber(17), hex('0111'))
  assert.deepEqual(pushData(hex('05')), hex('0105'))
  assert.deepEqual(minimalPush(hex('05')), hex('55'))
  assert.deepEqual(minimalPush(hex('81')), hex('4f'))
  assert.deepEqual(minimalPush(hex('00')), hex('0100'))
  assert.deepEqual(pushData(new Uint8Array(76)).subarray(0, 2), hex('4c4c'))
  assert.deepEqual(pushData(new Uint8Array(256)).subarray(0, 3), hex('4d0001'))
  assert.deepEqual(pushData(new Uint8Array(65536)).subarray(0, 5), hex('4e00000100'))
})
