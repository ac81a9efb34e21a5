import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { RpcClient } from '../../src/rpc/client.ts'
import { noise } from '../swarm-fixtures.ts'
import { assertAlbum, makeAlbum, runPeers, SwarmPeer, type Torrent } from './swarm-peer.ts'

const root = await mkdtemp(join(tmpdir(), 'peers-swarm-'))

after(async () => {
  SwarmPeer.killAll()
  await rm(root, { recursive: true, force: true })
})

function newPeer(name: string): Promise<SwarmPeer> {
  return SwarmPeer.open(join(root, name))
}

test('what is shared and fetched through running peers goes on after a restart and kill -9', async () => {
  const album = await makeAlbum(join(root, 'original'))
  const [giver, taker] = [await newPeer('giver'), await newPeer('taker')]
  // No port is open before there is anything to do.
  assert.equal(await giver.port(), undefined)
  const shared = await giver.run('share', album, '--torrent', join(root, 'album.torrent'), '--json')
  assert.equal(shared.status, 0, shared.err)
  const { magnet, files, bytes } = JSON.parse(shared.out.trimEnd().split('\n').at(-1)!)
  assert.deepEqual([files, bytes], [3, 2_105_000])

  const from = ['--peer', `127.0.0.1:${await giver.port()}`]
  const got = await taker.run('get', magnet, '-o', join(root, 'fetched'), ...from)
  assert.deepEqual([got.status, got.err.includes('error')], [0, false], got.err)
  assert.match(got.out, /^album {2}2\.10 MB in .*, all verified, in .*\nthe running peer goes on giving it/)
  await assertAlbum(album, join(root, 'fetched', 'album'))
  const again = await taker.run('get', magnet, '-o', join(root, 'elsewhere'), '--json')
  assert.equal(JSON.parse(again.out.trimEnd().split('\n').at(-1)!).folder, join(root, 'fetched'))

  // What a link leads to is known late, and a file without bytes is a file.
  await mkdir(join(root, 'sparse'))
  await writeFile(join(root, 'sparse', 'full'), noise(20_000, 4))
  await writeFile(join(root, 'sparse', 'empty'), '')
  const sparse = await giver.call<Torrent>('sharefiles', [join(root, 'sparse')])
  const onlyEmpty = ['--only', 'sparse/empty', '-o', join(root, 'fetched'), ...from]
  const emptyGot = await taker.run('get', sparse.magnet, ...onlyEmpty)
  assert.equal(emptyGot.status, 0, emptyGot.err)
  assert.deepEqual(await readdir(join(root, 'fetched', 'sparse')), ['empty'])

  assert.equal(await giver.end('SIGTERM'), 0)
  await taker.end('SIGKILL')
  for (const peer of [giver, taker]) {
    await peer.start()
    const resumed = await peer.until('album', ({ state }) => state === 'seeding')
    assert.equal(resumed.complete, true)
  }
  // The one that was killed gives what it fetched: the .torrent came from peers.
  const alone = await runPeers(
    'get',
    join(root, 'album.torrent'),
    '-o',
    join(root, 'third'),
    '--state',
    join(root, 'third-state'),
    '--peer',
    `127.0.0.1:${await taker.port()}`,
  )
  assert.equal(alone.status, 0, alone.err)
  await assertAlbum(album, join(root, 'third', 'album'))
  for (const peer of [giver, taker]) assert.equal(await peer.end('SIGTERM'), 0)
})

test('a fetch that kill -9 cuts off goes on at the next start, with nothing fetched twice but what was under way', async () => {
  const album = await makeAlbum(join(root, 'slow'))
  const [giver, taker] = [await newPeer('slow-giver'), await newPeer('slow-taker')]
  const options = { piece_length: 16_384, upload_limit: 700_000 }
  const { magnet } = await giver.call<Torrent>('sharefiles', [album, options])
  const peers = [`127.0.0.1:${await giver.port()}`]
  const folder = join(root, 'slow-fetched')
  const { infohash } = await taker.call<Torrent>('addtorrent', { source: magnet, folder, peers })
  const before = await taker.until(infohash, torrent => torrent.done_bytes > 300_000)
  assert.equal(before.complete, false)
  await taker.end('SIGKILL')
  await giver.call('settorrentlimits', [infohash, 0])
  await taker.start()
  const { name } = await taker.until(infohash, torrent => torrent.complete)
  assert.equal(name, 'album')
  await assertAlbum(album, join(folder, 'album'))
  const { downloaded_bytes: fetched } = await taker.call<Torrent>('gettorrent', [infohash])
  assert.ok(fetched < 2_105_000 - before.done_bytes + 600_000, `${fetched} bytes after ${before.done_bytes}`)
  for (const peer of [giver, taker]) assert.equal(await peer.end('SIGTERM'), 0)
})

