// A node on real sockets with 25 honest peers and 100 hostile ones, for two minutes or as long as it is said:
//
//   node --import tsx scripts/hostile-sockets.ts [seconds] [seed]
//
// Needs a build in dist/.
import { hostileSockets } from '../test/functional/hostile-sockets.ts'

const BLOCK_EVERY_MS = 2000
const seconds = Number(process.argv[2] ?? 120)
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000)
console.log(`seed ${seed}`)
const report = await hostileSockets(1000 * seconds, {
  blockEveryMs: BLOCK_EVERY_MS,
  seed,
  progress: text => process.stdout.write(`\r${text}   `),
})
const { blocks, blockMsMax, blockMsMean, peakMemoryBytes, delayP99Ms, delayMaxMs, honestLost, connectionsMax } = report
console.log(
  `\n${blocks} honest blocks: the tip after ${blockMsMean.toFixed(0)} ms on average, ${blockMsMax.toFixed(0)} ms at most`,
)
console.log(`peak memory ${(peakMemoryBytes / 2 ** 20).toFixed(0)} MiB`)
console.log(`event-loop delay p99 ${delayP99Ms.toFixed(1)} ms, at most ${delayMaxMs.toFixed(1)} ms`)
console.log(`${connectionsMax} connections at most; honest peers lost theirs ${honestLost} times`)
for (const { kind, connections, sentBytes } of report.kinds) {
  console.log(
    `  ${kind.padEnd(16)} ${String(connections).padStart(7)} connections ${(sentBytes / 1e6).toFixed(1).padStart(9)} MB sent`,
  )
}
