import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OtherChain, P2pWorld, type ScriptedPeer } from '../../../test/p2p-world.ts'
import { parseBlock } from '../primitives/block.ts'
import { stripWitness } from '../primitives/strip-witness.ts'
import { INVENTORY } from '../wire/inventory-messages.ts'
import { encodePayload } from '../wire/messages.ts'
import { SERVICES } from '../wire/services.ts'
import { STALE_RELAY_AGE_LIMIT_SECONDS, UNAPPLIED_BYTES_MAX, UNAPPLIED_MESSAGES_MAX } from './limits.ts'

const VERSION = 70_016
const ZERO = new Uint8Array(32)
const WEEK_SECONDS = 7 * 24 * 60 * 60
const LIMITED_SERVICES = SERVICES.NODE_NETWORK_LIMITED | SERVICES.NODE_WITNESS

const chain = await OtherChain.create(600)

function ask(peer: ScriptedPeer, type: number, ...hashes: Uint8Array[]): void {
  peer.say('getdata', { entries: hashes.map(hash => ({ type, hash })) })
}

function blocksOf(peer: ScriptedPeer): Uint8Array[] {
  return peer.all('block').map(({ bytes }) => bytes)
}

/** A block of our chain that is told to be mined so much after the tip; the clock is set behind it. */
function mineLater(world: P2pWorld, seconds: number): void {
  const { memory, chain: own } = world
  const time = own.index.time(own.tip) + seconds
  world.nowMs = 1000 * (time + 600)
  assert.equal(memory.submit(memory.mine(own.tip, [], undefined, time)), undefined)
  world.pass(100)
}

/** A branch that was ours for a moment: its last block's hash. */
async function leftBranch(world: P2pWorld, height: number): Promise<Uint8Array> {
  const branch = await OtherChain.create(height - 1)
  branch.growApart(1, 6)
  const { memory } = world
  assert.equal(memory.submit(branch.block(height)), undefined)
  memory.submit(chain.block(height))
  memory.submit(chain.block(height + 1))
  assert.equal(world.chain.height, height + 1)
  return branch.hash(height)
}

test('headers follow on the last block that both have', async () => {
  const world = await P2pWorld.create({ blocks: 30 })
  const peer = world.inbound()
  const cases = [
    { locator: [chain.hash(30)], stopHash: ZERO, told: [31, 30] },
    { locator: [chain.hash(20)], stopHash: ZERO, told: [21, 30] },
    { locator: [chain.hash(20)], stopHash: chain.hash(22), told: [21, 22] },
    { locator: [chain.hash(500), chain.hash(7)], stopHash: ZERO, told: [8, 30] },
    { locator: [ZERO], stopHash: ZERO, told: [1, 30] },
    { locator: [], stopHash: chain.hash(12), told: [12, 12] },
  ]
  for (const { locator, stopHash, told } of cases) {
    peer.forget()
    peer.say('getheaders', { version: VERSION, locator, stopHash })
    assert.deepEqual(peer.last('headers'), chain.headers(told[0], told[1]))
  }
  peer.forget()
  peer.say('getheaders', { version: VERSION, locator: [], stopHash: chain.hash(40) })
  assert.deepEqual(peer.heard, [])
})

test('no headers while blocks are loaded, and empty ones while our chain proves nothing', async () => {
  const world = await P2pWorld.create({
    blocks: 30,
    minimumChainWork: 1000n,
    p2p: { whitelist: ['download@9.9.9.9'] },
  })
  const [peer, friend] = [world.inbound(), world.inbound({ address: '9.9.9.9:1' })]
  const question = { version: VERSION, locator: [chain.hash(29)], stopHash: ZERO }
  for (const each of [peer, friend]) each.say('getheaders', question)
  assert.equal(peer.last('headers')!.headers.length, 0)
  assert.deepEqual(friend.last('headers'), chain.headers(30, 30))
  world.access.isLoading = true
  friend.forget()
  friend.say('getheaders', question)
  assert.deepEqual(friend.heard, [])
})

test('two thousand headers are told at once, no more', async () => {
  const world = await P2pWorld.create({ blocks: 2005 })
  const peer = world.inbound()
  peer.say('getheaders', { version: VERSION, locator: [chain.hash(1)], stopHash: ZERO })
  assert.equal(peer.last('headers')!.headers.length / 80, 2000)
})

