import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runTroubledWorld } from '../../src/testing/troubled-world.ts'

/** Every so many worlds are run twice. */
const REPLAY_EVERY = 25

/** Runs the worlds of some seeds: honest nodes agree, and some worlds tell their story again word for word. */
export function testWorlds(first: number, count: number): void {
  for (let seed = first; seed < first + count; seed++) {
    test(`world of seed ${seed}`, async () => {
      const report = await runTroubledWorld(seed)
      assert.deepEqual(report.faults, [], report.story)
      assert.ok(report.honest >= 5 && report.hostile >= 2)
      if (seed % REPLAY_EVERY > 0) return
      const again = await runTroubledWorld(seed)
      assert.equal(again.digest, report.digest, `seed ${seed} tells another story the second time`)
      assert.equal(again.story, report.story)
    })
  }
}
