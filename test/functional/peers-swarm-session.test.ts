import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { TrackerServer } from '../../src/node/swarm/tracker-server.ts'
import { assertAlbum, makeAlbum, runPeers, SwarmPeer, type Torrent } from './swarm-peer.ts'

const root = await mkdtemp(join(tmpdir(), 'peers-session-'))
const tracker = await TrackerServer.open({ host: '127.0.0.1', port: 0 })

after(async () => {
  SwarmPeer.killAll()
  await tracker.close()
  await rm(root, { recursive: true, force: true })
})

function newPeer(name: string, ...more: readonly string[]): Promise<SwarmPeer> {
  return SwarmPeer.open(join(root, name), ...more)
}

/** What limits all torrents of a peer together: up, down; 0 for nothing. */
async function limitsOf(peer: SwarmPeer): Promise<[up: number, down: number]> {
  const info = await peer.call<{ upload_limit: number; download_limit: number }>('getswarminfo')
  return [info.upload_limit, info.download_limit]
}

test('of the limits of the whole swarm the one that was set last holds, over restarts and kill -9', async () => {
  const album = await makeAlbum(join(root, 'limited'))
  const giver = await newPeer('limited-giver')
  assert.deepEqual(await limitsOf(giver), [0, 0])
  const { magnet } = await giver.call<Torrent>('sharefiles', [album])
  const { out } = await giver.run('swarm', 'limit', '--up', '700kB/s', '--down', '2MB/s')
  assert.equal(out, 'up 700 kB/s, down 2.00 MB/s\n')
  const { mode } = await stat(join(giver.folder, 'regtest', 'torrents', 'limits.json'))
  assert.equal(mode & 0o777, 0o600)
  await giver.end('SIGKILL')

  await giver.start()
  assert.deepEqual(await limitsOf(giver), [700_000, 2_000_000])
  await giver.until('album', ({ state }) => state === 'seeding')
  const taker = await newPeer('limited-taker')
  const startedAt = performance.now()
  const peers = [`127.0.0.1:${await giver.port()}`]
  const { infohash } = await taker.call<Torrent>('addtorrent', { source: magnet, folder: join(root, 'slowly'), peers })
  await taker.until(infohash, ({ complete }) => complete)
  const seconds = (performance.now() - startedAt) / 1000
  assert.ok(seconds > 2.5, `2.1 MB at 700 kB/s came within ${seconds} s`)
  assert.equal(await taker.end('SIGTERM'), 0)

  // What a start is told was set later than what was remembered; it changes nothing else, and is remembered itself.
  assert.equal(await giver.end('SIGTERM'), 0)
  await giver.start('--swarm-up', '0')
  assert.deepEqual(await limitsOf(giver), [0, 2_000_000])
  await giver.call('setswarmlimits', [null, 3_000_000])
  assert.equal(await giver.end('SIGTERM'), 0)
  await giver.start()
  assert.deepEqual(await limitsOf(giver), [0, 3_000_000])
  assert.equal(await giver.end('SIGTERM'), 0)
})

test('trackers on private networks are asked where the owner of a peer allows it, and nowhere else', async () => {
  const album = await makeAlbum(join(root, 'at-home'))
  const torrentFile = join(root, 'at-home.torrent')
  const url = `http://127.0.0.1:${tracker.port}/announce`
  const [giver, taker] = [await newPeer('home-giver', '--swarm-allow-private'), await newPeer('home-taker')]
  const shared = await giver.run('share', album, '--tracker', url, '--torrent', torrentFile, '--allow-private')
  assert.equal(shared.status, 0, shared.err)
  const folder = join(root, 'at-home-fetched')

  const refused = await taker.run('get', torrentFile, '-o', folder, '--allow-private', '--json')
  assert.equal(refused.status, 1)
  assert.equal(JSON.parse(refused.out).error.code, 'private-not-allowed')
  assert.deepEqual(await taker.call('listtorrents'), [])

  const { infohash } = await taker.call<Torrent>('addtorrent', [torrentFile, folder])
  for (const deadline = performance.now() + 30_000; ; ) {
    const show = (await taker.run('swarm', 'show', 'album')).out
    if (show.includes(`tracker   ${url}   127.0.0.1 is an address of a private network`)) break
    assert.ok(performance.now() < deadline, show)
  }
  assert.equal((await taker.call<Torrent>('gettorrent', [infohash])).done_bytes, 0)
  assert.equal(await taker.end('SIGTERM'), 0)

  await taker.start('--swarm-allow-private')
  const got = await taker.run('get', torrentFile, '-o', folder, '--allow-private')
  assert.equal(got.status, 0, got.err)
  await assertAlbum(album, join(folder, 'album'))
  for (const peer of [giver, taker]) assert.equal(await peer.end('SIGTERM'), 0)
})

