import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { toHex } from '../../src/base/bytes/bytes.ts'
import type { TorrentVersion } from '../../src/bittorrent/metainfo/create-metainfo.ts'
import type { SwarmClient } from '../../src/node/swarm/swarm-client.ts'
import type { SwarmTorrent } from '../../src/node/swarm/swarm-torrent.ts'
import { TrackerServer } from '../../src/node/swarm/tracker-server.ts'
import type { Job, RealClient, Running } from './real-client.ts'
import { serveFolder } from './web-server.ts'
import { differences, Workshop } from './workshop.ts'

const FETCHER = fileURLToPath(new URL('./fetch-process.ts', import.meta.url))
/** Far more than any cell takes, so that a slow machine fails none. */
const CELL_MS = 480_000

const KINDS: Record<string, Record<string, number>> = {
  'one file': { 'film.bin': 1_500_001 },
  'a folder of 200 files': Object.fromEntries(
    Array.from({ length: 200 }, (_, i) => [`part ${i % 7}/${i}.bin`, 1 + ((i * 977) % 20_000)]),
  ),
}
/** Some files of a folder, and the rest. */
const ALBUM = { 'a.bin': 400_000, 'b.bin': 300_000, 'c.bin': 500_000, 'd.bin': 200_000 }
const LARGE = { 'large.bin': 6_000_000 }

interface Sample {
  readonly source: string
  readonly folder: string
  readonly names: readonly string[]
  readonly torrentFile: string
  readonly metainfo: Uint8Array
  readonly torrent: SwarmTorrent
  readonly seeder: SwarmClient
  readonly host: string
  /** Where its files are below a download folder. */
  readonly below: string
}

