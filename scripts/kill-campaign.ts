// Kills peersd again and again while it takes in a chain, or, with --indexes, while it builds its indexes, and checks each time that
// nothing was lost:
//
//   node --import tsx scripts/kill-campaign.ts [--indexes] [kills] [seed]

import { seededRandom } from '../src/base/ports/seeded-random.ts'
import { chainBench } from '../test/chain-bench.ts'
import { indexKillCampaign } from '../test/functional/index-kill-campaign.ts'
import { killCampaign } from '../test/functional/kill-campaign.ts'

const words = process.argv.slice(2)
const numbers = words.filter(word => word !== '--indexes')
const ofIndexes = words.length > numbers.length
const kills = Number(numbers[0] ?? (ofIndexes ? 100 : 300))
const seed = Number(numbers[1] ?? Date.now() % 1_000_000)
const chain = chainBench()
if (chain === undefined) {
  console.error('no test data at ../shared/fixtures')
  process.exit(1)
}
console.log(`seed ${seed}`)
const random = seededRandom(seed)
const progress = (text: string): void => {
  process.stdout.write(`\r${text}   `)
}
if (ofIndexes) {
  const report = await indexKillCampaign(kills, random, progress)
  console.log(
    `\n${report.kills} kills, ${report.killsWhileBuilding} of them while an index was being built, ${report.chains} chains finished ` +
      'with the right indexes',
  )
} else {
  const report = await killCampaign(chain, kills, random, progress)
  console.log(
    `\n${report.kills} kills, ${report.chains} chains finished with the right coins, ` +
      `${report.acknowledged} acknowledged blocks looked for and found`,
  )
}
