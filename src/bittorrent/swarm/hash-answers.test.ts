import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, equalBytes, toHex } from '../../base/bytes/bytes.ts'
import { sha256 } from '../../base/crypto/hash.ts'
import { encodeInfo, planTorrent } from '../metainfo/create-metainfo.ts'
import { merkleClimb, merkleLayers, merkleLevels, merkleRoot } from '../metainfo/merkle.ts'
import { parseTorrentInfo } from '../metainfo/torrent-info.ts'
import { HashAnswers } from './hash-answers.ts'

const KIB = 1024
const LEAF = 16 * KIB

/** A v2 torrent of one file whose leaves are made up, and the whole of its tree. */
function sample(leafCount: number, pieceLength: number) {
  const leaves = Array.from({ length: leafCount }, (_, i) => sha256(Uint8Array.of(i >> 8, i)))
  const tree = merkleLayers(concatBytes(...leaves), new Uint8Array(32), sha256)
  const root = tree.at(-1)!
  const file = { path: ['f'], length: leafCount * LEAF - 5 }
  const plan = planTorrent('f', [file], true, { version: 'v2', pieceLength })
  assert.ok(plan.ok)
  const info = parseTorrentInfo(encodeInfo(plan.value, { roots: [root] }))
  assert.ok(info.ok)
  const levels = merkleLevels(pieceLength / LEAF)
  const pieces = Math.ceil(leafCount / (pieceLength / LEAF))
  const layers = new Map<string, Uint8Array>()
  if (pieces > 1) layers.set(toHex(root), tree[levels].slice(0, 32 * pieces))
  return { answers: new HashAnswers(info.value, layers), leaves, tree, root }
}

test('BEP 52: ranges of every layer, down to the leaves, come with proofs that lead to the root', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 150 }),
      fc.constantFrom(16, 32, 64, 256),
      fc.nat(7),
      fc.integer({ min: 1, max: 6 }),
      fc.nat(),
      (leafCount, pieceKib, baseLayer, lengthLevels, position) => {
        const { answers, leaves, tree, root } = sample(leafCount, pieceKib * KIB)
        const height = tree.length - 1
        const length = 2 ** lengthLevels
        fc.pre(baseLayer + lengthLevels <= height)
        const index = (position % 2 ** (height - baseLayer - lengthLevels)) * length
        const proofLayers = height - baseLayer - 1
        const range = { piecesRoot: root, baseLayer, index, length, proofLayers }
        const span = answers.leavesFor(range)
        const answer = answers.answer(
          range,
          0,
          span && concatBytes(...leaves.slice(span.first, span.first + span.count)),
        )
        // Nothing but filling: there is no data to hash.
        if (answer === undefined && index * 2 ** baseLayer >= leafCount) return
        assert.ok(answer !== undefined, 'no answer')
        const own = answer.subarray(0, 32 * length)
        assert.ok(equalBytes(own, tree[baseLayer].subarray(32 * index, 32 * (index + length))), 'the hashes differ')
        const top = merkleRoot(own, lengthLevels, new Uint8Array(32), sha256)
        const climbed = merkleClimb(top, index / length, answer.subarray(32 * length), sha256)
        assert.ok(equalBytes(climbed, root), 'the proof leads elsewhere')
      },
    ),
  )
})

test('what no tree has is refused', () => {
  const { answers, root } = sample(40, 64 * KIB)
  const range = { piecesRoot: root, baseLayer: 0, index: 0, length: 2, proofLayers: 5 }
  for (const change of [
    { piecesRoot: new Uint8Array(32) },
    { index: 64 },
    { baseLayer: 6 },
    { baseLayer: 2, length: 32 },
  ]) {
    assert.equal(answers.leavesFor({ ...range, ...change }), undefined)
    assert.equal(answers.answer({ ...range, ...change }, 0), undefined)
  }
  assert.equal(answers.answer(range, 0), undefined)
  assert.equal(answers.answer(range, 0, new Uint8Array(32)), undefined)
})

test('leaves of data that has changed are not told', () => {
  for (const leafCount of [3, 40]) {
    const { answers, leaves, root, tree } = sample(leafCount, 64 * KIB)
    const range = { piecesRoot: root, baseLayer: 0, index: 0, length: 2, proofLayers: tree.length - 2 }
    const span = answers.leavesFor(range)!
    const right = concatBytes(...leaves.slice(span.first, span.first + span.count))
    assert.ok(answers.answer(range, 0, right) !== undefined)
    const changed = right.slice()
    changed[32] ^= 1
    assert.equal(answers.answer(range, 0, changed), undefined)
  }
})
