import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cp, type FileHandle, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { addressOf, assertSameFiles, reaches, SwarmBench } from '../../../test/swarm-fixtures.ts'
import { absentFiles, datasync, handlePrototype } from '../../../test/torrent-files-fixtures.ts'
import { OperationError } from '../../base/errors.ts'
import { HashPool } from './hash-pool.ts'
import type { TorrentFiles } from './torrent-files.ts'

const bench = await SwarmBench.create('torrent-files')
const pool = new HashPool(1)

afterEach(() => {
  handlePrototype.datasync = datasync
})

after(async () => {
  await pool.close()
  await bench.close()
})

/** The files of a torrent that has one of so many bytes, none of them there. */
async function emptyFiles(length: number): Promise<TorrentFiles> {
  const path = join(bench.folder(), 'x.bin')
  await mkdir(dirname(path))
  await writeFile(path, new Uint8Array(length))
  return absentFiles(path, dirname(path), pool)
}

test('folders that somebody removes while a torrent is fetched are made again', async () => {
  const album = await bench.album()
  const files = await absentFiles(album, dirname(album), pool)
  const first = files.path(0)
  for (let times = 0; times < 2; times++) {
    await files.write(0, [new Uint8Array(16_384).fill(7)])
    assert.equal((await readFile(first))[16_383], 7)
    await files.letGo(0)
    await rm(dirname(dirname(first)), { recursive: true })
  }
  await files.close()
})

test('what is written while files are flushed is flushed the next time', async () => {
  const files = await emptyFiles(32 << 20)
  await files.write(0, [new Uint8Array(16_384)])
  await files.sync()
  const steps: string[] = []
  handlePrototype.datasync = function (this: object) {
    steps.push('flush')
    return datasync.call(this)
  }
  const writing = files.write(0, [new Uint8Array(32 << 20).fill(7)]).then(() => steps.push('written'))
  await new Promise(resolve => setImmediate(resolve))
  await Promise.all([writing, files.sync()])
  await files.sync()
  assert.ok(steps.indexOf('flush', steps.indexOf('written')) > 0, steps.join())
  await files.close()
})

test('a flush that has failed is told of at every save, and the pieces are checked at the next start', async () => {
  const [album, seeder] = [await bench.album(), await bench.client()]
  const { metainfo } = await seeder.seed(album, { version: 'hybrid', pieceLength: 32_768 })
  const [stateFolder, folder] = [bench.folder(), bench.folder()]
  const client = await bench.client({ stateFolder })
  const fetched = await client.add(metainfo, { folder, peers: addressOf(seeder) })
  let failures = 0
  handlePrototype.datasync = function (this: object) {
    return failures++ === 0 ? Promise.reject(new Error('EIO: i/o error, fdatasync')) : datasync.call(this)
  }
  await fetched.done()
  await fetched.save()
  assert.deepEqual([fetched.state, fetched.error?.code], ['error', 'flush-failed'])
  const { pieceCount } = fetched.info!
  await client.close()
  assert.ok(failures > 0)

  const again = await bench.client({ stateFolder })
  const adding = again.add(metainfo, { folder })
  let checked = 0
  again.torrents[0].on('checked', () => checked++)
  assert.equal((await adding).state, 'seeding')
  assert.equal(checked, pieceCount)
})

test('where a flush finds no room, a torrent waits for some, claims nothing of it, and fetches it again', async () => {
  const [album, seeder] = [await bench.album(), await bench.client()]
  const { metainfo } = await seeder.seed(album, { version: 'hybrid', pieceLength: 32_768 })
  const [stateFolder, folder, saved] = [bench.folder(), bench.folder(), bench.folder()]
  const client = await bench.client({ stateFolder })
  const fetched = await client.add(metainfo, { folder, peers: addressOf(seeder) })
  let isFull = true
  handlePrototype.datasync = async function (this: FileHandle) {
    await datasync.call(this)
    if (!isFull) return
    isFull = false
    // What had no room is gone, though nobody is told so who reads it before memory is used for something else.
    await this.write(new Uint8Array((await this.stat()).size), 0, undefined, 0)
    throw Object.assign(new Error('ENOSPC: no space left on device, fdatasync'), { code: 'ENOSPC' })
  }
  await fetched.done()
  await fetched.save()
  assert.deepEqual([fetched.state, fetched.error?.code, fetched.isHeld], ['paused', 'disk-full', false])
  assert.equal(fetched.core.picker!.have.count, 0)
  await cp(stateFolder, saved, { recursive: true })
  await reaches(fetched, 'seeding')
  assert.equal(fetched.error, undefined)
  await assertSameFiles(album, join(folder, 'album'))
  await client.close()
  assert.equal((await (await bench.client({ stateFolder })).add(metainfo, { folder })).state, 'seeding')

  // Who was killed while it waited finds nothing that is sure.
  const killed = await (await bench.client({ stateFolder: saved })).add(metainfo, { folder, paused: true })
  assert.equal(killed.core.picker!.have.count, 0)
})

