import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/ports/seeded-random.ts'
import { skipWithout } from '../shared-data.ts'
import { indexKillCampaign } from './index-kill-campaign.ts'

/** The short form of scripts/kill-campaign.ts --indexes. */
const KILLS = 10

test('killed at random instants while it builds its indexes, peersd comes to the right ones', {
  skip: skipWithout('fixtures', 'chain-mixed'),
}, async t => {
  const seed = Math.floor(Math.random() * 1_000_000)
  t.diagnostic(`seed ${seed}`)
  const report = await indexKillCampaign(KILLS, seededRandom(seed), () => {})
  assert.equal(report.kills, KILLS)
  assert.ok(report.chains >= 1)
})
