import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hex, toHex } from '../bytes/bytes.ts'
import { decodeBase58Check, encodeBase58Check } from '../encoding/base58.ts'
import { HARDENED_INDEX } from './hardened-index.ts'
import { decodeHdKey, deriveHdChild, encodeHdKey, type HdKey, hdMasterKey, hdPublicOnly } from './hd-key.ts'

const XPUB = '0488b21e'
const XPRV = '0488ade4'

const text = (key: HdKey, kind: 'public' | 'secret'): string =>
  encodeBase58Check(hex((kind === 'public' ? XPUB : XPRV) + toHex(encodeHdKey(key, kind))))

// BIP32, test vectors 1 (chain m/0'/1/2'/2/1000000000) and 3 (leading zeros are kept).
const CHAINS: [string, number[], string, string][] = [
  [
    '000102030405060708090a0b0c0d0e0f',
    [HARDENED_INDEX, 1, HARDENED_INDEX + 2, 2, 1000000000],
    'xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy',
    'xprvA41z7zogVVwxVSgdKUHDy1SKmdb533PjDz7J6N6mV6uS3ze1ai8FHa8kmHScGpWmj4WggLyQjgPie1rFSruoUihUZREPSL39UNdE3BBDu76',
  ],
  [
    '4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be',
    [HARDENED_INDEX],
    'xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y',
    'xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJCVVFceUvJFjaPdGZ2y9WACViL4L',
  ],
]

test('derivation agrees with BIP32, and texts give the key back', () => {
  for (const [seed, path, xpub, xprv] of CHAINS) {
    let key = hdMasterKey(hex(seed))
    for (const index of path) key = deriveHdChild(key, index)!
    assert.equal(text(key, 'public'), xpub)
    assert.equal(text(key, 'secret'), xprv)
    assert.deepEqual(decodeHdKey(decodeBase58Check(xprv, 78)!.subarray(4), 'secret'), key)
    assert.deepEqual(decodeHdKey(decodeBase58Check(xpub, 78)!.subarray(4), 'public'), hdPublicOnly(key))
  }
})

test('public derivation meets secret derivation, and cannot be hardened', () => {
  const master = hdMasterKey(hex('000102030405060708090a0b0c0d0e0f'))
  assert.deepEqual(deriveHdChild(hdPublicOnly(master), 7), hdPublicOnly(deriveHdChild(master, 7)!))
  assert.equal(deriveHdChild(hdPublicOnly(master), HARDENED_INDEX), undefined)
})

test('the keys that BIP32 calls invalid are refused', () => {
  // BIP32, test vector 5: wrong key prefixes, depth zero with a parent or an index, keys out of range.
  const invalid: [string, 'public' | 'secret'][] = [
    [
      'xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6LBpB85b3D2yc8sfvZU521AAwdZafEz7mnzBBsz4wKY5fTtTQBm',
      'public',
    ],
    [
      'xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFGTQQD3dC4H2D5GBj7vWvSQaaBv5cxi9gafk7NF3pnBju6dwKvH',
      'secret',
    ],
    [
      'xpub661no6RGEX3uJkY4bNnPcw4URcQTrSibUZ4NqJEw5eBkv7ovTwgiT91XX27VbEXGENhYRCf7hyEbWrR3FewATdCEebj6znwMfQkhRYHRLpJ',
      'public',
    ],
    [
      'xprv9s2SPatNQ9Vc6GTbVMFPFo7jsaZySyzk7L8n2uqKXJen3KUmvQNTuLh3fhZMBoG3G4ZW1N2kZuHEPY53qmbZzCHshoQnNf4GvELZfqTUrcv',
      'secret',
    ],
    [
      'xprv9s21ZrQH4r4TsiLvyLXqM9P7k1K3EYhA1kkD6xuquB5i39AU8KF42acDyL3qsDbU9NmZn6MsGSUYZEsuoePmjzsB3eFKSUEh3Gu1N3cqVUN',
      'secret',
    ],
    [
      'xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzF93Y5wvzdUayhgkkFoicQZcP3y52uPPxFnfoLZB21Teqt1VvEHx',
      'secret',
    ],
    [
      'xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFAzHGBP2UuGCqWLTAPLcMtD5SDKr24z3aiUvKr9bJpdrcLg1y3G',
      'secret',
    ],
    [
      'xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6Q5JXayek4PRsn35jii4veMimro1xefsM58PgBMrvdYre8QyULY',
      'public',
    ],
  ]
  for (const [encoded, kind] of invalid) {
    assert.equal(decodeHdKey(decodeBase58Check(encoded, 78)!.subarray(4), kind), undefined, encoded)
  }
})
