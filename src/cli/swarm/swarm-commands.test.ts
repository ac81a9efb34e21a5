import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { encodeMetainfo } from '../../bittorrent/metainfo/create-metainfo.ts'
import { makeInfo } from '../../bittorrent/swarm/virtual-swarm.ts'
import { encodeTrackerFailure } from '../../bittorrent/tracker/http-tracker.ts'
import { fitsGlob } from '../../node/swarm/glob.ts'
import { readTorrentData } from '../../rpc/torrent-data.ts'
import { runPeers } from '../run-peers.ts'
import { collectTrackers, parsePieceLength, parseRate } from './parse-values.ts'
import { formatBytes, formatProgress, formatSeconds } from './progress.ts'
import { share } from './share.ts'
import { stopAsked } from './swarm-options.ts'
import { sourceForPeer } from './torrent-source.ts'

const root = await mkdtemp(join(tmpdir(), 'peers-cli-'))
const running = new Set<ChildProcess>()

after(async () => {
  for (const child of running) child.kill('SIGKILL')
  await rm(root, { recursive: true })
})

/** A program that has the swarm's commands and nothing else. */
const PROGRAM = `
import { Command } from 'commander'
import { addSwarmCommands } from ${JSON.stringify(new URL('./add-swarm-commands.ts', import.meta.url).href)}
import { reportError } from ${JSON.stringify(new URL('../report-error.ts', import.meta.url).href)}
const program = new Command('peers')
addSwarmCommands(program, async (command, options) => {
  try { process.exitCode = await command() } catch (error) { process.exitCode = reportError(error, { json: options.json ?? false }) }
})
await program.parseAsync(process.argv.slice(1), { from: 'user' })
`

class Run {
  readonly child: ChildProcess
  output = ''
  errors = ''

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', PROGRAM, '--', ...args])
    running.add(this.child)
    this.child.stdout!.on('data', data => {
      this.output += data
    })
    this.child.stderr!.on('data', data => {
      this.errors += data
    })
  }

  status(): Promise<number | null> {
    return new Promise(resolve => this.child.once('close', resolve))
  }

  /** The first event of this name. */
  async event(name: string): Promise<Record<string, unknown>> {
    for (;;) {
      for (const line of this.output.split('\n').slice(0, -1)) {
        const parsed = JSON.parse(line)
        if (parsed.event === name) return parsed
      }
      await new Promise<void>((resolve, reject) => {
        this.child.stdout!.once('data', () => resolve())
        this.child.once('close', () => reject(new Error(`ended without ${name}: ${this.errors}${this.output}`)))
      })
    }
  }

  async stop(): Promise<number | null> {
    const status = this.status()
    this.child.kill('SIGTERM')
    return status
  }
}

async function makeAlbum(): Promise<string> {
  const album = join(root, 'album')
  await mkdir(join(album, 'live'), { recursive: true })
  await writeFile(join(album, 'one.flac'), Buffer.alloc(400_000, 'one'))
  await writeFile(join(album, 'live', 'two.flac'), Buffer.alloc(300_000, 'two'))
  await writeFile(join(album, 'cover.jpg'), Buffer.alloc(5000, 'cover'))
  return album
}

test('shared, fetched by magnet, verified, played from the middle', async () => {
  const album = await makeAlbum()
  const torrentFile = join(root, 'album.torrent')
  const state = (name: string) => ['--state', join(root, 'state', name)]
  const share = new Run('share', album, '--json', '--torrent', torrentFile, '--up', '20MB/s', ...state('share'))
  const { magnet, port, files } = await share.event('seeding')
  assert.equal(files, 3)
  const peer = ['--peer', `127.0.0.1:${port}`]

  const get = new Run('get', `${magnet}`, '-o', join(root, 'all'), '--json', ...peer, ...state('get'))
  assert.equal(await get.status(), 0, get.errors)
  assert.equal((await get.event('done'))['bytes'], 705_000)
  assert.deepEqual(await readFile(join(root, 'all', 'album', 'one.flac')), await readFile(join(album, 'one.flac')))

  const some = new Run('get', torrentFile, '-o', join(root, 'some'), '--only', '*.jpg', ...peer, ...state('some'))
  assert.equal(await some.status(), 0, some.errors)
  assert.match(some.output, /^album {2}.* in .*, all verified, in /m)
  assert.deepEqual(await readdir(join(root, 'some', 'album')), ['cover.jpg'])

  const verify = new Run('torrent', 'verify', torrentFile, join(root, 'all'))
  assert.equal(await verify.status(), 0)
  // No piece tells of bytes behind the end of a file.
  await appendFile(join(root, 'all', 'album', 'cover.jpg'), 'more')
  const longer = new Run('torrent', 'verify', torrentFile, join(root, 'all'), '--json')
  assert.equal(await longer.status(), 1)
  assert.deepEqual((await longer.event('verified'))['damaged'], ['album/cover.jpg'])
  const incomplete = new Run('torrent', 'verify', torrentFile, join(root, 'some'), '--json')
  assert.equal(await incomplete.status(), 1)
  assert.deepEqual((await incomplete.event('verified'))['damaged'], ['album/live/two.flac', 'album/one.flac'])

  const stream = new Run('stream', `${magnet}`, '--only', '*two*', '--json', ...peer)
  const { url } = await stream.event('streaming')
  const part = await fetch(`${url}`, { headers: { range: 'bytes=150000-150009' } })
  assert.equal(part.status, 206)
  assert.equal(part.headers.get('content-range'), 'bytes 150000-150009/300000')
  assert.equal(await part.text(), Buffer.alloc(300_000, 'two').subarray(150_000, 150_010).toString())
  assert.equal((await fetch(`${url}`)).headers.get('content-length'), '300000')
  assert.equal((await fetch(`${url}`, { headers: { range: 'bytes=300000-' } })).status, 416)
  assert.equal(await stream.stop(), 0)
  assert.equal(await share.stop(), 0)
})

