import assert from 'node:assert/strict'
import { test } from 'node:test'
import { P2pWorld } from '../../../test/p2p-world.ts'
import { SERVICES } from '../wire/services.ts'

test('an inbound peer speaks first, and hears of everything that we can', async () => {
  const world = await P2pWorld.create({ blocks: 3 })
  const peer = world.accept()
  assert.equal(peer.heard.length, 0)
  peer.version()
  assert.deepEqual(peer.heard, ['version', 'wtxidrelay', 'sendaddrv2', 'verack'])
  assert.equal(peer.last('version')!.startHeight, 3)
  assert.equal(peer.last('version')!.userAgent, '/test:1/')
  assert.equal(peer.remote.handshakeDone, false)
  peer.forget()
  peer.say('verack', {})
  assert.deepEqual(peer.heard.slice(0, 1), ['sendcmpct'])
  assert.deepEqual(peer.last('sendcmpct'), { highBandwidth: false, version: 2n })
  assert.equal(peer.remote.handshakeDone, true)
  assert.ok(world.effects.some(effect => effect.type === 'established' && effect.connection === peer.connection))
})

test('we speak first to an outbound peer, and say verack when it has spoken', async () => {
  const world = await P2pWorld.create()
  const peer = world.open()
  assert.deepEqual(peer.heard, ['version'])
  peer.version()
  assert.deepEqual(peer.heard, ['version', 'wtxidrelay', 'sendaddrv2', 'verack', 'getaddr'])
})

test('an old peer is not asked for what it cannot', async () => {
  const world = await P2pWorld.create()
  const peer = world.accept()
  peer.version({ version: 70_013 })
  assert.deepEqual(peer.heard, ['version', 'verack'])
  peer.say('verack', {})
  assert.ok(!peer.heard.includes('sendcmpct'))
  peer.say('wtxidrelay', {})
  assert.equal(peer.isClosed, true, 'wtxidrelay after verack')

  const ancient = world.accept()
  ancient.version({ version: 31_799 })
  assert.equal(ancient.isClosed, true)
  assert.ok(world.logged(/using obsolete version 31799/))
})

test('outbound peers must offer blocks with witnesses; inbound ones need not', async () => {
  const world = await P2pWorld.create()
  for (const [services, stays] of [
    [SERVICES.NODE_NETWORK, false],
    [SERVICES.NODE_WITNESS, false],
    [SERVICES.NODE_NETWORK | SERVICES.NODE_WITNESS, true],
    [SERVICES.NODE_NETWORK_LIMITED | SERVICES.NODE_WITNESS, true],
  ] as const) {
    const peer = world.open()
    peer.version({ services })
    assert.equal(peer.isClosed, !stays, `outbound with ${services}`)
    const inbound = world.accept()
    inbound.version({ services })
    assert.equal(inbound.isClosed, false)
  }
  // Far behind the present, only who has the whole chain is of use.
  world.pass(145 * 600_000)
  const limited = world.open()
  limited.version({ services: SERVICES.NODE_NETWORK_LIMITED | SERVICES.NODE_WITNESS })
  assert.equal(limited.isClosed, true)
})

test('whoever shows the nonce of a connection of ours is ourselves', async () => {
  const world = await P2pWorld.create()
  const out = world.open('manual')
  const nonce = out.last('version')!.nonce
  const back = world.accept()
  back.version({ nonce })
  assert.equal(back.isClosed, true)
  assert.ok(world.logged(/connected to self at/))
  assert.equal(back.heard.length, 0)
})

test('nothing is answered before version, little before verack', async () => {
  const world = await P2pWorld.create({ blocks: 1 })
  const peer = world.accept()
  const ask = { version: 70_016, locator: [], stopHash: world.chain.index.hash(world.chain.tip).slice() }
  peer.say('getheaders', ask)
  peer.say('verack', {})
  peer.say('ping', { nonce: 5n })
  assert.equal(peer.heard.length, 0)
  peer.version()
  peer.forget()
  peer.say('ping', { nonce: 5n })
  peer.say('getheaders', ask)
  assert.equal(peer.heard.length, 0)
  peer.say('verack', {})
  peer.say('ping', { nonce: 5n })
  peer.say('getheaders', ask)
  assert.ok(peer.heard.includes('pong') && peer.heard.includes('headers'))
})

test('features are agreed on between version and verack, not later; a second version says nothing', async () => {
  const world = await P2pWorld.create()
  const peer = world.accept()
  peer.version()
  peer.say('wtxidrelay', {})
  peer.say('wtxidrelay', {})
  peer.say('sendaddrv2', {})
  assert.ok(world.logged(/ignoring duplicate wtxidrelay/))
  peer.say('verack', {})
  assert.equal(peer.remote.wtxidRelay && peer.remote.wantsAddrv2, true)
  peer.version({ userAgent: '/other/' })
  peer.say('verack', {})
  assert.ok(world.logged(/redundant version message/) && world.logged(/redundant verack/))
  assert.equal(peer.remote.userAgent, '/scripted/')
  for (const command of ['wtxidrelay', 'sendaddrv2'] as const) {
    const late = world.inbound()
    late.say(command, {})
    assert.equal(late.isClosed, true, command)
  }
})

test('a feeler ends when the other side has spoken', async () => {
  const world = await P2pWorld.create()
  const peer = world.open('feeler')
  assert.equal(peer.last('version')!.relay, false)
  peer.version()
  assert.equal(peer.isClosed, true)
})

test('with -blocksonly, and on connections for blocks, no transactions are wanted', async () => {
  const world = await P2pWorld.create()
  const forBlocks = world.open('block-relay-only')
  assert.equal(forBlocks.last('version')!.relay, false)
  const full = world.open()
  assert.equal(full.last('version')!.relay, true)

  const quiet = await P2pWorld.create({ p2p: { blocksOnly: true } })
  const peer = quiet.outbound()
  peer.say('inv', { entries: [{ type: 5, hash: new Uint8Array(32).fill(1) }] })
  assert.equal(peer.isClosed, false, 'without wtxidrelay, names by wtxid are passed over')
  peer.say('inv', { entries: [{ type: 1, hash: new Uint8Array(32).fill(1) }] })
  assert.equal(peer.isClosed, true)
})
