import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TorrentVersion } from '../metainfo/create-metainfo.ts'
import { type VirtualPeer, VirtualSwarm } from './virtual-swarm.ts'

const KIB = 1024
const MIB = 1024 * KIB

interface Run {
  readonly swarm: VirtualSwarm
  readonly taker: VirtualPeer
  readonly givers: readonly VirtualPeer[]
}

/** What each giver says when it is asked for leaves: the truth where nothing is said. */
type Tellers = readonly ('wrong' | 'none' | undefined)[]

/** One who takes from givers of whom the first lies; all of the torrent is one piece. */
function onePiece(seed: number, version: TorrentVersion, tellers: Tellers = []): Run {
  const swarm = new VirtualSwarm({ seed, sizeBytes: MIB - 100, pieceLength: MIB, latencyMs: 20, version })
  const givers = [0, 1, 2].map(i => {
    const leaves = tellers[i] && { leaves: tellers[i] }
    return swarm.add({ uploadBytesPerSecond: 200 * KIB, complete: true, liesPercent: i === 0 ? 100 : 0, ...leaves })
  })
  const taker = swarm.add({ uploadBytesPerSecond: MIB, complete: false })
  for (const giver of givers) swarm.connect(taker, giver)
  return { swarm, taker, givers }
}

function finish({ swarm, taker }: Run): void {
  assert.ok(
    swarm.runUntil(() => taker.doneAt !== undefined, 600_000),
    `no end, ${swarm.repro}`,
  )
}

const sentBy = (givers: readonly VirtualPeer[]) => givers.reduce((sum, { sentBytes }) => sum + sentBytes, 0)

for (const version of ['v2', 'hybrid'] as const) {
  test(`${version}: whoever spoils a piece is proven a liar by its first failure, and only the wrong blocks come again`, () => {
    for (let seed = 1; seed <= 20; seed++) {
      const run = onePiece(seed, version)
      const { swarm, taker, givers } = run
      assert.ok(swarm.runUntil(() => taker.spoilt.length > 0, 60_000))
      const [lies, failedAt] = [givers[0].sentBytes, swarm.now]
      assert.ok(lies > 0 && lies < MIB)
      assert.ok(swarm.runUntil(() => taker.banned.size > 0, 60_000))
      assert.ok(swarm.now - failedAt < 1000, `${swarm.now - failedAt} ms, ${swarm.repro}`)
      assert.equal(taker.torrent.isDone, false)
      finish(run)
      assert.deepEqual([...taker.banned], ['0'], swarm.repro)
      assert.deepEqual(taker.spoilt, [0], swarm.repro)
      assert.ok(sentBy(givers) <= MIB - 100 + givers[0].sentBytes + 64 * KIB, `${sentBy(givers)} bytes, ${swarm.repro}`)
    }
  })
}

test('where the liar tells lies of the leaves too, or nothing, others are asked', () => {
  for (const leaves of ['wrong', 'none'] as const) {
    for (let seed = 1; seed <= 10; seed++) {
      const run = onePiece(seed, 'v2', [leaves])
      finish(run)
      assert.deepEqual([...run.taker.banned], ['0'], run.swarm.repro)
      assert.deepEqual(run.taker.spoilt, [0], run.swarm.repro)
    }
  }
})

test('whoever lies of the leaves alone is found out by that, and brings nobody else into disrepute', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const run = onePiece(seed, 'v2', ['none', 'wrong'])
    finish(run)
    assert.deepEqual([...run.taker.banned].toSorted(), ['0', '1'], run.swarm.repro)
    assert.deepEqual(run.taker.spoilt, [0], run.swarm.repro)
  }
})

test('where nobody tells the leaves, the right piece tells who lied', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const run = onePiece(seed, 'v2', ['none', 'none', 'none'])
    finish(run)
    assert.deepEqual([...run.taker.banned], ['0'], run.swarm.repro)
  }
})

test('v2: among many liars, every one is banned and nobody else, and a seed repeats it all', () => {
  const run = (seed: number) => {
    const swarm = new VirtualSwarm({ seed, sizeBytes: 4 * MIB, pieceLength: MIB / 4, latencyMs: 20, version: 'v2' })
    const givers = Array.from({ length: 20 }, (_, i) => {
      const lies = i % 10 < 3 ? { liesPercent: 50, leaves: (['wrong', 'none'] as const)[i % 2] } : {}
      return swarm.add({ uploadBytesPerSecond: 100 * KIB, complete: true, ...lies })
    })
    const taker = swarm.add({ uploadBytesPerSecond: MIB, complete: false })
    for (const giver of givers) swarm.connect(taker, giver)
    finish({ swarm, taker, givers })
    const liars = givers.filter(({ options }) => options.liesPercent !== undefined).map(({ id }) => `${id}`)
    assert.deepEqual(
      [...taker.banned].filter(id => !liars.includes(id)),
      [],
      swarm.repro,
    )
    return { banned: [...taker.banned], doneAt: taker.doneAt, spoilt: taker.spoilt, sent: sentBy(givers), liars }
  }
  for (let seed = 1; seed <= 4; seed++) {
    const first = run(seed)
    assert.deepEqual(first.banned.toSorted(), first.liars.toSorted(), `seed ${seed}`)
    if (seed === 1) assert.deepEqual(run(seed), first)
  }
})