test('an empty file alone can be asked for, and a link that names no file is no success', async () => {
  const folder = join(root, 'sparse')
  await mkdir(folder)
  await writeFile(join(folder, 'empty'), '')
  await writeFile(join(folder, 'full.bin'), Buffer.alloc(40_000, 'full'))
  const state = (name: string) => ['--state', join(root, 'state', name)]
  const torrentFile = join(root, 'sparse.torrent')
  const share = new Run('share', folder, '--json', '--torrent', torrentFile, ...state('share-sparse'))
  const { magnet, port } = await share.event('seeding')
  const peer = ['--peer', `127.0.0.1:${port}`]
  const empty = new Run('get', `${magnet}`, '-o', join(root, 'empty'), '--only', 'empty', ...peer, ...state('empty'))
  assert.equal(await empty.status(), 0, empty.errors)
  assert.deepEqual(await readdir(join(root, 'empty', 'sparse')), ['empty'])

  // Nor does who plays one file fetch another, and no piece tells that it is missing.
  const streamed = join(root, 'streamed')
  const stream = new Run(
    'stream',
    torrentFile,
    '--only',
    'full.bin',
    '-o',
    streamed,
    '--json',
    ...peer,
    ...state('streamed'),
  )
  const { url } = await stream.event('streaming')
  assert.equal((await (await fetch(`${url}`)).arrayBuffer()).byteLength, 40_000)
  assert.equal(await stream.stop(), 0)
  assert.deepEqual(await readdir(join(streamed, 'sparse')), ['full.bin'])
  const verify = new Run('torrent', 'verify', torrentFile, streamed, '--json')
  assert.equal(await verify.status(), 1)
  assert.deepEqual((await verify.event('verified'))['damaged'], ['sparse/empty'])

  const none = new Run(
    'get',
    `${magnet}&so=99`,
    '-o',
    join(root, 'not-named'),
    '--json',
    ...peer,
    ...state('not-named'),
  )
  assert.equal(await none.status(), 1)
  assert.match(none.output, /"code":"no-such-file"/)
  assert.equal(await share.stop(), 0)
})

test('torrents are made the same twice, and shown', async () => {
  const album = await makeAlbum()
  const outputs = ['a.torrent', 'b.torrent'].map(name => join(root, name))
  for (const output of outputs) {
    const create = new Run(
      'torrent',
      'create',
      album,
      '-o',
      output,
      '--format',
      'v2',
      '--tracker',
      'udp://t:1',
      '--piece-length',
      '64K',
    )
    assert.equal(await create.status(), 0, create.errors)
  }
  assert.deepEqual(await readFile(outputs[0]), await readFile(outputs[1]))
  const show = new Run('torrent', 'show', outputs[0])
  assert.equal(await show.status(), 0)
  assert.match(show.output, /^infohash v2 [0-9a-f]{64}$/m)
  assert.match(show.output, /300 kB {2}album\/live\/two\.flac/)
})

