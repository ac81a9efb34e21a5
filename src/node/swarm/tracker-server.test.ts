import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createSocketServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import type { OperationError } from '../../base/errors.ts'
import { formatMagnet } from '../../bittorrent/metainfo/magnet.ts'
import type { AnnounceRequest } from '../../bittorrent/tracker/announce.ts'
import { encodeAnnounceResponse } from '../../bittorrent/tracker/http-tracker.ts'
import { encodeConnectRequest } from '../../bittorrent/tracker/udp-tracker.ts'
import { decodeHandshake } from '../../bittorrent/wire/handshake.ts'
import { assertPublicHost, isPublicAddress } from './address-guard.ts'
import { fetchUrl } from './fetch-url.ts'
import { listenError } from './listening.ts'
import { SwarmClient } from './swarm-client.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'
import { TrackerClient } from './tracker-client.ts'
import { TrackerServer, type TrackerServerOptions } from './tracker-server.ts'

const root = await mkdtemp(join(tmpdir(), 'peers-tracker-'))
const server = await TrackerServer.open({ host: '127.0.0.1', port: 0 })
const client = new TrackerClient({ allowPrivate: true, timeoutMs: 3000 })

after(async () => {
  client.close()
  await server.close()
  await rm(root, { recursive: true })
})

function request(port: number, left: number): AnnounceRequest {
  const peerId = new Uint8Array(20).fill(port)
  return {
    infohash: new Uint8Array(20).fill(9),
    peerId,
    port,
    uploaded: 0,
    downloaded: 0,
    left,
    event: 'started',
    wanted: 50,
    key: 1,
  }
}

for (const [index, scheme] of ['http', 'udp'].entries()) {
  test(`peers meet over ${scheme}`, async () => {
    const url = `${scheme}://127.0.0.1:${server.port}/announce`
    const infohash = new Uint8Array(20).fill(100 + index)
    await client.announce(url, { ...request(1001, 0), infohash })
    const second = await client.announce(url, { ...request(1002, 5), infohash })
    assert.deepEqual(second.peers, [{ host: '127.0.0.1', port: 1001 }])
    assert.deepEqual([second.seeders, second.leechers], [1, 1])
    assert.deepEqual(await client.scrape(url, [infohash]), [{ seeders: 1, completed: 0, leechers: 1 }])
  })
}

