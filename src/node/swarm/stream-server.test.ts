import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { encodeMetainfo } from '../../bittorrent/metainfo/create-metainfo.ts'
import { makeInfo } from '../../bittorrent/swarm/virtual-swarm.ts'
import { parseRange, StreamServer } from './stream-server.ts'
import { SwarmClient } from './swarm-client.ts'

const root = await mkdtemp(join(tmpdir(), 'peers-stream-'))
const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 11 + (i >> 7)) & 255))
await writeFile(join(root, 'film.mp4'), bytes)
const client = await SwarmClient.open({ stateFolder: join(root, 'state'), hashThreads: 1 })

after(async () => {
  await client.close()
  await rm(root, { recursive: true })
})

function ask(url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => get(url, { headers, agent: false }, resolve).once('error', reject))
}

test('ranges are those of RFC 9110', () => {
  const cases: [string | undefined, ReturnType<typeof parseRange>][] = [
    [undefined, undefined],
    ['bytes=0-0', [0, 1]],
    ['bytes=5-', [5, 100]],
    ['bytes=-5', [95, 100]],
    ['bytes=-500', [0, 100]],
    ['bytes=90-500', [90, 100]],
    ['bytes=100-', 'invalid'],
    ['bytes=-0', 'invalid'],
    ['bytes=9-8', 'invalid'],
    [`bytes=${'9'.repeat(400)}-`, 'invalid'],
    ['bytes=0-1,5-6', undefined],
    ['lines=1-2', undefined],
    ['bytes=-', undefined],
  ]
  for (const [header, range] of cases) assert.deepEqual(parseRange(header, 100), range, header)
})

test('a player gets the file, and a page of somebody else does not', async () => {
  const { torrent } = await client.seed(join(root, 'film.mp4'))
  const stream = await StreamServer.open(torrent, 0)
  const part = await fetch(stream.url, { headers: { range: 'bytes=1000-1999' } })
  assert.deepEqual([part.status, part.headers.get('content-range')], [206, 'bytes 1000-1999/300000'])
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytes.subarray(1000, 2000))
  const foreign: Record<string, string>[] = [
    { host: 'evil.example' },
    { host: '127.0.0.1.evil.example' },
    { 'sec-fetch-site': 'cross-site' },
  ]
  for (const headers of foreign) {
    const answer = await ask(stream.url, headers)
    assert.equal(answer.statusCode, 403)
    answer.destroy()
  }
  await stream.close()
  await client.remove(torrent)
})

test('why it cannot listen is said', async () => {
  const { torrent } = await client.seed(join(root, 'film.mp4'), { version: 'v2' })
  const stream = await StreamServer.open(torrent, 0)
  const port = Number(new URL(stream.url).port)
  await assert.rejects(StreamServer.open(torrent, 0, port), { code: 'port-in-use' })
  await assert.rejects(StreamServer.open(torrent, 0, 99_999), { code: 'port-invalid' })
  await stream.close()
})

test('a player that comes before the files are looked through is asked to come again', async () => {
  // No disk has room for it, so that it never begins.
  const metainfo = encodeMetainfo(makeInfo(2 ** 43, 2 ** 28).bytes, undefined)
  const torrent = await client.add(metainfo, { folder: join(root, 'huge'), preallocate: true })
  assert.equal(torrent.error?.code, 'disk-full')
  const stream = await StreamServer.open(torrent, 0)
  const answer = await ask(stream.url)
  assert.deepEqual([answer.statusCode, answer.headers['retry-after']], [503, '1'])
  answer.destroy()
  await stream.close()
  await client.remove(torrent)
})

test('a player hears at once that nothing more will come', async () => {
  const metainfo = encodeMetainfo(makeInfo(2 ** 20, 2 ** 14).bytes, undefined)
  const torrent = await client.add(metainfo, { folder: join(root, 'empty') })
  const stream = await StreamServer.open(torrent, 0)
  const answer = await ask(stream.url)
  assert.equal(answer.headers['content-length'], `${2 ** 20}`)
  const started = performance.now()
  const ended = assert.rejects(async () => {
    for await (const _ of answer) assert.fail('there is nothing to send')
  })
  await client.remove(torrent)
  await ended
  assert.ok(performance.now() - started < 4000)
  await stream.close()
})
