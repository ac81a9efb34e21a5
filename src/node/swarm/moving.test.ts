import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ALBUM, addressOf, assertSameFiles, noise, SwarmBench } from '../../../test/swarm-fixtures.ts'
import type { SwarmClient } from './swarm-client.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'

const bench = await SwarmBench.create('move')
const SHARED_MEMORY = '/dev/shm'
const isOtherDisk = existsSync(SHARED_MEMORY) && lstatSync(SHARED_MEMORY).dev !== lstatSync(tmpdir()).dev
const skip = isOtherDisk ? false : 'there is no second file system here'
const otherDisk = isOtherDisk ? await mkdtemp(join(SHARED_MEMORY, 'peers-move-')) : ''

after(async () => {
  await bench.close()
  if (isOtherDisk) await rm(otherDisk, { recursive: true })
})

interface Seed {
  readonly album: string
  readonly seeder: SwarmClient
  readonly stateFolder: string
  readonly torrent: SwarmTorrent
  readonly metainfo: Uint8Array
}

async function seed(options: object = {}): Promise<Seed> {
  const stateFolder = bench.folder()
  const [album, seeder] = [await bench.album(), await bench.client({ stateFolder, ...options })]
  const { torrent, metainfo } = await seeder.seed(album, { version: 'hybrid', pieceLength: 32_768 })
  return { album, seeder, stateFolder, torrent, metainfo }
}

/** What is at the new place is what was shared, and so is what a newcomer fetches. */
async function assertServed(album: string, place: string, seeder: SwarmClient, metainfo: Uint8Array): Promise<void> {
  await assertSameFiles(album, place)
  const folder = bench.folder()
  const fetched = await (await bench.client()).add(metainfo, { folder, peers: addressOf(seeder) })
  await fetched.done()
  await assertSameFiles(album, join(folder, 'album'))
}

for (const disk of ['the same disk', 'another disk'] as const) {
  test(`files move on ${disk} while they are given, and are found after a restart`, {
    skip: disk === 'another disk' && skip,
  }, async () => {
    const { album, seeder, stateFolder, torrent, metainfo } = await seed({ uploadLimit: 1_500_000 })
    const original = await bench.album()
    const folder = bench.folder()
    const fetched = await (await bench.client()).add(metainfo, { folder, peers: addressOf(seeder) })
    if (fetched.core.picker!.have.count === 0) await once(fetched, 'piece')
    const to = join(disk === 'another disk' ? otherDisk : bench.folder(), 'new', 'home')
    let moved = 0
    torrent.on('moved', () => moved++)
    await torrent.move(to)
    assert.equal(moved, torrent.places!.storedFiles().length)
    assert.equal(torrent.folder, to)
    assert.ok(!existsSync(album), 'the old folder is still there')
    await fetched.done()
    await assertSameFiles(original, join(folder, 'album'))
    await assertServed(original, join(to, 'album'), seeder, metainfo)
    await seeder.close()

    const again = await bench.client({ stateFolder })
    const resumed = await again.add(metainfo, { folder: join(album, '..') })
    assert.deepEqual([resumed.state, resumed.folder], ['seeding', to])
    await assertServed(original, join(to, 'album'), again, metainfo)
  })
}

test('files and folders are renamed while they are fetched', async () => {
  const { album, seeder, metainfo } = await seed({ uploadLimit: 1_500_000 })
  const stateFolder = bench.folder()
  const leecher = await bench.client({ stateFolder })
  const folder = bench.folder()
  const fetched = await leecher.add(metainfo, { folder, peers: addressOf(seeder) })
  if (fetched.core.picker!.have.count === 0) await once(fetched, 'piece')
  await fetched.rename('album/z.bin', 'album/b/last.bin')
  await fetched.rename('album/b', 'album/music')
  await fetched.rename('album', 'Record')
  await fetched.done()
  const names = new Map([
    ['a.bin', 'a.bin'],
    ['b/empty', 'music/empty'],
    ['b/c.bin', 'music/c.bin'],
    ['b/d.txt', 'music/d.txt'],
    ['z.bin', 'music/last.bin'],
  ])
  assert.deepEqual(await readdir(folder), ['Record'])
  assert.deepEqual((await readdir(join(folder, 'Record'), { recursive: true })).toSorted(), [
    ...[...names.values()].toSorted().slice(0, 1),
    'music',
    'music/c.bin',
    'music/d.txt',
    'music/empty',
    'music/last.bin',
  ])
  for (const [before, now] of names) {
    assert.equal((await stat(join(folder, 'Record', now))).size, ALBUM[before])
  }
  await leecher.close()
  const resumed = await (await bench.client({ stateFolder })).add(metainfo, { folder })
  assert.equal(resumed.state, 'seeding')
  assert.equal(resumed.places!.name(resumed.places!.storedFiles()[0]), 'Record/a.bin')
  await assertSameFiles(album, join(folder, 'Record'), ['a.bin'])
})

