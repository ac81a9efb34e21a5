import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OtherChain, P2pWorld, type ScriptedPeer } from '../../../test/p2p-world.ts'
import { INVENTORY } from '../wire/inventory-messages.ts'

const others = await OtherChain.create(30)

/** A world with somebody who gives it blocks. */
async function worldAt(blocks: number): Promise<{ world: P2pWorld; giver: ScriptedPeer }> {
  const world = await P2pWorld.create({ blocks })
  return { world, giver: world.inbound({ withoutCompactBlocks: true }) }
}

/** A peer gives a block, and the others are attended to. */
function give(world: P2pWorld, from: ScriptedPeer, height: number): void {
  from.say('block', { bytes: others.block(height) })
  world.pass(100)
}

/** A peer that has our chain up to a height. */
function knows(peer: ScriptedPeer, height: number): ScriptedPeer {
  peer.say('headers', others.headers(height, height))
  peer.forget()
  return peer
}

function hashesOf({ headers }: { headers: Uint8Array }): number {
  return headers.length / 80
}

test('each peer is told as it wants: by inv, by headers, or in short', async () => {
  const { world, giver } = await worldAt(10)
  const [byInv, byHeaders, inShort] = [world.inbound(), world.inbound(), world.inbound()]
  byHeaders.say('sendheaders', {})
  inShort.say('sendcmpct', { highBandwidth: true, version: 2n })
  for (const peer of [byInv, byHeaders, inShort]) knows(peer, 10)
  giver.forget()
  give(world, giver, 11)
  assert.deepEqual(byInv.last('inv')!.entries, [{ type: INVENTORY.MSG_BLOCK, hash: others.hash(11) }])
  assert.deepEqual(byHeaders.last('headers'), others.headers(11, 11))
  const compact = inShort.last('cmpctblock')!
  assert.deepEqual(compact.header, others.headers(11, 11).headers)
  assert.deepEqual(compact.prefilled[0].transaction, others.transactions(11)[0])
  assert.deepEqual(
    [byInv, byHeaders, inShort].map(peer => peer.heard.length),
    [1, 1, 1],
  )
})

test('a compact block goes out before the block is connected, and the same bytes to all', async () => {
  const { world, giver } = await worldAt(10)
  const peers = [world.inbound(), world.inbound()]
  for (const peer of peers) {
    peer.say('sendcmpct', { highBandwidth: true, version: 2n })
    knows(peer, 10)
  }
  give(world, giver, 11)
  const fast = world.log.findIndex(line => line.startsWith('PeerManager::NewPoWValidBlock'))
  assert.ok(fast >= 0)
  assert.ok(!world.logged(/^SendMessages: sending header-and-ids/))
  assert.equal(peers[0].last('cmpctblock')!.nonce, peers[1].last('cmpctblock')!.nonce)
})

test('nobody is told what it told us, nor anything while the chain is fetched', async () => {
  const { world, giver } = await worldAt(10)
  give(world, giver, 11)
  const peer = knows(world.inbound(), 12)
  const silent = world.inbound()
  silent.forget()
  peer.say('block', { bytes: others.block(12) })
  world.pass(1000, 100)
  assert.deepEqual(peer.all('inv'), [])
  assert.equal(silent.all('inv').length, 1)
  world.access.isDownloading = true
  silent.forget()
  give(world, giver, 13)
  world.pass(1000, 100)
  assert.deepEqual(silent.all('inv'), [])
})

test('headers go only to who has what they build on; else an inv', async () => {
  const { world, giver } = await worldAt(10)
  const stranger = world.inbound()
  stranger.say('sendheaders', {})
  stranger.forget()
  give(world, giver, 11)
  assert.deepEqual(stranger.all('headers'), [])
  assert.equal(stranger.all('inv').length, 1)
  // Once it has asked for headers, we know what it has.
  stranger.say('getheaders', { version: 70_016, locator: [others.hash(5)], stopHash: new Uint8Array(32) })
  stranger.forget()
  give(world, giver, 12)
  assert.equal(hashesOf(stranger.last('headers')!), 1)
})

test('of up to eight blocks all headers are told, of more the last block alone', async () => {
  for (const [count, told] of [
    [8, 'headers'],
    [9, 'inv'],
  ] as const) {
    const { world } = await worldAt(10)
    const peer = world.inbound()
    peer.say('sendheaders', {})
    knows(peer, 10)
    for (let i = 1; i <= count; i++) world.memory.submit(others.block(10 + i))
    // As it is when blocks come faster than peers are attended to.
    world.node.onChainEvents([], true, world.nowMs)
    world.pass(100)
    assert.deepEqual(peer.heard, [told])
    if (told === 'headers') assert.deepEqual(peer.last('headers'), others.headers(11, 18))
    else assert.deepEqual(peer.last('inv')!.entries, [{ type: INVENTORY.MSG_BLOCK, hash: others.hash(19) }])
  }
})

test('after a reorganisation the new branch is told from the fork on', async () => {
  const { world, giver } = await worldAt(10)
  const branch = await OtherChain.create(8)
  branch.growApart(3, 2)
  const peer = world.inbound()
  peer.say('sendheaders', {})
  knows(peer, 10)
  giver.say('headers', branch.headers(9, 11))
  for (const height of [9, 10, 11]) giver.say('block', { bytes: branch.block(height) })
  world.pass(100)
  assert.equal(world.chain.height, 11)
  assert.deepEqual(peer.last('headers'), branch.headers(9, 11))
})

test('three who gave the newest blocks are asked to announce in short; the one of longest standing makes room', async () => {
  const world = await P2pWorld.create({ blocks: 10 })
  const peers = [0, 1, 2, 3].map(() => world.inbound())
  for (const [i, peer] of peers.entries()) {
    give(world, peer, 11 + i)
    assert.equal(peer.last('sendcmpct')!.highBandwidth, true)
  }
  assert.equal(peers[0].last('sendcmpct')!.highBandwidth, false)
  assert.deepEqual(
    peers.map(peer => peer.remote.highBandwidthTo),
    [false, true, true, true],
  )
  // Who gives another keeps its place.
  give(world, peers[1], 15)
  give(world, peers[0], 16)
  assert.deepEqual(
    peers.map(peer => peer.remote.highBandwidthTo),
    [true, true, false, true],
  )
  peers[1].leave()
  give(world, peers[2], 17)
  assert.deepEqual(
    [0, 2, 3].map(i => peers[i].remote.highBandwidthTo),
    [true, true, true],
    'who has gone leaves its place',
  )
})

test('the last of these that we chose ourselves cannot be crowded out from outside', async () => {
  const world = await P2pWorld.create({ blocks: 10 })
  const out = world.outbound()
  const inbound = [0, 1, 2, 3].map(() => world.inbound())
  give(world, out, 11)
  for (const [i, peer] of inbound.entries()) give(world, peer, 12 + i)
  assert.equal(out.remote.highBandwidthTo, true)
  assert.deepEqual(
    inbound.map(peer => peer.remote.highBandwidthTo),
    [false, false, true, true],
  )
})

test('peers that cannot are not asked', async () => {
  const { world, giver } = await worldAt(10)
  give(world, giver, 11)
  assert.deepEqual(giver.all('sendcmpct'), [])
  assert.equal(giver.remote.highBandwidthTo, false)
})