test('a branch that was ours lately is told of; an old one is not, since it would tell who we are', async () => {
  for (const [age, told] of [
    [STALE_RELAY_AGE_LIMIT_SECONDS - 1000, true],
    [STALE_RELAY_AGE_LIMIT_SECONDS + 1000, false],
  ] as const) {
    const world = await P2pWorld.create({ blocks: 10 })
    const hash = await leftBranch(world, 11)
    mineLater(world, age)
    const peer = world.inbound()
    peer.say('getheaders', { version: VERSION, locator: [], stopHash: hash })
    ask(peer, INVENTORY.MSG_WITNESS_BLOCK, hash)
    assert.equal(peer.all('headers').length, told ? 1 : 0)
    assert.equal(blocksOf(peer).length, told ? 1 : 0)
    // The active chain is no secret, however old.
    ask(peer, INVENTORY.MSG_WITNESS_BLOCK, chain.hash(3))
    assert.deepEqual(blocksOf(peer).at(-1), chain.block(3))
  }
})

test('a branch whose blocks were never checked is not told of', async () => {
  const world = await P2pWorld.create({ blocks: 10 })
  const branch = await OtherChain.create(8)
  branch.growApart(1, 6)
  const peer = world.inbound()
  world.memory.submit(branch.block(9))
  assert.ok(world.chain.index.find(branch.hash(9)) >= 0)
  peer.say('getheaders', { version: VERSION, locator: [], stopHash: branch.hash(9) })
  ask(peer, INVENTORY.MSG_WITNESS_BLOCK, branch.hash(9))
  assert.ok(!peer.heard.includes('headers') && !peer.heard.includes('block'))
})

test('blocks are served with and without witnesses, and unknown ones passed over', async () => {
  const world = await P2pWorld.create({ blocks: 10 })
  const peer = world.inbound()
  ask(peer, INVENTORY.MSG_WITNESS_BLOCK, chain.hash(4), chain.hash(40), chain.hash(5))
  assert.deepEqual(blocksOf(peer), [chain.block(4), chain.block(5)])
  peer.forget()
  ask(peer, INVENTORY.MSG_BLOCK, chain.hash(4))
  const parsed = parseBlock(chain.block(4))
  assert.ok(parsed.ok)
  const stripped = stripWitness(parsed.value)
  assert.ok(stripped.length < chain.block(4).length)
  assert.deepEqual(blocksOf(peer), [stripped])
})

test('transactions are not found here; who wants to hear of none gets no answer', async () => {
  const world = await P2pWorld.create({ blocks: 1 })
  const [relaying, silent] = [world.inbound({ version: { relay: true } }), world.inbound()]
  for (const peer of [relaying, silent]) ask(peer, INVENTORY.MSG_WTX, chain.hash(1))
  assert.deepEqual(relaying.last('notfound')!.entries, [{ type: INVENTORY.MSG_WTX, hash: chain.hash(1) }])
  assert.deepEqual(silent.all('notfound'), [])
})

test('one block a turn: who asks for many does not keep the others waiting', async () => {
  const world = await P2pWorld.create({ blocks: 60 })
  const [greedy, modest] = [world.inbound(), world.inbound()]
  const entries = Array.from({ length: 50 }, (_, i) => ({ type: INVENTORY.MSG_WITNESS_BLOCK, hash: chain.hash(i + 1) }))
  greedy.enqueue('getdata', encodePayload('getdata', { entries }))
  for (let i = 0; i < 5; i++) modest.enqueue('ping', new Uint8Array(8))
  const turns: string[][] = []
  while (world.node.process(world.nowMs)) {
    turns.push(world.node.takeEffects().flatMap(effect => (effect.type === 'send' ? [effect.command] : [])))
  }
  const both = ['block', 'pong']
  const alone = Array.from({ length: 46 }, () => ['block'])
  assert.deepEqual(turns, [['pong'], both, both, both, both, ...alone])
})

