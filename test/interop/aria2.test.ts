import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { TrackerServer } from '../../src/node/swarm/tracker-server.ts'
import { Program, skipUnlessRuns } from './programs.ts'
import { differences, Workshop } from './workshop.ts'

const skip = skipUnlessRuns('aria2c', ['--version'], 'aria2')
const SIZES = Object.fromEntries(
  Array.from({ length: 200 }, (_, i) => [`part ${i % 7}/${i}.bin`, 1 + ((i * 977) % 40_000)]),
)

let workshop: Workshop
let tracker: TrackerServer
const programs: Program[] = []

before(async () => {
  workshop = await Workshop.open()
  tracker = await TrackerServer.open({ host: '127.0.0.1', port: 0 })
})

after(async () => {
  for (const program of programs) await program.stop()
  await tracker.close()
  await workshop.close()
})

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

function aria2(port: number, ...args: string[]): Program {
  const program = new Program('aria2c', [
    '--no-conf',
    '--enable-dht=false',
    '--enable-dht6=false',
    '--bt-enable-lpd=false',
    '--follow-torrent=mem',
    '--interface=127.0.0.1',
    `--listen-port=${port}`,
    '--summary-interval=0',
    ...args,
  ])
  programs.push(program)
  return program
}

// aria2 takes no peers from its command line: our tracker introduces them. (It asks UDP trackers only while its DHT runs.)
test('aria2 fetches 200 files from Peers', { skip }, async () => {
  const source = await workshop.makeFiles('sample', SIZES)
  const seeder = await workshop.client({ allowPrivate: true })
  const trackers = [[`http://127.0.0.1:${tracker.port}/announce`]]
  const { torrent, metainfo } = await seeder.seed(source, { version: 'v1', trackers })
  await new Promise<void>(resolve => torrent.once('announced', () => resolve()))
  const folder = workshop.folder()
  const file = await workshop.write('x.torrent', metainfo)
  const program = aria2(await freePort(), '--seed-time=0', `--dir=${folder}`, file)
  assert.equal(await program.ended(), 0, program.output)
  assert.deepEqual(await differences(source, join(folder, 'sample'), Object.keys(SIZES)), [])
})

test('Peers fetches 200 files from aria2, by torrent and by magnet', { skip }, async () => {
  const source = await workshop.makeFiles('sample', SIZES)
  const maker = await workshop.client()
  const { torrent, metainfo } = await maker.seed(source, {
    version: 'v1',
    trackers: [[`http://127.0.0.1:${tracker.port}/announce`]],
  })
  await maker.close()
  const file = await workshop.write('x.torrent', metainfo)
  const port = await freePort()
  aria2(
    port,
    '--seed-ratio=0',
    '--check-integrity=true',
    '--bt-seed-unverified=false',
    `--dir=${dirname(source)}`,
    file,
  )
  for (const from of [metainfo, torrent.magnet]) {
    const leecher = await workshop.client({ allowPrivate: true })
    const folder = workshop.folder()
    const trackers = [[`http://127.0.0.1:${tracker.port}/announce`]]
    const fetched = await leecher.add(from, { folder, trackers })
    // It may come before aria2 has announced itself.
    const retry = setInterval(() => fetched.core.candidates.add({ host: '127.0.0.1', port }, 'user'), 200)
    await fetched.done().finally(() => clearInterval(retry))
    assert.deepEqual(await differences(source, join(folder, 'sample'), Object.keys(SIZES)), [])
    await leecher.close()
  }
})
