import assert from 'node:assert/strict'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ALBUM, addressOf, assertSameFiles, reaches, SwarmBench } from '../../../test/swarm-fixtures.ts'
import { encodeHandshake } from '../../bittorrent/wire/handshake.ts'

const bench = await SwarmBench.create('pause')
after(() => bench.close())

test('a torrent that begins paused calls nobody, and goes on when it is told to', async () => {
  const [album, seeder] = [await bench.album(), await bench.client()]
  const { torrent, metainfo } = await seeder.seed(album, { version: 'hybrid', pieceLength: 32_768 })
  for (const source of [metainfo, torrent.magnet]) {
    const leecher = await bench.client()
    const folder = bench.folder()
    const fetched = await leecher.add(source, { folder, peers: addressOf(seeder), paused: true })
    assert.deepEqual([fetched.state, fetched.isHeld], ['paused', true])
    // Nobody is called, and whoever calls is not let in.
    assert.deepEqual([fetched.wantsPeers, leecher.route(fetched.core.wireInfohash)], [false, undefined])
    fetched.tick(performance.now())
    assert.deepEqual([fetched.connections.size, torrent.connections.size], [0, 0])
    fetched.resume()
    await fetched.done()
    await assertSameFiles(album, join(folder, 'album'))
  }
})

test('a paused torrent parts from its peers, keeps what it has, and remembers nothing wrong', async () => {
  const [album, seeder] = [await bench.album(), await bench.client({ uploadLimit: 1_500_000 })]
  const { torrent, metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 16_384 })
  const folder = bench.folder()
  const fetched = await (await bench.client()).add(metainfo, { folder, peers: addressOf(seeder) })
  await once(fetched, 'piece')
  fetched.pause()
  assert.deepEqual([fetched.state, fetched.error], ['paused', undefined])
  if (torrent.connections.size > 0) await once(torrent, 'peer')
  assert.equal(torrent.connections.size, 0)
  const had = fetched.core.picker!.have.count
  const again: number[] = []
  fetched.on('piece', piece => again.push(piece))
  fetched.resume()
  await fetched.done()
  assert.ok(again.length <= fetched.info!.pieceCount - had, `${again.length} pieces after ${had}`)
  await assertSameFiles(album, join(folder, 'album'))
})

test('a seed that is paused serves nobody', async () => {
  const [album, seeder, leecher] = [await bench.album(), await bench.client(), await bench.client()]
  const { torrent, metainfo } = await seeder.seed(album, { version: 'v2', pieceLength: 32_768 })
  torrent.pause()
  const fetched = await leecher.add(metainfo, { folder: bench.folder(), peers: addressOf(seeder) })
  assert.equal(seeder.route(torrent.core.wireInfohash), undefined)
  torrent.resume()
  await reaches(torrent, 'seeding')
  fetched.core.candidates.add(addressOf(seeder)[0], 'user')
  torrent.core.candidates.add(addressOf(leecher)[0], 'user')
  await fetched.done()
})

for (const how of ['paused', 'removed'] as const) {
  test(`whoever answers a call of a torrent that was ${how} meanwhile is served nothing`, async () => {
    const [album, seeder] = [await bench.album(), await bench.client()]
    const { torrent } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    torrent.core.candidates.add({ host: '127.0.0.1', port }, 'user')
    const [socket] = (await once(server, 'connection')) as [Socket]
    socket.on('error', () => {})
    if (how === 'paused') torrent.pause()
    else await seeder.remove(torrent)
    const answer = { infohash: torrent.core.wireInfohash, peerId: new Uint8Array(20) }
    socket.write(encodeHandshake({ ...answer, extensions: false, fast: false, dht: false, v2: false }))
    let heard = 0
    socket.on('data', data => {
      heard += data.length
    })
    await once(socket, 'close')
    // Its own handshake, and no word of what it has.
    assert.deepEqual([heard, torrent.connections.size], [68, 0])
    server.close()
  })
}

test('who called and left is called back, but a seed does not call seeds again and again', async () => {
  const [seeder, leecher] = [await bench.client({ uploadLimit: 1_500_000 }), await bench.client()]
  const { torrent, metainfo } = await seeder.seed(await bench.album(), { version: 'v1', pieceLength: 16_384 })
  const fetched = await leecher.add(metainfo, { folder: bench.folder(), paused: true })
  const { candidates } = torrent.core
  const [address] = addressOf(leecher)
  const calls = (inMs: number) => {
    const next = candidates.next(performance.now() + inMs)
    if (next !== undefined) candidates.postpone(address, performance.now())
    return next !== undefined
  }
  candidates.add(address, 'tracker')
  assert.ok(calls(0))
  fetched.resume()
  fetched.core.candidates.add(addressOf(seeder)[0], 'user')
  await once(fetched, 'piece')
  assert.ok(!calls(3_600_000), 'is connected already')
  fetched.pause()
  while (torrent.connections.size > 0) await once(torrent, 'peer')
  assert.ok(calls(60_000), 'has left')
  fetched.resume()
  await fetched.done()
  while (torrent.connections.size > 0) await once(torrent, 'peer')
  for (let parted = 0; parted < 2; parted++) {
    assert.deepEqual([calls(60_000), calls(3_600_000)], [false, true])
    const left = new Promise<void>(resolve => torrent.on('peer', (_, what) => what === 'left' && resolve()))
    candidates.ended(address, 'spoke', performance.now() - 60_000)
    await left
  }
})

test('room is set aside before the first byte comes', async () => {
  const [album, seeder] = [await bench.album(), await bench.client()]
  const { metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
  const client = await bench.client()
  const folder = bench.folder()
  const states: string[] = []
  const adding = client.add(metainfo, { folder, preallocate: true })
  client.torrents[0].on('state', state => states.push(state))
  const allocated: number[] = []
  client.torrents[0].on('allocated', done => allocated.push(done))
  const fetched = await adding
  assert.deepEqual(states, ['allocating', 'downloading'])
  assert.equal(allocated.at(-1), fetched.info!.totalSize)
  for (const [name, length] of Object.entries(ALBUM)) {
    const { size, blocks } = await stat(join(folder, 'album', name))
    assert.equal(size, length)
    assert.ok(blocks * 512 >= length, `${name} has ${blocks} blocks`)
  }
  assert.equal(fetched.core.picker!.have.count, 0)
  fetched.core.candidates.add(addressOf(seeder)[0], 'user')
  await fetched.done()
  await assertSameFiles(album, join(folder, 'album'))
})
