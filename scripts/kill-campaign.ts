// Kills peersd again and again while it takes in a chain, and checks each time that nothing was lost:
//
//   node --import tsx scripts/kill-campaign.ts [kills] [seed]

import { seededRandom } from '../src/base/ports/seeded-random.ts'
import { chainBench } from '../test/chain-bench.ts'
import { killCampaign } from '../test/functional/kill-campaign.ts'

const kills = Number(process.argv[2] ?? 300)
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000)
const chain = chainBench()
if (chain === undefined) {
  console.error('no test data at ../shared/fixtures/chain-bench')
  process.exit(1)
}
console.log(`seed ${seed}`)
const report = await killCampaign(chain, kills, seededRandom(seed), text => process.stdout.write(`\r${text}   `))
console.log(
  `\n${report.kills} kills, ${report.chains} chains finished with the right coins, ` +
    `${report.acknowledged} acknowledged blocks looked for and found`,
)
