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
const report = await headerCampaign(headers, await loadCrypto(), seededRandom(seed), measure)
console.log(`\n${JSON.stringify(report, null, 2)}`)
if (report.stored > 0 || report.memoryGrowthBytes > MEMORY_GROWTH_BYTES_MAX) process.exitCode = 1