test('what goes wrong has a code, a cause and a next step', async () => {
  const missing = new Run('get', join(root, 'nowhere.torrent'))
  assert.equal(await missing.status(), 1)
  assert.match(missing.errors, /^error file-missing: .*nowhere\.torrent cannot be read\n {2}next: /)
  const album = await makeAlbum()
  const torrentFile = join(root, 'errors.torrent')
  assert.equal(await new Run('torrent', 'create', album, '-o', torrentFile).status(), 0)
  const inFile = join(torrentFile, 'within')
  const alone = ['--alone', '--state', join(root, 'state')]
  for (const [words, code] of [
    [['torrent', 'create', album, '-o', inFile], 'cannot-write'],
    [['torrent', 'create', join(root, 'none')], 'file-missing'],
    [['torrent', 'verify', torrentFile, album], 'file-missing'],
    [['torrent', 'show', join(album, 'cover.jpg')], 'bencode-bad-token'],
    [['share', album, '--torrent', inFile, ...alone], 'cannot-write'],
    [['get', torrentFile, '-o', inFile, ...alone], 'cannot-write'],
    [['get', torrentFile, '--only', '*.mp3', '-o', join(root, 'nothing'), ...alone], 'no-such-file'],
    [['get', 'magnet:?xt=urn:btih:zz', ...alone], 'magnet-infohash-invalid'],
  ] as const) {
    const run = new Run(...words)
    assert.equal(await run.status(), 1, words.join(' '))
    assert.match(run.errors, new RegExp(`^error ${code}: .*\n {2}next: `, 'm'))
  }
  const nonsense = new Run('get', 'magnet:?dn=x', '--json', '--state', join(root, 'state'))
  assert.equal(await nonsense.status(), 1)
  assert.equal(JSON.parse(nonsense.output).error.code, 'magnet-infohash-missing')
})

test('who fetches hears of trackers that cannot be asked, and gives on with --seed', async () => {
  const album = await makeAlbum()
  const torrentFile = join(root, 'tracked.torrent')
  const state = (name: string) => ['--alone', '--state', join(root, 'tracked', name), '--json']
  const url = 'http://127.0.0.1:9/announce'
  const share = new Run('share', album, '--torrent', torrentFile, '--tracker', url, ...state('share'))
  const { port } = await share.event('seeding')
  // A hybrid has two infohashes, and is refused for each.
  let refusals = 0
  const refuses = createServer((_, response) => response.end(encodeTrackerFailure(`refusal ${++refusals}`)))
  await once(refuses.listen(0, '127.0.0.1'), 'listening')
  const refusing = `http://127.0.0.1:${(refuses.address() as AddressInfo).port}/announce`
  const get = new Run(
    'get',
    torrentFile,
    '-o',
    join(root, 'tracked'),
    ...state('get'),
    '--seed',
    '--tracker',
    refusing,
    '--peer',
    `[::1]:${port}`,
  )
  const { code, next } = await get.event('tracker-failed')
  assert.equal(code, 'private-address')
  assert.match(`${next}`, /private/)
  const { port: seedPort, magnet } = await get.event('seeding')
  assert.match(`${magnet}`, /&tr=http/)
  const third = new Run('get', torrentFile, '-o', join(root, 'third'), ...state('third'), '--peer', `[::1]:${seedPort}`)
  assert.equal(await third.status(), 0, third.output)
  while (refusals < 2) await once(refuses, 'request', { signal: AbortSignal.timeout(10_000) })
  assert.deepEqual([await get.stop(), await share.stop()], [0, 0])
  const failed = [...get.output.matchAll(/"event":"tracker-failed","url":"(.*?)"/g)].map(([, at]) => at)
  assert.deepEqual(failed.toSorted(), [url, refusing].toSorted())
  refuses.closeAllConnections()
  refuses.close()
})

test('a tracker says where it is', async () => {
  const tracker = new Run('tracker', '--host', '::1', '--json')
  const urls = (await tracker.event('listening'))['urls'] as string[]
  assert.match(urls.join(' '), /^http:\/\/\[::1\]:(\d+)\/announce udp:\/\/\[::1\]:\1\/announce$/)
  const answer = await fetch(urls[0].replace('announce', 'scrape'))
  assert.equal(await answer.text(), 'd5:filesdee')
  assert.equal(await tracker.stop(), 0)
})

test('what is given is no part of anything, and what is not known is not shown', () => {
  const seeding = { what: 'seeding', doneBytes: 25_000, upBytesPerSecond: 100, peers: 2 }
  for (const withBar of [false, true]) {
    assert.equal(formatProgress(seeding, withBar), 'seeding     25.0 kB given  up 100 B/s  2 peers')
    assert.equal(
      formatProgress({ what: 'metadata', doneBytes: 0, totalBytes: 0, peers: 0 }, withBar),
      'metadata    0 peers',
    )
  }
  assert.match(
    formatProgress({ what: 'fetching', doneBytes: 1, totalBytes: 2 }, true),
    /^fetching {4}█{12}░{12} {2}50\.0 %/,
  )
})