test('names that are taken, unsafe, elsewhere or unknown are refused, and nothing has moved', async () => {
  const { album, torrent } = await seed()
  const refused: [from: string, to: string, code: string][] = [
    ['album/a.bin', 'album/z.bin', 'path-exists'],
    ['album/a.bin', 'album/Z.BIN', 'path-exists'],
    ['album/a.bin', 'album/z\u200d.bin', 'path-exists'],
    ['album/a.bin', 'album/b', 'path-exists'],
    ['album/a.bin', 'album/z.bin/a', 'path-exists'],
    ['album/a.bin', 'album/../../a.bin', 'name-unsafe'],
    ['album/a.bin', '/etc/a.bin', 'name-unsafe'],
    ['album/a.bin', 'album//a', 'name-unsafe'],
    ['album/a.bin', 'album/a\u0000', 'name-unsafe'],
    ['album/a.bin', 'album/con', 'name-unsafe'],
    ['album/a.bin', 'other/a.bin', 'name-unsafe'],
    ['album', 'two/albums', 'name-unsafe'],
    ['album/none', 'album/some', 'file-unknown'],
  ]
  for (const [from, to, code] of refused) await assert.rejects(torrent.rename(from, to), { code }, `${from} to ${to}`)
  await assertSameFiles(await bench.album(), album)
  assert.equal(torrent.state, 'seeding')
})

test('a move that cannot end well leaves all where it was', async () => {
  const { album, seeder, torrent, metainfo } = await seed()
  const original = await bench.album()
  const taken = bench.folder()
  await mkdir(join(taken, 'album'), { recursive: true })
  await writeFile(join(taken, 'album', 'z.bin'), 'somebody’s own')
  await assert.rejects(torrent.move(taken), { code: 'path-exists' })

  // Found out only on the way: what has arrived goes back.
  const late = bench.folder()
  torrent.once('moved', () => mkdirSync(join(late, 'album', 'z.bin'), { recursive: true }))
  await assert.rejects(torrent.move(late), { code: 'path-exists' })
  assert.deepEqual(await readdir(join(late, 'album')), ['z.bin'])
  assert.equal(torrent.folder, join(album, '..'))
  await assert.rejects(torrent.move(join(taken, 'album', 'z.bin', 'below')), { code: 'file-error' })
  assert.equal(torrent.state, 'seeding')
  await assertServed(original, album, seeder, metainfo)
})

test('a torrent of which nothing has come yet does not move over somebody’s files', async () => {
  const { seeder, metainfo } = await seed()
  const fetched = await (await bench.client()).add(metainfo, { folder: bench.folder() })
  const taken = bench.folder()
  const [own, late] = [join(taken, 'album', 'z.bin'), join(bench.folder(), 'album', 'z.bin')]
  await mkdir(join(taken, 'album'), { recursive: true })
  await writeFile(own, 'somebody’s own')
  await assert.rejects(fetched.move(taken), { code: 'path-exists' })

  // It comes to be there on the way.
  fetched.once('moved', () => {
    mkdirSync(join(late, '..'), { recursive: true })
    writeFileSync(late, 'somebody’s own')
  })
  await assert.rejects(fetched.move(join(late, '..', '..')), { code: 'path-exists' })
  fetched.core.candidates.add(addressOf(seeder)[0], 'user')
  await fetched.done()
  for (const path of [own, late]) assert.equal(await readFile(path, 'utf8'), 'somebody’s own')
})

test('two moves at once are refused, and so is one before the files are known', async () => {
  const { torrent } = await seed()
  const first = torrent.move(bench.folder())
  await assert.rejects(torrent.move(bench.folder()), { code: 'torrent-busy' })
  await first
  const magnet = await (await bench.client()).add(torrent.magnet, { folder: bench.folder() })
  await assert.rejects(magnet.move(bench.folder()), { code: 'torrent-busy' })
})

test('a copy keeps its holes', { skip }, async () => {
  const folder = bench.folder()
  const seeder = await bench.client()
  await mkdir(folder)
  const path = join(folder, 'sparse.bin')
  const bytes = Buffer.concat([noise(100_000, 1), Buffer.alloc(8_000_000), noise(100_000, 2)])
  await writeFile(path, bytes)
  const { torrent } = await seeder.seed(path, { version: 'v1' })
  const to = join(otherDisk, 'sparse')
  await torrent.move(to)
  const { size, blocks } = await stat(join(to, 'sparse.bin'))
  assert.deepEqual([size, blocks * 512 < 1_000_000], [bytes.length, true])
})
