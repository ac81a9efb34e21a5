import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimNetwork } from './sim-network.ts'

test('two nodes that mined apart agree once they hear of each other', async () => {
  const net = new SimNetwork({ seed: 7, latencyMs: [20, 400], lossRate: 0.02 })
  const [alice, bob] = await net.nodes(2)
  net.partition([alice], [bob])
  await alice.mine(2)
  await bob.mine(3)
  assert.notEqual(alice.tip, bob.tip)
  net.heal()
  await net.runFor(600_000)
  assert.equal(alice.tip, bob.tip, net.repro)
  assert.equal(alice.height, 3)
  assert.equal(await alice.utxoHash(), await bob.utxoHash())
})