test('torrents are paused, limited, moved, renamed, shown and left, by commands and by RPC', async () => {
  const album = await makeAlbum(join(root, 'handled'))
  const peer = await newPeer('handler')
  await peer.call('sharefiles', [album, { format: 'v1' }])
  assert.match((await peer.run('swarm')).out, /^torrent .*\n[0-9a-f]{8} {2}album {2}seeding +100\.0 % +2\.10 MB/)
  assert.equal((await peer.run('swarm', 'pause', 'album')).out, 'album is paused\n')
  const limited = await peer.run('swarm', 'limit', 'album', '--up', '1MB/s', '--json')
  assert.equal(JSON.parse(limited.out).upload_limit, 1_000_000)
  const home = join(root, 'new-home')
  const moved = await peer.run('swarm', 'move', 'album', home)
  assert.deepEqual([moved.status, moved.out], [0, `album is in ${home}\n`], moved.err)
  const renamed = await peer.run('swarm', 'rename', 'album', 'album/live', 'album/concert')
  assert.equal(renamed.out, 'album/live is now album/concert\n', renamed.err)
  assert.deepEqual((await readdir(join(home, 'album'))).toSorted(), ['concert', 'cover.jpg', 'one.flac'])
  const unsafe = await peer.run('swarm', 'rename', 'album', 'album/one.flac', 'album/../../x')
  assert.equal(unsafe.status, 1)
  assert.match(unsafe.err, /^error name-unsafe: .*\n {2}next: /)

  assert.equal(await peer.end('SIGTERM'), 0)
  await peer.start()
  const kept = await peer.until('album', ({ state }) => state === 'paused')
  assert.deepEqual([kept.paused, kept.folder, kept.upload_limit, kept.complete], [true, home, 1_000_000, true])
  assert.match((await peer.run('swarm', 'resume', 'album')).out, /^album goes on: seeding/)
  const show = (await peer.run('swarm', 'show', 'album')).out
  assert.match(show, /^file {6}album\/concert\/two\.flac {3}1\.20 MB {3}100\.0 %$/m)
  assert.deepEqual(await peer.call('gettorrentpeers', ['album']), [])
  assert.deepEqual(await peer.call('gettorrenttrackers', ['album']), { trackers: [], web_seeds: [] })
  assert.match((await peer.run('swarm', 'remove', 'album')).out, /^album is left; its files stay in /)
  assert.deepEqual(await peer.call('listtorrents'), [])
  assert.deepEqual((await readdir(join(home, 'album'))).toSorted(), ['concert', 'cover.jpg', 'one.flac'])
  assert.match((await peer.run('swarm')).out, /^no torrents/)
  assert.equal(await peer.end('SIGTERM'), 0)
  await peer.start()
  assert.deepEqual(await peer.call('listtorrents'), [])

  // Whoever resumes a torrent hears whether it goes on.
  const source = join(root, 'obstructed')
  await mkdir(source)
  await writeFile(join(source, 'full'), noise(20_000, 5))
  await writeFile(join(source, 'empty'), '')
  const { infohash, metainfo } = await peer.call<Torrent & { metainfo: string }>('sharefiles', [source])
  await peer.call('removetorrent', [infohash])
  const folder = join(root, 'obstructed-fetched')
  await mkdir(folder)
  await writeFile(join(folder, 'obstructed'), 'in the way')
  await peer.call('addtorrent', [`data:application/x-bittorrent;base64,${metainfo}`, folder])
  await peer.until(infohash, ({ state }) => state === 'error')

  const still = await peer.run('swarm', 'resume', 'obstructed')
  assert.deepEqual([still.status, still.out], [1, ''])
  assert.match(still.err, /^error path-not-a-folder: .*\n {2}next: /)
  await rm(join(folder, 'obstructed'))
  const mended = await peer.run('swarm', 'resume', 'obstructed')
  assert.deepEqual([mended.status, mended.out], [0, 'obstructed goes on: downloading\n'], mended.err)
  assert.equal(await peer.end('SIGTERM'), 0)
})

