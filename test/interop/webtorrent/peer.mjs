// One WebTorrent peer for the tests, with the words of ../libtorrent-peer.py:
//
//   seed FOLDER TORRENT             prints {"port": N}, seeds until its input ends
//   get FOLDER TORRENT|MAGNET PEER  prints {"done": true} once all is there; PEER may be none
//
// After those: only=0,3 (files), up=BYTES, port=N, tracker (announces). It listens at every address, so that host=ADDRESS says nothing new.
import { readFile } from 'node:fs/promises'
import WebTorrent from 'webtorrent'

const [mode, path, source, ...rest] = process.argv.slice(2)
const peer = mode === 'get' ? rest.shift() : 'none'
const options = Object.fromEntries(rest.map(word => word.split('=')))
const client = new WebTorrent({
  dht: false,
  lsd: false,
  utp: false,
  natUpnp: false,
  natPmp: false,
  secure: false,
  tracker: 'tracker' in options ? { wrtc: false } : false,
  ...(options.port && { torrentPort: Number(options.port) }),
  ...(options.up && { uploadLimit: Number(options.up) }),
})
const fail = error => {
  console.error(error)
  process.exit(1)
}
client.on('error', fail)
const torrent = client.add(source.startsWith('magnet:') ? source : await readFile(source), {
  path,
  ...(options.only && { deselect: true }),
})
torrent.on('error', fail)
if (mode === 'seed') {
  torrent.on('done', () => console.log(JSON.stringify({ port: client.torrentPort })))
} else {
  // It mishandles whoever comes while it looks at its files; a magnet link has none to look at yet.
  torrent.on(source.startsWith('magnet:') ? 'infoHash' : 'ready', () =>
    setImmediate(() => {
      console.log(JSON.stringify({ port: client.torrentPort }))
      if (peer !== 'none') torrent.addPeer(peer)
    }),
  )
  torrent.on('metadata', () => {
    if (options.only) for (const index of options.only.split(',')) torrent.files[Number(index)].select()
  })
  const isDone = () =>
    options.only ? options.only.split(',').every(index => torrent.files[Number(index)]?.done) : torrent.done
  const poll = setInterval(() => {
    if (!torrent.ready || !isDone()) return
    clearInterval(poll)
    console.log(JSON.stringify({ done: true }))
  }, 20)
}
process.stdin.resume()
process.stdin.on('end', () => client.destroy(() => process.exit()))
