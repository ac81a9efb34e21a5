import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OtherChain, P2pWorld } from '../../../test/p2p-world.ts'
import { findFork, isZeroHash, locatorOf, zeroHash } from './locator.ts'

const others = await OtherChain.create(400)

test('a locator is dense near its block, then ever thinner, and ends with the genesis block', () => {
  const { index, tip } = others.memory.chain
  const heights = locatorOf(index, tip).map(hash => index.height(index.find(hash)))
  assert.deepEqual(
    heights,
    [400, 399, 398, 397, 396, 395, 394, 393, 392, 391, 390, 389, 387, 383, 375, 359, 327, 263, 135, 0],
  )
  assert.deepEqual(
    locatorOf(index, others.memory.chain.at(2)).map(hash => index.height(index.find(hash))),
    [2, 1, 0],
  )
  assert.deepEqual(locatorOf(index, others.memory.chain.at(0)), [others.hash(0)])
})

test('the last shared block is found, on whatever branch the other is', async () => {
  const world = await P2pWorld.create({ blocks: 100 })
  const { chain } = world
  const heightOf = (hashes: readonly Uint8Array[]): number => chain.index.height(findFork(chain, hashes))
  const { index } = others.memory.chain
  assert.equal(heightOf(locatorOf(index, others.memory.chain.at(60))), 60)
  // Of a longer chain the entry below our tip counts.
  assert.equal(heightOf(locatorOf(index, others.memory.chain.tip)), 0)
  const branch = await OtherChain.create(80)
  branch.growApart(5, 2)
  assert.equal(heightOf(locatorOf(branch.memory.chain.index, branch.memory.chain.tip)), 80)
  assert.equal(heightOf([zeroHash()]), 0)
  assert.equal(heightOf([]), 0)
  // Its header is known and stands on our tip: we are behind on the same chain.
  world.inbound().say('headers', others.headers(101, 110))
  assert.equal(heightOf([others.hash(105)]), 100)
  assert.equal(isZeroHash(zeroHash()), true)
  assert.equal(isZeroHash(others.hash(1)), false)
})
