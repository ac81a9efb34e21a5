import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { sha3 } from './sha3.ts'

test("SHA3-256 is OpenSSL's", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), data => {
      assert.deepEqual(sha3(data), new Uint8Array(createHash('sha3-256').update(data).digest()))
    }),
  )
})
