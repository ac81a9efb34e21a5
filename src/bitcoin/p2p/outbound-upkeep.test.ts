import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OtherChain, P2pWorld, type ScriptedPeer } from '../../../test/p2p-world.ts'
import { EXTRA_PEER_CHECK_INTERVAL_MS, MINIMUM_CONNECT_TIME_MS, STALE_CHECK_INTERVAL_MS } from './limits.ts'

const others = await OtherChain.create(20)

function outbounds(world: P2pWorld, count: number, type: 'outbound-full-relay' | 'block-relay-only'): ScriptedPeer[] {
  return Array.from({ length: count }, () => world.outbound(type))
}

function left(peers: readonly ScriptedPeer[]): number[] {
  return peers.flatMap((peer, i) => (peer.isClosed ? [i] : []))
}

test('of nine full outbound peers the one that announced blocks longest ago goes, when it has had its time', async () => {
  const world = await P2pWorld.create({ blocks: 10 })
  const peers = outbounds(world, 9, 'outbound-full-relay')
  // All but the third have told of a block; four of them are safe for good.
  for (const [i, peer] of peers.entries()) if (i !== 2) peer.say('headers', others.headers(11, 11 + i))
  world.pass(MINIMUM_CONNECT_TIME_MS - 1000, 1000)
  assert.deepEqual(left(peers), [])
  world.pass(2 * EXTRA_PEER_CHECK_INTERVAL_MS, 1000)
  assert.deepEqual(left(peers), [2])
})

test('eight are not too many', async () => {
  const world = await P2pWorld.create({ blocks: 10 })
  const peers = outbounds(world, 8, 'outbound-full-relay')
  world.pass(4 * EXTRA_PEER_CHECK_INTERVAL_MS, 1000)
  assert.deepEqual(left(peers), [])
})

test('whoever is giving blocks is not sent away', async () => {
  const world = await P2pWorld.create({ blocks: 10 })
  const peers = outbounds(world, 3, 'block-relay-only')
  peers[2].say('headers', others.headers(11, 11))
  assert.equal(peers[2].remote.requests.length, 1)
  world.pass(2 * EXTRA_PEER_CHECK_INTERVAL_MS, 1000)
  assert.deepEqual(left(peers), [])
  assert.ok(world.logged(/keeping block-relay-only peer=2 chosen for eviction .* blocks_in_flight: 1/))
})

test('the newest of three peers for blocks goes again, unless it knew more than the one before it', async () => {
  const plain = await P2pWorld.create({ blocks: 10 })
  const idle = outbounds(plain, 3, 'block-relay-only')
  plain.pass(3 * EXTRA_PEER_CHECK_INTERVAL_MS, 1000)
  assert.deepEqual(left(idle), [2])

  const world = await P2pWorld.create({ blocks: 10 })
  const peers = outbounds(world, 3, 'block-relay-only')
  peers[2].say('block', { bytes: others.block(11) })
  world.pass(3 * EXTRA_PEER_CHECK_INTERVAL_MS, 1000)
  assert.deepEqual(left(peers), [1])
})

test('the only connection to a network is kept', async () => {
  const world = await P2pWorld.create({ blocks: 10 })
  const odd = world.outbound('outbound-full-relay', { address: '[2a00::1]:18444' })
  const peers = outbounds(world, 8, 'outbound-full-relay')
  for (const peer of peers) peer.say('headers', others.headers(11, 11))
  peers[0].say('block', { bytes: others.block(11) })
  world.pass(3 * EXTRA_PEER_CHECK_INTERVAL_MS, 1000)
  assert.equal(odd.isClosed, false)
  assert.equal(left(peers).length, 1)
})

test('a tip that does not change for half an hour may be stale', async () => {
  const world = await P2pWorld.create({ blocks: 10, p2p: { connect: undefined } })
  world.pass(1000, 100)
  world.pass(3 * 600_000, 10_000)
  assert.ok(!world.logged(/Potential stale tip detected/))
  world.pass(2 * STALE_CHECK_INTERVAL_MS, 10_000)
  assert.ok(world.logged(/Potential stale tip detected, will try using extra outbound peer/))
  // With -connect nobody else is looked for.
  const fixed = await P2pWorld.create({ blocks: 10 })
  fixed.pass(6 * 600_000, 10_000)
  assert.ok(!fixed.logged(/Potential stale tip detected/))
})
