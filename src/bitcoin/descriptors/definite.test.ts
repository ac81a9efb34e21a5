import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex } from '../../base/bytes/bytes.ts'
import { builtInNetwork } from '../params/networks.ts'
import { describedScripts } from './definite.ts'
import { descriptorScripts, descriptorText } from './descriptor.ts'
import { parseDescriptor } from './parse.ts'

const { addresses } = builtInNetwork('regtest')!
const TPUB =
  'tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B'
const KEY = '03e1c5b6e650966971d7e71ef2674f80222752740fc1dfd63bbbd220d2da9bd0fb'

function definite(text: string, index: number): string[] {
  const parsed = parseDescriptor(text, addresses)
  assert.ok(parsed.ok, text)
  return describedScripts(parsed.value.descriptors[0], index)!.map(({ describe }) =>
    descriptorText(describe(), addresses),
  )
}

test("keys name where they come from, as in Bitcoin Core's scantxoutset", () => {
  const forms = definite(`combo(${TPUB}/1/1/*)`, 0)
  assert.equal(forms.length, 4)
  assert.equal(forms[1], `pkh([0c5f9a1e/1/1/0]${KEY})#cxmct4w8`)
  assert.equal(definite(`pkh([deadbeef/7h]${TPUB}/2)`, 5)[0].startsWith('pkh([deadbeef/7h/2]0'), true)
  assert.equal(definite('raw(51)', 0)[0], 'raw(51)#8lvh9jxk')
})

test('a definite descriptor stands for the same script', () => {
  const other = '02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5'
  for (const text of [
    `wpkh(${TPUB}/*)`,
    `sh(wpkh(${TPUB}/3/*))`,
    `combo(${TPUB}/*)`,
    `wsh(sortedmulti(2,${TPUB}/*,${KEY},${other}))`,
    `tr(${TPUB}/*)`,
    `tr(${KEY},{pk(${TPUB}/*),sortedmulti_a(1,${other},${TPUB}/0/*)})`,
    `rawtr(${TPUB}/*)`,
    `pk(${KEY})`,
  ]) {
    const parsed = parseDescriptor(text, addresses)
    assert.ok(parsed.ok, text)
    for (const index of [0, 1, 77]) {
      for (const { script, describe } of describedScripts(parsed.value.descriptors[0], index)!) {
        const again = parseDescriptor(descriptorText(describe(), addresses), addresses)
        assert.ok(again.ok)
        assert.equal(toHex(descriptorScripts(again.value.descriptors[0], 0)![0]), toHex(script), text)
      }
    }
  }
})
