import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSharedJson, skipWithout } from '../../../test/shared-data.ts'
import { hex } from '../../base/bytes/bytes.ts'
import type { AddressPrefixes } from '../primitives/address.ts'
import { inferDescriptorText } from './infer.ts'

const REGTEST: AddressPrefixes = {
  bech32Hrp: 'bcrt',
  pubkeyHash: hex('6f'),
  scriptHash: hex('c4'),
  secretKey: hex('ef'),
  xpub: hex('043587cf'),
  xprv: hex('04358394'),
}

interface Output {
  scriptPubKey: { desc: string; hex: string }
}
interface VerboseBlock {
  getblock3: { tx: { vin: { prevout?: Output }[]; vout: Output[] }[] }
}

test('every output of the mixed chain is described as by Bitcoin Core', {
  skip: skipWithout('fixtures', 'chain-mixed'),
}, () => {
  const blocks = readSharedJson<VerboseBlock[]>('fixtures', 'chain-mixed', 'verbose-blocks.json')
  const kinds = new Set<string>()
  for (const { getblock3 } of blocks) {
    for (const { vin, vout } of getblock3.tx) {
      const prevouts = vin.flatMap(input => input.prevout ?? [])
      for (const { scriptPubKey } of [...vout, ...prevouts]) {
        assert.equal(inferDescriptorText(hex(scriptPubKey.hex), REGTEST), scriptPubKey.desc)
        kinds.add(scriptPubKey.desc.split('(')[0])
      }
    }
  }
  assert.deepEqual([...kinds].sort(), ['addr', 'multi', 'pk', 'raw', 'rawtr'])
})

test('scripts whose keys cannot stand in a descriptor are described by address or bytes', () => {
  const cases: [string, RegExp][] = [
    [`5120${'11'.repeat(32)}`, /^addr\(bcrt1p/],
    [`4106${'79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'}${'48'.repeat(32)}ac`, /^raw\(4106/],
    ['', /^raw\(\)#/],
    ['51024e73', /^addr\(bcrt1pfeesnyr2tx\)/],
    ['0014', /^raw\(0014\)/],
  ]
  for (const [script, description] of cases) assert.match(inferDescriptorText(hex(script), REGTEST), description)
})
