import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../src/base/ports/seeded-random.ts'
import { loadCrypto } from '../src/platform/crypto.ts'
import { addressCampaign } from './address-campaign.ts'

/** Buckets of 64 that one group of addresses can reach through one group of sources. */
const PLACES_PER_PAIR = 64

test('hostile addresses of few groups stay in few places, and restarts still find honest peers', async () => {
  const hostileGroups = 8
  const restarts = 40
  const campaign = { hostileAddresses: 100_000, hostileGroups, honestPeers: 2000, restarts }
  const report = addressCampaign(
    campaign,
    await loadCrypto(),
    seededRandom(5),
    () => process.memoryUsage().arrayBuffers,
    () => performance.now(),
    () => undefined,
  )
  assert.ok(report.newHostile <= hostileGroups * hostileGroups * PLACES_PER_PAIR)
  assert.ok(report.newHostile > 1000 && report.new - report.newHostile > 1000, JSON.stringify(report))
  assert.ok(report.memoryGrowthBytes < 1 << 22, String(report.memoryGrowthBytes))
  assert.equal(report.found, restarts)
})
