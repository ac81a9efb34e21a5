import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MessageQueue } from './message-queue.ts'

test('first in, first out, whatever the order of coming and going', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2000), { maxLength: 40 }), runs => {
      const queue = new MessageQueue()
      const model: number[] = []
      let next = 0
      for (const [i, count] of runs.entries()) {
        for (let n = 0; n < count; n++) {
          if (i % 2 === 0) {
            queue.push({ command: 'ping', payload: new Uint8Array(0), wireBytes: next })
            model.push(next++)
          } else if (model.length > 0) {
            assert.equal(queue.first?.wireBytes, model.shift())
            queue.drop()
          }
        }
        assert.equal(queue.first?.wireBytes, model[0])
      }
    }),
    { numRuns: 50 },
  )
})
