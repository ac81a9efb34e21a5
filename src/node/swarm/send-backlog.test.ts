import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { addressOf, assertSameFiles, SwarmBench } from '../../../test/swarm-fixtures.ts'
import { encodeHandshake } from '../../bittorrent/wire/handshake.ts'
import type { PeerConnection } from './peer-connection.ts'
import { BACKLOG_LIMITS, type BackloggedSocket, SendBacklog } from './send-backlog.ts'

const bench = await SwarmBench.create('backlog')
const ends: Socket[] = []
const server = createServer({ pauseOnConnect: true }, socket => ends.push(socket)).listen(0, '127.0.0.1')
await once(server, 'listening')
after(async () => {
  for (const end of ends) end.destroy()
  server.close()
  await bench.close()
})

/** Our end of a connection to somebody who does not read; what the system takes for him is filled. */
class DeafPeer implements BackloggedSocket {
  readonly socket: Socket
  readonly codes: string[] = []

  constructor(socket: Socket) {
    this.socket = socket
  }

  static async open(): Promise<DeafPeer> {
    const { port } = server.address() as { port: number }
    const socket = connect(port, '127.0.0.1')
    ends.push(socket)
    await once(socket, 'connect')
    socket.on('error', () => {})
    const peer = new DeafPeer(socket)
    while (peer.waitingBytes === 0) {
      socket.write(Buffer.alloc(65_536))
      await new Promise(setImmediate)
    }
    return peer
  }

  get waitingBytes(): number {
    return this.socket.writableLength
  }

  close(code: string): void {
    this.codes.push(code)
    this.socket.destroy()
  }
}

test('whoever lets most wait goes first, until the others have room', async () => {
  const peers = [await DeafPeer.open(), await DeafPeer.open(), await DeafPeer.open()]
  const write = (peer: DeafPeer, bytes: number) => peer.socket.write(Buffer.alloc(bytes))
  write(peers[1], 500_000)
  const before = peers.reduce((sum, peer) => sum + peer.waitingBytes, 0)
  const backlog = new SendBacklog({ bytesMax: before, allBytesMax: before + 10_000 })
  for (const peer of peers) backlog.written(peer)
  assert.equal(backlog.totalBytes, before)
  write(peers[0], 20_000)
  backlog.written(peers[0])
  assert.deepEqual(
    peers.map(({ codes }) => codes),
    [[], ['peer-does-not-read'], []],
  )
  assert.equal(backlog.totalBytes, peers[0].waitingBytes + peers[2].waitingBytes)
  // Nobody may have more than his own, however much room there is.
  write(peers[2], before)
  backlog.written(peers[2])
  assert.deepEqual(peers[2].codes, ['peer-does-not-read'])
  backlog.gone(peers[0])
  assert.equal(backlog.totalBytes, 0)
})

test('a peer that does not read what we say is left, while another is served', async () => {
  const album = await bench.album()
  const [seeder, leecher] = [await bench.client(), await bench.client()]
  const { torrent, metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 65_536 })
  const deaf = connect(seeder.port!, '127.0.0.1')
  ends.push(deaf)
  deaf.on('error', () => {})
  const infohash = torrent.core.wireInfohash
  const peerId = new Uint8Array(20).fill(7)
  deaf.write(encodeHandshake({ infohash, peerId, extensions: false, fast: true, dht: false, v2: false }))
  await once(torrent, 'peer')
  deaf.pause()
  const [connection] = torrent.connections.values() as Iterable<PeerConnection>
  const message = new Uint8Array(50_000)
  let waited = 0
  const left = once(torrent, 'peer')
  while (torrent.connections.size > 0) {
    waited = Math.max(waited, connection.waitingBytes)
    connection.session!.out.extended(1, message)
    torrent.settle()
    await new Promise(setImmediate)
  }
  assert.deepEqual((await left).slice(1), ['left', 'peer-does-not-read'])
  assert.ok(waited > 500_000 && waited <= BACKLOG_LIMITS.bytesMax, `${waited} bytes`)
  assert.equal(seeder.backlog.totalBytes, 0)
  const folder = bench.folder()
  const fetched = await leecher.add(metainfo, { folder, peers: addressOf(seeder) })
  await fetched.done()
  await assertSameFiles(album, `${folder}/album`)
})
