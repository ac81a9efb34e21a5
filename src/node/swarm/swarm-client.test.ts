import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import type { TorrentVersion } from '../../bittorrent/metainfo/create-metainfo.ts'
import { SwarmClient, type SwarmClientOptions } from './swarm-client.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'

const root = await mkdtemp(join(tmpdir(), 'peers-swarm-'))
const open: SwarmClient[] = []
let folders = 0

after(async () => {
  await Promise.all(open.map(client => client.close()))
  await rm(root, { recursive: true })
})

function newFolder(): string {
  return join(root, `${folders++}`)
}

async function client(options: Partial<SwarmClientOptions> = {}): Promise<SwarmClient> {
  const opened = await SwarmClient.open({
    port: 0,
    host: '127.0.0.1',
    stateFolder: newFolder(),
    hashThreads: 1,
    ...options,
  })
  open.push(opened)
  return opened
}

function at(of: SwarmClient): { host: string; port: number }[] {
  return [{ host: '127.0.0.1', port: of.port! }]
}

/** Bytes that no two places share. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i += 20) createHash('sha1').update(`${seed}/${i}`).digest().copy(bytes, i)
  return bytes
}

const ALBUM: Record<string, number> = {
  'a.bin': 100_000,
  'b/empty': 0,
  'b/c.bin': 1_000_001,
  'b/d.txt': 17,
  'z.bin': 700_000,
}

async function makeAlbum(): Promise<string> {
  const folder = join(newFolder(), 'album')
  for (const [index, [name, size]] of Object.entries(ALBUM).entries()) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), noise(size, index))
  }
  return folder
}

async function assertSame(a: string, b: string, names = Object.keys(ALBUM)): Promise<void> {
  for (const name of names) assert.ok((await readFile(join(a, name))).equals(await readFile(join(b, name))), name)
}

async function finished(torrent: SwarmTorrent): Promise<void> {
  await torrent.done()
  assert.equal(torrent.state, 'seeding')
}

for (const version of ['v1', 'v2', 'hybrid'] as const satisfies TorrentVersion[]) {
  for (const by of ['torrent', 'magnet'] as const) {
    test(`a ${version} folder goes from one client to another, by ${by}`, async () => {
      const album = await makeAlbum()
      const [seeder, leecher] = [await client(), await client()]
      const { torrent, metainfo } = await seeder.seed(album, { version, pieceLength: 65_536 })
      const folder = newFolder()
      const fetched = await leecher.add(by === 'torrent' ? metainfo : torrent.magnet, { folder, peers: at(seeder) })
      await finished(fetched)
      await assertSame(album, join(folder, 'album'))
      assert.equal(fetched.info!.files.filter(file => !file.padding).length, 5)
    })
  }
}

test('pieces are told one by one, each once', async () => {
  const album = await makeAlbum()
  const [seeder, leecher] = [await client(), await client()]
  const { metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 16_384 })
  const fetched = await leecher.add(metainfo, { folder: newFolder(), peers: at(seeder) })
  const pieces: number[] = []
  for await (const piece of fetched.pieces()) pieces.push(piece)
  assert.deepEqual(
    pieces.toSorted((a, b) => a - b),
    Array.from({ length: fetched.info!.pieceCount }, (_, i) => i),
  )
})

test('files that nobody asked for are never created', async () => {
  for (const version of ['v1', 'hybrid'] as const) {
    const album = await makeAlbum()
    const [seeder, leecher] = [await client(), await client()]
    const { metainfo } = await seeder.seed(album, { version, pieceLength: 262_144 })
    const folder = newFolder()
    const fetched = await leecher.add(metainfo, { folder, peers: at(seeder), only: path => path === 'b/c.bin' })
    await finished(fetched)
    await assertSame(album, join(folder, 'album'), ['b/c.bin'])
    assert.deepEqual(await readdir(join(folder, 'album')), ['b'])
    assert.deepEqual(await readdir(join(folder, 'album', 'b')), ['c.bin'])
  }
})

test('what is there is checked and kept, what is damaged is fetched again', async () => {
  const album = await makeAlbum()
  const [seeder, first] = [await client(), await client()]
  const { metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
  const folder = newFolder()
  const stateFolder = newFolder()
  await finished(await first.add(metainfo, { folder, peers: at(seeder) }))
  const target = join(folder, 'album', 'b', 'c.bin')
  const bytes = await readFile(target)
  bytes[500_000] ^= 1
  await writeFile(target, bytes)
  const second = await client({ stateFolder })
  const again = await second.add(metainfo, { folder, peers: [] })
  assert.equal(again.state, 'downloading')
  assert.equal(again.core.picker!.have.count, again.info!.pieceCount - 1)
  again.core.candidates.add(at(seeder)[0], 'user')
  await finished(again)
  await assertSame(album, join(folder, 'album'))
  await second.close()
  // Resume data is believed now: nothing is hashed.
  const third = await client({ stateFolder })
  const resumed = await third.add(metainfo, { folder })
  assert.equal(resumed.state, 'seeding')
})

test('a file that shrinks while it is seeded is noticed before it is served', async () => {
  const album = await makeAlbum()
  const [seeder, leecher] = [await client(), await client()]
  const { torrent, metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 65_536 })
  await truncate(join(album, 'z.bin'), 10)
  const fetched = await leecher.add(metainfo, { folder: newFolder(), peers: at(seeder) })
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
  const album = await makeAlbum()
  const limit = 1_200_000
  const cases = [{ take: { downloadLimit: limit } }, { give: { uploadLimit: limit } }, { own: limit }]
  for (const { take = {}, give = {}, own = Number.POSITIVE_INFINITY } of cases as {
    take?: object
    give?: object
    own?: number
  }[]) {
    const [seeder, leecher] = [await client(give), await client(take)]
    const { metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
    const startedAt = performance.now()
    await finished(await leecher.add(metainfo, { folder: newFolder(), peers: at(seeder), downloadLimit: own }))
    const rate = (1000 * 1_800_018) / (performance.now() - startedAt)
    assert.ok(rate > 600_000 && rate < 1_350_000, `${Math.round(rate)} bytes a second`)
  }
  // A torrent's own upload limit, set while it seeds.
  const [seeder, leecher] = [await client(), await client()]
  const { torrent, metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
  torrent.setLimits({ upload: limit })
  const startedAt = performance.now()
  await finished(await leecher.add(metainfo, { folder: newFolder(), peers: at(seeder) }))
  const rate = (1000 * 1_800_018) / (performance.now() - startedAt)
  assert.ok(rate > 600_000 && rate < 1_350_000, `${Math.round(rate)} bytes a second`)
})

test('leechers give on what they have', async () => {
  const album = await makeAlbum()
  const seeder = await client({ uploadLimit: 1_000_000 })
  const { metainfo } = await seeder.seed(album, { version: 'hybrid', pieceLength: 16_384 })
  const leechers = [await client(), await client(), await client()]
  const all = at(seeder).concat(leechers.flatMap(at))
  const fetched = await Promise.all(leechers.map(l => l.add(metainfo, { folder: newFolder(), peers: all })))
  await Promise.all(fetched.map(finished))
  const given = fetched.reduce((sum, torrent) => sum + torrent.core.upload.total, 0)
  assert.ok(given > 0, 'no leecher gave anything')
})

test('BEP 16: a super-seed has to give little more than one copy', async () => {
  const album = await makeAlbum()
  const seeder = await client({ uploadLimit: 2_000_000 })
  const { torrent, metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 16_384, superSeed: true })
  const leechers = [await client(), await client(), await client()]
  const all = at(seeder).concat(leechers.flatMap(at))
  const fetched = await Promise.all(leechers.map(l => l.add(metainfo, { folder: newFolder(), peers: all })))
  await Promise.all(fetched.map(finished))
  assert.ok(torrent.core.upload.total < 1.6 * torrent.info!.totalSize, `${torrent.core.upload.total} bytes`)
})

test('nothing is written through a link', async () => {
  const { symlink } = await import('node:fs/promises')
  const album = await makeAlbum()
  const [seeder, leecher] = [await client(), await client()]
  const { metainfo } = await seeder.seed(album, { version: 'v1' })
  const [folder, outside] = [newFolder(), newFolder()]
  await mkdir(folder)
  await mkdir(outside)
  await symlink(outside, join(folder, 'album'))
  const fetched = await leecher.add(metainfo, { folder, peers: at(seeder) })
  await assert.rejects(fetched.done(), { code: 'path-not-a-folder' })
  assert.equal(fetched.state, 'error')
  assert.deepEqual(await readdir(outside), [])
  assert.ok(!existsSync(join(outside, 'a.bin')))
})