test('nothing more is served to a peer that does not take what was sent', async () => {
  const world = await P2pWorld.create({ blocks: 10 })
  const peer = world.inbound()
  world.input({ type: 'congested', connection: peer.connection })
  ask(peer, INVENTORY.MSG_WITNESS_BLOCK, chain.hash(1), chain.hash(2))
  assert.deepEqual(blocksOf(peer), [])
  world.input({ type: 'drained', connection: peer.connection })
  world.settle()
  assert.equal(blocksOf(peer).length, 2)
})

test('no block is read for the sockets while much of what was sent has not reached them', async () => {
  const world = await P2pWorld.create({ blocks: 10 })
  const peer = world.inbound()
  world.node.context.unappliedBytes += UNAPPLIED_BYTES_MAX + 1
  ask(peer, INVENTORY.MSG_WITNESS_BLOCK, chain.hash(1), chain.hash(2))
  assert.deepEqual(blocksOf(peer), [])
  world.input({ type: 'applied', messages: 0, payloadBytes: UNAPPLIED_BYTES_MAX + 1 })
  world.settle()
  assert.equal(blocksOf(peer).length, 2)
  assert.equal(world.node.context.unappliedBytes, 0)
})

test('nothing is dealt with while many messages have not reached the sockets', async () => {
  const world = await P2pWorld.create({ blocks: 10 })
  const peer = world.inbound()
  const { context } = world.node
  context.unappliedMessages += UNAPPLIED_MESSAGES_MAX + 1
  ask(peer, INVENTORY.MSG_WITNESS_BLOCK, chain.hash(1))
  assert.deepEqual(blocksOf(peer), [])
  world.input({ type: 'applied', messages: UNAPPLIED_MESSAGES_MAX + 1, payloadBytes: 0 })
  world.settle()
  assert.equal(blocksOf(peer).length, 1)
  assert.equal(context.unappliedMessages, 0)
})

test('of a pruned node nobody gets more than is promised, so that nobody learns how much it has', async () => {
  const world = await P2pWorld.create({
    blocks: 400,
    isPruned: true,
    p2p: { services: LIMITED_SERVICES, whitelist: ['noban@9.9.9.9'] },
  })
  const peer = world.inbound()
  ask(peer, INVENTORY.MSG_WITNESS_BLOCK, chain.hash(400 - 290))
  assert.equal(blocksOf(peer).length, 1)
  ask(peer, INVENTORY.MSG_WITNESS_BLOCK, chain.hash(400 - 291))
  assert.equal(peer.isClosed, true)
  assert.ok(world.logged(/Ignore block request below NODE_NETWORK_LIMITED threshold/))
  const friend = world.inbound({ address: '9.9.9.9:1' })
  ask(friend, INVENTORY.MSG_WITNESS_BLOCK, chain.hash(5))
  assert.equal(blocksOf(friend).length, 1)
})

test('when the upload target of history is met, old blocks are served to friends alone', async () => {
  const world = await P2pWorld.create({ blocks: 10, p2p: { whitelist: ['download@9.9.9.9'] } })
  mineLater(world, WEEK_SECONDS + 100)
  world.input({ type: 'uploadBudget', reached: false, reachedForHistory: true })
  const [peer, friend] = [world.inbound(), world.inbound({ address: '9.9.9.9:1' })]
  ask(peer, INVENTORY.MSG_WITNESS_BLOCK, world.chain.index.hash(world.chain.tip).slice())
  assert.equal(blocksOf(peer).length, 1)
  for (const each of [peer, friend]) ask(each, INVENTORY.MSG_WITNESS_BLOCK, chain.hash(3))
  assert.deepEqual([peer.isClosed, friend.isClosed], [true, false])
  assert.deepEqual(blocksOf(friend), [chain.block(3)])
})

test('the last five blocks are served in short, older ones whole', async () => {
  const world = await P2pWorld.create({ blocks: 30 })
  const peer = world.inbound()
  ask(peer, INVENTORY.MSG_CMPCT_BLOCK, chain.hash(30 - 5))
  assert.deepEqual(peer.heard, ['cmpctblock'])
  ask(peer, INVENTORY.MSG_CMPCT_BLOCK, chain.hash(30 - 6))
  assert.deepEqual(peer.heard, ['cmpctblock', 'block'])
  // Far from the present, nobody's mempool would help.
  world.nowMs += 1000 * WEEK_SECONDS
  ask(peer, INVENTORY.MSG_CMPCT_BLOCK, chain.hash(30))
  assert.equal(peer.heard.at(-1), 'block')
})

