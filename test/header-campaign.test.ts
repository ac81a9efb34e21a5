import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { seededRandom } from '../src/base/ports/seeded-random.ts'
import { loadCrypto } from '../src/platform/crypto.ts'
import { headerCampaign } from './header-campaign.ts'

/** Collects what nothing refers to, so that growth is growth. */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

test('headers of little work, by the hundred thousand, are not kept', async () => {
  const collect = collector()
  const memoryBytes = (): number => {
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const measure = { memoryBytes, nowMs: () => performance.now(), progress: () => {} }
  const report = await headerCampaign(400_000, await loadCrypto(), seededRandom(9), measure)
  assert.ok(report.offered >= 400_000)
  assert.equal(report.stored, 0)
  assert.ok(report.followed > 20, JSON.stringify(report))
  assert.ok(report.memoryGrowthBytes < 8 << 20, JSON.stringify(report))
})
