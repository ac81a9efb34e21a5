// One side of the swarm's bench, out of dist/: `seed FOLDER TORRENT` prints its port and, once its input ends, what it took;
// `get FOLDER TORRENT HOST:PORT` fetches and prints what it took. The same words as test/interop/libtorrent-peer.py.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const dist = process.env.PEERS_DIST ?? new URL('../dist/', import.meta.url).pathname
const { parseAddress, SwarmClient } = await import(join(dist, 'node/swarm/swarm-client.js'))

const [mode, folder, torrentFile, peer] = process.argv.slice(2)
const cpuAtStart = process.cpuUsage()

function cost() {
  const { user, system } = process.cpuUsage(cpuAtStart)
  return { cpuSeconds: (user + system) / 1e6, memoryBytes: 1024 * process.resourceUsage().maxRSS }
}

const metainfo = new Uint8Array(await readFile(torrentFile))
const client = await SwarmClient.open({
  ...(mode === 'seed' && { port: 0 }),
  host: '127.0.0.1',
  stateFolder: join(folder, `.state-${mode}`),
})
if (mode === 'seed') {
  await client.add(metainfo, { folder, trustFiles: true })
  console.log(JSON.stringify({ port: client.port }))
  for await (const _ of process.stdin);
  console.log(JSON.stringify(cost()))
} else {
  const started = performance.now()
  const torrent = await client.add(metainfo, { folder, peers: [parseAddress(peer)] })
  let firstPieceSeconds
  torrent.once('piece', () => {
    firstPieceSeconds = (performance.now() - started) / 1000
  })
  await torrent.done()
  const seconds = (performance.now() - started) / 1000
  console.log(JSON.stringify({ done: true, seconds, firstPieceSeconds, ...cost() }))
}
await client.close()
process.exit()