/** Runs every cell of the table with one client. Each test is a cell; what a client cannot do is skipped with the reason. */
export function testCells(client: RealClient): void {
  let workshop: Workshop
  before(async () => {
    workshop = await Workshop.open()
  })
  after(() => workshop.close())

  const [second, third] = client.otherHosts
  const peers = (options = {}): Promise<SwarmClient> =>
    workshop.client({ host: client.host, allowPrivate: true, ...options })

  /** A sample that Peers seeds. */
  async function sample(
    sizes: Readonly<Record<string, number>>,
    version: TorrentVersion,
    { host = client.host, client: options = {}, torrent: torrentOptions = {} } = {},
  ): Promise<Sample> {
    const source = await workshop.makeFiles('sample', sizes)
    const names = Object.keys(sizes)
    const isSingle = names.length === 1
    const seeder = await peers({ host, ...options })
    const path = isSingle ? join(source, names[0]) : source
    const { torrent, metainfo } = await seeder.seed(path, { version, ...torrentOptions })
    const torrentFile = await workshop.write('x.torrent', metainfo)
    const folder = dirname(path)
    return { source, folder, names, torrentFile, metainfo, torrent, seeder, host, below: isSingle ? '' : 'sample' }
  }

  async function start(mode: 'seed' | 'get', job: Job): Promise<Running> {
    const started = await client[mode](job)
    workshop.keep({ close: () => started.program.stop() })
    return started
  }

  /** Lets the client fetch from Peers. Both call: some clients cannot be told whom to call. */
  async function getFrom(of: Sample, job: Partial<Job> = {}): Promise<Running & { folder: string }> {
    const folder = job.folder ?? workshop.folder()
    const peer = { host: of.host, port: of.seeder.port! }
    const started = await start('get', { source: of.torrentFile, folder, peer, ...job })
    of.torrent.core.candidates.add({ host: job.host ?? client.host, port: started.port }, 'user')
    return { ...started, folder }
  }

  const same = async (of: Sample, folder: string, names = of.names): Promise<void> =>
    assert.deepEqual(await differences(of.source, join(folder, of.below), names), [])

  function cell(name: string, run: () => Promise<void>): void {
    const why = Object.entries(client.lacks).find(([part]) => name.includes(part))?.[1]
    test(`${client.name}: ${name}`, { skip: client.skip || why, timeout: CELL_MS }, run)
  }

  describe(client.name, { concurrency: client.concurrency ?? 3 }, () => {
    for (const [kind, sizes] of Object.entries(KINDS)) {
      for (const version of client.versions) {
        for (const by of ['torrent', 'magnet'] as const) {
          cell(`fetches ${kind} from Peers: ${version}, by ${by}`, async () => {
            const made = await sample(sizes, version)
            const { folder, done, program } = await getFrom(
              made,
              by === 'magnet' ? { source: made.torrent.magnet } : {},
            )
            await done()
            await same(made, folder)
            const isPadded = version === 'hybrid' && made.names.length > 1
            if (isPadded) assert.equal(existsSync(join(folder, 'sample', '.pad')), client.writesPadding ?? false)
            await program.stop()
          })
          cell(`seeds ${kind} to Peers: ${version}, by ${by}`, async () => {
            const made = await sample(sizes, version)
            await made.seeder.close()
            const { port, program } = await start('seed', { source: made.torrentFile, folder: made.folder })
            const folder = workshop.folder()
            const source = by === 'magnet' ? made.torrent.magnet : made.metainfo
            const leecher = await peers()
            await (await leecher.add(source, { folder, peers: [{ host: client.host, port }] })).done()
            await same(made, folder)
            await program.stop()
          })
        }
      }
    }

    for (const [version, words] of Object.entries(client.unreadable)) {
      cell(`cannot read ${version}`, async () => {
        const made = await sample(ALBUM, version as TorrentVersion)
        const said = await client.inspect!(made.torrentFile)
        assert.match(said, words)
        const { infohashV1, infohashV2 } = made.torrent.core.info!
        for (const hash of [infohashV1, infohashV2]) if (hash !== undefined) assert.ok(!said.includes(toHex(hash)))
      })
    }

    cell('fetches some files from Peers', async () => {
      const made = await sample(ALBUM, 'v1')
      const { folder, done, program } = await getFrom(made, { only: [1, 3] })
      await done()
      await same(made, folder, ['b.bin', 'd.bin'])
      await program.stop()
    })

    cell('seeds some files to Peers', async () => {
      const made = await sample(ALBUM, 'v1')
      await made.seeder.close()
      const { port, program } = await start('seed', { source: made.torrentFile, folder: made.folder })
      const folder = workshop.folder()
      const leecher = await peers()
      const only = (path: string) => path === 'b.bin' || path === 'd.bin'
      await (await leecher.add(made.metainfo, { folder, only, peers: [{ host: client.host, port }] })).done()
      await same(made, folder, ['b.bin', 'd.bin'])
      assert.deepEqual((await readdir(join(folder, 'sample'))).sort(), ['b.bin', 'd.bin'])
      await program.stop()
    })

    cell('killed while it fetches, it goes on', async () => {
      const made = await sample(LARGE, 'v1', { client: { uploadLimit: 4_000_000 } })
      const first = await getFrom(made)
      await new Promise<void>(resolve => {
        const look = setInterval(() => made.torrent.core.upload.total >= 2_000_000 && resolve(), 10)
        workshop.keep({ close: () => clearInterval(look) })
      })
      await first.program.stop()
      const second = await getFrom(made, { folder: first.folder })
      await second.done()
      await same(made, first.folder)
      await second.program.stop()
    })

    cell('Peers, killed while it fetches, goes on', async () => {
      const made = await sample(LARGE, 'v1')
      await made.seeder.close()
      const { port, program } = await start('seed', { source: made.torrentFile, folder: made.folder })
      const folder = workshop.folder()
      const words = [made.torrentFile, folder, `${port}`, client.host]
      const fetchOnce = (killed: boolean) =>
        new Promise<number>((resolve, reject) => {
          const child = fork(FETCHER, killed ? [...words, '2000000', '3000000'] : words, {
            execArgv: ['--import', 'tsx'],
          })
          workshop.keep({ close: () => child.kill('SIGKILL') })
          let got = 0
          child.on('message', ({ gotBytes }: { gotBytes: number }) => {
            got = gotBytes
          })
          child.once('error', reject)
          child.once('exit', () => resolve(got))
        })
      const before = await fetchOnce(true)
      const afterwards = await fetchOnce(false)
      await same(made, folder)
      assert.ok(before < 6_000_000 && afterwards < 6_000_000, `${before} and ${afterwards} bytes`)
      await program.stop()
    })

    for (const scheme of ['http', 'udp'] as const) {
      cell(`meets Peers by our tracker over ${scheme}`, async () => {
        const tracker = workshop.keep(await TrackerServer.open({ host: client.host, port: 0 }))
        const trackers = [[`${scheme}://${client.host}:${tracker.port}/announce`]]
        const made = await sample(ALBUM, 'v1', { torrent: { trackers } })
        if (tracker.announces === 0) await new Promise<void>(resolve => made.torrent.once('announced', () => resolve()))
        const folder = workshop.folder()
        const { done, program } = await start('get', { source: made.torrentFile, folder, tracker: true })
        await done()
        await same(made, folder)
        await program.stop()
      })
    }

    cell('fetches from a web seed that Peers named', async () => {
      const source = await workshop.makeFiles('sample', ALBUM)
      const web = workshop.keep(await serveFolder(dirname(source), client.host))
      const maker = await peers()
      const { metainfo } = await maker.seed(source, { version: 'v1', webSeeds: [web.url] })
      await maker.close()
      const torrentFile = await workshop.write('x.torrent', metainfo)
      const folder = workshop.folder()
      const { done, program } = await start('get', { source: torrentFile, folder })
      await done()
      assert.deepEqual(await differences(source, join(folder, 'sample'), Object.keys(ALBUM)), [])
      assert.ok(web.requests.length > 0)
      await program.stop()
    })

    cell('two of them fetch from a super-seeding Peers', async () => {
      const made = await sample(ALBUM, 'v1', { host: second, torrent: { superSeed: true, pieceLength: 262_144 } })
      const first = await getFrom(made)
      const other = await getFrom(made, { host: third })
      await Promise.all([first.done(), other.done()])
      await Promise.all([same(made, first.folder), same(made, other.folder)])
      await first.program.stop()
      await other.program.stop()
    })

    cell('hears of a peer from Peers (PEX)', async () => {
      const made = await sample(ALBUM, 'v1', { host: second })
      // This one has nothing, and tells the client of the one that has everything.
      const middle = await peers({ host: third, downloadLimit: 1 })
      const knower = await middle.add(made.metainfo, {
        folder: workshop.folder(),
        peers: [{ host: second, port: made.seeder.port! }],
      })
      const peer = { host: third, port: middle.port! }
      const folder = workshop.folder()
      const got = await start('get', { source: made.torrentFile, folder, peer })
      knower.core.candidates.add({ host: client.host, port: got.port }, 'user')
      await got.done()
      await same(made, folder)
      assert.ok((await stat(join(folder, 'sample', 'a.bin'))).size === ALBUM['a.bin'])
      await got.program.stop()
    })

    cell('tells Peers of a peer (PEX)', async () => {
      const made = await sample(ALBUM, 'v1', { host: second, client: { uploadLimit: 5000 } })
      const infohash = made.torrent.core.info!.infohashV1!
      // Some tell only of those whom they called. It learns of this one by a tracker, and nobody else does.
      const tracker = workshop.keep(await TrackerServer.open({ host: client.host, port: 0 }))
      const announce = { infohash, peerId: new Uint8Array(20), port: made.seeder.port!, event: undefined, key: 0 }
      const counts = { uploaded: 0, downloaded: 0, left: 0, wanted: 0 }
      tracker.registry.announce({ ...announce, ...counts }, second, Date.now())
      const url = `http://${client.host}:${tracker.port}/announce`
      const maker = await peers()
      const { metainfo } = await maker.seed(made.source, { version: 'v1', trackers: [[url]] })
      await maker.close()
      const met = new Promise<void>(resolve => made.torrent.once('peer', () => resolve()))
      const source = await workshop.write('tracked.torrent', metainfo)
      const got = await start('get', { source, folder: workshop.folder(), tracker: true })
      await met
      const newcomer = await peers({ host: third, downloadLimit: 1 })
      const peersOfIt = [{ host: client.host, port: got.port }]
      const torrent = await newcomer.add(made.metainfo, { folder: workshop.folder(), peers: peersOfIt })
      await new Promise<void>(resolve => {
        torrent.on('peer', (address, change) => {
          if (change === 'joined' && address.port === made.seeder.port) resolve()
        })
      })
      await got.program.stop()
    })
  })
}
