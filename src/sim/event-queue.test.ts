import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EventQueue } from './event-queue.ts'

test('events come by time, those of one time in the order of asking', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(20)), { maxLength: 200 }), steps => {
      const queue = new EventQueue()
      let model: { timeMs: number; order: number }[] = []
      for (const [order, timeMs] of steps.entries()) {
        if (timeMs !== null) {
          queue.add(timeMs, () => {})
          model.push({ timeMs, order })
          model.sort((a, b) => a.timeMs - b.timeMs || a.order - b.order)
          continue
        }
        assert.equal(queue.first?.timeMs, model[0]?.timeMs)
        assert.equal(queue.take()?.timeMs, model[0]?.timeMs)
        model = model.slice(1)
      }
      assert.equal(queue.size, model.length)
    }),
  )
})