test('transactions of the last ten blocks are given; of older ones only the whole block', async () => {
  const world = await P2pWorld.create({ blocks: 30 })
  const peer = world.inbound()
  peer.say('getblocktxn', { blockHash: chain.hash(20), indexes: [0] })
  assert.deepEqual(peer.last('blocktxn'), { blockHash: chain.hash(20), transactions: chain.transactions(20) })
  peer.say('getblocktxn', { blockHash: chain.hash(19), indexes: [0] })
  assert.deepEqual(blocksOf(peer), [chain.block(19)])
  peer.say('getblocktxn', { blockHash: chain.hash(40), indexes: [0] })
  assert.equal(peer.isClosed, false)
  peer.say('getblocktxn', { blockHash: chain.hash(30), indexes: [0, 1] })
  assert.equal(peer.isClosed, true)
  assert.ok(world.logged(/getblocktxn with out-of-bounds tx indices/))
  const idle = world.inbound()
  idle.say('getblocktxn', { blockHash: chain.hash(30), indexes: [] })
  assert.equal(idle.isClosed, true)
})

test('getblocks tells five hundred at a time, and goes on when the last of them is fetched', async () => {
  const world = await P2pWorld.create({ blocks: 600 })
  const peer = world.inbound()
  peer.say('getblocks', { version: VERSION, locator: [chain.hash(20)], stopHash: ZERO })
  world.pass(100)
  const { entries } = peer.last('inv')!
  assert.equal(entries.length, 500)
  assert.deepEqual([entries[0].hash, entries[499].hash], [chain.hash(21), chain.hash(520)])
  peer.forget()
  ask(peer, INVENTORY.MSG_WITNESS_BLOCK, chain.hash(520))
  assert.deepEqual(peer.last('inv')!.entries, [{ type: INVENTORY.MSG_BLOCK, hash: chain.hash(600) }])
  peer.forget()
  peer.say('getblocks', { version: VERSION, locator: [chain.hash(20)], stopHash: chain.hash(23) })
  world.pass(100)
  assert.deepEqual(
    peer.last('inv')!.entries.map(({ hash }) => hash),
    [chain.hash(21), chain.hash(22)],
  )
})

test('filtered blocks are for those who may filter; a match comes with its transactions', async () => {
  const world = await P2pWorld.create({ blocks: 5, p2p: { whitelist: ['bloomfilter@9.9.9.9'] } })
  const stranger = world.inbound()
  ask(stranger, INVENTORY.MSG_FILTERED_BLOCK, chain.hash(3))
  assert.equal(stranger.isClosed, true)
  const friend = world.inbound({ address: '9.9.9.9:1' })
  friend.say('filterload', { filter: new Uint8Array(8).fill(255), hashFunctions: 3, tweak: 0, flags: 0 })
  ask(friend, INVENTORY.MSG_FILTERED_BLOCK, chain.hash(3))
  assert.deepEqual(friend.heard.slice(-2), ['merkleblock', 'tx'])
  friend.forget()
  friend.say('filterload', { filter: new Uint8Array(8), hashFunctions: 3, tweak: 0, flags: 0 })
  ask(friend, INVENTORY.MSG_FILTERED_BLOCK, chain.hash(3))
  assert.deepEqual(friend.heard, ['merkleblock'])
})

test('a question for a block that is just being connected waits until it is', async () => {
  const world = await P2pWorld.create({ blocks: 5 })
  const peer = world.inbound()
  const { memory } = world
  world.access.isWorking = true
  const verdict = memory.chain.acceptBlock(memory.hashed(chain.block(6)), { requested: true }, 0xffff_ffff)
  assert.ok(verdict.ok)
  ask(peer, INVENTORY.MSG_WITNESS_BLOCK, chain.hash(5))
  peer.remote.congested = true
  ask(peer, INVENTORY.MSG_WITNESS_BLOCK, chain.hash(6))
  peer.remote.congested = false
  peer.forget()
  world.settle()
  assert.deepEqual(blocksOf(peer), [])
  world.follow()
  world.access.isWorking = false
  world.settle()
  assert.deepEqual(blocksOf(peer), [chain.block(6)])
})
