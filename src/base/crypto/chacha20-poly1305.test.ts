import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { nodeChaCha20Poly1305 } from '../../platform/node-aead.ts'
import { hex, toHex } from '../bytes/bytes.ts'
import { utf8 } from '../bytes/utf8.ts'
import { type ChaCha20Poly1305, chacha20Keystream, portableChaCha20Poly1305 } from './chacha20-poly1305.ts'

const IMPLEMENTATIONS: Readonly<Record<string, ChaCha20Poly1305>> = { portableChaCha20Poly1305, nodeChaCha20Poly1305 }

const KEY = fc.uint8Array({ minLength: 32, maxLength: 32 })
const NONCE = fc.uint8Array({ minLength: 12, maxLength: 12 })
const BYTES = fc.uint8Array({ maxLength: 200 })

for (const [name, aead] of Object.entries(IMPLEMENTATIONS)) {
  test(`${name}: sealing is OpenSSL's, opening undoes it, and every changed bit is noticed`, () => {
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

  test(`${name}: RFC 8439's example, megabytes, and what is too short to be anything`, () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i)
    const nonce = hex('070000004041424344454647')
    const aad = hex('50515253c0c1c2c3c4c5c6c7')
    const text =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
    const sealed = new Uint8Array(text.length + 16)
    aead.seal(key, nonce, aad, utf8(text), sealed)
    assert.equal(toHex(sealed.subarray(0, 16)), 'd31a8d34648e60db7b86afbc53ef7ec2')
    assert.equal(toHex(sealed.subarray(-16)), '1ae10b594f09e26a7e902ecbd0600691')

    const large = new Uint8Array(new SharedArrayBuffer(4_000_000)).fill(7)
    const sealedLarge = new Uint8Array(large.length + 16)
    aead.seal(key, nonce, new Uint8Array(0), large, sealedLarge)
    const opened = new Uint8Array(new SharedArrayBuffer(large.length))
    assert.ok(aead.open(key, nonce, new Uint8Array(0), sealedLarge, opened))
    assert.equal(Buffer.compare(opened, large), 0)
    for (const length of [0, 1, 15]) {
      assert.ok(!aead.open(key, nonce, aad, new Uint8Array(length), new Uint8Array(0)))
    }
  })
}

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
