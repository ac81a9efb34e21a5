// Offers a node millions of headers of little work, and sees what it keeps of them:
//
//   node --expose-gc --import tsx scripts/header-campaign.ts [headers] [seed]
import { seededRandom } from '../src/base/ports/seeded-random.ts'
import { loadCrypto } from '../src/platform/crypto.ts'
import { headerCampaign } from '../test/header-campaign.ts'

const MEMORY_GROWTH_BYTES_MAX = 32 << 20
const headers = Number(process.argv[2] ?? 10_000_000)
const seed = Number(process.argv[3] ?? 1)

const measure = {
  memoryBytes() {
    globalThis.gc?.()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  },
  nowMs: () => performance.now(),
  progress: (text: string) => process.stdout.write(`\r${text}   `),
}
const crypto = await loadCrypto()
// What the code itself takes once it runs is no header's doing.
await headerCampaign(Math.min(headers, 200_000), crypto, seededRandom(seed + 1), measure)
const residentBytes = process.memoryUsage.rss()
const report = await headerCampaign(headers, crypto, seededRandom(seed), measure)
const residentGrowthBytes = process.memoryUsage.rss() - residentBytes
console.log(`\n${JSON.stringify({ ...report, residentGrowthBytes }, null, 2)}`)
if (report.stored > 0 || report.memoryGrowthBytes > MEMORY_GROWTH_BYTES_MAX) process.exitCode = 1
