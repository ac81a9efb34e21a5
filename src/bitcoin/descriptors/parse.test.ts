import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { hex, toHex } from '../../base/bytes/bytes.ts'
import type { AddressPrefixes } from '../primitives/address.ts'
import { scriptAddress } from '../primitives/address.ts'
import { descriptorChecksum } from './checksum.ts'
import { descriptorScripts, descriptorText, isRanged, isSolvable } from './descriptor.ts'
import { parseDescriptor } from './parse.ts'

const MAIN: AddressPrefixes = {
  bech32Hrp: 'bc',
  pubkeyHash: hex('00'),
  scriptHash: hex('05'),
  secretKey: hex('80'),
  xpub: hex('0488b21e'),
  xprv: hex('0488ade4'),
}
const REGTEST: AddressPrefixes = {
  bech32Hrp: 'bcrt',
  pubkeyHash: hex('6f'),
  scriptHash: hex('c4'),
  secretKey: hex('ef'),
  xpub: hex('043587cf'),
  xprv: hex('04358394'),
}

interface Vectors {
  valid: {
    private: string
    public: string
    ranged: boolean
    hardened: boolean
    solvable: boolean
    scripts: string[][]
  }[]
  invalid: { text: string; error: string }[]
  multipath: { private: string; public: string; expansion: string[]; scripts: string[][][] }[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../test/vectors/descriptors.json', import.meta.url), 'utf8'),
) as Vectors

const body = (text: string): string => text.split('#')[0]

function parse(text: string, prefixes = MAIN) {
  const parsed = parseDescriptor(text, prefixes)
  assert.ok(parsed.ok, `${text}: ${parsed.ok ? '' : parsed.detail}`)
  return parsed.value
}

test('valid descriptors print, range and give scripts as Bitcoin Core has them', () => {
  assert.equal(vectors.valid.length, 42)
  for (const vector of vectors.valid) {
    const secret = parse(vector.private)
    const { descriptors, hasSecrets } = parse(vector.public)
    assert.equal(descriptors.length, 1)
    assert.equal(hasSecrets, false)
    assert.equal(secret.hasSecrets, body(vector.private) !== body(vector.public))
    for (const [descriptor] of [descriptors, secret.descriptors]) {
      assert.equal(body(descriptorText(descriptor, MAIN)), body(vector.public))
      assert.equal(isRanged(descriptor), vector.ranged, vector.public)
      assert.equal(isSolvable(descriptor), vector.solvable)
    }
    vector.scripts.forEach((scripts, index) => {
      assert.deepEqual(descriptorScripts(secret.descriptors[0], index)?.map(toHex), scripts, vector.public)
      const fromPublic = descriptorScripts(descriptors[0], index)?.map(toHex)
      assert.deepEqual(fromPublic, vector.hardened ? undefined : scripts, vector.public)
    })
  }
})

test('invalid descriptors are refused in the words of Bitcoin Core', () => {
  assert.equal(vectors.invalid.length, 63)
  for (const { text, error } of vectors.invalid) {
    const parsed = parseDescriptor(text, MAIN)
    assert.equal(parsed.ok, false, text)
    assert.equal(parsed.ok ? undefined : parsed.detail, error, text)
  }
})

test('multipath descriptors expand to one descriptor for each alternative', () => {
  assert.equal(vectors.multipath.length, 9)
  for (const vector of vectors.multipath) {
    const { descriptors } = parse(vector.private)
    assert.deepEqual(
      descriptors.map(descriptor => body(descriptorText(descriptor, MAIN))),
      vector.expansion.map(body),
    )
    vector.scripts.forEach((list, alternative) => {
      list.forEach((scripts, index) => {
        assert.deepEqual(descriptorScripts(descriptors[alternative], index)?.map(toHex), scripts)
      })
    })
  }
})

// Bitcoin Core's rpc_deriveaddresses.py.
const TPRV =
  'tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK'
const TPUB =
  'tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B'

test('addresses are derived over ranges, alternatives and up to the last index', () => {
  const cases: [string, number, (string | undefined)[]][] = [
    [`wpkh(${TPRV}/1/1/0)`, 0, ['bcrt1qjqmxmkpmxt80xz4y3746zgt0q3u3ferr34acd5']],
    [`wpkh(${TPUB}/1/1/0)`, 0, ['bcrt1qjqmxmkpmxt80xz4y3746zgt0q3u3ferr34acd5']],
    [`wpkh(${TPRV}/1/1/*)`, 2, ['bcrt1qpgptk2gvshyl0s9lqshsmx932l9ccsv265tvaq']],
    [`wpkh(${TPRV}/1/1/*)`, 2147483647, ['bcrt1qtzs23vgzpreks5gtygwxf8tv5rldxvvsyfpdkg']],
    [
      `combo(${TPRV}/1/1/0)`,
      0,
      [
        undefined,
        'mtfUoUax9L4tzXARpw1oTGxWyoogp52KhJ',
        'bcrt1qjqmxmkpmxt80xz4y3746zgt0q3u3ferr34acd5',
        '2NDvEwGfpEqJWfybzpKPHF2XH3jwoQV3D7x',
      ],
    ],
  ]
  for (const [text, index, addresses] of cases) {
    const scripts = descriptorScripts(parse(text, REGTEST).descriptors[0], index)
    assert.deepEqual(
      scripts?.map(script => scriptAddress(script, REGTEST)),
      addresses,
      text,
    )
  }
  assert.equal(descriptorScripts(parse(`wpkh(${TPUB}/1'/1/0)`, REGTEST).descriptors[0], 0), undefined)
})

test('what is missing is refused by name', () => {
  const refused: [string, RegExp][] = [
    [`wsh(and_v(v:pk(${TPUB}),older(5)))`, /^Miniscript is not supported: 'and_v\(/],
    [`tr(musig(${TPUB},${TPUB}))`, /^tr\(\): musig\(\) is not supported$/],
    [`unused(${TPUB})`, /^unused\(\) is not supported$/],
  ]
  for (const [text, message] of refused) {
    const parsed = parseDescriptor(text, REGTEST)
    assert.match(parsed.ok ? '' : (parsed.detail ?? ''), message)
  }
})

test('any text is either a descriptor that prints and parses again, or refused', () => {
  const words = fc.constantFrom(
    ...[
      'pk(',
      'wsh(',
      'sh(',
      'tr(',
      'multi(',
      'sortedmulti_a(',
      '1,',
      '2',
      ',',
      '{',
      '}',
      ')',
      ')',
      '*',
      '/',
      '<0;1>',
      "'",
    ],
    ...['[deadbeef]', '[deadbeef/1h]', TPUB, TPRV, '#', 'raw(', '51', 'addr(', 'ü', ' '],
    'a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd',
    '03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd',
  )
  fc.assert(
    fc.property(fc.array(words, { maxLength: 12 }), parts => {
      const parsed = parseDescriptor(parts.join(''), REGTEST)
      if (!parsed.ok) return
      const text = descriptorText(parsed.value.descriptors[0], REGTEST)
      assert.equal(descriptorText(parse(text, REGTEST).descriptors[0], REGTEST), text)
    }),
    { numRuns: 2000 },
  )
})

test('a taproot tree may be 128 deep and no deeper', () => {
  const key = 'a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd'
  const nested = (depth: number): string => `tr(${key},${`{pk(${key}),`.repeat(depth)}pk(${key})${'}'.repeat(depth)})`
  assert.equal(parse(nested(128)).descriptors.length, 1)
  const deeper = parseDescriptor(nested(129), MAIN)
  assert.equal(deeper.ok ? '' : deeper.detail, 'tr() supports at most 128 nesting levels')
})

test('the checksum notices a changed character', () => {
  // BIP380, test vectors.
  assert.equal(descriptorChecksum('raw(deadbeef)'), '89f8spxm')
  assert.notEqual(descriptorChecksum('raw(deadbeee)'), '89f8spxm')
  assert.equal(descriptorChecksum('raw(Ü)'), undefined)
})
