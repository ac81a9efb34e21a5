import assert from 'node:assert/strict'
import { chmod, link, open, readFile, rename, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SwarmBench } from '../../../test/swarm-fixtures.ts'
import { OperationError } from '../../base/errors.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'

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

async function all(reader: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const bytes of reader) parts.push(bytes)
  return Buffer.concat(parts)
}

function readAll(torrent: SwarmTorrent, file: number): Promise<Buffer> {
  return all(torrent.readFile(file, 0, torrent.info!.files[file].length))
}

test('a file of which all but the bytes is changed is read on, by all who read it', async () => {
  const [folder, client] = [await bench.album(), await bench.client()]
  const { torrent } = await client.seed(folder, { version: 'v1', pieceLength: 32_768 })
  const [a, c] = ['a.bin', 'c.bin'].map(name => torrent.info!.files.findIndex(({ path }) => path.at(-1) === name))
  const original = await readFile(join(folder, 'b', 'c.bin'))
  const changes = [
    () => link(join(folder, 'b', 'c.bin'), join(folder, 'other name')),
    () => chmod(join(folder, 'b', 'c.bin'), 0o600),
    async () => {
      await rename(join(folder, 'b', 'c.bin'), join(folder, 'away'))
      await rename(join(folder, 'away'), join(folder, 'b', 'c.bin'))
    },
  ]
  for (const change of changes) {
    await torrent.save()
    const begun = torrent.readFile(c, 0, original.length)
    const first = (await begun.next()).value as Uint8Array
    await change()
    const [rest, ...whole] = await Promise.all([all(begun), readAll(torrent, c), readAll(torrent, c)])
    for (const bytes of [Buffer.concat([first, rest]), ...whole]) assert.ok(bytes.equals(original))
    assert.equal((await readAll(torrent, a)).length, 100_000)
    assert.deepEqual([torrent.state, torrent.error], ['seeding', undefined])
  }
})

test('whoever reads a file that somebody else writes to gets no wrong byte, and is told', async () => {
  const [folder, client] = [await bench.album(), await bench.client()]
  const { torrent } = await client.seed(folder, { version: 'v1', pieceLength: 32_768 })
  await torrent.save()
  const c = torrent.info!.files.findIndex(({ path }) => path.at(-1) === 'c.bin')
  const original = await readFile(join(folder, 'b', 'c.bin'))
  const handle = await open(join(folder, 'b', 'c.bin'), 'r+')
  await handle.write(Buffer.alloc(1000), 0, 1000, 500_000)
  await handle.close()
  const read = async () => {
    let at = 0
    for await (const bytes of torrent.readFile(c, 0, original.length)) {
      assert.ok(original.subarray(at, at + bytes.length).equals(bytes), `at ${at}`)
      at += bytes.length
    }
  }
  await Promise.all(
    Array.from({ length: 8 }, () => assert.rejects(read(), { code: 'file-changed', message: /c\.bin was changed$/ })),
  )
  assert.deepEqual([torrent.state, torrent.error?.code], ['error', 'file-changed'])
})

test('what is lost while it is read is not handed on', async () => {
  const { torrent } = await (await bench.client()).seed(await bench.album(), { version: 'v1', pieceLength: 32_768 })
  const next = torrent.readFile(0, 0, 10).next()
  torrent.core.pieceLost(0, 0)
  torrent.fail(new OperationError('file-changed', 'it was changed'))
  await assert.rejects(next, { code: 'file-changed' })
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
