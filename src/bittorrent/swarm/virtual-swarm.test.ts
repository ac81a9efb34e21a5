import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../../base/ports/random.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import { Bitfield } from '../wire/bitfield.ts'
import { decodeHandshake } from '../wire/handshake.ts'
import { Torrent } from './torrent.ts'
import { TORRENT_OPTIONS } from './torrent-options.ts'
import { UPLOAD_OPTIONS } from './uploads.ts'
import { makeInfo, type VirtualPeer, VirtualSwarm } from './virtual-swarm.ts'

const MIB = 2 ** 20
/** Seeds of each simulation; 100 in a campaign of its own (`SWARM_SEEDS=100`). */
const SEEDS = Number(process.env['SWARM_SEEDS'] ?? 0)
const LIAR_SEEDS = SEEDS || 4

/** The least time in which all can have everything: F over what the seed alone, or all together, can send. */
function boundMs(sizeBytes: number, leechers: number, rate: number): number {
  return 1000 * Math.max(sizeBytes / rate, (leechers * sizeBytes) / ((leechers + 1) * rate))
}

function medianAndWorst(figures: readonly number[]): string {
  const sorted = figures.toSorted((a, b) => a - b)
  return `median ${sorted[sorted.length >> 1].toFixed(3)}, worst ${sorted.at(-1)!.toFixed(3)}`
}

/** One seed, and leechers that come at once, all with lines of 4 MiB/s. */
function flashCrowd(
  seed: number,
  leechers: number,
  sizeBytes: number,
  superSeed = false,
): { lastMs: number; copies: number; swarm: VirtualSwarm } {
  const rate = 4 * MIB
  const swarm = new VirtualSwarm({ seed, sizeBytes, pieceLength: MIB / 4, latencyMs: 5 })
  const source = swarm.add({ uploadBytesPerSecond: rate, complete: true, superSeed })
  const crowd = Array.from({ length: leechers }, () => swarm.add({ uploadBytesPerSecond: rate, complete: false }))
  swarm.connectAll()
  assert.ok(
    swarm.runUntil(() => crowd.every(peer => peer.doneAt !== undefined), 600_000),
    swarm.repro,
  )
  return { lastMs: Math.max(...crowd.map(peer => peer.doneAt!)), copies: source.sentBytes / sizeBytes, swarm }
}

test('a crowd that comes at once is served in little more than the least possible time', () => {
  for (const seed of [1, 2, 3]) {
    const { lastMs, copies, swarm } = flashCrowd(seed, 8, 32 * MIB)
    const ratio = lastMs / boundMs(32 * MIB, 8, 4 * MIB)
    assert.ok(ratio < 1.6, `${ratio.toFixed(2)} times the bound, ${swarm.repro}`)
    assert.ok(copies < 3, `the seed sent ${copies.toFixed(2)} copies, ${swarm.repro}`)
  }
})

test('BEP 16: a super-seed gives each piece about once, and the crowd does the rest', t => {
  const [ratios, copies]: number[][] = [[], []]
  for (let seed = 1; seed <= (SEEDS || 1); seed++) {
    const run = flashCrowd(seed, 8, 128 * MIB, true)
    ratios.push(run.lastMs / boundMs(128 * MIB, 8, 4 * MIB))
    copies.push(run.copies)
  }
  t.diagnostic(`${medianAndWorst(ratios)} times the bound; copies sent by the seed: ${medianAndWorst(copies)}`)
  assert.ok(Math.max(...ratios) < 1.15, `${Math.max(...ratios)} times the bound`)
  assert.ok(Math.max(...copies) < 1.05, `the seed sent ${Math.max(...copies)} copies`)
})

test('the same seed gives the same run', () => {
  const [a, b] = [flashCrowd(7, 5, 8 * MIB), flashCrowd(7, 5, 8 * MIB)]
  assert.deepEqual([a.lastMs, a.copies], [b.lastMs, b.copies])
})