test('addresses that nobody can ask are wrong usage, before anything starts', async t => {
  const write = t.mock.method(process.stderr, 'write', () => true)
  for (const words of [
    ['get', 'x.torrent', '--tracker', 'tracker.example'],
    ['get', 'x.torrent', '--tracker', 'udp://tracker.example'],
    ['stream', 'x.torrent', '--tracker', 'gopher://tracker.example'],
    ['share', root, '--tracker', 'http://'],
    ['share', root, '--web-seed', 'ftp://example.com/'],
    ['torrent', 'create', root, '--tracker', ''],
    ['torrent', 'create', root, '--web-seed', 'example.com/files'],
  ]) {
    write.mock.resetCalls()
    assert.equal(await runPeers(['node', 'peers', ...words]), 2, words.join(' '))
    const said = write.mock.calls.map(call => call.arguments[0]).join('')
    assert.match(said, /^error: .* It must .*https:/, words.join(' '))
  }
  const trackers = ['udp://[::1]:6969', 'https://tracker.example/announce']
  assert.deepEqual(collectTrackers(trackers[1], collectTrackers(trackers[0])), trackers)
})

test('a running peer is told the path of a plain file, and the bytes of all else', async () => {
  const [plain, link, pipe] = ['plain.torrent', 'link.torrent', 'pipe'].map(name => join(root, name))
  const bytes = encodeMetainfo(makeInfo(100_000, 16_384).bytes, undefined)
  await writeFile(plain, bytes)
  assert.equal((await sourceForPeer(plain)).told, plain)
  await symlink(plain, link)
  execFileSync('mkfifo', [pipe])
  for (const path of [link, pipe]) {
    const [{ from, told }] = await Promise.all([sourceForPeer(path), path === pipe && writeFile(pipe, bytes)])
    assert.ok(typeof from !== 'string' && from.info.totalSize === 100_000)
    assert.deepEqual(readTorrentData(told), bytes)
  }
  await assert.rejects(share(pipe, { format: 'v1' }), { code: 'path-not-a-file' })
})

test('a signal that comes twice is one wish to stop; a later one ends the program at once', async t => {
  const exit = t.mock.method(process, 'exit', () => undefined as never)
  t.mock.method(process.stderr, 'write', () => true)
  let now = 0
  const stopping = stopAsked(() => now)
  const emit = process.emit as (event: string, signal: string, number: number) => boolean
  for (const [at, signal, number] of [
    [0, 'SIGINT', 2],
    [5, 'SIGINT', 2],
    [9, 'SIGTERM', 15],
    [2000, 'SIGTERM', 15],
  ] as const) {
    now = at
    assert.ok(emit.call(process, signal, signal, number), `nobody listens to a ${signal} after ${at} ms`)
    await stopping
    assert.equal(exit.mock.callCount(), at === 2000 ? 1 : 0)
  }
  assert.deepEqual(exit.mock.calls[0].arguments, [143])
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, process.listeners(signal as 'SIGINT').at(-1)!)
})

test('patterns, rates, sizes and times', () => {
  assert.equal(fitsGlob('a/b.mkv', '*.mkv'), true)
  assert.equal(fitsGlob('a/b.mkv', 'a/*'), true)
  assert.equal(fitsGlob('a/b/c.mkv', 'a/*'), false)
  assert.equal(fitsGlob('a/b/c.mkv', 'a/**'), true)
  assert.equal(fitsGlob('a+b', 'a+?'), true)
  assert.deepEqual(['1MB/s', '500kB/s', '2MiB', '7'].map(parseRate), [1e6, 5e5, 2 ** 21, 7])
  assert.throws(() => parseRate('fast'))
  assert.deepEqual(['16K', '1M', '65536'].map(parsePieceLength), [16_384, 2 ** 20, 65_536])
  assert.throws(() => parsePieceLength('17K'))
  assert.deepEqual([0, 999, 1000, 84_000_000].map(formatBytes), ['0 B', '999 B', '1.00 kB', '84.0 MB'])
  assert.deepEqual([5, 600, 7200, Number.POSITIVE_INFINITY].map(formatSeconds), ['5 s', '10 min', '2.0 h', 'unknown'])
  const progress = { what: 'fetching', doneBytes: 9999, totalBytes: 10_000, downBytesPerSecond: 100, peers: 1 }
  assert.equal(
    formatProgress(progress, false),
    'fetching    99.9 %  10.0 kB of 10.0 kB  100 B/s  about 1 s left  1 peer',
  )
})
