import assert from 'node:assert/strict'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ALBUM, addressOf, assertSameFiles, reaches, SwarmBench } from '../../../test/swarm-fixtures.ts'

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
