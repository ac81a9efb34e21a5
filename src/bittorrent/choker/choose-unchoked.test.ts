import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ChokerPeer, type ChokerState, chooseUnchoked } from './choose-unchoked.ts'

function peer(id: number, fields: Partial<ChokerPeer> = {}): ChokerPeer {
  return { id, downloadRate: 0, uploadRate: 0, unchoked: false, since: 0, snubbed: false, ...fields }
}

const STATE: ChokerState = { now: 100_000, slots: 3, seeding: false, optimistic: undefined, optimisticSince: 0 }

test('serves everyone while there are places', () => {
  const choice = chooseUnchoked([peer(1), peer(2, { snubbed: true })], STATE)
  assert.deepEqual([...choice.unchoked], [1, 2])
})

test('tit for tat: those who give most, and one on trust', () => {
  const peers = [
    peer(1, { downloadRate: 5 }),
    peer(2, { downloadRate: 9 }),
    peer(3, { downloadRate: 1, since: 8 }),
    peer(4, { since: 7 }),
  ]
  const choice = chooseUnchoked(peers, STATE)
  assert.deepEqual([...choice.unchoked].toSorted(), [1, 2, 4])
  assert.equal(choice.optimistic, 4)
})

test('a peer that snubs us loses its place', () => {
  const peers = [
    peer(1, { downloadRate: 9, snubbed: true }),
    peer(2, { downloadRate: 2 }),
    peer(3, { downloadRate: 1 }),
    peer(4, { since: -1 }),
  ]
  assert.deepEqual([...chooseUnchoked(peers, STATE).unchoked].toSorted(), [2, 3, 4])
})

test('the one on trust keeps its place for half a minute', () => {
  const peers = [1, 2, 3, 4, 5].map(id => peer(id, { downloadRate: 10 - id }))
  const kept = chooseUnchoked(peers, { ...STATE, optimistic: 5, optimisticSince: 80_000 })
  assert.deepEqual([kept.optimistic, kept.optimisticSince], [5, 80_000])
  const next = chooseUnchoked(
    peers.map(p => (p.id === 5 ? { ...p, unchoked: true, since: 60_000 } : p)),
    { ...STATE, optimistic: 5, optimisticSince: 60_000 },
  )
  assert.deepEqual([next.optimistic, next.optimisticSince], [3, 100_000])
})

test('a seed lets everyone have a turn', () => {
  let peers = [1, 2, 3, 4, 5, 6].map(id => peer(id, { uploadRate: id }))
  const served = new Set<number>()
  let state: ChokerState = { ...STATE, seeding: true, now: 0 }
  for (let round = 0; round < 40; round++) {
    const choice = chooseUnchoked(peers, state)
    peers = peers.map(p => {
      const unchoked = choice.unchoked.has(p.id)
      return unchoked === p.unchoked ? p : { ...p, unchoked, since: state.now }
    })
    for (const id of choice.unchoked) served.add(id)
    state = { ...state, now: state.now + 10_000, ...choice }
  }
  assert.deepEqual([...served].toSorted(), [1, 2, 3, 4, 5, 6])
})

test('never serves more than it may, and does not depend on the order of the peers', () => {
  const anyPeer = fc.record({
    id: fc.nat(50),
    downloadRate: fc.nat(3),
    uploadRate: fc.nat(3),
    unchoked: fc.boolean(),
    since: fc.nat(100_000),
    snubbed: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.uniqueArray(anyPeer, { selector: p => p.id, maxLength: 20 }),
      fc.nat(6),
      fc.boolean(),
      (peers, slots, seeding) => {
        const state = { ...STATE, slots, seeding }
        const choice = chooseUnchoked(peers, state)
        assert.equal(choice.unchoked.size, Math.min(slots, peers.length))
        assert.deepEqual(
          [...chooseUnchoked(peers.toReversed(), state).unchoked].toSorted(),
          [...choice.unchoked].toSorted(),
        )
      },
    ),
  )
})
