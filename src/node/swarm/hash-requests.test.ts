import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { encodeHandshake } from '../../bittorrent/wire/handshake.ts'
import type { HashesMessage, HashRange } from '../../bittorrent/wire/hash-messages.ts'
import { MessageReader, type MessageSink } from '../../bittorrent/wire/message-reader.ts'
import { MessageWriter } from '../../bittorrent/wire/message-writer.ts'
import { SwarmClient } from './swarm-client.ts'

const root = await mkdtemp(join(tmpdir(), 'peers-hashes-'))
const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 11 + (i >> 7)) & 255))
const path = join(root, 'film.bin')
await writeFile(path, bytes)
const clients: SwarmClient[] = []

async function open(listens: boolean): Promise<SwarmClient> {
  const stateFolder = join(root, `${clients.length}`)
  const client = await SwarmClient.open({ stateFolder, hashThreads: 1, host: '127.0.0.1', ...(listens && { port: 0 }) })
  clients.push(client)
  return client
}

after(async () => {
  await Promise.all(clients.map(client => client.close()))
  await rm(root, { recursive: true })
})

test('BEP 52: a peer gets the leaves of a file that we have', async () => {
  const seeder = await open(true)
  const { torrent } = await seeder.seed(path, { version: 'v2', pieceLength: 65_536 })
  const file = torrent.info!.files[0]
  const socket = connect(seeder.port!, '127.0.0.1')
  const infohash = torrent.core.wireInfohash
  socket.write(
    encodeHandshake({
      infohash,
      peerId: new Uint8Array(20).fill(7),
      extensions: false,
      fast: true,
      dht: false,
      v2: true,
    }),
  )
  const ask = (change: Partial<HashRange>) => {
    const writer = new MessageWriter()
    writer.hashRequest({ piecesRoot: file.piecesRoot!, baseLayer: 0, index: 4, length: 4, proofLayers: 4, ...change })
    socket.write(writer.take()!)
  }
  const answers: (HashesMessage | 'refused')[] = []
  const answered = new Promise<void>(resolve => {
    const take = (answer: HashesMessage | 'refused') => {
      if (answers.push(answer) === 2) resolve()
    }
    const sink = new Proxy({} as MessageSink, {
      get: (_, name) => (name === 'onHashes' ? take : name === 'onHashReject' ? () => take('refused') : () => {}),
    })
    const reader = new MessageReader(sink)
    socket.on('data', data => reader.push(new Uint8Array(data), 0, data.length))
  })
  ask({})
  ask({ piecesRoot: new Uint8Array(32) })
  await answered
  socket.destroy()
  assert.ok(answers.includes('refused'))
  const { hashes } = answers.find(answer => answer !== 'refused') as HashesMessage
  const expected = [4, 5, 6, 7].map(i =>
    createHash('sha256')
      .update(bytes.subarray(16_384 * i, 16_384 * (i + 1)))
      .digest(),
  )
  assert.ok(Buffer.concat(expected).equals(hashes.subarray(0, 128)), 'other leaves')
  // Nineteen leaves make a tree of five levels; two of them are below the four leaves, and the root is known.
  assert.equal(hashes.length, 32 * (4 + 3))
})

test('a hybrid that came by magnet gets its piece layers, too, and gives them on', async () => {
  const [seeder, second, third] = [await open(true), await open(true), await open(false)]
  const { torrent } = await seeder.seed(path, { version: 'hybrid', pieceLength: 65_536 })
  const at = (client: SwarmClient) => [{ host: '127.0.0.1', port: client.port! }]
  const fetched = await second.add(torrent.magnet, { folder: join(root, 'out'), peers: at(seeder) })
  await fetched.done()
  assert.deepEqual([...fetched.core.layers.keys()], [...torrent.core.layers.keys()])
  await seeder.close()
  const last = await third.add(torrent.magnet, { folder: join(root, 'out 2'), peers: at(second) })
  await last.done()
  assert.deepEqual([...last.core.layers.keys()], [...torrent.core.layers.keys()])
})
