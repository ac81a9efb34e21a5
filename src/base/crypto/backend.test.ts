import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { loadCrypto } from '../../platform/crypto.ts'
import { concatBytes, hex, toHex } from '../bytes/bytes.ts'
import { seededRandom } from '../ports/seeded-random.ts'
import type { Crypto } from './backend.ts'
import { hash160, ripemd160, sha1, sha256, sha256d, sha256Stream, taggedHash } from './hash.ts'
import { MUHASH_MODULUS, muhashNumber } from './muhash-number.ts'
import { portableCrypto } from './portable.ts'

const native = await loadCrypto()
const BACKENDS: readonly Crypto[] = native === portableCrypto ? [portableCrypto] : [portableCrypto, native]

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const random = seededRandom(7)

function digest(algorithm: string, data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(algorithm).update(data).digest())
}

function nodeSha256d(data: Uint8Array): Uint8Array {
  return digest('sha256', digest('sha256', data))
}

function number32(value: bigint): Uint8Array {
  return hex(value.toString(16).padStart(64, '0'))
}

function asNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`)
}

interface Signed {
  readonly message: Uint8Array
  readonly publicKey: Uint8Array
  readonly ecdsa: Uint8Array
  readonly xOnlyKey: Uint8Array
  readonly schnorr: Uint8Array
}

function signed(seed: number): Signed {
  const luck = seededRandom(seed)
  const secret = luck.bytes(32)
  const message = luck.bytes(32)
  return {
    message,
    publicKey: secp256k1.getPublicKey(secret),
    ecdsa: secp256k1.sign(message, secret, { prehash: false }),
    xOnlyKey: schnorr.getPublicKey(secret),
    schnorr: schnorr.sign(message, secret, luck.bytes(32)),
  }
}

/** The other S that makes the same signature valid. */
function withOtherS(signature: Uint8Array): Uint8Array {
  return concatBytes(signature.subarray(0, 32), number32(ORDER - asNumber(signature.subarray(32))))
}

test('single hashes are those of OpenSSL', () => {
  for (let length = 0; length < 140; length++) {
    const data = random.bytes(length)
    assert.deepEqual(sha256(data), digest('sha256', data))
    assert.deepEqual(sha256d(data), nodeSha256d(data))
    assert.deepEqual(sha1(data), digest('sha1', data))
    assert.deepEqual(ripemd160(data), digest('ripemd160', data))
    assert.deepEqual(hash160(data), digest('ripemd160', digest('sha256', data)))
  }
})

test('a stream gives what the whole gives, and its clone goes its own way', () => {
  const data = random.bytes(300)
  const stream = sha256Stream().update(data.subarray(0, 65))
  const clone = stream.clone()
  assert.deepEqual(stream.update(data.subarray(65)).digest(), sha256(data))
  assert.deepEqual(clone.digest(), sha256(data.subarray(0, 65)))
})

test('BIP340: a tagged hash has the hashed tag in front twice', () => {
  const tag = digest('sha256', new Uint8Array(Buffer.from('TapLeaf')))
  const data = random.bytes(40)
  assert.deepEqual(
    taggedHash('TapLeaf', data.subarray(0, 7), data.subarray(7)),
    digest('sha256', concatBytes(tag, tag, data)),
  )
})

for (const crypto of BACKENDS) {
  describe(`${crypto.hashName}, ${crypto.curveName}`, () => {
    test('hashes of every length around the blocks of SHA-256, also into a given array', () => {
      for (let length = 0; length < 200; length++) {
        const data = random.bytes(length)
        const expected = {
          sha256: digest('sha256', data),
          sha256d: nodeSha256d(data),
          hash160: digest('ripemd160', digest('sha256', data)),
        }
        for (const name of ['sha256', 'sha256d', 'hash160'] as const) {
          assert.deepEqual(crypto[name](data), expected[name])
          const out = new Uint8Array(expected[name].length)
          assert.equal(crypto[name](data, out), out)
          assert.deepEqual(out, expected[name])
        }
      }
    })

    test('gathers messages from ranges, empty ones included', () => {
      const range = fc.tuple(fc.nat(300), fc.nat(90)).map(([start, length]) => [start, start + length])
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 4 }).chain(perMessage =>
            fc.record({
              perMessage: fc.constant(perMessage),
              messages: fc.array(fc.array(range, { minLength: perMessage, maxLength: perMessage }), { maxLength: 9 }),
            }),
          ),
          fc.uint8Array({ minLength: 400, maxLength: 400 }),
          ({ perMessage, messages }, source) => {
            const out = new Uint8Array(32 * messages.length)
            crypto.sha256dGather(source, Uint32Array.from(messages.flat(2)), perMessage, out)
            const expected = messages.map(ranges =>
              nodeSha256d(concatBytes(...ranges.map(([start, end]) => source.subarray(start, end)))),
            )
            assert.deepEqual(out, concatBytes(...expected))
          },
        ),
        { numRuns: 50 },
      )
    })

    test('pairs are hashed in batches of any size, over themselves too', () => {
      for (const count of [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 100]) {
        const pairs = random.bytes(64 * count)
        const expected = new Uint8Array(32 * count)
        for (let i = 0; i < count; i++) expected.set(nodeSha256d(pairs.subarray(64 * i, 64 * i + 64)), 32 * i)
        const out = new Uint8Array(32 * count)
        crypto.sha256dPairs(pairs, out)
        assert.deepEqual(out, expected)
        crypto.sha256dPairs(pairs, pairs.subarray(0, 32 * count))
        assert.deepEqual(pairs.subarray(0, 32 * count), expected)
      }
    })

    test("MuHash's product is the portable one, number for number", () => {
      const state = new Uint8Array(384).fill(0xff)
      const expected = state.slice()
      for (let length = 0; length < 200; length += 7) {
        const data = random.bytes(length)
        crypto.muhashMultiply(state, data)
        portableCrypto.muhashMultiply(expected, data)
        const reduced = (bytes: Uint8Array): bigint => muhashNumber(bytes) % MUHASH_MODULUS
        assert.equal(reduced(state), reduced(expected))
      }
    })

    test('the header search finds the first nonce that fits, and no other', () => {
      const header = random.bytes(80)
      const target = new Uint8Array(32).fill(0xff)
      target[31] = 0x01
      const atMost = (nonce: number): boolean => {
        const tried = header.slice()
        new DataView(tried.buffer).setUint32(76, nonce, true)
        return nodeSha256d(tried)[31] <= 0x01
      }
      for (const first of [0, 1000, 0xffff_ffff - 700]) {
        let expected = first
        while (!atMost(expected)) expected = (expected + 1) >>> 0
        assert.equal(crypto.searchHeader(header, target, first, 5000), expected)
        const before = (expected - first) >>> 0
        assert.equal(crypto.searchHeader(header, target, first, before), -1)
        assert.equal(crypto.searchHeader(header, target, first, before + 1), expected)
      }
    })

    test('a hash that equals the target fits', () => {
      const header = random.bytes(80)
      const tried = header.slice()
      new DataView(tried.buffer).setUint32(76, 5, true)
      const target = nodeSha256d(tried)
      assert.equal(crypto.searchHeader(header, target, 5, 1), 5)
      let i = 0
      while (target[i] === 0) target[i++] = 0xff
      target[i]--
      assert.equal(crypto.searchHeader(header, target, 5, 1), -1)
    })

    test('ECDSA with low and high S, and every form of key', () => {
      for (let seed = 0; seed < 12; seed++) {
        const { message, publicKey, ecdsa } = signed(seed)
        const whole = secp256k1.Point.fromBytes(publicKey).toBytes(false)
        const hybrid = whole.slice()
        hybrid[0] = 6 | (whole[64] & 1)
        const falseHybrid = whole.slice()
        falseHybrid[0] = 6 | (~whole[64] & 1)
        for (const signature of [ecdsa, withOtherS(ecdsa)]) {
          for (const key of [publicKey, whole, hybrid]) assert.ok(crypto.verifyEcdsa(signature, key, message))
          assert.equal(crypto.verifyEcdsa(signature, falseHybrid, message), false)
          assert.equal(crypto.verifyEcdsa(signature, publicKey, random.bytes(32)), false)
          assert.equal(crypto.verifyEcdsa(signature, signed(seed + 100).publicKey, message), false)
        }
      }
    })

    test('BIP340 signatures on messages of any length', () => {
      for (const length of [0, 1, 31, 32, 33, 100]) {
        const secret = random.bytes(32)
        const message = random.bytes(length)
        const signature = schnorr.sign(message, secret)
        assert.ok(crypto.verifySchnorr(signature, schnorr.getPublicKey(secret), message))
        assert.equal(crypto.verifySchnorr(signature, schnorr.getPublicKey(random.bytes(32)), message), false)
        signature[40] ^= 1
        assert.equal(crypto.verifySchnorr(signature, schnorr.getPublicKey(secret), message), false)
      }
    })

    test('BIP341 tweaks with the parity that they have', () => {
      for (let seed = 0; seed < 12; seed++) {
        const { xOnlyKey, message: tweak } = signed(seed)
        const internal = secp256k1.Point.fromBytes(concatBytes(Uint8Array.of(2), xOnlyKey))
        const output = internal.add(secp256k1.Point.BASE.multiply(asNumber(tweak))).toBytes(true)
        const [parity, x] = [output[0] & 1, output.subarray(1)]
        assert.ok(crypto.checkTapTweak(x, parity, xOnlyKey, tweak))
        assert.equal(crypto.checkTapTweak(x, 1 - parity, xOnlyKey, tweak), false)
        assert.equal(crypto.checkTapTweak(xOnlyKey, parity, xOnlyKey, tweak), false)
        assert.equal(crypto.checkTapTweak(x, parity, xOnlyKey, random.bytes(32)), false)
        assert.equal(crypto.checkTapTweak(x, parity, new Uint8Array(32).fill(0xff), tweak), false)
        assert.equal(crypto.checkTapTweak(x, parity, xOnlyKey, number32(ORDER)), false)
        assert.equal(crypto.checkTapTweak(x, parity, xOnlyKey, number32(2n ** 256n - 1n)), false)
        // The tweak that leads to infinity.
        const secret = ORDER - 5n
        const five = schnorr.getPublicKey(number32(5n))
        assert.equal(typeof crypto.checkTapTweak(five, 0, five, number32(secret)), 'boolean')
      }
    })

    test('whatever has the wrong length is false', () => {
      const { message, publicKey, ecdsa, xOnlyKey, schnorr: signature } = signed(3)
      const lengths = [0, 1, 31, 32, 33, 63, 64, 65, 66, 100]
      const cut = (bytes: Uint8Array, length: number): Uint8Array => {
        const other = new Uint8Array(length)
        other.set(bytes.subarray(0, length))
        return other
      }
      for (const length of lengths) {
        const check = (right: number, call: (bytes: Uint8Array) => boolean, bytes: Uint8Array): void => {
          assert.equal(call(cut(bytes, length)), length === right, `length ${length} for ${right}`)
        }
        check(64, bytes => crypto.verifyEcdsa(bytes, publicKey, message), ecdsa)
        check(33, bytes => crypto.verifyEcdsa(ecdsa, bytes, message), publicKey)
        check(32, bytes => crypto.verifyEcdsa(ecdsa, publicKey, bytes), message)
        check(64, bytes => crypto.verifySchnorr(bytes, xOnlyKey, message), signature)
        check(32, bytes => crypto.verifySchnorr(signature, bytes, message), xOnlyKey)
        const tweaked = secp256k1.Point.fromBytes(concatBytes(Uint8Array.of(2), xOnlyKey))
          .add(secp256k1.Point.BASE.multiply(asNumber(message)))
          .toBytes(true)
        const [parity, output] = [tweaked[0] & 1, tweaked.slice(1)]
        check(32, bytes => crypto.checkTapTweak(bytes, parity, xOnlyKey, message), output)
        check(32, bytes => crypto.checkTapTweak(output, parity, bytes, message), xOnlyKey)
        check(32, bytes => crypto.checkTapTweak(output, parity, xOnlyKey, bytes), message)
      }
    })

    test('numbers out of range and keys off the curve are false', () => {
      const { message, publicKey, ecdsa, xOnlyKey, schnorr: signature } = signed(4)
      const [zero, order, most] = [number32(0n), number32(ORDER), number32(2n ** 256n - 1n)]
      const [r, s] = [ecdsa.subarray(0, 32), ecdsa.subarray(32)]
      for (const bad of [zero, order, most]) {
        assert.equal(crypto.verifyEcdsa(concatBytes(bad, s), publicKey, message), false)
        assert.equal(crypto.verifyEcdsa(concatBytes(r, bad), publicKey, message), false)
        assert.equal(crypto.verifySchnorr(concatBytes(signature.subarray(0, 32), bad), xOnlyKey, message), false)
        assert.equal(crypto.verifySchnorr(signature, bad, message), false)
        for (const prefix of [0, 1, 2, 3, 4, 5, 6, 7, 255]) {
          for (const key of [concatBytes(Uint8Array.of(prefix), bad), concatBytes(Uint8Array.of(prefix), bad, bad)]) {
            assert.equal(crypto.verifyEcdsa(ecdsa, key, message), false)
          }
        }
      }
    })
  })
}

test('all implementations agree on damaged signatures, keys and messages', {
  skip: BACKENDS.length < 2 && 'no native implementation here',
}, () => {
  const cases = [1, 2, 3].map(signed)
  const flip = (bytes: Uint8Array, at: number): Uint8Array => {
    const copy = bytes.slice()
    copy[(at >> 3) % copy.length] ^= 1 << (at & 7)
    return copy
  }
  fc.assert(
    fc.property(fc.nat(2), fc.nat(2), fc.nat(1000), (which, part, at) => {
      const { message, publicKey, ecdsa, xOnlyKey, schnorr: signature } = cases[which]
      const damage = (n: number, bytes: Uint8Array): Uint8Array => (n === part ? flip(bytes, at) : bytes)
      const [first, ...others] = BACKENDS.map(crypto => [
        crypto.verifyEcdsa(damage(0, ecdsa), damage(1, publicKey), damage(2, message)),
        crypto.verifySchnorr(damage(0, signature), damage(1, xOnlyKey), damage(2, message)),
        crypto.checkTapTweak(damage(0, xOnlyKey), at & 1, damage(1, xOnlyKey), damage(2, message)),
      ])
      for (const other of others) assert.deepEqual(other, first)
    }),
    { numRuns: 200 },
  )
})
