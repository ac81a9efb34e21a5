// Tells a node millions of hostile addresses, and sees whether it still finds honest peers after restarts:
//
//   node --expose-gc --import tsx scripts/address-campaign.ts [addresses] [restarts] [groups] [seed]

import { seededRandom } from '../src/base/ports/seeded-random.ts'
import { loadCrypto } from '../src/platform/crypto.ts'
import { addressCampaign } from '../test/address-campaign.ts'

const hostileAddresses = Number(process.argv[2] ?? 10_000_000)
const restarts = Number(process.argv[3] ?? 1000)
const hostileGroups = Number(process.argv[4] ?? 8)
const seed = Number(process.argv[5] ?? Date.now() % 1_000_000)

function memoryBytes(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

console.log(`seed ${seed}, ${hostileAddresses} addresses of ${hostileGroups} groups`)
const report = addressCampaign(
  { hostileAddresses, hostileGroups, honestPeers: 5000, restarts },
  await loadCrypto(),
  seededRandom(seed),
  memoryBytes,
  () => performance.now(),
  text => process.stdout.write(`\r${text}   `),
)
console.log(`\n${JSON.stringify(report, null, 2)}`)
if (report.found < 0.999 * report.restarts) process.exitCode = 1