test('a hybrid that came by its v2 infohash alone goes on from its own file, and is one torrent by both', async () => {
  const album = await makeAlbum(join(root, 'hybrid'))
  const torrentFile = join(root, 'hybrid.torrent')
  const [giver, taker] = [await newPeer('hybrid-giver'), await newPeer('hybrid-taker')]
  const options = { piece_length: 16_384, upload_limit: 700_000 }
  const { infohash: v1, infohash_v2: v2, magnet } = await giver.call<Torrent>('sharefiles', [album, options])
  const made = await runPeers('torrent', 'create', album, '--piece-length', '16K', '-o', torrentFile)
  assert.equal(made.status, 0, made.err)
  const folder = join(root, 'hybrid-fetched')
  const peers = [`127.0.0.1:${await giver.port()}`]
  const source = `magnet:?xt=urn:btmh:1220${v2}`
  const added = await taker.call<Torrent>('addtorrent', { source, folder, peers })
  assert.equal(added.infohash, v2!.slice(0, 40))

  // Killed half-way, it knows what it has and what it is without anybody's help.
  const before = await taker.until(v2!, torrent => torrent.done_bytes > 300_000)
  await taker.end('SIGKILL')
  assert.equal(await giver.end('SIGTERM'), 0)
  await taker.start()
  const cutOff = await taker.until(v2!, ({ state }) => state === 'downloading')
  assert.deepEqual([cutOff.name, cutOff.infohash, cutOff.complete], ['album', v2!.slice(0, 40), false])
  assert.ok(cutOff.done_bytes > before.done_bytes - 200_000, `${cutOff.done_bytes} of ${before.done_bytes} are left`)

  await giver.start()
  await giver.until(v1, ({ state }) => state === 'seeding')
  await giver.call('settorrentlimits', [v1, 0])
  await taker.call('removetorrent', [v2!])
  const again = [`127.0.0.1:${await giver.port()}`]
  await taker.call('addtorrent', { source, folder, peers: again })
  await taker.until(v2!, ({ complete }) => complete)
  assert.equal(await giver.end('SIGTERM'), 0)
  await taker.end('SIGKILL')
  await taker.start()
  const resumed = await taker.until(v1, ({ state }) => state === 'seeding')
  assert.deepEqual([resumed.infohash, resumed.infohash_v1, resumed.infohash_v2], [v2!.slice(0, 40), v1, v2])
  await assertAlbum(album, join(folder, 'album'))

  const known = { message: /^torrent-known: / }
  for (const other of [magnet, `magnet:?xt=urn:btih:${v1}`, source, torrentFile]) {
    await assert.rejects(taker.call('addtorrent', [other, folder]), known, other)
  }
  await assert.rejects(taker.call('sharefiles', [album, { piece_length: 16_384 }]), known)
  // And the other way round: the one that gives it knows it by v1.
  await giver.start()
  await assert.rejects(giver.call('addtorrent', [source, folder]), known)
  for (const peer of [giver, taker]) {
    assert.equal((await peer.call<unknown[]>('listtorrents')).length, 1)
    assert.equal(await peer.end('SIGTERM'), 0)
  }
})

