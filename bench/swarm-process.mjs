// One side of the swarm's bench, out of dist/. All sides speak the same words:
//
//   seed|get FOLDER TORRENT [peer=HOST:PORT,…] [up=BYTES] [down=BYTES] [super] [rates] [state=FOLDER]
//
// It prints {"port"} once it listens and, where it fetches, what that took once all is there. Each line of its input is a peer to
// call, `HOST:PORT`; when its input ends, it prints what it took in all.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const dist = process.env.PEERS_DIST ?? new URL('../dist/', import.meta.url).pathname
const { parseAddress, SwarmClient } = await import(join(dist, 'node/swarm/swarm-client.js'))

const [mode, folder, torrentFile, ...words] = process.argv.slice(2)
const options = Object.fromEntries(words.map(word => word.split('=')))
const print = line => console.log(JSON.stringify(line))
const metainfo = new Uint8Array(await readFile(torrentFile))

const client = await SwarmClient.open({
  port: 0,
  host: '127.0.0.1',
  stateFolder: options.state ?? join(folder, '.state'),
  ...(options.up && { uploadLimit: Number(options.up) }),
  ...(options.down && { downloadLimit: Number(options.down) }),
})
const cpuAtStart = process.cpuUsage()
const started = performance.now()
const torrent = await client.add(metainfo, {
  folder,
  trustFiles: mode === 'seed',
  superSeed: 'super' in options,
  peers: options.peer?.split(',').map(parseAddress) ?? [],
})
print({ port: client.port })

function cost() {
  const { user, system } = process.cpuUsage(cpuAtStart)
  return { cpuSeconds: (user + system) / 1e6, memoryBytes: 1024 * process.resourceUsage().maxRSS }
}

const lines = createInterface({ input: process.stdin })
lines.on('line', line => torrent.core.candidates.add(parseAddress(line), 'user'))
lines.on('close', async () => {
  print({ ...cost(), uploadedBytes: torrent.core.upload.total })
  await client.close()
  process.exit()
})

if (mode === 'get') {
  let firstByteMs
  /** Received bytes by time, from the first on. */
  const samples = []
  const watch = setInterval(
    () => {
      const bytes = torrent.core.download.total
      if (bytes === 0) return
      firstByteMs ??= performance.now()
      if (!('rates' in options)) clearInterval(watch)
      samples.push([performance.now(), bytes])
    },
    'rates' in options ? 20 : 2,
  )
  await torrent.done()
  clearInterval(watch)
  print({
    done: true,
    seconds: (performance.now() - started) / 1000,
    firstByteSeconds: firstByteMs / 1000,
    ...cost(),
    ...('rates' in options && { rates: rates(samples) }),
  })
}

/** Bytes a second in each window of a second, from the first byte on. */
function rates(samples) {
  const found = []
  let from = 0
  for (const [ms, bytes] of samples) {
    while (samples[from + 1][0] <= ms - 1000) from++
    const [fromMs, fromBytes] = samples[from]
    if (ms - fromMs >= 1000) found.push(((bytes - fromBytes) * 1000) / (ms - fromMs))
  }
  return found
}
