import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OtherChain, P2pWorld, type ScriptedPeer } from '../../../test/p2p-world.ts'
import { unsignedInput } from '../primitives/transaction.ts'
import type { CompactBlockMessage } from '../wire/compact-block-messages.ts'
import { INVENTORY } from '../wire/inventory-messages.ts'

/** Our chain's height, and that of a block behind it with four transactions; more follow. */
const HEIGHT = 110
const NEXT = HEIGHT + 1
const others = await OtherChain.create(HEIGHT)
others.growApart(1, 1, others.spends([1, 2, 3]))
others.growApart(5, 1)

function world(options: Parameters<typeof P2pWorld.create>[0] = {}): Promise<P2pWorld> {
  return P2pWorld.create({ blocks: HEIGHT, ...options })
}

function bytesOf(height: number): { readonly bytes: Uint8Array } {
  return { bytes: others.block(height) }
}

/** A block whose transactions were changed under way. */
function mutated(height: number): { readonly bytes: Uint8Array } {
  const bytes = others.block(height).slice()
  bytes[bytes.length - 1] ^= 1
  return { bytes }
}

/** A solved block that spends what is not there. */
function invalidBlock({ memory }: P2pWorld): Uint8Array {
  const inputs = [unsignedInput(new Uint8Array(32).fill(1), 0)]
  const spend = { version: 2, inputs, outputs: [{ valueSats: 1n, script: Uint8Array.of(0x51) }], lockTime: 0 }
  return memory.mine(memory.chain.tip, [spend])
}

function highBandwidth(peer: ScriptedPeer): ScriptedPeer {
  peer.remote.highBandwidthTo = true
  return peer
}

test('a block that nobody asked for is taken where it makes the best chain', async () => {
  const w = await world()
  const peer = w.inbound()
  peer.say('block', bytesOf(NEXT))
  assert.equal(w.chain.height, NEXT)
  assert.equal(peer.remote.blocksUnderway, 0)
  assert.equal(peer.remote.lastBlockMs, w.nowMs)
  peer.say('block', bytesOf(NEXT + 3))
  assert.equal(w.chain.height, NEXT)
  assert.equal(peer.isClosed, true, 'its parent is not known: nobody sends such unasked')
})

test('blocks of a peer are dealt with in the order in which they came', async () => {
  const w = await world()
  const peer = w.inbound()
  peer.say('headers', others.headers(NEXT, NEXT + 2))
  w.holdsPreparation = true
  for (const height of [NEXT, NEXT + 1, NEXT + 2]) peer.say('block', bytesOf(height))
  assert.equal(peer.remote.blocksUnderway, 3)
  peer.enqueue('ping', new Uint8Array(8))
  w.settle()
  assert.ok(!peer.heard.includes('pong'), 'what comes behind a block waits for it')
  w.releasePrepared([2, 0, 1])
  const received = w.log.filter(line => line.startsWith('received block')).map(line => line.slice(15, 79))
  const { index, tip } = w.chain
  assert.deepEqual(
    received,
    [index.previous(index.previous(tip)), index.previous(tip), tip].map(id => index.hashHex(id)),
  )
  assert.ok(peer.heard.includes('pong'))
})

test('bytes that are no block are passed over', async () => {
  const w = await world()
  const peer = w.inbound()
  peer.sayBytes('block', others.block(NEXT).subarray(0, 100))
  assert.equal(peer.isClosed, false)
  assert.equal(peer.remote.blocksUnderway, 0)
  peer.say('block', bytesOf(NEXT))
  assert.equal(w.chain.height, NEXT)
})

test('who changes a block goes; the block itself is none the worse for it', async () => {
  const w = await world()
  const [bad, good] = [w.inbound(), w.inbound()]
  bad.say('headers', others.headers(NEXT, NEXT))
  assert.deepEqual(bad.asked, [NEXT])
  bad.say('block', mutated(NEXT))
  assert.equal(bad.isClosed, true)
  assert.ok(w.logged(/Misbehaving: peer=0: mutated block/))
  good.say('block', bytesOf(NEXT))
  assert.equal(w.chain.height, NEXT)
})

test('who gives an invalid block goes, whoever stands on it too, and its hash is remembered', async () => {
  const w = await world()
  const bytes = invalidBlock(w)
  const [first, second] = [w.inbound(), w.inbound()]
  first.say('block', { bytes })
  w.pass(100)
  assert.equal(first.isClosed, true)
  assert.equal(w.chain.height, HEIGHT)
  assert.equal(w.node.connections.bans.isDiscouraged(first.address), true)
  // Others may just not know better; those that we chose should.
  second.say('headers', { headers: bytes.slice(0, 80) })
  assert.equal(second.isClosed, false)
  const out = w.outbound()
  out.say('headers', { headers: bytes.slice(0, 80) })
  assert.equal(out.isClosed, true)
  assert.ok(w.logged(/If this happens with all peers, consider database corruption/))
})

