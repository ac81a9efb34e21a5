import assert from 'node:assert/strict'
import { appendFile, cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ALBUM, addressOf, assertSameFiles, reaches, SwarmBench } from '../../../test/swarm-fixtures.ts'

const bench = await SwarmBench.create('inspect')
after(() => bench.close())

const PIECE_BYTES = 65_536

for (const version of ['v1', 'hybrid'] as const) {
  test(`${version}: a file that is too long is not all there, and ends where it should once it is`, async () => {
    const [album, seeder, leecher] = [await bench.album(), await bench.client(), await bench.client()]
    const { metainfo } = await seeder.seed(album, { version, pieceLength: PIECE_BYTES })
    const folder = bench.folder()
    await cp(album, join(folder, 'album'), { recursive: true })
    for (const name of ['a.bin', 'b/empty']) await appendFile(join(folder, 'album', name), 'more')
    const fetched = await leecher.add(metainfo, { folder })
    assert.deepEqual([fetched.state, fetched.core.picker!.have.count], ['downloading', fetched.info!.pieceCount - 1])
    fetched.core.candidates.add(addressOf(seeder)[0], 'user')
    await fetched.done()
    await assertSameFiles(album, join(folder, 'album'))
    assert.ok(fetched.core.download.total <= PIECE_BYTES, `${fetched.core.download.total} bytes`)
  })
}

test('a file that its owner has made longer is left to him, and believed once he goes on', async () => {
  const [album, seeder] = [await bench.album(), await bench.client()]
  const { metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: PIECE_BYTES })
  await seeder.close()
  const path = join(album, 'z.bin')
  await appendFile(path, 'more')
  const options = { folder: join(album, '..'), expectComplete: true }
  const stateFolder = bench.folder()
  const client = await bench.client({ stateFolder })
  const torrent = await client.add(metainfo, options)
  assert.deepEqual([torrent.state, torrent.error?.code], ['error', 'file-changed'])
  assert.match(torrent.error!.message, /z\.bin/)
  torrent.resume()
  await reaches(torrent, 'seeding')
  await torrent.save()
  await client.close()
  assert.equal((await (await bench.client({ stateFolder })).add(metainfo, options)).state, 'seeding')
  assert.equal((await readFile(path)).length, ALBUM['z.bin'] + 4)
})
