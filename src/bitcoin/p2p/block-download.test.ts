import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OtherChain, P2pWorld, type ScriptedPeer } from '../../../test/p2p-world.ts'
import { INVENTORY } from '../wire/inventory-messages.ts'
import { SERVICES } from '../wire/services.ts'
import {
  BLOCK_DOWNLOAD_WINDOW,
  FIRST_DEPTH_BLOCKS,
  MAX_BLOCKS_IN_TRANSIT_PER_PEER,
  TIP_SHARE_PATIENCE_MS,
} from './limits.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const long = await OtherChain.create(1200)
const LIMITED = { version: { services: SERVICES.NODE_NETWORK_LIMITED | SERVICES.NODE_WITNESS } }

function upwards(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

/** A world that lacks a chain which others have known for long. */
async function lagging(blocks = 0): Promise<P2pWorld> {
  const world = await P2pWorld.create({ blocks })
  world.nowMs += 2 * DAY_MS
  world.access.isDownloading = true
  return world
}

/** Tells the chain of a peer that has shown before that it gives blocks fast. */
function offer(peer: ScriptedPeer, height: number): ScriptedPeer {
  peer.remote.depth = MAX_BLOCKS_IN_TRANSIT_PER_PEER
  peer.remote.depthSinceMs = peer.remote.connectedAtMs
  peer.say('headers', long.headers(1, height))
  return peer
}

/** Gives all blocks that a peer is asked for, and those that it is asked for then; their heights. */
function serve(peer: ScriptedPeer, most = Number.POSITIVE_INFINITY): number[] {
  const served: number[] = []
  for (let asked = peer.asked; asked.length > 0 && served.length < most; asked = peer.asked) {
    peer.forget()
    for (const height of asked) {
      served.push(height)
      peer.say('block', { bytes: long.block(height) })
    }
  }
  return served
}

test('sixteen blocks are asked of a peer, and another for each that comes', async () => {
  const world = await lagging()
  const peer = offer(world.outbound(), 100)
  assert.deepEqual(peer.asked, upwards(1, MAX_BLOCKS_IN_TRANSIT_PER_PEER))
  assert.ok(
    peer.all('getdata').every(({ entries }) => entries.every(({ type }) => type === INVENTORY.MSG_WITNESS_BLOCK)),
  )
  peer.forget()
  peer.say('block', { bytes: long.block(2) })
  assert.deepEqual(peer.asked, [17], 'in whatever order')
  serve(peer)
  peer.say('block', { bytes: long.block(1) })
  for (const height of upwards(3, 16)) peer.say('block', { bytes: long.block(height) })
  serve(peer)
  assert.equal(world.chain.height, 100)
})

test('several peers are asked for different blocks', async () => {
  const world = await lagging()
  const peers = [1, 2, 3].map(() => offer(world.outbound(), 100))
  world.pass(100)
  assert.deepEqual(
    peers.flatMap(peer => peer.asked),
    upwards(1, 48),
  )
  while (peers.some(peer => serve(peer).length > 0));
  assert.equal(world.chain.height, 100)
})

test('a peer that holds the window up is replaced; until then the others fetch all of it', async () => {
  const world = await lagging()
  const slow = offer(world.outbound(), 1200)
  const fast = offer(world.outbound(), 1200)
  assert.deepEqual(slow.asked, upwards(1, 16))
  assert.deepEqual(serve(fast), upwards(17, BLOCK_DOWNLOAD_WINDOW))
  assert.ok(world.logged(/Stall started peer=0/))
  world.pass(1900, 100)
  assert.equal(slow.isClosed, false)
  world.pass(300, 100)
  assert.equal(slow.isClosed, true)
  assert.ok(world.logged(/Peer is stalling block download, disconnecting peer=0/))
  assert.ok(world.logged(/Increased stalling timeout temporarily to 4 seconds/))
  serve(fast)
  assert.equal(world.chain.height, 1200)
  assert.ok(world.logged(/Decreased stalling timeout to 2 seconds/))
})

test('peers that all hold the same blocks back are found out one after the other', async () => {
  const world = await lagging()
  const held = [1, 500]
  const peers = [1, 2, 3, 4].map(() => offer(world.outbound(), 1200))
  for (let served = 1; served > 0; ) {
    served = 0
    for (const peer of peers) {
      const asked = peer.asked.filter(height => !held.includes(height))
      peer.forget()
      for (const height of asked) peer.say('block', { bytes: long.block(height) })
      served += asked.length
    }
  }
  const parted: number[] = []
  for (let tenths = 0; tenths < 200; tenths++) {
    world.pass(100)
    const gone = peers.filter(({ isClosed }) => isClosed).length
    if (gone > parted.length) parted.push(tenths)
  }
  // After two seconds, and four more. Then one peer owes either block, and nobody is left to wait, as with bitcoind.
  assert.equal(parted.length, 2, `parted from peers at ${parted}`)
})

test('the last blocks are asked of a second peer when the first is slow, and nobody goes for it', async () => {
  const world = await lagging()
  const slow = offer(world.outbound(), 40)
  const fast = offer(world.outbound(), 40)
  const third = offer(world.outbound(), 40)
  const { requests } = world.node.download
  serve(third)
  assert.deepEqual(serve(fast), upwards(17, 32))
  assert.deepEqual([...fast.asked, ...third.asked], [], 'not before there is a reason to')
  for (let tenths = 0; world.chain.height < 40; tenths++) {
    assert.ok(tenths < 100, `height ${world.chain.height} after ten seconds`)
    world.pass(100)
    for (const { block } of slow.remote.requests) assert.ok(requests.of(block).length <= 2, 'two are enough')
    serve(fast)
    serve(third)
  }
  assert.equal(slow.isClosed, false)
  assert.equal(slow.remote.requests.length, 0)
})

test('near the tip a block is asked of a second peer only where nothing has come of the first for long', async () => {
  const world = await lagging()
  const slow = offer(world.outbound(), 16)
  const other = offer(world.outbound(), 16)
  world.access.isDownloading = false
  world.pass(TIP_SHARE_PATIENCE_MS, 100)
  assert.deepEqual(other.asked, [], 'a slow line would carry every block twice')
  world.pass(200, 100)
  assert.deepEqual(other.asked, [1, 2])
  assert.equal(slow.isClosed, false)
})

test('a peer may take a spacing of blocks for one, and half as much more for each other that delivers', async () => {
  const world = await lagging()
  const peers = [offer(world.outbound(), 30), offer(world.outbound(), 30)]
  peers.push(world.inbound())
  for (let second = 0; second < 899; second += 10) {
    world.pass(10_000, 1000)
    for (const peer of peers) {
      const ping = peer.last('ping')
      if (ping !== undefined) peer.say('pong', ping)
      peer.forget()
    }
  }
  assert.deepEqual(
    peers.map(peer => peer.isClosed),
    [false, false, false],
  )
  world.pass(10_000, 1000)
  assert.equal(peers[0].isClosed, true)
  assert.ok(world.logged(/Timeout downloading block [0-9a-f]{64}, disconnecting peer=0/))
})

test('pruned peers are asked for nothing old, and for nothing at all while the chain is fetched', async () => {
  const world = await lagging()
  const limited = offer(world.outbound('manual', LIMITED), 1000)
  world.pass(200, 100)
  assert.deepEqual(limited.asked, [])
  const full = offer(world.outbound(), 1000)
  assert.deepEqual(full.asked, upwards(1, 16))
  full.leave()
  world.access.isDownloading = false
  world.pass(200, 100)
  assert.deepEqual(limited.asked, upwards(1000 - 285, 1000 - 285 + 15))
})

test('no block is asked of peers that have no witnesses', async () => {
  const world = await lagging()
  const blind = world.inbound({ version: { services: SERVICES.NODE_NETWORK } })
  offer(blind, 100)
  world.pass(1000, 100)
  assert.deepEqual(blind.asked, [])
})

test('inbound peers are asked only where no better one is at work', async () => {
  const world = await lagging()
  const into = offer(world.inbound(), 100)
  assert.deepEqual(into.asked, upwards(1, 16), 'there is nobody else')
  const out = offer(world.outbound(), 100)
  assert.deepEqual(out.asked, upwards(17, 32))
  serve(into)
  into.forget()
  world.pass(200, 100)
  assert.deepEqual(into.asked, [])
  serve(out)
  assert.equal(world.chain.height, 100)
})

test('near the tip a block is fetched at once from whoever tells of it, in short where that may help', async () => {
  const world = await P2pWorld.create({ blocks: 50 })
  const plain = world.inbound({ withoutCompactBlocks: true })
  plain.say('headers', long.headers(51, 51))
  assert.deepEqual(plain.last('getdata')!.entries, [{ type: INVENTORY.MSG_WITNESS_BLOCK, hash: long.hash(51) }])
  const other = world.inbound()
  other.say('headers', long.headers(51, 51))
  assert.deepEqual(other.asked, [], 'it is on its way')
  plain.say('block', { bytes: long.block(51) })
  other.say('headers', long.headers(52, 52))
  assert.deepEqual(other.last('getdata')!.entries, [{ type: INVENTORY.MSG_CMPCT_BLOCK, hash: long.hash(52) }])
  other.say('block', { bytes: long.block(52) })
  other.forget()
  other.say('headers', long.headers(53, 56))
  assert.deepEqual(other.asked, upwards(53, 56))
  assert.ok(other.last('getdata')!.entries.every(({ type }) => type === INVENTORY.MSG_WITNESS_BLOCK))
})

test('a long branch is not fetched at once', async () => {
  const world = await P2pWorld.create({ blocks: 100 })
  const branch = await OtherChain.create(80)
  branch.growApart(21, 4)
  const peer = world.inbound()
  peer.say('headers', branch.headers(81, 101))
  assert.ok(world.logged(/Large reorg, won't direct fetch/))
  // The window takes it up all the same, since it has more work.
  world.pass(100)
  assert.deepEqual(peer.asked, upwards(81, 80 + FIRST_DEPTH_BLOCKS))
})

test('a newcomer owes few blocks, who gives them fast ever more, and who gives none ever fewer', async () => {
  const world = await lagging()
  const peer = world.outbound()
  peer.say('headers', long.headers(1, 1200))
  assert.deepEqual(peer.asked, upwards(1, FIRST_DEPTH_BLOCKS))
  const depths = [peer.remote.depth]
  for (let second = 0; second < 4; second++) {
    serve(peer, 100)
    world.pass(1100, 100)
    depths.push(peer.remote.depth)
  }
  assert.ok(depths.at(-1) === MAX_BLOCKS_IN_TRANSIT_PER_PEER, `${depths}`)
  assert.ok(
    depths.every((depth, i) => i === 0 || depth >= depths[i - 1]),
    `${depths}`,
  )
  world.pass(5000, 100)
  assert.equal(peer.remote.depth, FIRST_DEPTH_BLOCKS)
})

test('what leads to an invalid block is not fetched', async () => {
  const world = await lagging()
  const peer = offer(world.outbound(), 100)
  world.chain.tree.markInvalid(world.chain.index.find(long.hash(5)))
  const other = offer(world.outbound(), 4)
  peer.leave()
  world.pass(200, 100)
  assert.deepEqual(other.asked, upwards(1, 4))
})

test('getblockfrompeer asks a peer of the caller’s choice', async () => {
  const world = await P2pWorld.create({ blocks: 3 })
  const [peer, blind] = [world.inbound(), world.inbound({ version: { services: SERVICES.NODE_NETWORK } })]
  peer.say('headers', long.headers(4, 4))
  peer.forget()
  const { download } = world.node
  const block = world.chain.index.find(long.hash(4))
  assert.equal(download.fetchFrom(peer.remote, block), 'Already requested from this peer')
  assert.equal(download.fetchFrom(blind.remote, block), 'Pre-SegWit peer')
  const other = world.inbound()
  assert.equal(download.fetchFrom(other.remote, block), undefined)
  world.settle()
  assert.deepEqual(other.asked, [4])
  assert.equal(peer.remote.requests.length, 0)
  world.access.isLoading = true
  assert.equal(download.fetchFrom(peer.remote, block), 'Loading blocks ...')
})