test('owners’ own peers are not punished, and peers of this machine not remembered', async () => {
  const w = await world({ p2p: { whitelist: ['noban@9.9.9.9'] } })
  const local = w.inbound({ address: '127.0.0.1:4' })
  local.say('block', mutated(NEXT))
  assert.equal(local.isClosed, true)
  assert.equal(w.node.connections.bans.isDiscouraged(local.address), false)
  for (const peer of [w.outbound('manual'), w.inbound({ address: '9.9.9.9:4' })]) {
    peer.say('block', mutated(NEXT))
    assert.equal(peer.isClosed, false)
  }
})

test('nothing is taken while blocks are being loaded', async () => {
  const w = await world()
  const peer = w.inbound()
  w.access.isLoading = true
  peer.say('block', bytesOf(NEXT))
  peer.say('cmpctblock', others.compact(NEXT))
  peer.say('blocktxn', { blockHash: others.hash(NEXT), transactions: [] })
  peer.say('headers', others.headers(NEXT, NEXT))
  assert.equal(w.chain.index.find(others.hash(NEXT)), -1)
  assert.equal(peer.isClosed, false)
})

test('a block of a branch without work is not stored', async () => {
  const w = await P2pWorld.create({ blocks: 200 })
  const branch = await OtherChain.create(20)
  branch.growApart(1, 8)
  const peer = w.inbound()
  peer.say('block', { bytes: branch.block(21) })
  assert.equal(w.chain.index.find(branch.hash(21)), -1)
  assert.ok(w.logged(/missing anti-dos proof-of-work validation/))
  assert.equal(peer.isClosed, false)
})

test('in low bandwidth a block is announced, asked for in short, and completed', async () => {
  const w = await world()
  const peer = w.inbound()
  peer.say('headers', others.headers(NEXT, NEXT))
  assert.deepEqual(peer.last('getdata')!.entries, [{ type: INVENTORY.MSG_CMPCT_BLOCK, hash: others.hash(NEXT) }])
  peer.say('cmpctblock', others.compact(NEXT))
  assert.deepEqual(peer.last('getblocktxn'), { blockHash: others.hash(NEXT), indexes: [1, 2, 3] })
  peer.say('blocktxn', { blockHash: others.hash(NEXT), transactions: others.transactions(NEXT).slice(1) })
  assert.equal(w.chain.height, NEXT)
  assert.equal(peer.remote.requests.length, 0)
})

test('in high bandwidth it comes unasked; from others that is ignored, but for its header', async () => {
  const w = await world()
  const chosen = highBandwidth(w.inbound())
  const stranger = w.inbound()
  stranger.say('cmpctblock', others.compact(NEXT))
  assert.deepEqual(stranger.all('getblocktxn'), [])
  assert.equal(w.chain.index.height(w.chain.tree.bestHeader), NEXT)
  assert.ok(w.logged(/not marked as high-bandwidth, sent us an unsolicited compact block/))
  w.node.download.removePeer(stranger.remote)
  chosen.say('cmpctblock', others.compact(NEXT, new Set([2])))
  assert.deepEqual(chosen.last('getblocktxn')!.indexes, [1, 3])
  const never = w.inbound({ withoutCompactBlocks: true })
  never.say('cmpctblock', others.compact(NEXT))
  assert.ok(w.logged(/despite never having sent us a SENDCMPCT/))
})

test('a block that is whole in short needs no second question', async () => {
  const w = await world()
  const peer = highBandwidth(w.inbound())
  peer.say('cmpctblock', others.compact(NEXT, new Set([1, 2, 3])))
  assert.equal(w.chain.height, NEXT)
  peer.say('cmpctblock', others.compact(NEXT + 1))
  assert.equal(w.chain.height, NEXT + 1)
  assert.deepEqual(peer.all('getblocktxn'), [])
})

test('where short ids collide, the whole block is asked for', async () => {
  const w = await world()
  const peer = highBandwidth(w.inbound())
  const sound = others.compact(NEXT)
  const collided: CompactBlockMessage = { ...sound, shortIds: Float64Array.of(5, 6, 5) }
  peer.say('cmpctblock', collided)
  assert.deepEqual(peer.last('getdata')!.entries, [{ type: INVENTORY.MSG_WITNESS_BLOCK, hash: others.hash(NEXT) }])
  assert.equal(peer.isClosed, false)
  peer.say('block', bytesOf(NEXT))
  assert.equal(w.chain.height, NEXT)
})

test('transactions that do not fit may have collided: the whole block once, and no blame', async () => {
  const w = await world()
  const peer = highBandwidth(w.inbound())
  peer.say('cmpctblock', others.compact(NEXT))
  const [, a, b, c] = others.transactions(NEXT)
  peer.say('blocktxn', { blockHash: others.hash(NEXT), transactions: [b, a, c] })
  assert.equal(peer.isClosed, false)
  assert.deepEqual(peer.asked, [NEXT])
  peer.say('blocktxn', { blockHash: others.hash(NEXT), transactions: [a, b, c] })
  assert.equal(peer.isClosed, true, 'it had its chance')
  assert.ok(w.logged(/previous compact block reconstruction attempt failed/))
})

