import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OtherChain, P2pWorld, REGTEST, type ScriptedPeer } from '../../../test/p2p-world.ts'
import { concatBytes } from '../../base/bytes/bytes.ts'
import { HEADER_SIZE } from '../primitives/block.ts'
import { INVENTORY } from '../wire/inventory-messages.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const long = await OtherChain.create(2100)
const paramsWithSmallBuffer = { ...REGTEST, headersSync: { commitmentPeriod: 20, redownloadBufferSize: 500 } }

function bestHeight({ chain }: P2pWorld): number {
  return chain.index.height(chain.tree.bestHeader)
}

/** Work of a chain of a height on regtest, genesis block included. */
function workAt(height: number): bigint {
  return 2n * BigInt(height + 1)
}

function locatorStart(peer: ScriptedPeer): Uint8Array {
  return peer.last('getheaders')!.locator[0]
}

test('while far behind, one peer alone is asked; once the best header is recent, all are', async () => {
  const world = await P2pWorld.create({ blocks: 5 })
  world.nowMs += 2 * DAY_MS
  const first = world.accept()
  first.version()
  first.say('verack', {})
  const second = world.inbound()
  world.pass(1000)
  // From the block before the best header on, so that there is always something to answer.
  assert.deepEqual(locatorStart(first), long.hash(4))
  assert.equal(second.all('getheaders').length, 0)
  world.pass(1000)
  first.leave()
  world.pass(100)
  assert.equal(second.all('getheaders').length, 1, 'the next one takes over')

  const recent = await P2pWorld.create({ blocks: 5 })
  const peers = [recent.accept(), recent.accept()]
  for (const peer of peers) {
    peer.version()
    peer.say('verack', {})
    assert.equal(peer.all('getheaders').length, 1)
  }
})

test('headers are stored, and after a full message more are asked for', async () => {
  const world = await P2pWorld.create({ blocks: 5 })
  const peer = world.inbound()
  peer.say('headers', long.headers(1, 2000))
  assert.equal(bestHeight(world), 2000)
  assert.deepEqual(locatorStart(peer), long.hash(2000))
  assert.equal(world.chain.index.height(peer.remote.bestKnownBlock), 2000)
  peer.forget()
  peer.say('headers', long.headers(2001, 2100))
  assert.equal(bestHeight(world), 2100)
  assert.equal(peer.all('getheaders').length, 0)
})

test('a short chain of too little work is passed over, and nothing of it stored', async () => {
  const world = await P2pWorld.create({ minimumChainWork: workAt(101) })
  const peer = world.inbound()
  const before = world.chain.index.count
  peer.say('headers', long.headers(1, 100))
  assert.equal(world.chain.index.count, before)
  assert.ok(world.logged(/Ignoring low-work chain \(height=100\)/))
  assert.equal(peer.isClosed, false)
  peer.say('headers', long.headers(1, 101))
  assert.equal(bestHeight(world), 101)
})

test('a branch far behind the tip is taken only with as much work as the tip has, less a day of blocks', async () => {
  const world = await P2pWorld.create({ blocks: 200 })
  const branch = await OtherChain.create(10)
  branch.growApart(60, 3)
  const peer = world.inbound()
  // 144 blocks behind the tip at height 200 is height 56.
  peer.say('headers', branch.headers(11, 55))
  assert.equal(bestHeight(world), 200)
  assert.equal(world.chain.index.find(branch.hash(55)), -1)
  peer.say('headers', branch.headers(11, 56))
  assert.ok(world.chain.index.find(branch.hash(56)) >= 0)
  const trusted = await P2pWorld.create({ blocks: 200, p2p: { whitelist: ['noban@9.9.9.9'] } })
  trusted.inbound({ address: '9.9.9.9:1' }).say('headers', branch.headers(11, 20))
  assert.ok(trusted.chain.index.find(branch.hash(20)) >= 0, 'noban peers are believed')
})

test('a long chain of unproven work is fetched twice before it is stored', async () => {
  const world = await P2pWorld.create({ params: paramsWithSmallBuffer, minimumChainWork: workAt(2050) })
  const peer = world.inbound()
  peer.forget()
  peer.say('headers', long.headers(1, 2000))
  assert.equal(world.chain.index.count, 1)
  assert.equal(world.node.headers.presyncProgress?.height, 2000)
  assert.deepEqual(locatorStart(peer), long.hash(2000))
  peer.say('headers', long.headers(2001, 2100))
  assert.equal(world.chain.index.count, 1)
  assert.equal(world.node.headers.presyncProgress, undefined)
  assert.deepEqual(locatorStart(peer), long.hash(0))
  peer.say('headers', long.headers(1, 2000))
  assert.equal(bestHeight(world), 1500, 'so many wait for what comes behind them')
  assert.deepEqual(locatorStart(peer), long.hash(2000))
  peer.say('headers', long.headers(2001, 2100))
  assert.equal(bestHeight(world), 2100)
  assert.equal(peer.isClosed, false)
})

test('an empty answer, or another chain, ends the first fetching', async () => {
  for (const end of [
    { headers: new Uint8Array(0) },
    long.headers(1, 3),
    { headers: long.headers(1500, 2099).headers },
  ]) {
    const world = await P2pWorld.create({ params: paramsWithSmallBuffer, minimumChainWork: workAt(2090) })
    const peer = world.inbound()
    peer.say('headers', long.headers(1, 2000))
    assert.notEqual(world.node.headers.presyncProgress, undefined)
    peer.say('headers', end)
    assert.equal(world.node.headers.presyncProgress, undefined)
    assert.equal(world.chain.index.count, 1)
  }
})

