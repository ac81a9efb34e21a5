import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSharedJson, skipWithout } from '../../../test/shared-data.ts'
import { hex, toHex } from '../../base/bytes/bytes.ts'
import {
  type AddressPrefixes,
  decodeAddress,
  decodeSecretKey,
  destinationScript,
  encodeAddress,
  encodeSecretKey,
  scriptAddress,
  scriptDestination,
} from './address.ts'

const TEST_PREFIXES = {
  pubkeyHash: hex('6f'),
  scriptHash: hex('c4'),
  secretKey: hex('ef'),
  xpub: hex('043587cf'),
  xprv: hex('04358394'),
}
const PREFIXES: Record<string, AddressPrefixes> = {
  main: {
    bech32Hrp: 'bc',
    pubkeyHash: hex('00'),
    scriptHash: hex('05'),
    secretKey: hex('80'),
    xpub: hex('0488b21e'),
    xprv: hex('0488ade4'),
  },
  testnet4: { bech32Hrp: 'tb', ...TEST_PREFIXES },
  signet: { bech32Hrp: 'tb', ...TEST_PREFIXES },
  regtest: { bech32Hrp: 'bcrt', ...TEST_PREFIXES },
}

type KeyIoValid = [string, string, { chain: string; isPrivkey: boolean; isCompressed?: boolean; tryCaseFlip?: boolean }]

const flipCase = (text: string): string =>
  [...text].map(c => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase())).join('')

test('every valid key and address of key_io_valid.json', { skip: skipWithout('vectors', 'core') }, () => {
  const vectors = readSharedJson<KeyIoValid[]>('vectors', 'core', 'key_io_valid.json')
  assert.equal(vectors.length, 70)
  for (const [text, payload, { chain, isPrivkey, isCompressed, tryCaseFlip }] of vectors) {
    const prefixes = PREFIXES[chain]
    if (isPrivkey) {
      const key = { secret: hex(payload), compressed: isCompressed === true }
      assert.deepEqual(decodeSecretKey(text, prefixes), key)
      assert.equal(encodeSecretKey(key, prefixes), text)
      assert.equal(decodeAddress(text, prefixes).ok, false)
      continue
    }
    assert.equal(decodeSecretKey(text, prefixes), undefined)
    const address = decodeAddress(text, prefixes)
    assert.ok(address.ok, text)
    assert.equal(toHex(destinationScript(address.destination)), payload)
    assert.deepEqual(scriptDestination(hex(payload)), address.destination)
    assert.equal(encodeAddress(address.destination, prefixes), text)
    assert.equal(scriptAddress(hex(payload), prefixes), text)
    const flipped = decodeAddress(flipCase(text), prefixes)
    assert.equal(flipped.ok, tryCaseFlip === true)
  }
})

test('every text of key_io_invalid.json is refused on every network', { skip: skipWithout('vectors', 'core') }, () => {
  const vectors = readSharedJson<[string][]>('vectors', 'core', 'key_io_invalid.json')
  assert.equal(vectors.length, 70)
  for (const [text] of vectors) {
    for (const prefixes of Object.values(PREFIXES)) {
      assert.equal(decodeAddress(text, prefixes).ok, false, text)
      assert.equal(decodeSecretKey(text, prefixes), undefined, text)
    }
  }
})

test('a wrong address is explained in the words and positions of Bitcoin Core', () => {
  const cases: [string, string, string, number[]?][] = [
    [
      'regtest',
      'bcrt1s0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav25430mtr',
      'Invalid Bech32 address program size (41 bytes)',
    ],
    [
      'regtest',
      'bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7k7grplx',
      'Invalid or unsupported Segwit (Bech32) or Base58 encoding.',
    ],
    [
      'regtest',
      'bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqdmchcc',
      'Version 1+ witness address must use Bech32m checksum',
    ],
    ['regtest', 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7k35mrzd', 'Version 0 witness address must use Bech32 checksum'],
    [
      'regtest',
      'bcrt130xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqynjegk',
      'Invalid Bech32 address witness version',
    ],
    [
      'regtest',
      'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kqqq5k3my',
      'Invalid Bech32 v0 address program size (21 bytes), per BIP141',
    ],
    [
      'regtest',
      'bcrt1q049edschfnwystcqnsvyfpj23mpsg3jcedq9xv049edschfnwystcqnsvyfpj23mpsg3jcedq9xv049edschfnwystcqnsvyfpj23m',
      'Bech32 string too long',
      Array.from({ length: 18 }, (_, i) => 90 + i),
    ],
    ['regtest', 'bcrt1q049edschfnwystcqnsvyfpj23mpsg3jcedq9xv', 'Invalid Bech32 checksum', [9]],
    ['regtest', 'bcrt1qax9suht3qv95sw33xavx8crpxduefdrsvgsklu', 'Invalid Bech32 checksum', [22, 43]],
    ['regtest', 'BCRT1QPLMTZKC2XHARPPZDLNPAQL78RSHJ68U32RAH7R', 'Invalid Bech32 checksum', [38]],
    ['regtest', 'bcrtq049ldschfnwystcqnsvyfpj23mpsg3jcedq9xv', 'Missing separator'],
    ['regtest', 'bcrt1q04oldschfnwystcqnsvyfpj23mpsg3jcedq9xv', 'Invalid Base 32 character', [8]],
    [
      'regtest',
      'bcrt1qdg3myrgvzw7ml8q0ejxhlkyxn7vl9r56yzkfgvzclrf4hkpx9yfqhpsuks',
      'Invalid Bech32 checksum',
      [19, 30],
    ],
    ['regtest', 'bcrt1ptmp74ayg7p24uslctssvjm06q5phz4yrxucgnv', 'Invalid Bech32 checksum', [5]],
    ['regtest', '17VZNX1SN5NtKa8UQFxwQbFeFc3iqRYhem', 'Invalid or unsupported Base58-encoded address.'],
    ['regtest', 'mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJJfn', 'Invalid checksum or length of Base58 address (P2PKH or P2SH)'],
    [
      'regtest',
      '2VKf7XKMrp4bVNVmuRbyCewkP8FhGLP2E54LHDPakr9Sq5mtU2',
      'Invalid checksum or length of Base58 address (P2PKH or P2SH)',
    ],
    ['regtest', 'asfah14i8fajz0123f', 'Invalid or unsupported Segwit (Bech32) or Base58 encoding.'],
    ['main', 'bc1gmk9yu', 'Empty Bech32 data section'],
    ['main', 'BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3t4', 'Invalid character or mixed case', [40]],
  ]
  for (const [network, text, message, positions = []] of cases) {
    assert.deepEqual(decodeAddress(text, PREFIXES[network]), { ok: false, message, positions }, text)
  }
})

test('scripts that no address stands for have no destination', () => {
  for (const script of [
    '',
    '51',
    '00',
    '0014',
    '001511111111111111111111111111111111111111ff',
    '6a',
    '0001ff',
    '5101ff',
  ]) {
    assert.equal(scriptDestination(hex(script)), undefined, script)
  }
})
