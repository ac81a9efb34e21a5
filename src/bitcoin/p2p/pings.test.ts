import assert from 'node:assert/strict'
import { test } from 'node:test'
import { P2pWorld, type PeerTraits, type ScriptedPeer } from '../../../test/p2p-world.ts'
import { INACTIVITY_TIMEOUT_MS, PING_INTERVAL_MS } from './limits.ts'

/** A peer that has just introduced itself. */
function newcomer(world: P2pWorld, traits: PeerTraits = {}): ScriptedPeer {
  const peer = world.accept(traits)
  peer.version()
  peer.say('verack', {})
  return peer
}

test('a peer is pinged at once and every two minutes, and its way is measured', async () => {
  const world = await P2pWorld.create()
  const peer = newcomer(world)
  const first = peer.last('ping')!
  world.pass(40)
  peer.say('pong', first)
  assert.equal(peer.remote.pingTimeMs, 40)
  peer.forget()
  world.pass(PING_INTERVAL_MS - 200, 1000)
  assert.deepEqual(peer.all('ping'), [])
  world.pass(1000, 100)
  const second = peer.last('ping')!
  assert.notEqual(second.nonce, first.nonce)
  world.pass(10_000)
  peer.say('pong', second)
  assert.deepEqual([peer.remote.minPingMs, peer.remote.pingTimeMs! > 10_000], [40, true])
})

test('pongs that answer nothing are noted and change nothing', async () => {
  const world = await P2pWorld.create()
  const peer = newcomer(world)
  const { nonce } = peer.last('ping')!
  peer.say('pong', { nonce: nonce + 1n })
  assert.ok(world.logged(/Nonce mismatch/))
  assert.equal(peer.remote.pingNonce, nonce)
  peer.say('pong', { nonce: 0n })
  assert.ok(world.logged(/Nonce zero/))
  assert.equal(peer.remote.pingNonce, 0n)
  peer.say('pong', { nonce })
  assert.ok(world.logged(/Unsolicited pong without ping/))
  peer.sayBytes('pong', new Uint8Array(3))
  assert.ok(world.logged(/Short payload/))
  assert.equal(peer.remote.pingTimeMs, undefined)
  assert.equal(peer.isClosed, false)
})

test('who does not answer for twenty minutes goes', async () => {
  const world = await P2pWorld.create()
  const peer = newcomer(world)
  world.pass(INACTIVITY_TIMEOUT_MS - 1000, 1000)
  assert.equal(peer.isClosed, false)
  world.pass(2000, 1000)
  assert.equal(peer.isClosed, true)
  assert.ok(world.logged(/ping timeout: 120\d\.\d{6}s/))
})

test('peers from before BIP31 are pinged without a nonce, and their pings stay without answer', async () => {
  const world = await P2pWorld.create()
  const peer = newcomer(world, { version: { version: 60_000 } })
  peer.sayBytes('ping', new Uint8Array(8))
  assert.ok(peer.heard.includes('ping') && !peer.heard.includes('pong'))
  assert.equal(peer.remote.pingNonce, 0n)
})

test('a ping is echoed, and may be asked for at any time', async () => {
  const world = await P2pWorld.create()
  const peer = newcomer(world)
  peer.say('pong', peer.last('ping')!)
  peer.forget()
  peer.say('ping', { nonce: 0xffff_ffff_ffff_ffffn })
  assert.deepEqual(peer.last('pong'), { nonce: 0xffff_ffff_ffff_ffffn })
  peer.remote.pingQueued = true
  world.pass(100)
  assert.equal(peer.all('ping').length, 1)
})
