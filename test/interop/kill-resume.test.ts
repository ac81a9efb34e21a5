import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '../../src/base/ports/seeded-random.ts'
import { SwarmClient } from '../../src/node/swarm/swarm-client.ts'

/** Kills in a row; 300 in a campaign of its own. */
const KILLS = Number(process.env['SWARM_KILLS'] ?? 5)
const SIZE = 12_000_000
/** What may be fetched twice: what was on its way to the disk, and what was asked for. */
const QUEUE_BYTES = 3_000_000
const FETCHER = fileURLToPath(new URL('./fetch-process.ts', import.meta.url))

/** Runs a fetching process until it is done or killed; returns the bytes it got, and whether it was done. */
function fetchUntil(args: string[], killAtBytes: number | undefined): Promise<{ gotBytes: number; isDone: boolean }> {
  return new Promise((resolve, reject) => {
    const child = fork(FETCHER, args, { stdio: 'inherit', execArgv: ['--import', 'tsx'] })
    let gotBytes = 0
    let isDone = false
    child.on('message', (message: { gotBytes: number; isDone: boolean }) => {
      ;({ gotBytes, isDone } = message)
      if (killAtBytes !== undefined && gotBytes >= killAtBytes) child.kill('SIGKILL')
    })
    child.on('error', reject)
    child.on('exit', () => resolve({ gotBytes, isDone }))
  })
}

test(`killed ${KILLS} times at random instants, a download resumes and ends byte for byte the same`, async () => {
  const root = await mkdtemp(join(tmpdir(), 'peers-kill-'))
  const random = seededRandom(Number(process.env['SWARM_SEED'] ?? 1))
  const bytes = Buffer.alloc(SIZE)
  for (let at = 0; at < SIZE; at += 4) bytes.writeUInt32LE(random.below(2 ** 32), at)
  const source = join(root, 'source.bin')
  await writeFile(source, bytes)
  const seeder = await SwarmClient.open({
    port: 0,
    host: '127.0.0.1',
    stateFolder: join(root, 'seeder'),
    uploadLimit: 20_000_000,
    hashThreads: 1,
  })
  const { metainfo } = await seeder.seed(source, { version: 'hybrid', pieceLength: 262_144 })
  const torrentFile = join(root, 'source.torrent')
  await writeFile(torrentFile, metainfo)
  const args = [torrentFile, join(root, 'out'), `${seeder.port}`]
  let fetchedBytes = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const { gotBytes } = await fetchUntil(args, 100_000 + random.below(2 * Math.floor(SIZE / KILLS)))
    fetchedBytes += gotBytes
  }
  const last = await fetchUntil(args, undefined)
  assert.equal(last.isDone, true)
  fetchedBytes += last.gotBytes
  assert.ok((await readFile(join(root, 'out', 'source.bin'))).equals(bytes))
  assert.ok(fetchedBytes <= SIZE + KILLS * QUEUE_BYTES, `${fetchedBytes} bytes for ${SIZE}`)
  await seeder.close()
  await rm(root, { recursive: true })
})