test('a magnet link that turns out to lead to a torrent that is there does not fetch it a second time', async () => {
  const album = await makeAlbum(join(root, 'twice'))
  const [giver, taker] = [await newPeer('twice-giver'), await newPeer('twice-taker')]
  const { infohash: v1, infohash_v2: v2 } = await giver.call<Torrent>('sharefiles', [album])
  const folder = join(root, 'twice-fetched')
  // Nobody has told the first what it is, and so nobody can know that the second is the same.
  await taker.call('addtorrent', { source: `magnet:?xt=urn:btih:${v1}`, folder })
  const peers = [`127.0.0.1:${await giver.port()}`]
  const second = await taker.call<Torrent>('addtorrent', { source: `magnet:?xt=urn:btmh:1220${v2}`, folder, peers })
  const { error } = await taker.until(second.infohash, ({ state }) => state === 'error')
  assert.equal(error?.code, 'torrent-known')
  assert.equal((await taker.call<Torrent>('gettorrent', [v1])).state, 'metadata')
  await assert.rejects(stat(join(folder, 'album')), { code: 'ENOENT' })
  await taker.call('removetorrent', [second.infohash])
  assert.deepEqual(
    (await taker.call<Torrent[]>('listtorrents')).map(({ infohash }) => infohash),
    [v1],
  )
  for (const peer of [giver, taker]) assert.equal(await peer.end('SIGTERM'), 0)
})

test('asked for again, a torrent stays as it was added, and calls the peers that are named', async () => {
  const album = await makeAlbum(join(root, 'again'))
  const torrentFile = join(root, 'again.torrent')
  const [giver, taker] = [await newPeer('again-giver'), await newPeer('again-taker')]
  const tracker = 'http://127.0.0.1:9/announce'
  const first = await giver.run('share', album, '--torrent', torrentFile, '--tracker', tracker)
  assert.equal(first.status, 0, first.err)
  await giver.call('pausetorrent', ['album'])
  await rm(torrentFile)
  const second = await giver.run('share', album, '--torrent', torrentFile, '--tracker', tracker)
  assert.deepEqual([second.status, second.out], [0, first.out])
  assert.ok(
    second.err.endsWith(`album is there already, in ${root}/again: of the options, --peer alone changes something\n`),
  )
  await giver.until('album', ({ state, paused }) => state === 'seeding' && !paused)
  const folder = join(root, 'again-fetched')
  await taker.call('addtorrent', [torrentFile, folder])
  const from = ['--peer', `127.0.0.1:${await giver.port()}`]
  const got = await taker.run('get', torrentFile, '-o', join(root, 'elsewhere'), ...from)
  assert.equal(got.status, 0, got.err)
  assert.ok(got.err.startsWith(`album is there already, in ${folder}: `), got.err)
  // A tracker that the torrent names and nobody may ask.
  assert.equal(got.err.split(`tracker ${tracker}: 127.0.0.1 is an address of a private network`).length, 2, got.err)
  await assertAlbum(album, join(folder, 'album'))
  await assert.rejects(stat(join(root, 'elsewhere')), { code: 'ENOENT' })

  // Nothing is added where nothing could come of it.
  const none = await taker.run('get', torrentFile, '--only', '*.mp3', '--json')
  assert.deepEqual([none.status, JSON.parse(none.out).error.code], [1, 'no-such-file'])
  await taker.call('removetorrent', ['album'])
  const nowhere = await taker.run('get', torrentFile, '-o', join(torrentFile, 'within'), '--json')
  assert.deepEqual([nowhere.status, JSON.parse(nowhere.out).error.code], [1, 'cannot-write'])
  assert.deepEqual(await taker.call('listtorrents'), [])
  for (const peer of [giver, taker]) assert.equal(await peer.end('SIGTERM'), 0)
})

test('wrong usage has status 2, and is told to programs as they are told everything', async () => {
  for (const words of [
    ['get'],
    ['get', 'x.torrent', '--up', 'fast'],
    ['swarm', 'limit', '-n', 'regtest'],
    ['nonsense'],
  ]) {
    const people = await runPeers(...words)
    assert.deepEqual([people.status, people.out], [2, ''], words.join(' '))
    assert.match(people.err, /^error/)
    const program = await runPeers(...words, '--json')
    assert.deepEqual([program.status, program.err], [2, ''], words.join(' '))
    const { error } = JSON.parse(program.out)
    assert.equal(error.code, 'wrong-usage')
    assert.match(error.next, /--help/)
  }
})
