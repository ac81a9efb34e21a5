import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { addressOf, assertSameFiles, SwarmBench } from '../../../test/swarm-fixtures.ts'
import type { TorrentVersion } from '../../bittorrent/metainfo/create-metainfo.ts'
import { SwarmClient } from './swarm-client.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'

const bench = await SwarmBench.create('swarm')
after(() => bench.close())

async function finished(torrent: SwarmTorrent): Promise<void> {
  await torrent.done()
  assert.equal(torrent.state, 'seeding')
}

for (const version of ['v1', 'v2', 'hybrid'] as const satisfies TorrentVersion[]) {
  for (const by of ['torrent', 'magnet'] as const) {
    test(`a ${version} folder goes from one client to another, by ${by}`, async () => {
      const album = await bench.album()
      const [seeder, leecher] = [await bench.client(), await bench.client()]
      const { torrent, metainfo } = await seeder.seed(album, { version, pieceLength: 65_536 })
      const folder = bench.folder()
      const fetched = await leecher.add(by === 'torrent' ? metainfo : torrent.magnet, {
        folder,
        peers: addressOf(seeder),
      })
      await finished(fetched)
      await assertSameFiles(album, join(folder, 'album'))
      assert.equal(fetched.info!.files.filter(file => !file.padding).length, 5)
    })
  }
}

test('pieces are told one by one, each once', async () => {
  const album = await bench.album()
  const [seeder, leecher] = [await bench.client(), await bench.client()]
  const { metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 16_384 })
  const fetched = await leecher.add(metainfo, { folder: bench.folder(), peers: addressOf(seeder) })
  const pieces: number[] = []
  for await (const piece of fetched.pieces()) pieces.push(piece)
  assert.deepEqual(
    pieces.toSorted((a, b) => a - b),
    Array.from({ length: fetched.info!.pieceCount }, (_, i) => i),
  )
})

test('files that nobody asked for are never created', async () => {
  for (const version of ['v1', 'hybrid'] as const) {
    const album = await bench.album()
    const [seeder, leecher] = [await bench.client(), await bench.client()]
    const { metainfo } = await seeder.seed(album, { version, pieceLength: 262_144 })
    const folder = bench.folder()
    const fetched = await leecher.add(metainfo, { folder, peers: addressOf(seeder), only: path => path === 'b/c.bin' })
    await finished(fetched)
    await assertSameFiles(album, join(folder, 'album'), ['b/c.bin'])
    assert.deepEqual(await readdir(join(folder, 'album')), ['b'])
    assert.deepEqual(await readdir(join(folder, 'album', 'b')), ['c.bin'])
  }
})

test('what is there is checked and kept, what is damaged is fetched again', async () => {
  const album = await bench.album()
  const [seeder, first] = [await bench.client(), await bench.client()]
  const { metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
  const folder = bench.folder()
  const stateFolder = bench.folder()
  await finished(await first.add(metainfo, { folder, peers: addressOf(seeder) }))
  const target = join(folder, 'album', 'b', 'c.bin')
  const bytes = await readFile(target)
  bytes[500_000] ^= 1
  await writeFile(target, bytes)
  const second = await bench.client({ stateFolder })
  const again = await second.add(metainfo, { folder, peers: [] })
  assert.equal(again.state, 'downloading')
  assert.equal(again.core.picker!.have.count, again.info!.pieceCount - 1)
  again.core.candidates.add(addressOf(seeder)[0], 'user')
  await finished(again)
  await assertSameFiles(album, join(folder, 'album'))
  await second.close()
  // Resume data is believed now: nothing is hashed.
  const third = await bench.client({ stateFolder })
  const resumed = await third.add(metainfo, { folder })
  assert.equal(resumed.state, 'seeding')
})

test('a file that shrinks while it is seeded is noticed before it is served', async () => {
  const album = await bench.album()
  const [seeder, leecher] = [await bench.client(), await bench.client()]
  const { torrent, metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 65_536 })
  await truncate(join(album, 'z.bin'), 10)
  const fetched = await leecher.add(metainfo, { folder: bench.folder(), peers: addressOf(seeder) })
  await new Promise<void>(
    resolve =>
      torrent.core.picker!.have.isFull &&
      leecher.torrents[0].on('piece', () => {
        if (!torrent.core.isSeed) resolve()
      }),
  )
  assert.equal(fetched.state, 'downloading')
  assert.ok(torrent.core.picker!.have.count < torrent.info!.pieceCount)
})

