import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkFromFile } from './network-file.ts'

const village = {
  name: 'village',
  magic: 'a1b2c3d4',
  port: 28444,
  rpcPort: 28443,
  bech32Hrp: 'vg',
  genesis: { message: 'A village of its own', time: 1790000000, nonce: 7, bits: '207fffff' },
  powLimit: `7f${'ff'.repeat(31)}`,
  spacingSeconds: 60,
  retargetBlocks: 1440,
  subsidySats: 5_000_000_000,
  halvingInterval: 210_000,
}

test('a network file becomes a network', () => {
  const read = networkFromFile(village)
  assert.ok(read.ok)
  assert.equal(read.value.retargetInterval, 1440)
  assert.equal(read.value.genesisHeader.bits, 0x207fffff)
  assert.equal(read.value.addresses.bech32Hrp, 'vg')
})

test('what is wrong in a network file is named', () => {
  for (const [field, value] of [
    ['name', 'Village!'],
    ['port', 0],
    ['powLimit', 'ff'],
    ['genesis', 'none'],
    ['halvingInterval', 1.5],
  ] as const) {
    const read = networkFromFile({ ...village, [field]: value })
    assert.ok(!read.ok && read.code === 'bad-network-file' && read.detail?.startsWith(field), field)
  }
  assert.ok(!networkFromFile(null).ok)
})
