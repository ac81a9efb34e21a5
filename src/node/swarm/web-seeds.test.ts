import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { TorrentVersion } from '../../bittorrent/metainfo/create-metainfo.ts'
import { HashPool } from './hash-pool.ts'
import { makeTorrent } from './make-torrent.ts'
import { parseRange } from './stream-server.ts'
import { SwarmClient } from './swarm-client.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'
import type { WebSeed } from './web-seed-connection.ts'

const root = await mkdtemp(join(tmpdir(), 'peers-web-'))
const pool = new HashPool(1)
const clients: SwarmClient[] = []
const servers: Server[] = []
let folders = 0

after(async () => {
  await Promise.all(clients.map(client => client.close()))
  for (const server of servers) server.closeAllConnections()
  for (const server of servers) server.close()
  await pool.close()
  await rm(root, { recursive: true })
})

const FILES: Record<string, Buffer> = {
  'a ü#.bin': Buffer.alloc(300_001, 'first file'),
  'b/c.bin': Buffer.from(Array.from({ length: 900_000 }, (_, i) => (i * 7 + (i >> 8)) & 255)),
  'b/empty': Buffer.alloc(0),
  'z.txt': Buffer.from('the end'),
}
const album = join(root, 'album')
await mkdir(join(album, 'b'), { recursive: true })
for (const [name, bytes] of Object.entries(FILES)) await writeFile(join(album, name), bytes)
const torrents = new Map<TorrentVersion, Uint8Array>()
for (const version of ['v1', 'v2', 'hybrid'] as const) {
  torrents.set(version, await makeTorrent(album, { version, pieceLength: 32_768 }, pool))
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

interface Web {
  readonly url: string
  requests: string[]
  connections: number
}

async function web(answer: Answer): Promise<Web> {
  const state: Web & { url: string } = { url: '', requests: [], connections: 0 }
  const server = createServer((request, response) => {
    state.requests.push(`${request.url} ${request.headers.range ?? ''}`.trim())
    answer(request, response)
  })
  server.on('connection', () => state.connections++)
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  state.url = `http://127.0.0.1:${(server.address() as { port: number }).port}/pub`
  return state
}

/** What a plain file server does. */
function serveFile(request: IncomingMessage, response: ServerResponse, change = (bytes: Buffer) => bytes): void {
  const bytes = FILES[decodeURIComponent(request.url!.replace(/^\/pub\/album\//, ''))]
  if (bytes === undefined) {
    response.writeHead(404).end('nothing here')
    return
  }
  const range = parseRange(request.headers.range, bytes.length)
  if (range === undefined || range === 'invalid') {
    response.writeHead(200, { 'content-length': bytes.length }).end(change(bytes))
    return
  }
  const [start, end] = range
  response.writeHead(206, {
    'content-length': end - start,
    'content-range': `bytes ${start}-${end - 1}/${bytes.length}`,
  })
  response.end(change(bytes.subarray(start, end)))
}

async function fetchFrom(seeds: readonly WebSeed[], version: TorrentVersion = 'v1'): Promise<SwarmTorrent> {
  const client = await SwarmClient.open({
    stateFolder: join(root, `${folders++}`),
    hashThreads: 1,
    allowPrivate: true,
    webSeedTiming: { timeoutMs: 300, retryMs: 50 },
  })
  clients.push(client)
  return client.add(torrents.get(version)!, { folder: join(root, `${folders++}`), webSeeds: seeds })
}

async function assertComplete(torrent: SwarmTorrent): Promise<void> {
  await torrent.done()
  for (const [name, bytes] of Object.entries(FILES)) {
    assert.ok((await readFile(join(torrent.folder, 'album', name))).equals(bytes), name)
  }
}

const files = ({ url }: Web): WebSeed => ({ url, gives: 'files' })

for (const version of ['v1', 'v2', 'hybrid'] as const) {
  test(`BEP 19: a folder comes from a plain web server: ${version}`, async () => {
    const server = await web(serveFile)
    const torrent = await fetchFrom([files(server)], version)
    await assertComplete(torrent)
    assert.ok(server.connections <= 2, `${server.connections} connections`)
    assert.ok(
      server.requests.some(request => request.startsWith('/pub/album/a%20%C3%BC%23.bin bytes=0-')),
      server.requests.join('\n'),
    )
  })
}

test('BEP 17: pieces come by their numbers, and "later" is heard', async () => {
  const parsed = Buffer.concat(Object.values(FILES))
  let asked = 0
  const server = await web((request, response) => {
    if (asked++ === 0) {
      response.writeHead(503).end('1')
      return
    }
    const query = new URL(request.url!, 'http://x').searchParams
    const [start, end] = query.get('ranges')!.split('-').map(Number)
    const at = 32_768 * Number(query.get('piece'))
    response.end(parsed.subarray(at + start, at + end + 1))
  })
  const torrent = await fetchFrom([{ url: `${server.url}?key=1`, gives: 'pieces' }])
  await assertComplete(torrent)
  assert.match(
    server.requests[1],
    /^\/pub\?key=1&info_hash=(%[0-9A-F]{2}|[A-Za-z0-9\-_.~]){20}&piece=\d+&ranges=0-\d+$/,
  )
})

test('a server that knows no ranges is good enough for small files', async () => {
  const whole = await web((request, response) => {
    delete request.headers.range
    serveFile(request, response)
  })
  const ranged = await web((request, response) => {
    // It has but the large file.
    if (request.url!.endsWith('c.bin')) serveFile(request, response)
    else response.writeHead(410).end()
  })
  // Where no piece belongs to two files, each server is good for its own.
  await assertComplete(await fetchFrom([files(whole), files(ranged)], 'hybrid'))
})

test('whoever lies is banned, and its pieces come from elsewhere', async () => {
  const liar = await web((request, response) => {
    serveFile(request, response, bytes => {
      const changed = Buffer.from(bytes)
      changed[0] ^= 1
      return changed
    })
  })
  const honest = await web(serveFile)
  const torrent = await fetchFrom([files(liar)])
  const [identity] = await new Promise<unknown[]>(resolve => torrent.once('ban', (...args) => resolve(args)))
  assert.equal(identity, liar.url)
  assert.deepEqual(
    torrent.webSeeds.map(({ state, code }) => [state, code]),
    [['given-up', 'peer-sent-wrong-data']],
  )
  assert.equal(torrent.state, 'downloading')
  await assertComplete(await fetchFrom([files(liar), files(honest)]))
})

test('what is cut, stalls or fails for a while is tried again', async () => {
  let count = 0
  const server = await web((request, response) => {
    count++
    if (count === 1) serveFile(request, response, bytes => bytes.subarray(0, 50_000))
    else if (count === 2) response.writeHead(500).end()
    else if (count === 3) return
    else if (count === 4) response.socket!.destroy()
    else if (count === 5) response.writeHead(503, { 'retry-after': '1' }).end()
    else serveFile(request, response)
    // A length that does not come true.
    if (count === 1) setImmediate(() => response.socket?.destroy())
  })
  await assertComplete(await fetchFrom([files(server)]))
  assert.ok(count > 5, `${count} requests`)
})

test('answers that are not what was asked for are not taken', async () => {
  const wrong: [string, Answer][] = [
    [
      'web-seed-wrong-range',
      (_, response) => response.writeHead(206, { 'content-range': 'bytes 5-9/300001' }).end('12345'),
    ],
    ['web-seed-wrong-range', (_, response) => response.writeHead(206).end('no range at all')],
    ['web-seed-other-file', (_, response) => response.writeHead(200, { 'content-length': 5 }).end('12345')],
    [
      'web-seed-other-file',
      (request, response) => {
        const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range!)!
        response.writeHead(206, { 'content-range': `bytes ${from}-${to}/7` }).end()
      },
    ],
    ['web-seed-encoded', (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x')],
    ['web-seed-status-403', (_, response) => response.writeHead(403).end()],
    ['web-seed-status-404', (_, response) => response.writeHead(404).end()],
    ['too-many-redirects', (_, response) => response.writeHead(302, { location: '/pub/loop' }).end()],
    ['url-invalid', (_, response) => response.writeHead(302, { location: 'ftp://127.0.0.1/' }).end()],
  ]
  for (const [code, answer] of wrong) {
    const server = await web(answer)
    const torrent = await fetchFrom([files(server)])
    await new Promise<void>(resolve =>
      torrent.on('peer', (_, change) => {
        if (change === 'left') resolve()
      }),
    )
    assert.equal(torrent.webSeeds[0].code, code)
    assert.equal(torrent.core.picker!.have.count, 0)
    await clients.pop()!.close()
  }
})

test('a redirect is followed', async () => {
  const mirror = await web(serveFile)
  const server = await web((request, response) => {
    response.writeHead(302, { location: `${mirror.url}${request.url!.slice('/pub'.length)}` }).end()
  })
  await assertComplete(await fetchFrom([files(server)]))
})

test('no torrent makes us ask a private address', async () => {
  const server = await web(serveFile)
  const client = await SwarmClient.open({ stateFolder: join(root, `${folders++}`), hashThreads: 1 })
  clients.push(client)
  const port = new URL(server.url).port
  const hosts = ['127.0.0.1', 'localhost', '[::1]', '2130706433', '[::ffff:127.0.0.1]']
  const webSeeds = hosts.map(host => `http://${host}:${port}/pub`)
  const named = await makeTorrent(album, { version: 'v1', pieceLength: 32_768, webSeeds }, pool)
  const torrent = await client.add(named, { folder: join(root, `${folders++}`) })
  const isOver = () => torrent.webSeeds.every(({ state }) => state === 'given-up')
  await new Promise<void>(resolve => {
    const check = () => (isOver() ? resolve() : torrent.once('peer', () => setImmediate(check)))
    check()
  })
  assert.deepEqual(
    torrent.webSeeds.map(({ code }) => code),
    hosts.map(() => 'private-address'),
  )
  assert.deepEqual([server.connections, server.requests.length], [0, 0])
})

test('its owner does, though the torrent names the same server', async () => {
  const server = await web(serveFile)
  const client = await SwarmClient.open({ stateFolder: join(root, `${folders++}`), hashThreads: 1 })
  clients.push(client)
  const named = await makeTorrent(album, { version: 'v1', pieceLength: 32_768, webSeeds: [server.url] }, pool)
  const torrent = await client.add(named, { folder: join(root, `${folders++}`), webSeeds: [files(server)] })
  assert.equal(torrent.webSeeds.length, 1)
  await assertComplete(torrent)
})
