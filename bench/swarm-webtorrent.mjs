// One WebTorrent side of the swarm's bench, with the words of swarm-process.mjs. WebTorrent is installed for test/interop alone.
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'

const { default: WebTorrent } = await import('../test/interop/webtorrent/node_modules/webtorrent/index.js')
const [mode, path, torrentFile, ...words] = process.argv.slice(2)
const options = Object.fromEntries(words.map(word => word.split('=')))
const print = line => console.log(JSON.stringify(line))
const client = new WebTorrent({
  dht: false,
  lsd: false,
  utp: false,
  natUpnp: false,
  natPmp: false,
  secure: false,
  tracker: false,
  ...(options.up && { uploadLimit: Number(options.up) }),
})
const cpuAtStart = process.cpuUsage()
const started = performance.now()
const torrent = client.add(await readFile(torrentFile), { path, skipVerify: mode === 'seed' })

function cost() {
  const { user, system } = process.cpuUsage(cpuAtStart)
  return { cpuSeconds: (user + system) / 1e6, memoryBytes: 1024 * process.resourceUsage().maxRSS }
}

torrent.on('ready', () =>
  setImmediate(() => {
    print({ port: client.torrentPort })
    for (const peer of options.peer?.split(',') ?? []) torrent.addPeer(peer)
  }),
)
if (mode === 'get') {
  let firstByteSeconds
  torrent.once('download', () => {
    firstByteSeconds = performance.now() / 1000
  })
  torrent.once('done', () =>
    print({ done: true, seconds: (performance.now() - started) / 1000, firstByteSeconds, ...cost() }),
  )
}
const lines = createInterface({ input: process.stdin })
lines.on('line', line => torrent.addPeer(line))
lines.on('close', () => {
  print({ ...cost(), uploadedBytes: torrent.uploaded })
  client.destroy(() => process.exit())
})
