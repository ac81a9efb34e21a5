import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { portableChaCha20Poly1305 as aead, chacha20Keystream } from './chacha20-poly1305.ts'

const KEY = fc.uint8Array({ minLength: 32, maxLength: 32 })
const NONCE = fc.uint8Array({ minLength: 12, maxLength: 12 })
const BYTES = fc.uint8Array({ maxLength: 200 })

test("sealing is OpenSSL's, opening undoes it, and every changed bit is noticed", () => {
  fc.assert(
    fc.property(KEY, NONCE, BYTES, BYTES, fc.nat(), (key, nonce, aad, plaintext, change) => {
      const sealed = new Uint8Array(plaintext.length + 16)
      aead.seal(key, nonce, aad, plaintext, sealed)
      const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 })
      cipher.setAAD(aad, { plaintextLength: plaintext.length })
      const expected = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
      assert.deepEqual(sealed, new Uint8Array(expected))

      const opened = new Uint8Array(plaintext.length)
      assert.ok(aead.open(key, nonce, aad, sealed, opened))
      assert.deepEqual(opened, plaintext)
      sealed[change % sealed.length] ^= 1 << (change % 8)
      assert.ok(!aead.open(key, nonce, aad, sealed, opened))
    }),
  )
})

test('the stream of later blocks continues that of earlier ones', () => {
  fc.assert(
    fc.property(KEY, NONCE, fc.nat(3), (key, nonce, block) => {
      const whole = chacha20Keystream(key, nonce, 320)
      assert.deepEqual(chacha20Keystream(key, nonce, 64, block), whole.slice(64 * block, 64 * block + 64))
      const cipher = createCipheriv('chacha20', key, Buffer.concat([new Uint8Array(4), nonce]))
      assert.deepEqual(whole, new Uint8Array(cipher.update(new Uint8Array(320))))
    }),
  )
})
