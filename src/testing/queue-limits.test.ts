import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queueFaults } from './queue-limits.ts'
import { SimNetwork } from './sim-network.ts'

test('a node that holds more than it may is told of, queue by queue', async () => {
  const net = new SimNetwork({ seed: 5 })
  const [alice, bob] = await net.nodes(3)
  await net.runFor(60_000, () => alice.peers.length > 1)
  await alice.mine(3)
  await net.runFor(600_000, () => bob.height === 3)
  assert.equal(bob.height, 3)
  const limits = { connectionsMax: 64, receiveBufferBytesMax: 200_000, sendBufferBytesMax: 200_000 }
  assert.deepEqual(queueFaults(alice, limits), [])
  assert.ok(alice.peers.length > 1)
  assert.deepEqual(queueFaults(alice, { ...limits, connectionsMax: 1 }), [
    `${alice.name}: ${alice.peers.length} connections, of at most 1`,
  ])
  const [peer] = alice.peers
  for (let i = 0; i < 20; i++) peer.blocksForHeaders.push(i)
  assert.deepEqual(queueFaults(alice, limits), [`${alice.name}: 20 blocks to be told by header, of at most 9`])
})
