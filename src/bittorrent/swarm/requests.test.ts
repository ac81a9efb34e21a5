import assert from 'node:assert/strict'
import { test } from 'node:test'
import { owedBlocks } from './requests.ts'
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
