import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { P2pWorld } from '../../../test/p2p-world.ts'
import { BlockRequests } from './block-requests.ts'
import { MAX_CMPCTBLOCKS_INFLIGHT_PER_BLOCK } from './limits.ts'

test('requests are counted right, whatever comes and goes', async () => {
  const world = await P2pWorld.create()
  const scripted = [0, 1, 2, 3].map(() => world.inbound())
  const step = fc.record({
    what: fc.constantFrom('add', 'add', 'remove', 'removeAll', 'removePeer'),
    peer: fc.nat(3),
    block: fc.nat(5),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const requests = new BlockRequests()
      const peers = scripted.map(({ remote }) => remote)
      let model: { peer: number; block: number }[] = []
      for (const { what, peer, block } of steps) {
        const ofBlock = model.filter(entry => entry.block === block)
        const known = ofBlock.some(entry => entry.peer === peer)
        if (what === 'add') {
          if (!known && ofBlock.length === MAX_CMPCTBLOCKS_INFLIGHT_PER_BLOCK) continue
          assert.equal(requests.add(peers[peer], block, 0).isNew, !known)
          if (!known) model.push({ peer, block })
        } else if (what === 'remove') {
          requests.remove(block, peers[peer], 0)
          model = model.filter(entry => entry.block !== block || entry.peer !== peer)
        } else if (what === 'removeAll') {
          requests.remove(block, undefined, 0)
          model = model.filter(entry => entry.block !== block)
        } else {
          requests.removePeer(peers[peer], 0)
          model = model.filter(entry => entry.peer !== peer)
        }
        assert.equal(requests.count, model.length)
        assert.equal(requests.peersDownloading, new Set(model.map(entry => entry.peer)).size)
        for (const [i, remote] of peers.entries()) {
          const blocks = model.filter(entry => entry.peer === i).map(entry => entry.block)
          assert.deepEqual(
            remote.requests.map(request => request.block),
            blocks,
          )
        }
        for (let at = 0; at <= 5; at++) {
          const from = model.filter(entry => entry.block === at).map(entry => peers[entry.peer])
          assert.deepEqual(
            requests.of(at).map(request => request.peer),
            from,
          )
          assert.equal(requests.isRequested(at), from.length > 0)
        }
      }
      for (const remote of peers) requests.removePeer(remote, 0)
    }),
    { numRuns: 300 },
  )
})

test('the clock of a request starts when the one before it is answered', async () => {
  const world = await P2pWorld.create()
  const { remote } = world.inbound()
  const requests = new BlockRequests()
  requests.add(remote, 1, 1000)
  requests.add(remote, 2, 2000)
  assert.equal(remote.downloadingSinceMs, 1000)
  requests.remove(2, remote, 3000)
  assert.equal(remote.downloadingSinceMs, 1000)
  requests.add(remote, 3, 4000)
  remote.stallingSinceMs = 4500
  requests.remove(1, remote, 5000)
  assert.equal(remote.downloadingSinceMs, 5000)
  assert.equal(remote.stallingSinceMs, 0, 'who gives something does not stall')
})

test('who was asked, and whether one of them is of our choosing', async () => {
  const world = await P2pWorld.create()
  const into = world.inbound().remote
  const out = world.outbound().remote
  const requests = new BlockRequests()
  requests.add(into, 7, 0)
  assert.equal(requests.isRequestedFromOutbound(7), false)
  requests.add(out, 7, 0)
  assert.equal(requests.isRequestedFromOutbound(7), true)
  assert.equal(requests.isRequestedFromOutbound(8), false)
})
