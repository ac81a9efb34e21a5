import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OtherChain, P2pWorld, type ScriptedPeer } from '../../../test/p2p-world.ts'
import { CHAIN_SYNC_TIMEOUT_MS, HEADERS_RESPONSE_TIME_MS } from './limits.ts'

const others = await OtherChain.create(20)

/** Lets time pass for peers that are alive but have nothing to say. */
function pass(world: P2pWorld, peers: readonly ScriptedPeer[], ms: number): void {
  for (let left = ms; left > 0; left -= 10_000) {
    world.pass(Math.min(left, 10_000), 10_000)
    for (const peer of peers) {
      const ping = peer.last('ping')
      if (ping === undefined || peer.isClosed) continue
      peer.say('pong', ping)
      peer.forget()
    }
  }
}

async function behind(): Promise<{ world: P2pWorld; out: ScriptedPeer }> {
  const world = await P2pWorld.create({ blocks: 10 })
  const out = world.outbound('block-relay-only')
  out.say('headers', others.headers(1, 5))
  pass(world, [out], 1000)
  out.forget()
  return { world, out }
}

test('an outbound peer that stays behind is asked once more after twenty minutes, then left', async () => {
  const { world, out } = await behind()
  const into = world.inbound()
  into.say('headers', others.headers(1, 5))
  pass(world, [out, into], CHAIN_SYNC_TIMEOUT_MS - 20_000)
  assert.deepEqual(out.all('getheaders'), [])
  world.pass(20_000, 1000)
  // What it should have is the tip that we had then: from the block before it on.
  assert.deepEqual(out.last('getheaders')!.locator[0], others.hash(9))
  pass(world, [out, into], HEADERS_RESPONSE_TIME_MS - 20_000)
  assert.equal(out.isClosed, false)
  pass(world, [out, into], 40_000)
  assert.equal(out.isClosed, true)
  assert.ok(world.logged(/Outbound peer has old chain, best known block = [0-9a-f]{64}/))
  assert.equal(into.isClosed, false, 'whoever came by itself may be behind')
})

test('who shows the block that was asked for stays, and has time anew for the next', async () => {
  const { world, out } = await behind()
  pass(world, [out], CHAIN_SYNC_TIMEOUT_MS + 10_000)
  out.say('headers', others.headers(6, 10))
  pass(world, [out], 3 * HEADERS_RESPONSE_TIME_MS)
  assert.equal(out.isClosed, false)
  assert.equal(out.remote.chainSync.deadlineMs, 0)
  world.memory.grow(1)
  world.follow()
  pass(world, [out], 10_000)
  assert.ok(out.remote.chainSync.deadlineMs > world.nowMs + CHAIN_SYNC_TIMEOUT_MS - 30_000)
})

test('protected peers are let be', async () => {
  const { world, out } = await behind()
  out.remote.chainSync.protect = true
  pass(world, [out], 2 * CHAIN_SYNC_TIMEOUT_MS)
  assert.equal(out.isClosed, false)
})
