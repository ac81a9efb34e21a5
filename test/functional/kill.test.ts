import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/ports/seeded-random.ts'
import { chainBench } from '../chain-bench.ts'
import { skipWithout } from '../shared-data.ts'
import { killCampaign } from './kill-campaign.ts'

/** The short form of scripts/kill-campaign.ts. */
const KILLS = 20

test('killed at random instants while it takes a chain in, peersd loses no block that it acknowledged and ends with the right coins', {
  skip: skipWithout('fixtures', 'chain-bench'),
}, async t => {
  const seed = Math.floor(Math.random() * 1_000_000)
  t.diagnostic(`seed ${seed}`)
  const report = await killCampaign(chainBench()!, KILLS, seededRandom(seed), () => {})
  assert.equal(report.kills, KILLS)
  assert.ok(report.chains >= 1)
})
