import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hex } from '../../base/bytes/bytes.ts'
import { hash160, sha256 } from '../../base/crypto/hash.ts'
import { portableCrypto } from '../../base/crypto/portable.ts'
import { InvariantError } from '../../base/errors.ts'
import { Execution, type SignatureChecker } from './execution.ts'
import {
  ALL_SCRIPT_VERIFY_FLAGS,
  MANDATORY_SCRIPT_VERIFY_FLAGS,
  SCRIPT_VERIFY_CLEANSTACK,
  SCRIPT_VERIFY_P2SH,
  SCRIPT_VERIFY_WITNESS,
  STANDARD_SCRIPT_VERIFY_FLAGS,
} from './flags.ts'
import { evalScript } from './interpreter.ts'
import {
  payToAnchor,
  payToPublicKeyHash,
  payToScriptHash,
  payToWitnessPublicKeyHash,
  payToWitnessScriptHash,
  pushData,
} from './script-builder.ts'
import type { ScriptError } from './script-error.ts'
import { ScriptHasher } from './script-hasher.ts'
import { isTruthy } from './script-number.ts'
import { SIG_WITNESS_V0 } from './signature-version.ts'
import { verifyScript } from './verify-script.ts'

const HASHER = new ScriptHasher(portableCrypto)

function answering(valid: boolean): SignatureChecker {
  return {
    checkEcdsa: signature => valid && signature.length > 0,
    checkSchnorr: () => (valid ? undefined : 'SCHNORR_SIG'),
    checkLockTime: () => valid,
    checkSequence: () => valid,
  }
}

const soundFlags = fc.integer({ min: 0, max: ALL_SCRIPT_VERIFY_FLAGS }).map(flags => {
  let sound = flags
  if (!(sound & SCRIPT_VERIFY_P2SH)) sound &= ~SCRIPT_VERIFY_WITNESS
  if (!(sound & SCRIPT_VERIFY_WITNESS)) sound &= ~SCRIPT_VERIFY_CLEANSTACK
  return sound
})

/** Scripts that go further than plain noise: operations, small pushes, now and then a cut one. */
const scriptBytes = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0x4f, max: 0xba }).map(opcode => [opcode]),
      fc.uint8Array({ minLength: 1, maxLength: 6 }).map(data => [data.length, ...data]),
      fc.integer({ min: 0, max: 255 }).map(byte => [byte]),
    ),
    { maxLength: 24 },
  )
  .map(parts => Uint8Array.from(parts.flat()))

test('no bytes make it throw', () => {
  const items = fc.array(scriptBytes, { maxLength: 5 })
  fc.assert(
    fc.property(scriptBytes, scriptBytes, items, soundFlags, fc.boolean(), (sig, pub, witness, flags, valid) => {
      verifyScript(sig, pub, witness, flags, answering(valid), HASHER)
      const redeem = payToScriptHash(hash160(pub))
      verifyScript(Uint8Array.of(...sig, ...pushData(pub)), redeem, witness, flags, answering(valid), HASHER)
      const program = payToWitnessScriptHash(sha256(pub))
      verifyScript(new Uint8Array(0), program, [...witness, pub], flags, answering(valid), HASHER)
    }),
    { numRuns: 2000 },
  )
})

test('P2WPKH as it is spelled out ends as its implied script does', () => {
  const run = (program: Uint8Array, witness: Uint8Array[], flags: number, valid: boolean): ScriptError | undefined => {
    const stack = witness.slice()
    const script = payToPublicKeyHash(program)
    if (stack.some(item => item.length > 520)) return 'PUSH_SIZE'
    const error = evalScript(new Execution(script, stack, flags, SIG_WITNESS_V0, answering(valid), HASHER))
    if (error !== undefined) return error
    if (stack.length !== 1) return 'CLEANSTACK'
    return isTruthy(stack[0]) ? undefined : 'EVAL_FALSE'
  }
  const key = fc.constantFrom(hex(`02${'11'.repeat(32)}`), hex(`04${'11'.repeat(64)}`), hex('05'), hex(''))
  const signature = fc.oneof(
    fc.constantFrom(hex(''), hex('300602010102010101'), hex('30060201010201017f'), hex('3006020101020181')),
    fc.uint8Array({ maxLength: 12 }),
    fc.constant(new Uint8Array(521)),
  )
  fc.assert(
    fc.property(signature, key, soundFlags, fc.boolean(), fc.boolean(), (sig, publicKey, flags, valid, own) => {
      const on = flags | SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_WITNESS
      const program = own ? hash160(publicKey) : new Uint8Array(20).fill(1)
      const witness = [sig, publicKey]
      const pub = payToWitnessPublicKeyHash(program)
      const direct = verifyScript(new Uint8Array(0), pub, witness, on, answering(valid), HASHER)
      assert.equal(direct, run(program, witness, on, valid))
    }),
    { numRuns: 3000 },
  )
})

test('an anchor needs nothing, and takes nothing by way of scriptSig', () => {
  const none = new Uint8Array(0)
  const flags = STANDARD_SCRIPT_VERIFY_FLAGS
  assert.equal(verifyScript(none, payToAnchor(), [], flags, answering(false), HASHER), undefined)
  assert.equal(verifyScript(none, payToAnchor(), [hex('00')], flags, answering(false), HASHER), undefined)
  assert.equal(verifyScript(hex('51'), payToAnchor(), [], flags, answering(false), HASHER), 'WITNESS_MALLEATED')
  const nested = payToScriptHash(hash160(payToAnchor()))
  const scriptSig = pushData(payToAnchor())
  const error = verifyScript(scriptSig, nested, [], flags, answering(false), HASHER)
  assert.equal(error, 'DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM')
  assert.equal(verifyScript(scriptSig, nested, [], MANDATORY_SCRIPT_VERIFY_FLAGS, answering(false), HASHER), undefined)
})

test('a program of zeros counts as false', () => {
  const zeros = hex(`5120${'00'.repeat(32)}`)
  assert.equal(verifyScript(new Uint8Array(0), zeros, [], SCRIPT_VERIFY_P2SH, answering(true), HASHER), 'EVAL_FALSE')
  const flags = MANDATORY_SCRIPT_VERIFY_FLAGS
  assert.equal(verifyScript(new Uint8Array(0), zeros, [hex('00')], flags, answering(true), HASHER), 'EVAL_FALSE')
})

test('flags that are no soft forks of one another are a bug of ours', () => {
  const none = new Uint8Array(0)
  assert.throws(() => verifyScript(none, none, [], SCRIPT_VERIFY_WITNESS, answering(true), HASHER), InvariantError)
  const flags = SCRIPT_VERIFY_CLEANSTACK | SCRIPT_VERIFY_P2SH
  assert.throws(() => verifyScript(none, none, [], flags, answering(true), HASHER), InvariantError)
})
