import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BUCKET_SIZE } from './bucket-placer.ts'
import { BucketTable, EMPTY } from './bucket-table.ts'

test('the inhabited buckets are those with somebody in them', () => {
  const change = fc.tuple(fc.nat(3 * BUCKET_SIZE - 1), fc.constantFrom(EMPTY, EMPTY, 0, 5), fc.boolean())
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), changes => {
      const table = new BucketTable(3)
      const model = new Map<number, number>()
      for (const [place, row, look] of changes) {
        table.put(place, row)
        if (row === EMPTY) model.delete(place)
        else model.set(place, row)
        if (!look) continue
        const buckets = [...model.keys()].map(key => Math.floor(key / BUCKET_SIZE))
        assert.deepEqual([...table.inhabited], [...new Set(buckets)].sort())
      }
      for (const [place, row] of table.places.entries()) assert.equal(row, model.get(place) ?? EMPTY)
    }),
  )
})
