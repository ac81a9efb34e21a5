import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualSwarm } from './virtual-swarm.ts'

const MIB = 2 ** 20

/** The least time in which all can have everything: F over what the seed alone, or all together, can send. */
function boundMs(sizeBytes: number, leechers: number, rate: number): number {
  return 1000 * Math.max(sizeBytes / rate, (leechers * sizeBytes) / ((leechers + 1) * rate))
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

test('BEP 16: a super-seed gives each piece about once, and the crowd does the rest', () => {
  for (const [leechers, sizeBytes] of [
    [8, 128 * MIB],
    [50, 16 * MIB],
  ]) {
    const { lastMs, copies, swarm } = flashCrowd(1, leechers, sizeBytes, true)
    const ratio = lastMs / boundMs(sizeBytes, leechers, 4 * MIB)
    if (leechers === 8) assert.ok(ratio < 1.15, `${ratio.toFixed(2)} times the bound, ${swarm.repro}`)
    assert.ok(copies < (leechers === 8 ? 1.05 : 2.5), `the seed sent ${copies.toFixed(2)} copies, ${swarm.repro}`)
  }
})

test('the same seed gives the same run', () => {
  const [a, b] = [flashCrowd(7, 5, 8 * MIB), flashCrowd(7, 5, 8 * MIB)]
  assert.deepEqual([a.lastMs, a.copies], [b.lastMs, b.copies])
})

test('liars are found and banned, and nobody else', () => {
  for (const seed of [1, 2, 3]) {
    const swarm = new VirtualSwarm({ seed, sizeBytes: 16 * MIB, pieceLength: MIB / 4, latencyMs: 5 })
    const givers = Array.from({ length: 50 }, (_, i) =>
      swarm.add({ uploadBytesPerSecond: MIB, complete: true, liesPercent: i % 10 < 3 ? 40 : 0 }),
    )
    const taker = swarm.add({ uploadBytesPerSecond: MIB, complete: false })
    for (const giver of givers) swarm.connect(taker, giver)
    assert.ok(
      swarm.runUntil(() => taker.doneAt !== undefined, 600_000),
      swarm.repro,
    )
    const liars = givers.filter(giver => giver.options.liesPercent! > 0).map(giver => `${giver.id}`)
    assert.ok(
      [...taker.banned].every(id => liars.includes(id)),
      `an honest peer was banned, ${swarm.repro}`,
    )
    const spoiling = givers
      .filter(giver => giver.sentBytes > 0 && liars.includes(`${giver.id}`))
      .map(giver => `${giver.id}`)
    assert.ok(taker.banned.size > 0 && spoiling.length >= taker.banned.size, swarm.repro)
  }
})

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