for (const liesPercent of [100, 40]) {
  test(`of 50 peers, the 15 that lie in ${liesPercent} % of their blocks are banned, and nobody else`, () => {
    for (let seed = 1; seed <= LIAR_SEEDS; seed++) {
      const swarm = new VirtualSwarm({ seed, sizeBytes: 32 * MIB, pieceLength: MIB / 8, latencyMs: 5 })
      const givers = Array.from({ length: 50 }, (_, i) =>
        swarm.add({ uploadBytesPerSecond: MIB / 4, complete: true, liesPercent: i % 10 < 3 ? liesPercent : 0 }),
      )
      const taker = swarm.add({ uploadBytesPerSecond: MIB, complete: false })
      for (const giver of givers) swarm.connect(taker, giver)
      assert.ok(
        swarm.runUntil(() => taker.doneAt !== undefined, 600_000),
        swarm.repro,
      )
      const liars = givers.filter(giver => giver.options.liesPercent! > 0).map(giver => `${giver.id}`)
      assert.deepEqual([...taker.banned].sort(), liars.sort(), swarm.repro)
    }
  })
}

test('a swarm outlives its seed once each piece is somewhere', () => {
  for (const seed of [1, 2, 3, 4]) {
    const swarm = new VirtualSwarm({ seed, sizeBytes: 8 * MIB, pieceLength: MIB / 8, latencyMs: 20 })
    const source = swarm.add({ uploadBytesPerSecond: MIB, complete: true })
    const crowd = Array.from({ length: 6 }, () => swarm.add({ uploadBytesPerSecond: MIB, complete: false }))
    swarm.connectAll()
    const isSpread = () => {
      const { pieceCount } = swarm.info
      for (let piece = 0; piece < pieceCount; piece++) {
        if (!crowd.some(peer => peer.torrent.picker!.have.has(piece))) return false
      }
      return true
    }
    assert.ok(swarm.runUntil(isSpread, 600_000), swarm.repro)
    swarm.remove(source)
    assert.ok(
      swarm.runUntil(() => crowd.every(peer => peer.doneAt !== undefined), 600_000),
      swarm.repro,
    )
  }
})

/** Peers of a large swarm that each one knows. */
const NEIGHBOURS = 20

/** Joins a peer to some of those who are there. */
function meet(swarm: VirtualSwarm, peer: VirtualPeer, others: readonly VirtualPeer[], random: Random): void {
  const left = [...others]
  for (let i = 0; i < NEIGHBOURS && left.length > 0; i++)
    swarm.connect(peer, left.splice(random.below(left.length), 1)[0])
}

// So short a download counts in the time that a piece takes from the seed to the last one; a super-seed makes little of it.
for (const { leechers, superSeed, ratioMax, copiesMax } of [
  { leechers: 8, superSeed: true, ratioMax: 1.15, copiesMax: 1.05 },
  { leechers: 50, superSeed: true, ratioMax: 1.7, copiesMax: 1.6 },
  { leechers: 200, superSeed: true, ratioMax: 2.6, copiesMax: 2.5 },
  { leechers: 8, superSeed: false, ratioMax: 2, copiesMax: 2 },
  { leechers: 50, superSeed: false, ratioMax: 2.3, copiesMax: 2.3 },
]) {
  const how = superSeed ? 'from a super-seed' : 'from a seed'
  test(`a crowd of ${leechers} that knows but ${NEIGHBOURS} of each other gets everything ${how}`, t => {
    const sizeBytes = leechers === 200 ? 4 * MIB : 8 * MIB
    const [ratios, copies]: number[][] = [[], []]
    for (let seed = 1; seed <= (SEEDS || 1); seed++) {
      const random = seededRandom(seed)
      const swarm = new VirtualSwarm({ seed, sizeBytes, pieceLength: MIB / 16, latencyMs: 20 })
      const source = swarm.add({ uploadBytesPerSecond: MIB, complete: true, superSeed })
      const crowd: VirtualPeer[] = []
      for (let i = 0; i < leechers; i++) {
        const peer = swarm.add({ uploadBytesPerSecond: MIB, complete: false })
        meet(swarm, peer, [source, ...crowd], random)
        crowd.push(peer)
      }
      assert.ok(
        swarm.runUntil(() => crowd.every(peer => peer.doneAt !== undefined), 600_000),
        swarm.repro,
      )
      ratios.push(Math.max(...crowd.map(peer => peer.doneAt!)) / boundMs(sizeBytes, leechers, MIB))
      copies.push(source.sentBytes / sizeBytes)
    }
    t.diagnostic(`${medianAndWorst(ratios)} times the bound; copies sent by the seed: ${medianAndWorst(copies)}`)
    assert.ok(Math.max(...ratios) < ratioMax, `${Math.max(...ratios)} times the bound at worst`)
    assert.ok(Math.max(...copies) < copiesMax, `the seed sent ${Math.max(...copies)} copies at worst`)
  })
}

