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
const { SwarmClient } = await import(join(dist, 'node/swarm/swarm-client.js'))
const { parseAddress } = await import(join(dist, 'node/swarm/parse-address.js'))

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
  watched.stop()
  print({ ...cost(), uploadedBytes: torrent.core.upload.total, ...('rates' in options && { rates: rates() }) })
  await client.close()
  process.exit()
})

/** What is sent by a seed, or received by a fetch. */
const meter = mode === 'get' ? torrent.core.download : torrent.core.upload
let firstByteMs
const watched = watchBytes(meter, 'rates' in options ? 10 : 2, () => {
  firstByteMs = performance.now()
  if (!('rates' in options)) watched.stop()
})

if (mode === 'get') {
  await torrent.done()
  watched.stop()
  print({
    done: true,
    seconds: (performance.now() - started) / 1000,
    firstByteSeconds: firstByteMs / 1000,
    ...cost(),
    ...('rates' in options && { rates: rates() }),
  })
}

/** Notes what has moved by when, from the first byte on. */
function watchBytes(meter, everyMs, onFirst) {
  const samples = []
  const watch = setInterval(() => {
    if (meter.total === 0) return
    if (samples.length === 0) onFirst()
    samples.push([performance.now(), meter.total])
  }, everyMs)
  return { samples, stop: () => clearInterval(watch) }
}

/** Bytes a second in each window of a second while they moved. */
function rates() {
  const samples = watched.samples.filter(([, bytes]) => bytes < meter.total)
  const found = []
  let from = 0
  for (const [ms, bytes] of samples) {
    while (samples[from + 1][0] <= ms - 1000) from++
    const [fromMs, fromBytes] = samples[from]
    if (ms - fromMs >= 1000) found.push(((bytes - fromBytes) * 1000) / (ms - fromMs))
  }
  return found
}
