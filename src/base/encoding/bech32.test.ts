import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBech32, encodeBech32, fromFiveBits, toFiveBits } from './bech32.ts'
import { locateBech32Errors } from './bech32-errors.ts'

// BIP173 and BIP350: the lists of valid strings.
const VALID = {
  bech32: [
    'A12UEL5L',
    'a12uel5l',
    'an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs',
    'abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw',
    `1${'1'}${'q'.repeat(82)}c8247j`,
    'split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w',
    '?1ezyfcl',
  ],
  bech32m: [
    'A1LQFN3A',
    'a1lqfn3a',
    'an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6',
    'abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx',
    `1${'1'}${'l'.repeat(82)}ludsr8`,
    'split1checkupstagehandshakeupstreamerranterredcaperredlc445v',
    '?1v759aa',
  ],
} as const

test('the strings that BIP173 and BIP350 call valid decode as their kind', () => {
  for (const encoding of ['bech32', 'bech32m'] as const) {
    for (const text of VALID[encoding]) {
      const decoded = decodeBech32(text)
      assert.equal(decoded?.encoding, encoding, text)
      assert.equal(encodeBech32(encoding, decoded.hrp, decoded.values), text.toLowerCase())
      assert.deepEqual(locateBech32Errors(text), { message: '', positions: [] })
    }
  }
})

test('the strings that BIP173 and BIP350 call invalid are explained', () => {
  const faults: [string, string, number[]][] = [
    [' 1nwldj5', 'Invalid character or mixed case', [0]],
    ['\x7f1axkwrx', 'Invalid character or mixed case', [0]],
    [
      'an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx',
      'Bech32 string too long',
      [90],
    ],
    ['pzry9x0s0muk', 'Missing separator', []],
    ['1pzry9x0s0muk', 'Invalid separator position', [0]],
    ['x1b4n0q5v', 'Invalid Base 32 character', [2]],
    ['li1dgmt3', 'Invalid separator position', [2]],
    ['A1G7SGD8', 'Invalid checksum', []],
    ['10a06t8', 'Invalid separator position', [0]],
    ['1qzzfhee', 'Invalid separator position', [0]],
    ['a12UEL5L', 'Invalid character or mixed case', [3, 4, 5, 7]],
    ['A12uEL5L', 'Invalid character or mixed case', [3]],
    ['abcdef1qpzrz9x8gf2tvdw0s3jn54khce6mua7lmqqqxw', 'Invalid Bech32 checksum', [11]],
    ['test1zg69w7y6hn0aqy352euf40x77qddq3dc', 'Invalid Bech32 checksum', [9, 16]],
  ]
  for (const [text, message, positions] of faults) {
    assert.equal(decodeBech32(text), undefined, text)
    assert.deepEqual(locateBech32Errors(text), { message, positions }, text)
  }
})

test('one or two changed characters of an address-sized string are found again', () => {
  const charset = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 20, maxLength: 32 }),
      fc.constantFrom('bech32', 'bech32m'),
      fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 2 }),
      fc.integer({ min: 1, max: 31 }),
      (program, encoding, where, by) => {
        const text = encodeBech32(encoding, 'bcrt', [0, ...toFiveBits(program)])
        const positions = [...new Set(where.map(n => 5 + (n % (text.length - 5))))].sort((a, b) => a - b)
        const characters = [...text]
        for (const at of positions) characters[at] = charset[charset.indexOf(characters[at]) ^ by]
        const fault = locateBech32Errors(characters.join(''))
        // Two errors against one checksum may look like fewer against the other: then there is more than one explanation.
        if (fault.positions.length === positions.length && fault.message.includes(`${encoding} `.replace('b', 'B'))) {
          assert.deepEqual(fault.positions, positions)
        } else assert.ok(fault.positions.length <= positions.length)
      },
    ),
  )
})

test('five-bit values give the bytes back, and reject padding that is not zero', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      assert.deepEqual(fromFiveBits(toFiveBits(bytes)), bytes)
    }),
  )
  assert.equal(fromFiveBits([0, 1]), undefined)
  assert.equal(fromFiveBits([0]), undefined)
})
