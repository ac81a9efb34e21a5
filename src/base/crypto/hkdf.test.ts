import assert from 'node:assert/strict'
import { hkdfSync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { hkdfSha256 } from './hkdf.ts'

test("keys are OpenSSL's", () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 80 })
  fc.assert(
    fc.property(bytes, bytes, fc.string({ maxLength: 30 }), (secret, salt, info) => {
      assert.deepEqual(hkdfSha256(secret, salt)(info), new Uint8Array(hkdfSync('sha256', secret, salt, info, 32)))
    }),
  )
})
