import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { addressOf, reaches, SwarmBench } from '../../../test/swarm-fixtures.ts'
import type { SwarmClient } from './swarm-client.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'

const bench = await SwarmBench.create('full')
const mounts: string[] = []

/** A small file system of its own. */
async function smallDisk(options: string): Promise<{ readonly path: string; readonly error: string | undefined }> {
  const path = bench.folder()
  await mkdir(path, { recursive: true })
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { encoding: 'utf8' })
  if (status === 0) mounts.push(path)
  return { path, error: status === 0 ? undefined : (stderr ?? 'there is no mount') }
}

const first = await smallDisk('size=6m')
// Where everything is set up for the tests, these may not be skipped.
const skip = first.error === undefined || process.env['CI'] ? false : 'mounting a small file system is not allowed here'

after(async () => {
  await bench.closeClients()
  for (const path of mounts) execFileSync('umount', [path])
  await bench.close()
})

interface Film {
  readonly bytes: Buffer
  readonly metainfo: Uint8Array
  readonly seeder: SwarmClient
}

async function film(): Promise<Film> {
  const bytes = randomBytes(4_000_000)
  const folder = bench.folder()
  await mkdir(folder)
  await writeFile(join(folder, 'film.bin'), bytes)
  const seeder = await bench.client()
  const { metainfo } = await seeder.seed(join(folder, 'film.bin'), { version: 'hybrid', pieceLength: 65_536 })
  return { bytes, metainfo, seeder }
}

/** Resolves once a torrent is paused by a full disk. */
async function pausedByDisk(torrent: SwarmTorrent): Promise<void> {
  if (torrent.error === undefined) await once(torrent, 'waiting')
  assert.deepEqual([torrent.state, torrent.error?.code, torrent.isHeld], ['paused', 'disk-full', false])
}

async function assertFetched(torrent: SwarmTorrent, { bytes }: Film): Promise<void> {
  await torrent.done()
  // What was on its way while the disk was full may have been the last of it.
  await reaches(torrent, 'seeding')
  assert.equal(torrent.error, undefined)
  assert.ok((await readFile(join(torrent.folder, 'film.bin'))).equals(bytes), 'the file differs')
}

test('a disk that becomes full while files are written pauses a torrent, which goes on when there is room', {
  skip,
}, async () => {
  assert.equal(first.error, undefined)
  const disk = first.path
  const shared = await film()
  await writeFile(join(disk, 'ballast'), randomBytes(4_000_000))
  // Its memory is on the full disk, too.
  const stateFolder = join(disk, 'state')
  const client = await bench.client({ stateFolder })
  const folder = join(disk, 'out')
  const torrent = await client.add(shared.metainfo, { folder, peers: addressOf(shared.seeder) })
  await pausedByDisk(torrent)
  const before = torrent.core.picker!.have.count
  assert.ok(before > 0 && before < torrent.info!.pieceCount, `${before} pieces`)
  const kept = new Set<number>()
  torrent.on('piece', piece => kept.add(piece))
  await unlink(join(disk, 'ballast'))
  await assertFetched(torrent, shared)
  // No verified piece was fetched again. (Some may have been on their way to the disk.)
  assert.ok(kept.size <= torrent.info!.pieceCount - before, `${kept.size} pieces after ${before}`)
  await client.close()
  const again = await bench.client({ stateFolder })
  assert.equal((await again.add(shared.metainfo, { folder })).state, 'seeding')
})

test('a disk that has no room to set aside pauses a torrent before anything is written', { skip }, async () => {
  const { path: disk } = await smallDisk('size=6m')
  const shared = await film()
  await writeFile(join(disk, 'ballast'), randomBytes(4_000_000))
  const client = await bench.client()
  const folder = join(disk, 'out')
  const peers = addressOf(shared.seeder)
  const torrent = await client.add(shared.metainfo, { folder, peers, preallocate: true })
  await pausedByDisk(torrent)
  assert.match(torrent.error!.message, /^no room in .*: 4000000 bytes are needed, \d+ free$/)
  assert.ok(!existsSync(folder), 'something was written')
  await unlink(join(disk, 'ballast'))
  await assertFetched(torrent, shared)
})

test('a disk that takes no new file pauses a torrent while its files are opened', { skip }, async () => {
  // Room for bytes, none for names.
  const { path: disk } = await smallDisk('size=16m,nr_inodes=6')
  const shared = await film()
  const ballast = ['1', '2', '3', '4', '5'].map(name => join(disk, name))
  for (const path of ballast) await writeFile(path, '')
  const client = await bench.client()
  const torrent = await client.add(shared.metainfo, { folder: join(disk, 'out'), peers: addressOf(shared.seeder) })
  await pausedByDisk(torrent)
  assert.equal(torrent.core.picker!.have.count, 0)
  for (const path of ballast) await unlink(path)
  await assertFetched(torrent, shared)

  // The same with empty files, which are made before anything is fetched.
  for (const path of ballast.slice(0, 3)) await writeFile(path, '')
  const folder = bench.folder()
  await mkdir(folder)
  await writeFile(join(folder, 'empty'), '')
  await writeFile(join(folder, 'full'), randomBytes(50_000))
  const { metainfo } = await shared.seeder.seed(folder, { version: 'v1' })
  const second = await client.add(metainfo, { folder: join(disk, 'out'), peers: addressOf(shared.seeder) })
  await pausedByDisk(second)
  for (const path of ballast.slice(0, 3)) await unlink(path)
  await second.done()
})

test('a full disk under the resume data alone pauses a torrent, too, and loses nothing', { skip }, async () => {
  const { path: disk } = await smallDisk('size=1m')
  const shared = await film()
  const stateFolder = join(disk, 'state')
  const ballast = join(disk, 'ballast')
  execFileSync('sh', ['-c', 'dd if=/dev/zero of="$1" bs=4096 2>/dev/null; true', 'sh', ballast])
  const client = await bench.client({ stateFolder })
  const folder = bench.folder()
  const torrent = await client.add(shared.metainfo, { folder, peers: addressOf(shared.seeder) })
  await pausedByDisk(torrent)
  await unlink(ballast)
  await assertFetched(torrent, shared)
  await client.close()
  const again = await bench.client({ stateFolder })
  const checked: number[] = []
  const adding = again.add(shared.metainfo, { folder })
  again.torrents[0].on('checked', done => checked.push(done))
  assert.equal((await adding).state, 'seeding')
  assert.deepEqual(checked, [], 'resume data did not say what was there')
})
