import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ALL_SCRIPT_VERIFY_FLAGS,
  MANDATORY_SCRIPT_VERIFY_FLAGS,
  parseScriptFlags,
  SCRIPT_FLAGS_BY_NAME,
  SCRIPT_VERIFY_SIGPUSHONLY,
  STANDARD_SCRIPT_VERIFY_FLAGS,
  scriptFlagNames,
} from './flags.ts'

test('every flag has one name, and names survive the way there and back', () => {
  let all = 0
  for (const flag of SCRIPT_FLAGS_BY_NAME.values()) {
    assert.equal(all & flag, 0)
    all |= flag
  }
  assert.equal(all, ALL_SCRIPT_VERIFY_FLAGS)
  assert.equal(parseScriptFlags(scriptFlagNames(all).join(',')), all)
  assert.equal(parseScriptFlags('P2SH,NONSENSE'), undefined)
  assert.equal(parseScriptFlags('NONE'), 0)
})

test('policy asks for everything but push-only scriptSigs, which it checks elsewhere', () => {
  assert.equal(STANDARD_SCRIPT_VERIFY_FLAGS, ALL_SCRIPT_VERIFY_FLAGS & ~SCRIPT_VERIFY_SIGPUSHONLY)
  assert.equal(scriptFlagNames(MANDATORY_SCRIPT_VERIFY_FLAGS).length, 7)
})
