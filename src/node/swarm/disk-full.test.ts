import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SwarmClient } from './swarm-client.ts'

const root = await mkdtemp(join(tmpdir(), 'peers-full-'))
const disk = join(root, 'disk')
await mkdir(disk)
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk], { encoding: 'utf8' })
const isMounted = mounted.status === 0
// Where everything is set up for the tests, this one may not be skipped.
const skip = isMounted || process.env['CI'] ? false : 'mounting a small file system is not allowed here'

after(async () => {
  if (isMounted) execFileSync('umount', [disk])
  await rm(root, { recursive: true })
})

test('a full disk pauses a torrent, which goes on when there is room', { skip }, async () => {
  assert.ok(isMounted, mounted.stderr)
  const bytes = randomBytes(4_000_000)
  await writeFile(join(root, 'film.bin'), bytes)
  await writeFile(join(disk, 'ballast'), randomBytes(4_000_000))
  const seeder = await SwarmClient.open({
    port: 0,
    host: '127.0.0.1',
    stateFolder: join(root, 'seeder'),
    hashThreads: 1,
  })
  const { metainfo } = await seeder.seed(join(root, 'film.bin'), { version: 'hybrid', pieceLength: 65_536 })
  // Its memory is on the full disk, too.
  const client = await SwarmClient.open({ stateFolder: join(disk, 'state'), hashThreads: 1 })
  const folder = join(disk, 'out')
  const torrent = await client.add(metainfo, { folder, peers: [{ host: '127.0.0.1', port: seeder.port! }] })
  const [cause] = await new Promise<[Error & { code: string }]>(resolve =>
    torrent.once('waiting', (...args) => resolve(args)),
  )
  assert.equal(cause.code, 'disk-full')
  assert.deepEqual([torrent.state, torrent.error?.code], ['paused', 'disk-full'])
  const before = torrent.core.picker!.have.count
  assert.ok(before > 0 && before < torrent.info!.pieceCount, `${before} pieces`)
  await unlink(join(disk, 'ballast'))
  const kept = new Set<number>()
  torrent.on('piece', piece => kept.add(piece))
  await torrent.done()
  assert.equal(torrent.error, undefined)
  // No verified piece was fetched again. (Some may have been on their way to the disk.)
  assert.ok(kept.size <= torrent.info!.pieceCount - before, `${kept.size} pieces after ${before}`)
  assert.ok((await readFile(join(folder, 'film.bin'))).equals(bytes), 'the file differs')
  await client.close()
  const again = await SwarmClient.open({ stateFolder: join(disk, 'state'), hashThreads: 1 })
  assert.equal((await again.add(metainfo, { folder })).state, 'seeding')
  await again.close()
  await seeder.close()
})