test('what its owner changed while the peer was away is not written over unasked', async () => {
  const album = await makeAlbum(join(root, 'edited'))
  const peer = await newPeer('editor')
  await peer.call('sharefiles', [album])
  await peer.until('album', ({ state }) => state === 'seeding')
  assert.equal(await peer.end('SIGTERM'), 0)
  const original = await readFile(join(album, 'one.flac'))
  const edited = noise(900_000, 9)
  await writeFile(join(album, 'one.flac'), edited)
  await peer.start()
  const found = await peer.until('album', ({ state }) => state === 'error')
  assert.deepEqual([found.error?.code, found.complete], ['file-changed', false])
  assert.ok((await readFile(join(album, 'one.flac'))).equals(edited))
  await writeFile(join(album, 'one.flac'), original)
  await peer.call('resumetorrent', ['album'])
  await peer.until('album', ({ state, complete }) => state === 'seeding' && complete)
  assert.equal(await peer.end('SIGTERM'), 0)
})

test('only the owner reaches the swarm, and what is wrong is told by name', async () => {
  const peer = await newPeer('guarded')
  await assert.rejects(peer.client('somebody:else').call('listtorrents'), { code: 'rpc-unauthorized' })
  for (const headers of [{}, { authorization: 'Basic eDp5' }] as Record<string, string>[]) {
    const body = '{"method":"listtorrents"}'
    assert.equal((await fetch(`http://127.0.0.1:${peer.rpcPort}`, { method: 'POST', body, headers })).status, 401)
  }
  const refusals: [method: string, params: Parameters<RpcClient['call']>[1], message: RegExp][] = [
    ['addtorrent', ['magnet:?dn=x', root], /^magnet-infohash-missing: /],
    ['addtorrent', [join(root, 'none.torrent'), root], /^file-missing: /],
    ['addtorrent', ['none.torrent', root], /^source must be an absolute path$/],
    ['addtorrent', ['data:application/x-bittorrent;base64,AAAA', root], /^bencode-bad-token: .*\n {2}next: /],
    ['addtorrent', [`magnet:?xt=urn:btih:${'ab'.repeat(20)}`, 'here'], /^folder must be an absolute path$/],
    ['addtorrent', { source: 'magnet:?dn=x', folder: root, only: 'x' }, /^JSON value of type string is not of/],
    ['addtorrent', ['magnet:?dn=x', root, { fast: true }], /^Unknown option fast$/],
    ['addtorrent', ['magnet:?dn=x', root, { peers: ['nowhere'] }], /^nowhere is not host:port$/],
    ['sharefiles', [join(root, 'nothing')], /^[a-z-]+: /],
    ['sharefiles', [root, { format: 'v3' }], /^format must be v1, v2 or hybrid$/],
    ['addtorrent', ['magnet:?dn=x', root, { trackers: ['nonsense'] }], /^url-invalid: not a .*: nonsense\n {2}next: /],
    ['sharefiles', [root, { trackers: ['udp://127.0.0.1'] }], /^url-invalid: not a tracker's address: udp:/],
    ['sharefiles', [root, { web_seeds: ['ftp://127.0.0.1/'] }], /^url-invalid: not a web address: ftp:/],
    ['gettorrent', ['ffffff'], /^torrent-unknown: .*\n {2}next: /],
    ['setswarmlimits', [], /^no-limit: /],
    ['setswarmlimits', [-1], /^JSON integer out of range$/],
  ]
  for (const [method, params, message] of refusals) {
    await assert.rejects(peer.call(method, params), { message }, `${method} ${JSON.stringify(params)}`)
  }
  // Nothing of it has stayed.
  assert.deepEqual(await peer.call('listtorrents'), [])
  const help = await peer.call<string>('help', [])
  assert.match(help, /^== Swarm ==\naddtorrent "source" "folder"/m)
  assert.match(await peer.call<string>('help', ['movetorrent']), /also to another disk/)
  const pausedAdd = { source: `magnet:?xt=urn:btih:${'ab'.repeat(20)}`, folder: root, paused: true }
  assert.equal((await peer.call<Torrent>('addtorrent', pausedAdd)).state, 'paused')
  await assert.rejects(peer.call('addtorrent', pausedAdd), { message: /^torrent-known: / })
  await assert.rejects(peer.call('movetorrent', ['abab'.repeat(2), root]), { message: /^torrent-busy: / })
  assert.equal(await peer.end('SIGTERM'), 0)
})

test('where no peer runs, peers swarm says so', async () => {
  await mkdir(join(root, 'nobody'))
  const { status, err } = await runPeers('swarm', '-f', join(root, 'nobody'))
  assert.equal(status, 1)
  assert.match(err, /^error not-running: no peer with a swarm runs here\n {2}next: start one with peers start/)
})
