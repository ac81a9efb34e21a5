import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toHexReversed } from '../../base/bytes/bytes.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import type { BlockHeader } from '../primitives/block.ts'
import { BlockIndex } from './block-index.ts'
import {
  BLOCK_FAILED_VALID,
  BLOCK_HAVE_DATA,
  BLOCK_VALID_SCRIPTS,
  BLOCK_VALID_TRANSACTIONS,
  BLOCK_VALID_TREE,
} from './block-status.ts'

const COUNT = 3000

/** A random tree with long branches, and its parents as a plain list. */
function randomTree(seed: number): {
  index: BlockIndex
  parents: number[]
  headers: BlockHeader[]
  hashes: Uint8Array[]
} {
  const random = seededRandom(seed)
  const index = new BlockIndex()
  const parents: number[] = []
  const headers: BlockHeader[] = []
  const hashes: Uint8Array[] = []
  for (let id = 0; id < COUNT; id++) {
    const parent = id === 0 ? -1 : random.below(20) === 0 ? random.below(id) : id - 1
    const header = {
      version: random.below(1 << 30) - (1 << 29),
      previous: parent < 0 ? new Uint8Array(32) : hashes[parent],
      merkleRoot: random.bytes(32),
      time: random.below(2 ** 32),
      bits: random.below(4) === 0 ? 0x1d00ffff : 0x207fffff,
      nonce: random.below(2 ** 32),
    }
    const hash = random.bytes(32)
    assert.equal(index.find(hash), -1)
    assert.equal(index.add(header, hash, BLOCK_VALID_TREE), id)
    parents.push(parent)
    headers.push(header)
    hashes.push(hash)
  }
  return { index, parents, headers, hashes }
}

describe('a tree of headers', () => {
  const { index, parents, headers, hashes } = randomTree(3)
  const chainOf = (id: number): number[] => {
    const chain: number[] = []
    for (let at = id; at >= 0; at = parents[at]) chain.push(at)
    return chain.reverse()
  }

  test('keeps every header, however many there are', () => {
    assert.equal(index.count, COUNT)
    for (let id = 0; id < COUNT; id++) {
      assert.equal(index.find(hashes[id]), id)
      assert.deepEqual(index.header(id), headers[id])
      assert.equal(index.hashHex(id), toHexReversed(hashes[id]))
      assert.equal(index.previous(id), parents[id])
      assert.equal(index.time(id), headers[id].time)
      assert.equal(index.bits(id), headers[id].bits)
      assert.equal(index.version(id), headers[id].version)
    }
    assert.equal(index.find(new Uint8Array(32)), -1)
  })

  test('counts height, work and latest time along each chain', () => {
    for (const id of [0, 1, 1023, 1024, 1025, COUNT - 1]) {
      const chain = chainOf(id)
      assert.equal(index.height(id), chain.length - 1)
      const work = chain.reduce((sum, at) => sum + (headers[at].bits === 0x207fffff ? 2n : 0x100010001n), 0n)
      assert.equal(index.work(id), work)
      assert.equal(index.timeMax(id), Math.max(...chain.map(at => headers[at].time)))
    }
  })

  test('finds every ancestor', () => {
    const random = seededRandom(4)
    for (let i = 0; i < 200; i++) {
      const id = random.below(COUNT)
      const chain = chainOf(id)
      for (let k = 0; k < 10; k++) {
        const height = random.below(chain.length)
        assert.equal(index.ancestor(id, height), chain[height])
        assert.ok(index.isAncestor(chain[height], id))
      }
    }
    assert.throws(() => index.ancestor(0, 1), /no ancestor/)
  })

  test('finds where two chains part', () => {
    const random = seededRandom(5)
    for (let i = 0; i < 500; i++) {
      const [a, b] = [random.below(COUNT), random.below(COUNT)]
      const [left, right] = [chainOf(a), chainOf(b)]
      let common = 0
      while (common + 1 < Math.min(left.length, right.length) && left[common + 1] === right[common + 1]) common++
      assert.equal(index.fork(a, b), left[common], `${a} and ${b}`)
      assert.equal(index.isAncestor(a, b), left[common] === a)
    }
  })

  test('refuses a header twice, and one without its parent', () => {
    assert.throws(() => index.add(headers[5], hashes[5], 0), /added twice/)
    const orphan = { ...headers[5], previous: new Uint8Array(32).fill(1) }
    assert.throws(() => index.add(orphan, new Uint8Array(32).fill(2), 0), /without its parent/)
    assert.equal(index.count, COUNT)
  })

  test('orders ends by work, then by who came first', () => {
    const small = new BlockIndex()
    const header = (previous: Uint8Array, nonce: number): BlockHeader => ({ ...headers[0], previous, nonce })
    const [root, a, b, c] = [1, 2, 3, 4].map(value => new Uint8Array(32).fill(value))
    small.add(header(new Uint8Array(32), 0), root, 0)
    small.add(header(root, 1), a, 0)
    small.add(header(root, 2), b, 0)
    small.add(header(b, 3), c, 0)
    assert.equal(small.compare(1, 1), 0)
    assert.ok(small.compare(1, 2) > 0 && small.compare(2, 1) < 0)
    small.setSequence(1, 7)
    small.setSequence(2, 6)
    assert.ok(small.compare(2, 1) > 0 && small.compare(1, 2) < 0)
    small.setSequence(3, 9)
    assert.ok(small.compare(3, 2) > 0 && small.compare(1, 3) < 0)
  })
})

test('a status rises, and a failure ends that', () => {
  const { index } = randomTree(6)
  index.dirty.clear()
  index.raiseValidity(3, BLOCK_VALID_TRANSACTIONS)
  assert.ok(index.isValid(3, BLOCK_VALID_TRANSACTIONS) && !index.isValid(3, BLOCK_VALID_SCRIPTS))
  index.raiseValidity(3, BLOCK_VALID_TREE)
  assert.ok(index.isValid(3, BLOCK_VALID_TRANSACTIONS))
  index.setStatus(3, BLOCK_HAVE_DATA)
  assert.ok(index.hasStatus(3, BLOCK_HAVE_DATA) && index.isValid(3, BLOCK_VALID_TRANSACTIONS))
  index.setStatus(3, BLOCK_FAILED_VALID)
  assert.ok(!index.isValid(3, BLOCK_VALID_TREE))
  index.raiseValidity(3, BLOCK_VALID_SCRIPTS)
  index.clearStatus(3, BLOCK_FAILED_VALID)
  assert.ok(!index.isValid(3, BLOCK_VALID_SCRIPTS) && index.isValid(3, BLOCK_VALID_TRANSACTIONS))
  assert.deepEqual([...index.dirty], [3])
})
