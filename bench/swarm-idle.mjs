// Seeds very many small torrents out of dist/ and prints what that takes: `FOLDER COUNT`.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const dist = process.env.PEERS_DIST ?? new URL('../dist/', import.meta.url).pathname
const { SwarmClient } = await import(join(dist, 'node/swarm/swarm-client.js'))

/** What the processor does for nobody is watched for so long. */
const WATCHED_MS = 5000

const [folder, count] = process.argv.slice(2)
const client = await SwarmClient.open({ port: 0, host: '127.0.0.1', stateFolder: join(folder, '.state') })
for (let i = 0; i < Number(count); i++) {
  const path = join(folder, `${i}.txt`)
  await writeFile(path, `torrent ${i}\n`.repeat(100))
  await client.seed(path, { version: 'hybrid' })
}
const residentAtMost = 1024 * process.resourceUsage().maxRSS
const before = process.cpuUsage()
await wait(WATCHED_MS)
const { user, system } = process.cpuUsage(before)
const status = await readFile('/proc/self/status', 'utf8')
const residentBytes = 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)[1])
const cpuPercent = ((user + system) / 1000 / WATCHED_MS) * 100
console.log(JSON.stringify({ residentBytes, peakBytes: residentAtMost, cpuPercent }))
process.exit()
