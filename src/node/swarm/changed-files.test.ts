import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, cp, link, readFile, rename, stat, truncate, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { addressOf, assertSameFiles, reaches, SwarmBench } from '../../../test/swarm-fixtures.ts'
import type { UploadRun } from '../../bittorrent/swarm/uploads.ts'
import type { SwarmClient } from './swarm-client.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'

const bench = await SwarmBench.create('changed')
after(() => bench.close())

async function flipByte(path: string, at: number): Promise<Buffer> {
  const bytes = await readFile(path)
  const changed = Buffer.from(bytes)
  changed[at] ^= 1
  await writeFile(path, changed)
  return bytes
}

/** Changes a byte, and puts back the time that tells of it. */
async function flipByteUnseen(path: string, at: number): Promise<void> {
  const { atimeMs, mtimeMs } = await stat(path)
  await flipByte(path, at)
  // Half a millisecond more keeps rounding from changing whole ones.
  await utimes(path, atimeMs / 1000, (Math.floor(mtimeMs) + 0.5) / 1000)
  assert.equal(Math.floor((await stat(path)).mtimeMs), Math.floor(mtimeMs))
}

/** Puts a file in place of another in one step. */
async function putBack(from: string, to: string): Promise<void> {
  await writeFile(`${to}.new`, await readFile(from))
  await rename(`${to}.new`, to)
}

for (const version of ['v1', 'v2'] as const) {
  test(`a file that changes while it is seeded is found before it is served (${version})`, async () => {
    const [album, seeder] = [await bench.album(), await bench.client()]
    const original = await bench.album()
    const { torrent, metainfo } = await seeder.seed(album, { version, pieceLength: 32_768 })
    await flipByte(join(album, 'b', 'c.bin'), 500_000)
    const folder = bench.folder()
    const leecher = await bench.client()
    const fetched = await leecher.add(metainfo, { folder, peers: addressOf(seeder) })
    const banned: string[] = []
    fetched.on('ban', identity => banned.push(identity))
    let hadWhenStopped = 0
    torrent.on('state', state => {
      if (state === 'error') hadWhenStopped = torrent.core.picker!.have.count
    })
    await reaches(torrent, 'error')
    // It stops before it gives anything up: what is given up would be fetched at once.
    assert.equal(hadWhenStopped, torrent.info!.pieceCount)
    assert.equal(torrent.error?.code, 'file-changed')
    assert.match(torrent.error?.message ?? '', /c\.bin was changed$/)
    // One piece is lost, no wrong byte was sent, and nothing was written over what somebody else has changed.
    assert.equal(torrent.core.picker!.have.count, torrent.info!.pieceCount - 1)
    assert.deepEqual(banned, [])
    // Nothing goes out any more, not even of files that are as they were and were asked for before.
    assert.equal(await isServed(torrent, 0), false)

    await putBack(join(original, 'b', 'c.bin'), join(album, 'b', 'c.bin'))
    torrent.resume()
    await reaches(torrent, 'seeding')
    assert.equal(await isServed(torrent, 0), true)
    fetched.core.candidates.add(addressOf(seeder)[0], 'user')
    await fetched.done()
    await assertSameFiles(original, join(folder, 'album'))
    assert.deepEqual(banned, [])
  })
}

test('a file that vanishes or shrinks is fetched again, once its owner says so', async () => {
  const [album, seeder] = [await bench.album(), await bench.client()]
  const { torrent, metainfo } = await seeder.seed(album, { version: 'hybrid', pieceLength: 32_768 })
  const damages = [
    { code: 'file-missing', damage: () => unlink(join(album, 'z.bin')) },
    { code: 'file-changed', damage: () => truncate(join(album, 'z.bin'), 10) },
    // Seen where a file is opened anew; whoever has it open still reads what it was.
    { code: 'file-missing', damage: () => rename(join(album, 'b', 'c.bin'), join(album, 'elsewhere.bin')) },
  ]
  for (const { code, damage } of damages) {
    await torrent.move(bench.folder())
    await torrent.move(join(album, '..'))
    await damage()
    const fetched = await (await bench.client()).add(metainfo, { folder: bench.folder(), peers: addressOf(seeder) })
    await reaches(torrent, 'error')
    assert.equal(torrent.error?.code, code)
    assert.notEqual(fetched.state, 'seeding')
    const other = await bench.client()
    await other.seed(await bench.album(), { version: 'hybrid', pieceLength: 32_768 })
    torrent.core.candidates.add(addressOf(other)[0], 'user')
    const done = once(torrent, 'done')
    torrent.resume()
    await done
    assert.equal(torrent.state, 'seeding')
    await assertSameFiles(await bench.album(), album)
  }
})