test('a place that is not used goes to another at once, not when the choker chooses next', () => {
  const torrent = { uploads: { ...UPLOAD_OPTIONS, slots: 1 } }
  const swarm = new VirtualSwarm({ seed: 1, sizeBytes: MIB, pieceLength: MIB / 16, latencyMs: 5, torrent })
  const source = swarm.add({ uploadBytesPerSecond: MIB, complete: true })
  const [idler, taker] = [0, 1].map(() => swarm.add({ uploadBytesPerSecond: MIB, complete: false }))
  idler.torrent.paused = true
  for (const peer of [idler, taker]) swarm.connect(peer, source)
  const isDone = swarm.runUntil(() => taker.doneAt !== undefined, UPLOAD_OPTIONS.rechokeMs / 2)
  assert.ok(isDone, swarm.repro)
})

test('BEP 16: a super-seed goes on for those who tell of pieces in bitfields', () => {
  const info = makeInfo(8 * MIB, MIB)
  const options = { ...TORRENT_OPTIONS, superSeed: true, peerId: new Uint8Array(20), listenPort: 1 }
  const torrent = new Torrent({ v1: info.infohashV1, v2: undefined }, options, seededRandom(1), info)
  const have = new Bitfield(info.pieceCount)
  have.fill()
  const sink = {
    isFull: false,
    begin: () => new Uint8Array(),
    complete: () => {},
    restoreBlocks: () => {},
    abort: () => {},
  }
  torrent.start({ have, partial: new Map() }, sink, 0)
  const [holder, other] = [1, 2].map(id => {
    const handshake = { ...decodeHandshake(torrent.handshake())!, peerId: new Uint8Array(20).fill(id) }
    const origin = { host: `10.0.0.${id}`, port: id, incoming: false, identity: `${id}` }
    const session = torrent.join(handshake, origin, 0)
    assert.ok(typeof session !== 'string')
    session.out.take()
    return session
  })
  // Offered were pieces 0 and 1 to the first, 2 and 3 to the second; the second now has those of the first.
  torrent.hasPieces(other, Uint8Array.of(0b11000000))
  assert.deepEqual([...holder.out.take()!], [0, 0, 0, 5, 4, 0, 0, 0, 4, 0, 0, 0, 5, 4, 0, 0, 0, 5])
})

test('in a swarm whose peers come and go, those who stay get everything, and a seed repeats it all', () => {
  for (let seed = 1; seed <= (SEEDS || 2); seed++) {
    const run = () => {
      const random = seededRandom(seed)
      const swarm = new VirtualSwarm({ seed, sizeBytes: 4 * MIB, pieceLength: MIB / 16, latencyMs: 20 })
      const source = swarm.add({ uploadBytesPerSecond: MIB, complete: true })
      let present = [source]
      const stayers: VirtualPeer[] = []
      for (let round = 0; round < 40; round++) {
        const peer = swarm.add({ uploadBytesPerSecond: MIB / 2, complete: false })
        meet(swarm, peer, present, random)
        present.push(peer)
        if (random.below(3) === 0) stayers.push(peer)
        const leaving = present[random.below(present.length)]
        if (leaving !== source && !stayers.includes(leaving)) {
          swarm.remove(leaving)
          present = present.filter(other => other !== leaving)
        }
        swarm.runUntil(() => false, random.below(400))
      }
      assert.ok(
        swarm.runUntil(() => stayers.every(peer => peer.doneAt !== undefined), 600_000),
        swarm.repro,
      )
      return stayers.map(peer => peer.doneAt)
    }
    const ends = run()
    if (seed <= 2) assert.deepEqual(run(), ends, `seed ${seed}`)
  }
})
