import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCRIPT_ERRORS, scriptErrorMessage } from './script-error.ts'

test('every code has a message of its own', () => {
  const messages = new Set(SCRIPT_ERRORS.map(scriptErrorMessage))
  assert.equal(messages.size, SCRIPT_ERRORS.length)
  assert.equal(scriptErrorMessage('NULLFAIL'), 'Signature must be zero for failed CHECK(MULTI)SIG operation')
})
