import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { noise, SwarmBench } from '../../../test/swarm-fixtures.ts'
import { absentFiles, datasync, handlePrototype } from '../../../test/torrent-files-fixtures.ts'
import { HashPool } from './hash-pool.ts'
import { OpenFilesLimit } from './open-files-limit.ts'
import type { TorrentFiles } from './torrent-files.ts'

const OPEN_FOLDER = '/proc/self/fd'
const FILES = 6
const FILE_BYTES = 20_000

const bench = await SwarmBench.create('file-handles')
const pool = new HashPool(1)

afterEach(() => {
  handlePrototype.datasync = datasync
})

after(async () => {
  await pool.close()
  await bench.close()
})

/** The files of a torrent that has several, none of them there. */
async function emptyFiles(limit: OpenFilesLimit): Promise<TorrentFiles> {
  const folder = bench.folder()
  const source = join(folder, 'source')
  await mkdir(source, { recursive: true })
  for (let i = 0; i < FILES; i++) await writeFile(join(source, `${i}.bin`), new Uint8Array(FILE_BYTES))
  return absentFiles(source, folder, pool, limit)
}

/** How many files below a folder this process has open, or none where the system does not tell. */
function openBelow(folder: string): number {
  if (!existsSync(OPEN_FOLDER)) return 0
  const links = readdirSync(OPEN_FOLDER).map(name => {
    try {
      return readlinkSync(join(OPEN_FOLDER, name))
    } catch {
      // That of the listing itself.
      return ''
    }
  })
  return links.filter(link => link.startsWith(folder)).length
}

test('all torrents together have no more files open than they may, and each byte goes where it belongs', async () => {
  const limit = new OpenFilesLimit(3)
  const torrents = await Promise.all([1, 2, 3].map(() => emptyFiles(limit)))
  const bytes = noise(FILES * FILE_BYTES, 1)
  let most = 0
  const look = () => {
    most = Math.max(most, limit.taken, openBelow(bench.root))
  }
  const blocks = torrents.flatMap(files => Array.from({ length: FILES }, (_, i) => ({ files, at: i * FILE_BYTES })))
  const rounds = [blocks, blocks.toReversed()]
  for (const round of rounds) {
    await Promise.all(
      round.map(async ({ files, at }) => {
        await files.write(at, [bytes.subarray(at, at + FILE_BYTES)])
        look()
        const back = new Uint8Array(FILE_BYTES)
        assert.ok(await files.read(at, [back]))
        look()
        assert.ok(bytes.subarray(at, at + FILE_BYTES).equals(back))
      }),
    )
  }
  assert.equal(most, 3)
  for (const files of torrents) await files.close()
  assert.deepEqual([limit.taken, openBelow(bench.root)], [0, 0])
})

test('a flush waits for files that are just being closed to make room for others', async () => {
  const files = await emptyFiles(new OpenFilesLimit(1))
  const steps: string[] = []
  handlePrototype.datasync = async function (this: object) {
    await datasync.call(this)
    steps.push('flushed')
  }
  await files.write(0, [new Uint8Array(FILE_BYTES)])
  const writing = files.write(FILE_BYTES, [new Uint8Array(FILE_BYTES)])
  await files.sync().then(() => steps.push('synced'))
  assert.deepEqual(steps, ['flushed', 'synced'])
  await writing
  await files.close()
})

/** Seeds torrents, opens all files that the system allows, and asks for bytes; only then closes some. */
const PROGRAM = `
import { closeSync, openSync } from 'node:fs'
import { SwarmClient } from './src/node/swarm/swarm-client.ts'
const [stateFolder, ...paths] = process.argv.slice(1)
const client = await SwarmClient.open({ stateFolder, hashThreads: 1 })
const torrents = []
for (const path of paths) torrents.push((await client.seed(path, { version: 'v1' })).torrent)
const run = { piece: 0, begin: 0, lengths: [16384] }
const readAll = () => Promise.all(torrents.map(torrent => torrent.readForPeer(run, [new Uint8Array(16384)])))
const before = await readAll()
const taken = client.openFiles.taken
const ballast = []
try {
  for (;;) ballast.push(openSync('package.json'))
} catch {}
const hashing = client.hashPool.run({
  sha1: true,
  pieces: [{ segments: [{ path: paths[0], offset: 0, length: 16384 }], levels: undefined, paddingBytes: 0 }],
})
const during = readAll()
const saving = torrents[0].save()
// Some wait by now, and none of them may have come to a verdict.
await new Promise(resolve => setImmediate(resolve))
for (const fd of ballast) closeSync(fd)
const isHashed = (await hashing)[0] !== undefined
await saving
const states = new Set(torrents.map(({ state, error }) => state + (error?.code ?? '')))
const served = [...before, ...(await during)].filter(isThere => isThere).length
console.log(JSON.stringify({ served, taken, isHashed, states: [...states] }))
await client.close()
`

test('where the system has no more open files, torrents wait for some, and blame no file', {
  skip: process.platform === 'win32',
}, async () => {
  const folder = bench.folder()
  await mkdir(folder)
  const paths = Array.from({ length: 60 }, (_, i) => join(folder, `${i}.bin`))
  for (const [i, path] of paths.entries()) await writeFile(path, noise(FILE_BYTES, i))
  const args = ['--import', 'tsx', '--input-type=module', '-e', PROGRAM, '--', bench.folder(), ...paths]
  const { stdout, stderr } = spawnSync('sh', ['-c', 'ulimit -n 100; exec "$0" "$@"', process.execPath, ...args], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    encoding: 'utf8',
  })
  assert.equal(stderr, '')
  const { taken, ...told } = JSON.parse(stdout)
  assert.deepEqual(told, { served: 120, isHashed: true, states: ['seeding'] })
  assert.ok(taken <= 25, `${taken} files of 100 that may be open`)
})