test('what its owner writes to an empty file of what is shared stays', async () => {
  const [album, seeder] = [await bench.album(), await bench.client()]
  const { torrent, metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
  await seeder.remove(torrent)
  const path = join(album, 'b', 'empty')
  await writeFile(path, 'my own words')
  const again = await seeder.add(metainfo, { folder: join(album, '..'), expectComplete: true })
  assert.equal(again.state, 'seeding')
  assert.equal(await readFile(path, 'utf8'), 'my own words')
})

test('pausing a torrent that failed does not take its cause away', async () => {
  const [album, seeder] = [await bench.album(), await bench.client()]
  const { torrent, metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
  await flipByte(join(album, 'z.bin'), 5)
  await (await bench.client()).add(metainfo, { folder: bench.folder(), peers: addressOf(seeder) })
  await reaches(torrent, 'error')
  torrent.pause()
  assert.deepEqual([torrent.state, torrent.error?.code, torrent.isHeld], ['error', 'file-changed', true])
  await putBack(join(await bench.album(), 'z.bin'), join(album, 'z.bin'))
  torrent.resume()
  await reaches(torrent, 'seeding')
  assert.equal(torrent.error, undefined)
})

/** The first block of a piece, as a peer asks for it. */
function firstBlock(piece: number): UploadRun {
  return { piece, begin: 0, lengths: [16_384] }
}

async function isServed(torrent: SwarmTorrent, piece: number): Promise<boolean> {
  return torrent.readForPeer(firstBlock(piece), [new Uint8Array(16_384)])
}

/** Adds a torrent, and tells how many of its pieces had to be hashed. */
async function addCounting(
  client: SwarmClient,
  metainfo: Uint8Array,
  folder: string,
): Promise<{ readonly torrent: SwarmTorrent; readonly hashed: number }> {
  let hashed = 0
  const adding = client.add(metainfo, { folder })
  client.torrents[0].on('checked', () => hashed++)
  return { torrent: await adding, hashed }
}

test('a change is found whose time was put back, while a torrent runs and at the next start', async () => {
  const [album, stateFolder] = [await bench.album(), bench.folder()]
  const seeder = await bench.client({ stateFolder })
  const { torrent, metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
  await torrent.save()
  assert.equal(await isServed(torrent, 0), true)
  await flipByteUnseen(join(album, 'a.bin'), 100)
  // What is saved meanwhile does not make it right.
  await torrent.save()
  const saved = bench.folder()
  await cp(stateFolder, saved, { recursive: true })
  const stopped = reaches(torrent, 'error')
  assert.equal(await isServed(torrent, 0), false)
  await stopped
  assert.equal(torrent.error?.code, 'file-changed')
  await seeder.close()

  const again = await addCounting(await bench.client({ stateFolder: saved }), metainfo, join(album, '..'))
  const { have, pieceCount } = again.torrent.core.picker!
  assert.deepEqual([have.has(0), have.count], [false, pieceCount - 1])
})

test('a file of which all but the bytes is changed is looked at again, and given on', async () => {
  const [album, stateFolder] = [await bench.album(), bench.folder()]
  const seeder = await bench.client({ stateFolder })
  const { torrent, metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
  await torrent.save()
  await chmod(join(album, 'a.bin'), 0o600)
  await link(join(album, 'a.bin'), join(album, 'other name'))
  assert.equal(await isServed(torrent, 0), false)
  const fetched = await (await bench.client()).add(metainfo, { folder: bench.folder(), peers: addressOf(seeder) })
  await fetched.done()
  assert.deepEqual([torrent.state, torrent.error], ['seeding', undefined])
  assert.equal(await isServed(torrent, 0), true)
})

test('a move is no change, also to who finds the files after a crash', async () => {
  const [album, stateFolder] = [await bench.album(), bench.folder()]
  const seeder = await bench.client({ stateFolder })
  const { torrent, metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
  await torrent.move(bench.folder())
  await torrent.rename('album/a.bin', 'album/one.bin')
  const saved = bench.folder()
  await cp(stateFolder, saved, { recursive: true })
  assert.equal(await isServed(torrent, 0), true)
  const again = await addCounting(await bench.client({ stateFolder: saved }), metainfo, torrent.folder)
  assert.deepEqual([again.torrent.state, again.hashed], ['seeding', 0])

  // What was changed before a move is still found after it.
  await flipByteUnseen(torrent.places!.path(0), 100)
  await torrent.move(bench.folder())
  const stopped = reaches(torrent, 'error')
  assert.equal(await isServed(torrent, 0), false)
  await stopped
  assert.equal(torrent.error?.code, 'file-changed')
})

test('what could not be looked at again when a torrent was resumed is looked at the next time', async () => {
  const [album, elsewhere] = [await bench.album(), await bench.client()]
  const { metainfo } = await elsewhere.seed(album, { version: 'v1', pieceLength: 32_768 })
  const folder = bench.folder()
  const torrent = await (await bench.client()).add(metainfo, { folder, expectComplete: true })
  await reaches(torrent, 'error')
  await cp(album, join(folder, 'album'), { recursive: true })
  // Nothing was hashed so far: the first thread is the one that this needs.
  process.once('worker', worker => void worker.terminate())
  torrent.resume()
  assert.equal(torrent.state, 'checking')
  await reaches(torrent, 'error')
  assert.equal(torrent.error?.code, 'hash-thread-failed')
  torrent.resume()
  // Whoever is impatient does not cut the check short.
  torrent.resume()
  assert.equal(torrent.state, 'checking')
  await once(torrent, 'state')
  assert.deepEqual([torrent.state, torrent.core.isDone], ['seeding', true])
})
