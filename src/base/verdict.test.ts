import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvariantError, invariant, OperationError } from './errors.ts'
import { accept, reject } from './verdict.ts'

test('a verdict is a value with a code, and a detail only where there is one', () => {
  assert.deepEqual(accept(), { ok: true, value: undefined })
  assert.deepEqual(accept(0), { ok: true, value: 0 })
  assert.deepEqual(reject('bad-thing'), { ok: false, code: 'bad-thing' })
  assert.deepEqual(reject('bad-thing', 'why'), { ok: false, code: 'bad-thing', detail: 'why' })
})

test("errors tell the world's failures from our bugs", () => {
  const cause = new Error('ENOSPC')
  const error = new OperationError('disk-full', 'no room', { cause, next: 'free some' })
  assert.deepEqual([error.code, error.message, error.next, error.cause], ['disk-full', 'no room', 'free some', cause])
  invariant(true, 'never')
  assert.throws(() => invariant(0, 'a bug'), InvariantError)
})