test('where a tracker cannot listen is told by name, and nothing of it stays open', async () => {
  const taken = createSocket('udp4').bind(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address()
  const refusals: [options: TrackerServerOptions, code: string, message: RegExp][] = [
    [{ host: '127.0.0.1', port: server.port }, 'port-in-use', /^cannot listen on 127\.0\.0\.1:/],
    [{ host: '127.0.0.1', port }, 'port-in-use', new RegExp(`:${port}: .*EADDRINUSE`)],
    [{ host: '192.0.2.1', port: 0 }, 'address-not-ours', /192\.0\.2\.1/],
    [{ host: '2001:db8::1', port: 0 }, 'address-not-ours', /\[2001:db8::1\]:0/],
    [{ host: 'no..where', port: 0 }, 'host-unknown', /no\.\.where/],
    [{ host: '127.0.0.1', port: 99_999 }, 'port-invalid', /99999/],
    [{ port: Number.NaN }, 'port-invalid', /NaN/],
  ]
  for (const [options, code, message] of refusals) {
    await assert.rejects(TrackerServer.open(options), { code, message }, JSON.stringify(options))
  }
  // What HTTP had got of the port whose UDP is another's.
  const free = createSocketServer().listen(port, '127.0.0.1')
  await once(free, 'listening')
  free.close()
  taken.close()
  assert.equal(listenError({ code: 'EACCES' }, '127.0.0.1', 80).code, 'port-not-allowed')
})

test('one socket for both families answers each in its own', async () => {
  const both = await TrackerServer.open({ host: '::ffff:127.0.0.1', port: 0 })
  for (const scheme of ['http', 'udp']) {
    const url = `${scheme}://127.0.0.1:${both.port}/announce`
    await client.announce(url, request(1001, 0))
    const { peers } = await client.announce(url, request(1002, 5))
    assert.deepEqual(peers, [{ host: '127.0.0.1', port: 1001 }], scheme)
  }
  await both.close()
})

test('what is refused or broken is told by name', async () => {
  const broken = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
  await new Promise(resolve => broken.once('listening', resolve))
  const { port } = broken.address() as { port: number }
  await assert.rejects(client.announce(`http://127.0.0.1:${port}/announce`, request(1, 1)), {
    code: 'tracker-answer-invalid',
  })
  broken.close()
  await assert.rejects(client.announce('ftp://127.0.0.1/announce', request(1, 1)), { code: 'url-invalid' })
  const bad = { ...request(1, 1), infohash: new Uint8Array(3) }
  await assert.rejects(client.announce(`http://127.0.0.1:${server.port}/announce`, bad), { code: 'tracker-refused' })
})

test('addresses of UDP trackers are read in all their forms, and refused by name where they are none', async () => {
  const local = await TrackerServer.open({ host: '::1', port: 0 })
  const answer = await client.announce(`UDP://[0:0:0:0:0:0:0:1]:${local.port}/announce`, request(1, 1))
  assert.equal(answer.leechers, 1)
  await local.close()
  for (const url of [
    'udp://127.0.0.1',
    'udp://127.0.0.1:0/x',
    'udp://127.0.0.1:70000',
    'udp:///x',
    'udp://a b:1',
    'udp:',
  ]) {
    await assert.rejects(client.announce(url, request(1, 1)), { code: 'url-invalid' }, url)
    await assert.rejects(client.scrape(url, [new Uint8Array(20)]), { code: 'url-invalid' }, url)
  }
})

/** Sends a datagram that says it comes from port 0; false where this machine lets nobody do that. */
function sendFromPortZero(port: number, packet: Uint8Array): boolean {
  const script = `import socket, struct, sys
data = bytes.fromhex(sys.argv[2])
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
raw.sendto(struct.pack('>HHHH', 0, int(sys.argv[1]), 8 + len(data), 0) + data, ('127.0.0.1', 0))`
  return spawnSync('python3', ['-c', script, `${port}`, Buffer.from(packet).toString('hex')]).status === 0
}

test('a packet from port 0, to which no answer can go, does no harm', async t => {
  if (!sendFromPortZero(server.port, encodeConnectRequest(7))) return t.skip('raw sockets are not allowed')
  const answer = await client.announce(`udp://127.0.0.1:${server.port}/announce`, request(1, 1))
  assert.ok(answer.leechers! > 0)
})

test('a client that is closed asks nobody any more, though it was about to', async () => {
  for (const scheme of ['http', 'udp']) {
    const closed = new TrackerClient({ allowPrivate: true, timeoutMs: 3000 })
    const { announces } = server
    const url = `${scheme}://localhost:${server.port}/announce`
    const looking = assert.rejects(closed.announce(url, request(1, 1)), { code: 'closing' })
    closed.close()
    await looking
    await assert.rejects(closed.announce(url, request(1, 1)), { code: 'closing' })
    assert.equal(server.announces, announces)
  }
})

test('BEP 15: a connection that the tracker has forgotten is made anew', async () => {
  const first = await TrackerServer.open({ host: '127.0.0.1', port: 0 })
  const { port } = first
  const url = `udp://127.0.0.1:${port}/announce`
  await client.announce(url, request(1, 1))
  await first.close()
  const second = await TrackerServer.open({ host: '127.0.0.1', port })
  await assert.rejects(client.announce(url, request(1, 1)), { code: 'tracker-refused' })
  assert.equal((await client.announce(url, request(1, 1))).leechers, 1)
  await second.close()
})

test('no torrent sends us to a private address: not by number, name, or redirect', async () => {
  const careful = new TrackerClient({ timeoutMs: 3000 })
  const hosts = [
    '127.0.0.1',
    'localhost',
    '[::1]',
    '0.0.0.0',
    '169.254.169.254',
    '[::ffff:10.0.0.1]',
    '2130706433',
    '0x7f.1',
  ]
  for (const host of hosts) {
    await assert.rejects(
      careful.announce(`http://${host}:${server.port}/announce`, request(1, 1)),
      { code: 'private-address' },
      host,
    )
  }
  await assert.rejects(careful.announce(`udp://localhost:${server.port}`, request(1, 1)), { code: 'private-address' })
  careful.close()
  assert.throws(() => assertPublicHost('10.1.2.3'), { code: 'private-address' })
  for (const address of ['8.8.8.8', '2606:4700::1111']) assert.equal(isPublicAddress(address), true, address)
  for (const address of ['172.20.0.1', '100.64.1.1', 'fd00::1', 'fe80::1', '64:ff9b::7f00:1', 'no address']) {
    assert.equal(isPublicAddress(address), false, address)
  }
})

test('fetching has its limits', async () => {
  const web = createServer((incoming, response) => {
    if (incoming.url === '/loop') response.writeHead(302, { location: '/loop' }).end()
    else if (incoming.url === '/moved') response.writeHead(301, { location: '/there' }).end()
    else if (incoming.url === '/there') response.end('arrived')
    else if (incoming.url === '/long') response.end(Buffer.alloc(5000))
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => web.once('listening', resolve))
  const { port } = web.address() as { port: number }
  const options = { allowPrivate: true, timeoutMs: 200, bytesMax: 1000 }
  const at = `http://127.0.0.1:${port}`
  assert.equal(Buffer.from((await fetchUrl(`${at}/moved`, options)).body).toString(), 'arrived')
  await assert.rejects(fetchUrl(`${at}/loop`, options), { code: 'too-many-redirects' })
  await assert.rejects(fetchUrl(`${at}/long`, options), { code: 'answer-too-long' })
  await assert.rejects(fetchUrl(`${at}/silent`, options), { code: 'timeout' })
  web.closeAllConnections()
  web.close()
})

test('two clients find each other by tracker alone, and say goodbye', async () => {
  for (const scheme of ['http', 'udp']) {
    const trackers = [[`${scheme}://127.0.0.1:${server.port}/announce`]]
    const path = join(root, `${scheme}.bin`)
    await writeFile(path, Buffer.alloc(300_000, scheme))
    const open = (name: string) =>
      SwarmClient.open({
        port: 0,
        host: '127.0.0.1',
        stateFolder: join(root, scheme, name),
        allowPrivate: true,
        hashThreads: 1,
      })
    const [seeder, leecher] = [await open('a'), await open('b')]
    const { torrent, metainfo } = await seeder.seed(path, { version: 'v1', trackers })
    await new Promise<void>(resolve => torrent.once('announced', () => resolve()))
    const fetched = await leecher.add(metainfo, { folder: join(root, scheme, 'out') })
    await fetched.done()
    const infohash = torrent.core.wireInfohash
    await seeder.close()
    assert.equal(server.registry.scrape(infohash).seeders + server.registry.scrape(infohash).leechers, 1)
    await leecher.close()
  }
})

/** A client with a folder of its own, and a torrent's file for it. */
async function hybridOf(name: string) {
  const path = join(root, `${name}.bin`)
  await writeFile(path, Buffer.alloc(100_000, name))
  const open = (of: string) =>
    SwarmClient.open({
      port: 0,
      host: '127.0.0.1',
      stateFolder: join(root, name, of),
      allowPrivate: true,
      hashThreads: 1,
    })
  const trackers = [[`http://127.0.0.1:${server.port}/announce`]]
  return { path, open, trackers, folder: (of: string) => join(root, name, of, 'files') }
}

function magnetBy(torrent: SwarmTorrent, version: 'v1' | 'v2'): string {
  const { v1, v2 } = torrent.infohashes
  return formatMagnet(version === 'v1' ? { infohashV1: v1 } : { infohashV2: v2 })
}

test('BEP 52: a hybrid is found by either infohash, and by both once its metadata is there', async () => {
  const { path, open, trackers, folder } = await hybridOf('hybrid')
  const [seeder, second, third] = [await open('a'), await open('b'), await open('c')]
  const { torrent } = await seeder.seed(path, { version: 'hybrid', trackers })
  for (let i = 0; i < 2; i++) await once(torrent, 'announced')
  const byV2 = await second.add(magnetBy(torrent, 'v2'), { folder: folder('b'), trackers })
  await byV2.done()
  const announcedV1 = () => server.registry.scrape(torrent.infohashes.v1!)
  while (announcedV1().seeders + announcedV1().leechers < 2) await once(byV2, 'announced')
  assert.deepEqual(byV2.infohashes, torrent.infohashes)
  assert.equal(byV2.trackers.length, 1)
  await seeder.close()
  // Only the one that knew v2's infohash alone is left, for one that knows v1's alone.
  const byV1 = await third.add(magnetBy(torrent, 'v1'), { folder: folder('c'), trackers })
  await byV1.done()
  for (const infohash of [torrent.infohashes.v1!, torrent.infohashes.v2!.subarray(0, 20)]) {
    assert.ok(server.registry.scrape(infohash).seeders > 0)
  }
  await Promise.all([second.close(), third.close()])
})

for (const version of ['v1', 'v2'] as const) {
  test(`BEP 52: a peer that was found by ${version}'s infohash is called by it`, async () => {
    const { path, open, trackers, folder } = await hybridOf(`called-${version}`)
    const [maker, caller] = [await open('a'), await open('b')]
    const { torrent, metainfo } = await maker.seed(path, { version: 'hybrid' })
    const infohash = torrent.infohashes[version]!.subarray(0, 20)
    const called = createSocketServer().listen(0, '127.0.0.1')
    await once(called, 'listening')
    const { port } = called.address() as { port: number }
    await client.announce(trackers[0][0], { ...request(port, 0), infohash })
    // One that goes by the other infohash.
    await caller.add(metainfo, { folder: folder('b'), trackers, byV2: version === 'v1' })
    const [socket] = (await once(called, 'connection')) as [Socket]
    const [hello] = (await once(socket, 'data')) as [Buffer]
    assert.deepEqual(new Uint8Array(decodeHandshake(new Uint8Array(hello))!.infohash), new Uint8Array(infohash))
    socket.destroy()
    called.close()
    await Promise.all([maker.close(), caller.close()])
  })
}

test('BEP 21: who has all that it wants of a torrent says what is missing of the whole', async () => {
  const heard: URLSearchParams[] = []
  const tracker = createServer((incoming, response) => {
    heard.push(new URL(incoming.url!, 'http://tracker').searchParams)
    response.end(encodeAnnounceResponse({ intervalSeconds: 1800, seeders: 0, leechers: 1, peers: [] }, true))
  }).listen(0, '127.0.0.1')
  await once(tracker, 'listening')
  const { port } = tracker.address() as { port: number }
  const { path, open } = await hybridOf('partial')
  const folder = join(dirname(path), 'pair')
  await mkdir(folder)
  for (const name of ['a', 'b']) await writeFile(join(folder, name), Buffer.alloc(131_072, name))
  const [seeder, leecher] = [await open('seeder'), await open('leecher')]
  const { metainfo } = await seeder.seed(folder, { version: 'v1', pieceLength: 65_536 })
  const fetched = await leecher.add(metainfo, {
    folder: join(root, 'partial', 'files'),
    peers: [{ host: '127.0.0.1', port: seeder.port! }],
    trackers: [[`http://127.0.0.1:${port}/announce`]],
    only: name => name === 'a',
  })
  await fetched.done()
  while (heard.length === 0) await once(fetched, 'announced')
  await leecher.close()
  const last = heard.at(-1)!
  assert.deepEqual([last.get('event'), last.get('left')], ['stopped', '131072'])
  assert.ok(!heard.some(query => query.get('event') === 'completed'))
  await seeder.close()
  tracker.closeAllConnections()
  tracker.close()
})

test('a torrent that goes on after a pause tells its trackers at once, and takes no peers from the goodbye', async () => {
  const heard: { event: string | null; answer: () => void }[] = []
  const tracker = createServer((incoming, response) => {
    const { searchParams } = new URL(incoming.url!, 'http://tracker')
    const peers = searchParams.get('event') === 'stopped' ? [{ host: '127.0.0.1', port: 1 }] : []
    const body = encodeAnnounceResponse({ intervalSeconds: 1800, seeders: 1, leechers: 0, peers }, true)
    heard.push({ event: searchParams.get('event'), answer: () => response.end(body) })
    tracker.emit('heard')
  }).listen(0, '127.0.0.1')
  await once(tracker, 'listening')
  const { port } = tracker.address() as { port: number }
  const { path, open } = await hybridOf('back')
  const seeder = await open('a')
  const { torrent } = await seeder.seed(path, { version: 'v1', trackers: [[`http://127.0.0.1:${port}/announce`]] })
  const answerNext = async (count: number) => {
    while (heard.length < count) await once(tracker, 'heard', { signal: AbortSignal.timeout(10_000) })
    const announced = once(torrent, 'announced')
    heard[count - 1].answer()
    await announced
  }
  await answerNext(1)
  torrent.pause()
  torrent.resume()
  torrent.tick(seeder.now())
  await answerNext(2)
  torrent.tick(seeder.now())
  await answerNext(3)
  assert.deepEqual(
    heard.map(({ event }) => event),
    ['started', 'stopped', 'started'],
  )
  assert.equal(torrent.core.candidates.size, 0)
  tracker.on('heard', () => heard.at(-1)!.answer())
  await seeder.close()
  tracker.closeAllConnections()
  tracker.close()
})

test('a tracker that the owner names may be on a private network, one that a torrent names may not', async () => {
  for (const scheme of ['http', 'udp']) {
    const url = `${scheme}://127.0.0.1:${server.port}/announce?of=${scheme}`
    const path = join(root, `own-${scheme}.bin`)
    await writeFile(path, Buffer.alloc(100_000, `own ${scheme}`))
    const open = (name: string) =>
      SwarmClient.open({ port: 0, host: '127.0.0.1', stateFolder: join(root, 'own', scheme, name), hashThreads: 1 })
    const [owner, stranger, follower] = [await open('owner'), await open('stranger'), await open('follower')]
    const { torrent, metainfo } = await owner.seed(path, { version: 'v1', trackers: [[url]] })
    const answered = async (of: SwarmTorrent) =>
      ((await once(of, 'announced')) as [string, OperationError | undefined])[1]?.code
    assert.equal(await answered(torrent), undefined)
    const folder = join(root, 'own', scheme, 'files')
    const byTorrent = await stranger.add(metainfo, { folder })
    assert.equal(await answered(byTorrent), 'private-address')
    await stranger.remove(byTorrent)
    const magnet = `${torrent.magnet}&tr=${encodeURIComponent(url)}`
    const byMagnet = await stranger.add(magnet, { folder })
    assert.equal(await answered(byMagnet), 'private-address')
    const byOwner = await follower.add(magnet, { folder, trackers: [[url]] })
    assert.equal(await answered(byOwner), undefined)
    assert.equal(byOwner.trackers.length, 1)
    const { seeders, leechers } = server.registry.scrape(torrent.core.wireInfohash)
    assert.deepEqual([seeders, leechers], [1, 1])
    await Promise.all([owner.close(), stranger.close(), follower.close()])
  }
})

test('where a tracker that the owner names leads to is judged like any address', async () => {
  const leader = createServer((_, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${server.port}/announce` }).end()
  }).listen(0, '127.0.0.1')
  await once(leader, 'listening')
  const { port } = leader.address() as { port: number }
  const careful = new TrackerClient({ timeoutMs: 3000 })
  await assert.rejects(careful.announce(`http://127.0.0.1:${port}/announce`, request(1, 1), undefined, true), {
    code: 'private-address',
  })
  careful.close()
  leader.closeAllConnections()
  leader.close()
})
