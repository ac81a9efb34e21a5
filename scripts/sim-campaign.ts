// Runs simulated worlds, one for each seed, and tells which of them went wrong.
//
//   node --import tsx scripts/sim-campaign.ts [worlds] [first seed] [--story]
import { runTroubledWorld } from '../src/testing/troubled-world.ts'

const story = process.argv.includes('--story')
const [count = 5000, first = 1] = process.argv
  .slice(2)
  .filter(word => !word.startsWith('-'))
  .map(Number)
const began = performance.now()
const failed: number[] = []
for (let seed = first; seed < first + count; seed++) {
  const report = await runTroubledWorld(seed)
  if (report.faults.length > 0) {
    failed.push(seed)
    console.log(`seed ${seed}: ${report.faults.join('; ')}`)
  }
  if (story) console.log(report)
  const done = seed - first + 1
  if (done % 100 === 0) console.log(`${done} worlds, ${failed.length} wrong, ${seconds()} s`)
}
console.log(
  `${count} worlds from seed ${first}: ${count - failed.length} right, ${failed.length} wrong, ${seconds()} s`,
)
if (failed.length > 0) console.log(`wrong: ${failed.join(' ')}`)
process.exitCode = failed.length > 0 ? 1 : 0

function seconds(): string {
  return ((performance.now() - began) / 1000).toFixed(1)
}