/** A fetched album whose flushes stay under way until they are let go, and its states as a kill would leave them. */
async function fetchedWithoutFlush() {
  const [album, seeder] = [await bench.album(), await bench.client()]
  const { metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
  const [stateFolder, folder, saved] = [bench.folder(), bench.folder(), bench.folder()]
  const client = await bench.client({ stateFolder })
  let letGo = () => {}
  const gate = new Promise<void>(resolve => {
    letGo = resolve
  })
  handlePrototype.datasync = async function (this: object) {
    await gate
    return datasync.call(this)
  }
  const fetched = await client.add(metainfo, { folder, peers: addressOf(seeder) })
  await once(fetched, 'piece')
  const early = fetched.save()
  await fetched.done()
  return {
    ...{ fetched, early, letGo },
    /** Another client that finds what the first one has left so far, and nobody to fetch from. */
    async afterKill() {
      await cp(stateFolder, saved, { recursive: true })
      const again = await bench.client({ stateFolder: saved })
      const adding = again.add(metainfo, { folder })
      let checked = 0
      again.torrents[0].on('checked', () => checked++)
      const torrent = await adding
      return { torrent, checked }
    },
  }
}

test('a save that is asked for while another is under way claims what has come since', async () => {
  const { fetched, early, letGo, afterKill } = await fetchedWithoutFlush()
  const late = fetched.save()
  letGo()
  await Promise.all([early, late])
  const { torrent, checked } = await afterKill()
  assert.deepEqual([torrent.state, checked], ['seeding', 0])
})

test('what a process before left is flushed before it is claimed', async () => {
  const { letGo, afterKill } = await fetchedWithoutFlush()
  const { torrent, checked } = await afterKill()
  assert.equal(torrent.state, 'seeding')
  assert.ok(checked > 0)
  let flushes = 0
  handlePrototype.datasync = function (this: object) {
    flushes++
    return datasync.call(this)
  }
  await torrent.save()
  // Each file that is not empty.
  assert.equal(flushes, 4)
  letGo()
})

test('nothing is left to believe of what a full disk did not take, though its states find no room either', async () => {
  const [album, seeder] = [await bench.album(), await bench.client()]
  const { metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
  const stateFolder = bench.folder()
  const fetched = await (await bench.client({ stateFolder })).add(metainfo, {
    folder: bench.folder(),
    peers: addressOf(seeder),
  })
  const journal = join(stateFolder, `${fetched.infohash}.resume.journal`)
  await once(fetched, 'piece')
  // Where a new snapshot should be written, nothing can be.
  await mkdir(join(stateFolder, `${fetched.infohash}.resume.new`), { recursive: true })
  let noted = 0
  handlePrototype.datasync = async () => {
    noted = (await stat(journal)).size
    fetched.pause()
    throw Object.assign(new Error('ENOSPC: no space left on device, fdatasync'), { code: 'ENOSPC' })
  }
  await fetched.done()
  await fetched.save()
  assert.ok(noted > 0)
  assert.equal((await stat(journal)).size, 0)
})

test('a torrent that stopped for an error does not go on because a full disk has room again', async () => {
  const [album, seeder] = [await bench.album(), await bench.client()]
  const { metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
  const fetched = await (await bench.client()).add(metainfo, { folder: bench.folder(), peers: addressOf(seeder) })
  handlePrototype.datasync = () => {
    fetched.fail(new OperationError('file-changed', 'a file was changed'))
    return Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
  }
  await fetched.done()
  await fetched.save()
  assert.deepEqual([fetched.state, fetched.error?.code], ['error', 'file-changed'])
})
