import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import { builtInNetwork, NETWORK_NAMES } from './networks.ts'

const GENESIS: Record<string, string> = {
  main: '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f',
  testnet4: '00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043',
  signet: '00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6',
  regtest: '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206',
}

test('every built-in network has the genesis block that its peers have', () => {
  assert.deepEqual([...NETWORK_NAMES].sort(), Object.keys(GENESIS).sort())
  for (const [name, hash] of Object.entries(GENESIS)) {
    assert.equal(toHexReversed(builtInNetwork(name)!.genesisHash), hash)
  }
})

test('the magic of the default signet follows from its challenge', () => {
  assert.equal(toHex(builtInNetwork('signet')!.magic), '0a03cf40')
})

test('choices change what they name and nothing else', () => {
  const changed = builtInNetwork('regtest', { buried: { csv: 432 } })!
  assert.equal(changed.buried.csv, 432)
  assert.equal(changed.buried.bip34, 1)
  assert.equal(builtInNetwork('regtest')!.buried.csv, 1)
  assert.equal(builtInNetwork('nonesuch'), undefined)
})
