import assert from 'node:assert/strict'
import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SwarmBench } from '../../../test/swarm-fixtures.ts'
import { OperationError } from '../../base/errors.ts'

const bench = await SwarmBench.create('readers')
after(() => bench.close())

const album = await bench.album()
const seeder = await bench.client()
const { torrent: seeded, metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })

test('whoever reads on is told that the torrent was closed, or has failed', async () => {
  const client = await bench.client()
  const failure = new OperationError('disk-gone', 'it was unplugged')
  for (const [end, code] of [
    ['removed', 'closing'],
    ['closed', 'closing'],
    ['failed', 'disk-gone'],
  ]) {
    const torrent = await client.add(metainfo, { folder: bench.folder() })
    const waiting = [torrent.pieces().next(), torrent.readFile(0, 0, 10).next(), torrent.done()].map(promise =>
      assert.rejects(promise, { code }, end),
    )
    if (end === 'removed') await client.remove(torrent)
    else if (end === 'closed') await torrent.close()
    else torrent.fail(failure)
    await Promise.all(waiting)
    await client.remove(torrent)
  }
})

test('whoever does not want any more reads to the end that there is', async () => {
  const torrent = await (await bench.client()).add(metainfo, { folder: bench.folder() })
  const enough = new AbortController()
  const next = torrent.readFile(0, 0, 10, enough.signal).next()
  enough.abort()
  assert.deepEqual(await next, { done: true, value: undefined })
})

test('a file is not read on when its torrent is closed, nor past what is left of it', async () => {
  const file = seeded.info!.files.findIndex(({ path }) => path.at(-1) === 'c.bin')
  const [shrunk, closed] = [0, 0].map(() => seeded.readFile(file, 0, 1_000_001))
  for (const bytes of [shrunk, closed]) assert.equal((await bytes.next()).done, false)
  await truncate(join(album, 'b', 'c.bin'), 50_000)
  await assert.rejects(shrunk.next(), { code: 'file-changed', message: /c\.bin/ })
  await seeder.remove(seeded)
  await assert.rejects(closed.next(), { code: 'closing' })
})