test('headers that connect to nothing are no crime: what lies between is asked for', async () => {
  const world = await P2pWorld.create({ blocks: 5 })
  const peer = world.inbound()
  peer.say('headers', { headers: new Uint8Array(0) })
  peer.forget()
  for (let round = 0; round < 20; round++) peer.say('headers', long.headers(9, 10))
  assert.equal(peer.isClosed, false)
  assert.equal(peer.all('getheaders').length, 1, 'but not again and again')
  assert.deepEqual(locatorStart(peer), long.hash(5))
  const other = world.inbound()
  other.say('headers', long.headers(6, 10))
  world.pass(100)
  assert.equal(world.chain.index.height(peer.remote.bestKnownBlock), 10, 'it had said that it has them')
})

test('headers without work, in no order, or against the rules cost the connection', async () => {
  const withoutWork = (): Uint8Array => {
    const bytes = long.headers(6, 7).headers.slice()
    bytes.fill(0, HEADER_SIZE + 72, HEADER_SIZE + 76)
    return bytes
  }
  const cases = [
    { bytes: withoutWork(), reason: /header with invalid proof of work/ },
    {
      bytes: concatBytes(long.headers(6, 6).headers, long.headers(8, 8).headers),
      reason: /non-continuous headers sequence/,
    },
  ]
  for (const { bytes, reason } of cases) {
    const world = await P2pWorld.create({ blocks: 5 })
    const peer = world.inbound()
    peer.say('headers', { headers: bytes })
    assert.equal(peer.isClosed, true)
    assert.ok(world.logged(reason))
    assert.equal(bestHeight(world), 5)
    // Its address is remembered, and no other.
    const { bans } = world.node.connections
    assert.equal(bans.isDiscouraged(peer.address), true)
    assert.equal(bans.isDiscouraged(world.inbound().address), false)
  }
})

test('a header from the future is refused, and its sender stays', async () => {
  const world = await P2pWorld.create({ blocks: 5 })
  const peer = world.inbound()
  world.nowMs -= 3 * 3600 * 1000
  peer.say('headers', long.headers(6, 6))
  assert.equal(bestHeight(world), 5)
  assert.equal(peer.isClosed, false)
  world.nowMs += 3 * 3600 * 1000
  peer.say('headers', long.headers(6, 6))
  assert.equal(bestHeight(world), 6)
})

test('while others are there, the one that owes the first headers too long goes', async () => {
  const world = await P2pWorld.create()
  world.nowMs += 2 * DAY_MS
  const slow = world.outbound()
  const other = world.outbound()
  const limitMs = 15 * 60_000 + 2 * 144 + 1000
  world.pass(limitMs - 60_000, 10_000)
  assert.equal(slow.isClosed, false)
  world.pass(120_000, 10_000)
  assert.equal(slow.isClosed, true)
  assert.ok(world.logged(/Timeout downloading headers, disconnecting peer=0/))
  assert.ok(other.heard.includes('getheaders'))

  const alone = await P2pWorld.create()
  alone.nowMs += 2 * DAY_MS
  const only = alone.outbound()
  alone.pass(limitMs + 60_000, 10_000)
  assert.equal(only.isClosed, false, 'nobody would be better')
})

test('an unknown block in an inv makes us ask once, and one peer for each block', async () => {
  const world = await P2pWorld.create({ blocks: 5 })
  world.nowMs += 2 * DAY_MS
  const first = world.inbound()
  first.say('headers', { headers: new Uint8Array(0) })
  const others = [world.inbound(), world.inbound()]
  const inv = (height: number) => ({ entries: [{ type: INVENTORY.MSG_BLOCK, hash: long.hash(height) }] })
  for (const peer of [first, ...others]) {
    peer.forget()
    peer.say('inv', inv(9))
  }
  assert.deepEqual(
    [first, ...others].map(peer => peer.all('getheaders').length),
    [1, 1, 0],
  )
  others[1].say('inv', inv(10))
  others[0].say('inv', inv(11))
  assert.deepEqual(
    others.map(peer => peer.all('getheaders').length),
    [1, 1],
  )
})

test('while the chain is fetched, an outbound peer of too little work goes; an inbound one may stay', async () => {
  const world = await P2pWorld.create({ minimumChainWork: workAt(500) })
  world.access.isDownloading = true
  const out = world.outbound()
  const into = world.inbound()
  // Headers that are known need no proof: their work is what is looked at.
  const trusted = await P2pWorld.create({ minimumChainWork: workAt(500), p2p: { whitelist: ['noban,out@0.0.0.0/0'] } })
  trusted.access.isDownloading = true
  const known = trusted.outbound()
  known.say('headers', long.headers(1, 10))
  assert.equal(known.isClosed, true)
  assert.ok(trusted.logged(/outbound peer headers chain has insufficient work/))
  into.say('headers', long.headers(1, 10))
  assert.equal(into.isClosed, false)
  assert.equal(out.isClosed, false)
})

test('four outbound peers with a good chain are safe from being replaced', async () => {
  const world = await P2pWorld.create({ blocks: 5 })
  const peers = [1, 2, 3, 4, 5].map(() => world.outbound())
  for (const peer of peers) peer.say('headers', long.headers(5, 6))
  assert.deepEqual(
    peers.map(peer => peer.remote.chainSync.protect),
    [true, true, true, true, false],
  )
})

test('sendheaders goes to peers whose chain is known, once', async () => {
  const world = await P2pWorld.create({ blocks: 5 })
  const peer = world.inbound()
  assert.equal(peer.all('sendheaders').length, 0)
  peer.say('headers', long.headers(5, 6))
  peer.say('headers', long.headers(6, 7))
  world.pass(1000, 100)
  assert.equal(peer.all('sendheaders').length, 1)
})