test('too few transactions, and compact blocks that nobody makes, cost the connection', async () => {
  const w = await world()
  const sound = others.compact(NEXT)
  const [coinbase] = sound.prefilled
  const cases: ((peer: ScriptedPeer) => void)[] = [
    peer => {
      peer.say('cmpctblock', sound)
      peer.say('blocktxn', { blockHash: others.hash(NEXT), transactions: others.transactions(NEXT).slice(2) })
    },
    peer => peer.say('cmpctblock', { ...sound, prefilled: [{ ...coinbase, gap: 9 }] }),
  ]
  for (const abuse of cases) {
    const peer = highBandwidth(w.inbound())
    abuse(peer)
    assert.equal(peer.isClosed, true)
    assert.equal(w.node.download.requests.count, 0)
  }
})

test('three complete a block at the same time; the last place is kept for one that we chose', async () => {
  const w = await world()
  const inbound = [0, 1, 2].map(() => highBandwidth(w.inbound()))
  for (const peer of inbound) peer.say('cmpctblock', others.compact(NEXT))
  assert.deepEqual(
    inbound.map(peer => peer.all('getblocktxn').length),
    [1, 1, 0],
  )
  const chosen = [0, 1].map(() => highBandwidth(w.outbound()))
  for (const peer of chosen) peer.say('cmpctblock', others.compact(NEXT))
  assert.deepEqual(
    chosen.map(peer => peer.all('getblocktxn').length),
    [1, 0],
  )
  // A fourth may still have all of it.
  inbound[2].say('cmpctblock', others.compact(NEXT, new Set([1, 2, 3])))
  assert.equal(w.chain.height, NEXT)
  assert.equal(w.node.download.requests.count, 0)
  for (const peer of [...inbound, ...chosen]) {
    peer.say('blocktxn', { blockHash: others.hash(NEXT), transactions: others.transactions(NEXT).slice(1) })
    assert.equal(peer.isClosed, false)
  }
})

test('a second one whose transactions do not fit waits for the first', async () => {
  const w = await world()
  const [first, second] = [highBandwidth(w.inbound()), highBandwidth(w.inbound())]
  for (const peer of [first, second]) peer.say('cmpctblock', others.compact(NEXT))
  const [, a, b, c] = others.transactions(NEXT)
  second.say('blocktxn', { blockHash: others.hash(NEXT), transactions: [c, b, a] })
  assert.ok(w.logged(/waiting on first download to complete/))
  assert.equal(second.isClosed, false)
  first.say('blocktxn', { blockHash: others.hash(NEXT), transactions: [a, b, c] })
  assert.equal(w.chain.height, NEXT)
})

test('who passes on an invalid block in short has not been able to check it', async () => {
  const w = await world()
  const bad = invalidBlock(w)
  const rogue = await OtherChain.create(HEIGHT)
  const block = rogue.memory.hashed(bad)
  const peer = highBandwidth(w.inbound())
  const transactions = [block.txs.txBytes(0), block.txs.txBytes(1)]
  const prefilled = transactions.map(transaction => ({ gap: 0, transaction }))
  peer.say('cmpctblock', { header: bad.slice(0, 80), nonce: 1n, shortIds: new Float64Array(0), prefilled })
  assert.equal(w.chain.height, HEIGHT)
  assert.equal(peer.isClosed, false)
  // But its header anybody can check: what stands on an invalid block is not passed on.
  const id = w.chain.index.find(block.hash)
  const child = w.memory.hashed(w.memory.mine(id))
  const header = child.bytes.slice(0, 80)
  peer.say('cmpctblock', {
    header,
    nonce: 1n,
    shortIds: new Float64Array(0),
    prefilled: [{ gap: 0, transaction: child.txs.txBytes(0) }],
  })
  assert.equal(peer.isClosed, true)
})

test('compact blocks of the far future, of no parent, or of no work are not put together', async () => {
  const w = await world()
  const peer = highBandwidth(w.inbound())
  peer.say('headers', { headers: new Uint8Array(0) })
  peer.forget()
  peer.say('cmpctblock', others.compact(NEXT + 1))
  assert.deepEqual(peer.heard, ['getheaders'])
  const ahead = await world()
  const other = highBandwidth(ahead.inbound())
  other.say('headers', others.headers(NEXT, NEXT + 3))
  other.forget()
  other.say('cmpctblock', others.compact(NEXT + 3))
  assert.deepEqual(
    other.last('getdata')!.entries.map(({ type }) => type),
    [INVENTORY.MSG_WITNESS_BLOCK],
    'it was asked for, so it is asked for whole',
  )
  const old = await P2pWorld.create({ blocks: 300 })
  const stale = highBandwidth(old.inbound())
  stale.say('cmpctblock', others.compact(NEXT))
  assert.equal(old.chain.index.find(others.hash(NEXT)), -1)
  assert.ok(old.logged(/Ignoring low-work compact block/))
})