test('a download limit holds, and stalls nothing', async () => {
  const album = await bench.album()
  const limit = 1_200_000
  const cases = [{ take: { downloadLimit: limit } }, { give: { uploadLimit: limit } }, { own: limit }]
  for (const { take = {}, give = {}, own = Number.POSITIVE_INFINITY } of cases as {
    take?: object
    give?: object
    own?: number
  }[]) {
    const [seeder, leecher] = [await bench.client(give), await bench.client(take)]
    const { metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
    const startedAt = performance.now()
    await finished(
      await leecher.add(metainfo, { folder: bench.folder(), peers: addressOf(seeder), downloadLimit: own }),
    )
    const rate = (1000 * 1_800_018) / (performance.now() - startedAt)
    assert.ok(rate > 600_000 && rate < 1_350_000, `${Math.round(rate)} bytes a second`)
  }
  // A torrent's own upload limit, set while it seeds.
  const [seeder, leecher] = [await bench.client(), await bench.client()]
  const { torrent, metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
  torrent.setLimits({ upload: limit })
  const startedAt = performance.now()
  await finished(await leecher.add(metainfo, { folder: bench.folder(), peers: addressOf(seeder) }))
  const rate = (1000 * 1_800_018) / (performance.now() - startedAt)
  assert.ok(rate > 600_000 && rate < 1_350_000, `${Math.round(rate)} bytes a second`)
})

test('ports and limits that are none are refused by name, and change nothing', async () => {
  const stateFolder = bench.folder()
  const client = await bench.client()
  for (const port of [99_999, -1, 1.5, Number.NaN]) {
    await assert.rejects(SwarmClient.open({ stateFolder, port }), { code: 'port-invalid' }, `${port}`)
  }
  const host = '127.0.0.1'
  await assert.rejects(SwarmClient.open({ stateFolder, host, port: client.port }), { code: 'port-in-use' })
  await assert.rejects(SwarmClient.open({ stateFolder, host: '192.0.2.1', port: 0 }), { code: 'address-not-ours' })
  for (const limit of [Number.NaN, -1, 0]) {
    await assert.rejects(SwarmClient.open({ stateFolder, downloadLimit: limit }), { code: 'limit-invalid' })
    assert.throws(() => client.setLimits({ upload: 1, download: limit }), { code: 'limit-invalid' }, `${limit}`)
  }
  assert.equal(client.limits.isLimited, false)
})

test('leechers give on what they have', async () => {
  const album = await bench.album()
  const seeder = await bench.client({ uploadLimit: 1_000_000 })
  const { metainfo } = await seeder.seed(album, { version: 'hybrid', pieceLength: 16_384 })
  const leechers = [await bench.client(), await bench.client(), await bench.client()]
  const all = addressOf(seeder).concat(leechers.flatMap(addressOf))
  const fetched = await Promise.all(leechers.map(l => l.add(metainfo, { folder: bench.folder(), peers: all })))
  await Promise.all(fetched.map(finished))
  const given = fetched.reduce((sum, torrent) => sum + torrent.core.upload.total, 0)
  assert.ok(given > 0, 'no leecher gave anything')
})

test('BEP 16: a super-seed has to give little more than one copy', async () => {
  const album = await bench.album()
  const seeder = await bench.client({ uploadLimit: 2_000_000 })
  const { torrent, metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 16_384, superSeed: true })
  const leechers = [await bench.client(), await bench.client(), await bench.client()]
  const all = addressOf(seeder).concat(leechers.flatMap(addressOf))
  const fetched = await Promise.all(leechers.map(l => l.add(metainfo, { folder: bench.folder(), peers: all })))
  await Promise.all(fetched.map(finished))
  assert.ok(torrent.core.upload.total < 1.6 * torrent.info!.totalSize, `${torrent.core.upload.total} bytes`)
})

test('nothing is written through a link', async () => {
  const album = await bench.album()
  const [seeder, leecher] = [await bench.client(), await bench.client()]
  const { metainfo } = await seeder.seed(album, { version: 'v1' })
  const [folder, outside] = [bench.folder(), bench.folder()]
  await mkdir(folder)
  await mkdir(outside)
  await symlink(outside, join(folder, 'album'))
  const fetched = await leecher.add(metainfo, { folder, peers: addressOf(seeder) })
  await assert.rejects(fetched.done(), { code: 'path-not-a-folder' })
  assert.equal(fetched.state, 'error')
  assert.deepEqual(await readdir(outside), [])
  assert.ok(!existsSync(join(outside, 'a.bin')))
})

test('whoever waits for what will not come is told', async () => {
  const [seeder, leecher] = [await bench.client(), await bench.client()]
  const { torrent, metainfo } = await seeder.seed(await bench.album(), { version: 'v1', pieceLength: 32_768 })
  for (const [file, start, end] of [
    [0, 99_990, 100_001],
    [0, -1, 5],
    [99, 0, 5],
  ]) {
    await assert.rejects(torrent.readFile(file, start, end).next(), { code: 'range-invalid' })
  }
  const removed = await leecher.add(metainfo, { folder: bench.folder() })
  const waiting = assert.rejects(removed.done(), { code: 'closing' })
  await leecher.remove(removed)
  await waiting
  await assert.rejects(removed.done(), { code: 'closing' })
  await leecher.close()
  await assert.rejects(leecher.add(metainfo, { folder: bench.folder() }), { code: 'closing' })
})
