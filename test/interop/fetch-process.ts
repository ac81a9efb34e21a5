import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SwarmClient } from '../../src/node/swarm/swarm-client.ts'

/** Entry of the process that is killed: fetches a torrent, tells its parent how far it is, and may be told where to end as if killed. */
const [torrentFile, folder, port, host = '127.0.0.1', downloadLimit, killAtBytes] = process.argv.slice(2)
const client = await SwarmClient.open({
  stateFolder: join(folder, '.state'),
  hashThreads: 1,
  ...(downloadLimit !== undefined && { downloadLimit: Number(downloadLimit) }),
})
const torrent = await client.add(new Uint8Array(await readFile(torrentFile)), {
  folder,
  peers: [{ host, port: Number(port) }],
})
const report = (isDone: boolean) => process.send!({ gotBytes: torrent.core.download.total, isDone })
const killSelf = () => process.kill(process.pid, 'SIGKILL')
const reporter = setInterval(() => {
  report(false)
  // By itself, for its parent may be late on a busy machine.
  if (killAtBytes !== undefined && torrent.core.download.total >= Number(killAtBytes)) killSelf()
}, 5)
await torrent.done()
clearInterval(reporter)
report(true)
await client.close()
process.disconnect()
