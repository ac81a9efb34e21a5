import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PIECE_BLOCK_BYTES } from '../metainfo/piece-map.ts'
import { BlockPool, type BlockRuns, joinBlocks, RUN_BLOCKS } from './block-pool.ts'

const placeOf = (block: Uint8Array) => `${block.byteOffset}`

test('no two blocks that are out share a byte, and all come back', () => {
  const steps = fc.array(fc.tuple(fc.nat(1), fc.nat(80), fc.nat(RUN_BLOCKS - 1), fc.boolean()), { maxLength: 2000 })
  fc.assert(
    fc.property(steps, all => {
      const pool = new BlockPool()
      const homes: BlockRuns[] = [new Map(), new Map()]
      const out: Uint8Array[] = []
      const used = new Map<ArrayBufferLike, Set<string>>()
      for (const [home, key, slot, gives] of all) {
        if (gives && out.length > 0) {
          const [block] = out.splice((key * RUN_BLOCKS + slot) % out.length, 1)
          used.get(block.buffer)!.delete(placeOf(block))
          pool.give(block)
        } else {
          const block = pool.take(homes[home], key, slot)
          const places = used.get(block.buffer) ?? new Set()
          assert.equal(places.has(placeOf(block)), false)
          used.set(block.buffer, places.add(placeOf(block)))
          out.push(block)
        }
        assert.equal(pool.bytesInUse, out.length * PIECE_BLOCK_BYTES)
      }
      for (const block of out) pool.give(block)
      assert.deepEqual([pool.bytesInUse, homes[0].size, homes[1].size], [0, 0, 0])
    }),
    { numRuns: 50 },
  )
})

test('neighbours lie side by side and are joined, the last one cut off', () => {
  const pool = new BlockPool()
  const runs: BlockRuns = new Map()
  const slots = [...new Array(RUN_BLOCKS).keys()]
  const blocks = slots.toReversed().map(slot => pool.take(runs, 7, slot))
  const joined = joinBlocks(blocks.toReversed(), RUN_BLOCKS * PIECE_BLOCK_BYTES - 5)
  assert.deepEqual(
    joined.map(part => part.length),
    [RUN_BLOCKS * PIECE_BLOCK_BYTES - 5],
  )
  // A place that is taken is not given twice.
  const elsewhere = pool.take(runs, 7, 0)
  assert.notEqual(elsewhere.buffer, blocks[0].buffer)
  assert.equal(joinBlocks([elsewhere, blocks[RUN_BLOCKS - 2]], 2 * PIECE_BLOCK_BYTES).length, 2)
})
