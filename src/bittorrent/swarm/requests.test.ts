import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerSession } from './peer-session.ts'
import { owedBlocks } from './requests.ts'
import type { Torrent } from './torrent.ts'
import { VirtualSwarm } from './virtual-swarm.ts'

const KIB = 1024
/** Blocks of all pieces are told apart by numbers in which each piece has room for so many. */
const BLOCKS_PER_PIECE = 2 ** 15

test('a refusal of what no piece has refuses nothing of another piece', () => {
  const swarm = new VirtualSwarm({ seed: 1, sizeBytes: 512 * KIB, pieceLength: 32 * KIB, latencyMs: 5 })
  swarm.add({ uploadBytesPerSecond: 20 * KIB, complete: true })
  const taker = swarm.add({ uploadBytesPerSecond: 20 * KIB, complete: false })
  swarm.connectAll()
  const [session] = [...taker.torrent.sessions.values()]
  assert.ok(swarm.runUntil(() => [...owedBlocks(session)].some(({ piece }) => piece > 0), 10_000))
  const owed = [...owedBlocks(session)]
  for (const { piece, block } of owed) {
    for (let before = 1; before <= Math.min(7, piece); before++) {
      taker.torrent.reject(session, piece - before, (before * BLOCKS_PER_PIECE + block) * 16 * KIB)
    }
  }
  assert.deepEqual([...owedBlocks(session)], owed)
})

/** A torrent with one peer that has everything, of which no block ever comes. */
function beforeRefuser(fast = true): { torrent: Torrent; session: PeerSession } {
  const swarm = new VirtualSwarm({ seed: 1, sizeBytes: 64 * KIB * KIB, pieceLength: KIB * KIB, latencyMs: 5 })
  const { torrent } = swarm.add({ uploadBytesPerSecond: KIB, complete: false })
  const peerId = new Uint8Array(20).fill(9)
  const handshake = { infohash: torrent.wireInfohash, peerId, extensions: false, fast, dht: false, v2: false }
  const origin = { host: '9.9.9.9', port: 9, incoming: false, identity: '9' }
  const session = torrent.join(handshake, origin, 0) as PeerSession
  torrent.hasPieces(session, 'all')
  torrent.choke(session, false)
  return { torrent, session }
}

/** The peer refuses all that it is asked for, as long as it is asked at once again. Returns how much that was. */
function refuseAll(torrent: Torrent, session: PeerSession, now: number, before = () => {}): number {
  let refused = 0
  torrent.hearing(session, now)
  torrent.onTick(now)
  for (let round = 0; round < 1000 && session.outstanding.size > 0; round++) {
    before()
    for (const { piece, block } of [...owedBlocks(session)]) {
      torrent.reject(session, piece, block * 16 * KIB)
      refused++
    }
    torrent.heard(session)
  }
  return refused
}

test('a peer that refuses everything is asked less and less, and as before once it gives', () => {
  const { torrent, session } = beforeRefuser()
  assert.ok(refuseAll(torrent, session, 0) < 300)
  const askedAt: number[] = []
  for (let now = 1000; now < 3_600_000; now += 1000) {
    const refused = refuseAll(torrent, session, now)
    if (refused > 0) askedAt.push(now)
    assert.ok(refused <= 1, `${refused} requests`)
  }
  assert.deepEqual(askedAt.slice(0, 4), [5000, 15_000, 35_000, 75_000])
  assert.ok(askedAt.length < 15, `${askedAt.length} requests`)
  const later = 2 * 3_600_000
  torrent.hearing(session, later)
  torrent.onTick(later)
  const [{ piece, block }] = owedBlocks(session)
  assert.equal(torrent.blockStarts(session, piece, block * 16 * KIB, 16 * KIB), undefined)
  torrent.blockBytes(session, new Uint8Array(16 * KIB), 0, 16 * KIB)
  torrent.blockEnds(session)
  torrent.heard(session)
  assert.ok(session.outstanding.size >= 16)
})

test('BEP 6: a peer that chokes us and refuses what it owes is no worse for it', () => {
  const { torrent, session } = beforeRefuser()
  for (let now = 0; now < 100_000; now += 1000) {
    assert.equal(
      refuseAll(torrent, session, now, () => torrent.choke(session, true)),
      16,
    )
    torrent.choke(session, false)
  }
})

for (const fast of [false, true]) {
  test(`a peer ${fast ? 'with' : 'without'} BEP 6 that chokes and unchokes us without end is let rest in the end`, () => {
    const { torrent, session } = beforeRefuser(fast)
    let asked = 0
    torrent.hearing(session, 0)
    for (let round = 0; round < 10_000; round++) {
      torrent.heard(session)
      asked += session.outstanding.size
      torrent.choke(session, true)
      for (const { piece, block } of [...owedBlocks(session)]) torrent.reject(session, piece, block * 16 * KIB)
      torrent.choke(session, false)
    }
    assert.ok(asked >= 16 && asked < 5000, `${asked} requests`)
    torrent.hearing(session, 5000)
    torrent.heard(session)
    assert.equal(session.outstanding.size, 1)
  })
}
