import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes } from '../../base/bytes/bytes.ts'
import { sha256 } from '../../base/crypto/hash.ts'
import { merkleLayers } from '../metainfo/merkle.ts'
import { HashAsks, leadsToRoot } from './hash-asks.ts'
import { loneSession, takeSaid } from './lone-session.ts'

const leaves = Array.from({ length: 16 }, (_, i) => sha256(Uint8Array.of(i)))
const tree = merkleLayers(concatBytes(...leaves), new Uint8Array(32), sha256)
const [root] = tree.slice(-1)

/** A run of hashes of one layer, with its uncles up to below the root. */
function answer(layer: number, index: number, length: number) {
  const parts = [tree[layer].subarray(32 * index, 32 * (index + length))]
  for (let up = layer + Math.log2(length), at = index / length; up < 4; up++, at >>= 1) {
    parts.push(tree[up].subarray(32 * (at ^ 1), 32 * (at ^ 1) + 32))
  }
  return { piecesRoot: root, baseLayer: layer, index, length, proofLayers: 3, hashes: concatBytes(...parts) }
}

test('hashes are believed where they lead to the root over as many levels as there are, and nowhere else', () => {
  for (const [index, length] of [
    [0, 16],
    [0, 4],
    [12, 4],
    [6, 2],
  ]) {
    const right = answer(0, index, length)
    assert.ok(leadsToRoot(right, root, 4), `${index}+${length}`)
    for (let at = 0; at < right.hashes.length; at += 7) {
      const hashes = right.hashes.map((byte, i) => (i === at ? byte ^ 1 : byte))
      assert.ok(!leadsToRoot({ ...right, hashes }, root, 4))
    }
    assert.ok(!leadsToRoot({ ...right, hashes: concatBytes(right.hashes, leaves[0]) }, root, 4))
  }
  assert.ok(!leadsToRoot({ ...answer(0, 4, 4), index: 8 }, root, 4), 'from another place')
  // They do lead to the root; but they are nobody's leaves.
  const higher = answer(2, 0, 4)
  assert.ok(leadsToRoot(higher, root, 2))
  assert.ok(!leadsToRoot({ ...higher, baseLayer: 0 }, root, 4), 'from a higher layer')
})

test('a range is asked of one peer at a time, and of none that refused or lied', () => {
  const asks = new HashAsks<string>({ answerMs: 2000, restMs: 10_000, perPeerMax: 1 })
  const [refusing, lying, last, old] = [1, 2, 3, 4].map(id => loneSession(id, id < 4))
  const sessions = [old, refusing, lying, last]
  const { hashes: _, ...range } = answer(0, 0, 4)
  asks.add(range, 'the piece')
  asks.add({ ...range, index: 4 }, 'another')
  const asked = (now: number) => {
    for (const session of sessions) asks.fill(session, now, purpose => purpose === 'the piece')
    return sessions.filter(session => takeSaid(session).hashRequests.length > 0).map(({ id }) => id)
  }
  assert.deepEqual(asked(0), [1])
  assert.equal(asks.answered(lying, range), undefined)
  assert.ok(!asks.refused(lying, range, 0) && asks.refused(refusing, range, 0))
  assert.deepEqual(asked(0), [2])
  assert.equal(asks.answered(lying, range), 'the piece')
  asks.lied(lying)
  assert.deepEqual([asked(0), asked(0)], [[3], []])
  asks.tick(1999)
  assert.deepEqual(asked(1999), [])
  asks.tick(2000)
  assert.deepEqual([asked(2000), asked(9999), asked(10_000)], [[], [], [1]])
  asks.remove(range)
  assert.ok(!asks.has(range))
})
