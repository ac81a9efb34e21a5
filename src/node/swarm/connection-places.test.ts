import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { noise, SwarmBench } from '../../../test/swarm-fixtures.ts'
import { encodeHandshake } from '../../bittorrent/wire/handshake.ts'
import { CONNECTION_LIMITS, ConnectionPlaces } from './connection-places.ts'
import type { SwarmClient } from './swarm-client.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'

const bench = await SwarmBench.create('places')
const sockets = new Set<Socket>()
after(async () => {
  for (const socket of sockets) socket.destroy()
  await bench.close()
})

async function torrentOf(client: SwarmClient, seed: number): Promise<SwarmTorrent> {
  const path = bench.folder()
  await writeFile(path, noise(20_000, seed))
  return (await client.seed(path, { version: 'v1' })).torrent
}

function handshakeFor(torrent: SwarmTorrent, number: number): Uint8Array {
  const peerId = new Uint8Array(20).fill(number)
  return encodeHandshake({
    infohash: torrent.core.wireInfohash,
    peerId,
    extensions: false,
    fast: false,
    dht: false,
    v2: false,
  })
}

/** Calls a client about a torrent; whether it was let in. */
async function call(client: SwarmClient, torrent: SwarmTorrent, number: number): Promise<boolean> {
  const socket = connect(client.port!, '127.0.0.1')
  sockets.add(socket)
  socket.on('error', () => {})
  socket.write(handshakeFor(torrent, number))
  return Promise.race([once(socket, 'data').then(() => true), once(socket, 'close').then(() => false)])
}

/** A port where somebody shakes hands about one torrent. */
async function listener(torrent: SwarmTorrent, number: number): Promise<number> {
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => socket.write(handshakeFor(torrent, number)))
  })
  server.unref()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}

test('a torrent takes so many peers that call, and another still takes its own', async () => {
  const client = await bench.client({ connectionsPerTorrentMax: 3 })
  const [full, other] = [await torrentOf(client, 1), await torrentOf(client, 2)]
  const isIn: boolean[] = []
  for (let peer = 1; peer <= 5; peer++) isIn.push(await call(client, full, peer))
  assert.deepEqual(isIn, [true, true, true, false, false])
  assert.equal(await call(client, other, 6), true)
  assert.equal(full.connections.size, 3)
})

test('one address takes so many places, whatever it asks for, and gets them again once they are free', async () => {
  const client = await bench.client({ connectionsPerNeighbourMax: 2 })
  const [first, second] = [await torrentOf(client, 1), await torrentOf(client, 2)]
  const isIn = [await call(client, first, 1), await call(client, second, 2), await call(client, second, 3)]
  assert.deepEqual(isIn, [true, true, false])
  const caller = [...sockets].find(socket => socket.remotePort === client.port)!
  const left = once(first, 'peer')
  caller.destroy()
  await left
  assert.equal(await call(client, second, 4), true)
})

test('calls of ours count like those of others', async () => {
  const client = await bench.client({ connectionsPerTorrentMax: 2 })
  const torrent = await torrentOf(client, 1)
  const joined: number[] = []
  const isFull = new Promise<void>(resolve => {
    torrent.on('peer', ({ port }, change) => change === 'joined' && joined.push(port) === 2 && resolve())
  })
  for (let peer = 1; peer <= 4; peer++) {
    torrent.core.candidates.add({ host: '127.0.0.1', port: await listener(torrent, peer) }, 'user')
  }
  await isFull
  assert.equal(await call(client, torrent, 9), false)
  assert.equal(client.connectionCount, 2)
})

test('hosts that have all their places are not called', async () => {
  const client = await bench.client({ connectionsPerNeighbourMax: 1 })
  const torrent = await torrentOf(client, 1)
  const joined = once(torrent, 'peer')
  for (let peer = 1; peer <= 30; peer++) {
    torrent.core.candidates.add({ host: '127.0.0.1', port: await listener(torrent, peer) }, 'user')
  }
  await joined
  assert.equal(client.connectionCount, 1)
})

test('each torrent gets its share of the places, and one that comes late gets it from those that have more', async () => {
  const client = await bench.client({ connectionsMax: 6 })
  const torrents = [await torrentOf(client, 1), await torrentOf(client, 2)]
  const settled = (counts: number[]) =>
    new Promise<void>(resolve => {
      const look = () => {
        const found = torrents.map(torrent => torrent.connections.size)
        if (JSON.stringify(found) === JSON.stringify(counts)) resolve()
      }
      for (const torrent of torrents) torrent.on('peer', look)
    })
  const equal = settled([3, 3])
  for (const [index, torrent] of torrents.entries()) {
    for (let peer = 1; peer <= 8; peer++) {
      torrent.core.candidates.add({ host: '127.0.0.1', port: await listener(torrent, 10 * index + peer) }, 'user')
    }
  }
  await equal
  torrents.push(await torrentOf(client, 3))
  const shared = settled([2, 2, 2])
  for (let peer = 1; peer <= 8; peer++) {
    torrents[2].core.candidates.add({ host: '127.0.0.1', port: await listener(torrents[2], 20 + peer) }, 'user')
  }
  await shared
})

test('all that comes from one network of IPv6 is one host; neighbours share an address', () => {
  const places = new ConnectionPlaces<object, object>({ ...CONNECTION_LIMITS, connectionsPerHostMax: 2 })
  const first = {}
  places.take(first, '2a00:1:2:3::1')
  places.take({}, '2a00:1:2:3:ffff::2')
  assert.equal(places.isHostFull('2a00:1:2:3:4:5:6:7'), true)
  assert.equal(places.isHostFull('2a00:1:2:4::1'), false)
  places.give(first)
  places.give(first)
  assert.equal(places.isHostFull('2a00:1:2:3:4:5:6:7'), false)
  for (let i = 0; i < 3; i++) {
    places.take({}, '8.8.8.8')
    places.take({}, '192.168.0.7')
  }
  assert.deepEqual([places.isHostFull('8.8.8.8'), places.isHostFull('192.168.0.7')], [true, false])
})
