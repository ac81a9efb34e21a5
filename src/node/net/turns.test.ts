import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turns } from './turns.ts'

test('what takes long is done bit by bit, in order, and tasks may ask for more', () => {
  let now = 0
  const deferred: (() => void)[] = []
  const turns = new Turns(
    () => now,
    task => deferred.push(task),
  )
  const done: number[] = []
  const work = (name: number, ms: number) => () => {
    now += ms
    done.push(name)
    if (name === 2) turns.take(work(9, 1))
  }
  for (const [i, ms] of [2, 2, 2, 8, 8].entries()) turns.take(work(i, ms))
  const runs: number[][] = []
  while (deferred.length > 0) {
    assert.equal(deferred.length, 1)
    const before = done.length
    deferred.shift()!()
    runs.push(done.slice(before))
  }
  assert.deepEqual(runs, [[0, 1, 2], [3], [4], [9]])
})
