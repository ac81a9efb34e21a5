import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MachineClock } from './machine-clock.ts'
import { VirtualClock } from './virtual-clock.ts'

test('time leaps from event to event, and promises of a moment come before the next', async () => {
  const clock = new VirtualClock()
  const seen: string[] = []
  const note = (text: string): number => seen.push(`${clock.timeMs} ${text}`)
  clock.after(1000, () => {
    void Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => clock.soon(() => note('promised')))
    note('first')
  })
  clock.after(1001, () => note('second'))
  clock.after(500, () => note('called off'))()
  await clock.runFor(2000)
  assert.deepEqual(seen, ['1000 first', '1000 promised', '1001 second'])
  assert.equal(clock.timeMs, 2000)
})

test('what is done again and again ends with its machine, whose clock may be wrong', async () => {
  const clock = new VirtualClock()
  const machine = new MachineClock(clock, () => 5_000_000 + clock.timeMs, 1000)
  let turns = 0
  machine.every(10, () => turns++)
  await clock.runFor(10_000)
  assert.equal(turns, 10)
  assert.equal(machine.now(), 5_010_000)
  assert.equal(machine.monotonic(), 10_000)
  machine.after(1, () => assert.fail('the machine is off'))
  machine.soon(() => assert.fail('the machine is off'))
  machine.stop()
  await clock.runFor(10_000)
  assert.equal(turns, 10)
})
