import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { toHex } from '../../src/base/bytes/bytes.ts'
import { parseMetainfo } from '../../src/bittorrent/metainfo/metainfo.ts'
import { HashPool } from '../../src/node/swarm/hash-pool.ts'
import { makeTorrent } from '../../src/node/swarm/make-torrent.ts'
import { Program, skipUnlessRuns } from './programs.ts'
import { freePort, listening } from './real-client.ts'
import { differences, Workshop } from './workshop.ts'

const skip = skipUnlessRuns('sh', ['-c', 'command -v opentracker'], 'opentracker')
const SIZES = { 'a.bin': 300_000, 'b.bin': 100_000 }

let workshop: Workshop
let tracker: Program
let folder = ''
const samples = new Map<string, { source: string; metainfo: Uint8Array; infohash: Uint8Array; url: string }>()

before(async () => {
  workshop = await Workshop.open()
  if (skip !== false) return
  const port = await freePort()
  const pool = new HashPool(1)
  const announced: Uint8Array[] = []
  for (const scheme of ['http', 'udp']) {
    for (const version of ['v1', 'v2', 'hybrid'] as const) {
      const source = await workshop.makeFiles(`${scheme} ${version}`, SIZES)
      const url = `${scheme}://127.0.0.1:${port}/announce`
      const metainfo = await makeTorrent(source, { version, trackers: [[url]] }, pool)
      const parsed = parseMetainfo(metainfo)
      assert.ok(parsed.ok)
      const { infohashV1, infohashV2 } = parsed.value.info
      // A hybrid is announced by both.
      const infohashes = [infohashV1, infohashV2?.subarray(0, 20)].filter(hash => hash !== undefined)
      announced.push(...infohashes)
      const [infohash] = infohashes
      samples.set(`${scheme}: ${version}`, { source, metainfo, infohash, url })
    }
  }
  await pool.close()
  folder = await mkdtemp(join(tmpdir(), 'peers-opentracker-'))
  await chmod(folder, 0o755)
  // Debian builds it to serve those on a list, which it reads once its folder is all that it sees.
  await writeFile(join(folder, 'list'), announced.map(infohash => `${toHex(infohash)}\n`).join(''))
  const words = ['-i', '127.0.0.1', '-p', `${port}`, '-P', `${port}`, '-d', folder, '-w', '/list']
  // It gives up root's rights for nobody's.
  const { uid, username } = userInfo()
  tracker = new Program('opentracker', uid === 0 ? words : [...words, '-u', username])
  await listening(port)
})

after(async () => {
  await workshop.close()
  if (skip !== false) return
  await tracker.stop()
  await rm(folder, { recursive: true })
})

for (const scheme of ['http', 'udp']) {
  for (const version of ['v1', 'v2', 'hybrid']) {
    test(`two Peers meet by opentracker over ${scheme}: ${version}`, { skip, timeout: 30_000 }, async () => {
      const { source, metainfo, infohash, url } = samples.get(`${scheme}: ${version}`)!
      const [seeder, leecher] = await Promise.all([0, 1].map(() => workshop.client({ allowPrivate: true })))
      const seeded = await seeder.add(metainfo, { folder: dirname(source) })
      const isAnnounced = () => seeded.trackers.some(({ seeders }) => seeders !== undefined)
      if (!isAnnounced()) await new Promise<void>(resolve => seeded.once('announced', () => resolve()))
      assert.equal(seeded.trackers[0].error, undefined)
      const target = workshop.folder()
      await (await leecher.add(metainfo, { folder: target })).done()
      assert.deepEqual(await differences(source, join(target, `${scheme} ${version}`), Object.keys(SIZES)), [])
      // It keeps some connections of its own accord; scrapes over UDP always work.
      const [scraped] = await leecher.trackers.scrape(url.replace('http:', 'udp:'), [infohash])
      assert.ok((scraped?.seeders ?? 0) >= 1, JSON.stringify(scraped))
      await Promise.all([seeder.close(), leecher.close()])
    })
  }
}
