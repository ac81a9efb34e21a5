import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, rename, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { addressOf, assertSameFiles, reaches, SwarmBench } from '../../../test/swarm-fixtures.ts'

const bench = await SwarmBench.create('changed')
after(() => bench.close())

async function flipByte(path: string, at: number): Promise<Buffer> {
  const bytes = await readFile(path)
  const changed = Buffer.from(bytes)
  changed[at] ^= 1
  await writeFile(path, changed)
  return bytes
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
    const block = { piece: 0, begin: 0, lengths: [16_384] }
    const readBlock = () => torrent.readForPeer(block, [new Uint8Array(16_384)])
    assert.equal(await readBlock(), false)

    await putBack(join(original, 'b', 'c.bin'), join(album, 'b', 'c.bin'))
    torrent.resume()
    await reaches(torrent, 'seeding')
    assert.equal(await readBlock(), true)
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
