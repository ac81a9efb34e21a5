import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes, hex } from '../../base/bytes/bytes.ts'
import { Prevouts } from '../primitives/prevouts.ts'
import { encodeTransaction, unsignedInput } from '../primitives/transaction.ts'
import { parseTransaction } from '../primitives/tx-table.ts'
import { SCRIPT_VERIFY_P2SH, SCRIPT_VERIFY_WITNESS } from './flags.ts'
import {
  multisig,
  payToPublicKeyHash,
  payToScriptHash,
  payToWitnessPublicKeyHash,
  payToWitnessScriptHash,
  pushData,
} from './script-builder.ts'
import { scriptHashSigOpCount, scriptSigOpCount, transactionSigOpCost, witnessSigOpCount } from './sigops.ts'

const KEY = hex(`02${'11'.repeat(32)}`)
const TWO_OF_THREE = multisig(2, [KEY, KEY, KEY])
const SCRIPT_HASH = payToScriptHash(new Uint8Array(20))
const BOTH = SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_WITNESS

test('CHECKMULTISIG counts its keys where they are a small number, else twenty', () => {
  assert.equal(scriptSigOpCount(TWO_OF_THREE, true), 3)
  assert.equal(scriptSigOpCount(TWO_OF_THREE, false), 20)
  assert.equal(scriptSigOpCount(multisig(1, new Array(17).fill(KEY)), true), 20)
  assert.equal(scriptSigOpCount(hex('acadacaf'), true), 23)
})

test('counting stops at a cut push, keeping what came before', () => {
  assert.equal(scriptSigOpCount(hex('ac4d01'), false), 1)
  assert.equal(scriptSigOpCount(hex('ac05acac'), false), 1)
  assert.equal(scriptSigOpCount(hex('4effffffffac'), false), 0)
})

test('a redeem script counts where scriptSig only pushes', () => {
  assert.equal(scriptHashSigOpCount(pushData(TWO_OF_THREE), SCRIPT_HASH), 3)
  assert.equal(scriptHashSigOpCount(concatBytes(hex('61'), pushData(TWO_OF_THREE)), SCRIPT_HASH), 0)
  assert.equal(scriptHashSigOpCount(pushData(TWO_OF_THREE), TWO_OF_THREE), 0)
  assert.equal(scriptHashSigOpCount(hex(''), SCRIPT_HASH), 0)
})

test('a witness counts by its program, nested or not', () => {
  const keyHash = payToWitnessPublicKeyHash(new Uint8Array(20))
  const scriptHash = payToWitnessScriptHash(new Uint8Array(32))
  assert.equal(witnessSigOpCount(hex(''), keyHash, []), 1)
  assert.equal(witnessSigOpCount(pushData(keyHash), SCRIPT_HASH, []), 1)
  assert.equal(witnessSigOpCount(hex(''), scriptHash, [hex('00'), TWO_OF_THREE]), 3)
  assert.equal(witnessSigOpCount(pushData(scriptHash), SCRIPT_HASH, [TWO_OF_THREE]), 3)
  assert.equal(witnessSigOpCount(hex(''), scriptHash, []), 0)
  assert.equal(witnessSigOpCount(hex(''), hex(`5120${'00'.repeat(32)}`), [TWO_OF_THREE]), 0)
})

test('a transaction costs four for each of its own, and one for each in a witness', () => {
  const inputs = [0, 1, 2].map(index => unsignedInput(new Uint8Array(32).fill(9), index))
  inputs[0].scriptSig = pushData(TWO_OF_THREE)
  inputs[1].witness = [hex('00'), TWO_OF_THREE]
  const outputs = [{ valueSats: 1n, script: payToPublicKeyHash(new Uint8Array(20)) }]
  const parsed = parseTransaction(encodeTransaction({ version: 2, inputs, outputs, lockTime: 0 }))
  assert.ok(parsed.ok)
  const prevouts = Prevouts.of([
    { valueSats: 1, script: SCRIPT_HASH },
    { valueSats: 1, script: payToWitnessScriptHash(new Uint8Array(32)) },
    { valueSats: 1, script: TWO_OF_THREE },
  ])
  assert.equal(transactionSigOpCost(parsed.value, 0, prevouts, 0), 4)
  assert.equal(transactionSigOpCost(parsed.value, 0, prevouts, SCRIPT_VERIFY_P2SH), 4 + 12)
  assert.equal(transactionSigOpCost(parsed.value, 0, prevouts, BOTH), 4 + 12 + 3)
})
