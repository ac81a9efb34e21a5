import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '../../src/base/ports/seeded-random.ts'
import { ASSEMBLER_OPTIONS } from '../../src/bittorrent/storage/piece-assembler.ts'
import { SwarmClient } from '../../src/node/swarm/swarm-client.ts'

/** Kills in all; `SWARM_KILLS=300 SWARM_BYTES=200000000` is the campaign. */
const KILLS = Number(process.env['SWARM_KILLS'] ?? 20)
const SIZE = Number(process.env['SWARM_BYTES'] ?? 20_000_000)
const BYTES_PER_SECOND = 20_000_000
/** A kill comes within this share of the time that the download takes. */
const KILL_WITHIN_MS = Math.min(3000, (400 * SIZE) / BYTES_PER_SECOND)
/** What may be fetched twice after a kill: what was on its way to the disk. */
const QUEUE_BYTES = ASSEMBLER_OPTIONS.heldBytesMax
const FETCHER = fileURLToPath(new URL('./fetch-process.ts', import.meta.url))

/** Runs a fetching process until it is done, or killed so long after its first byte; returns the bytes it got, and whether it was done. */
function fetchUntil(args: string[], killAfterMs: number | undefined): Promise<{ gotBytes: number; isDone: boolean }> {
  return new Promise((resolve, reject) => {
    const child = fork(FETCHER, args, { stdio: 'inherit', execArgv: ['--import', 'tsx'] })
    let gotBytes = 0
    let isDone = false
    let killer: NodeJS.Timeout | undefined
    child.on('message', (message: { gotBytes: number; isDone: boolean }) => {
      ;({ gotBytes, isDone } = message)
      if (killAfterMs !== undefined && gotBytes > 0) killer ??= setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    })
    child.on('error', reject)
    child.on('exit', () => {
      clearTimeout(killer)
      resolve({ gotBytes, isDone })
    })
  })
}

test(`killed ${KILLS} times at random instants, a download resumes and ends byte for byte the same`, async t => {
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
    uploadLimit: BYTES_PER_SECOND,
    hashThreads: 1,
  })
  const { metainfo } = await seeder.seed(source, { version: 'hybrid', pieceLength: 262_144 })
  const torrentFile = join(root, 'source.torrent')
  await writeFile(torrentFile, metainfo)
  let [kills, downloads, twiceBytes] = [0, 0, 0]
  while (kills < KILLS) {
    const out = join(root, `out ${downloads++}`)
    let [fetchedBytes, killsHere, isDone] = [0, 0, false]
    while (!isDone) {
      const run = await fetchUntil(
        [torrentFile, out, `${seeder.port}`],
        kills < KILLS ? random.below(KILL_WITHIN_MS) : undefined,
      )
      fetchedBytes += run.gotBytes
      isDone = run.isDone
      if (isDone) continue
      killsHere++
      kills++
    }
    assert.ok((await readFile(join(out, 'source.bin'))).equals(bytes), `download ${downloads} differs`)
    const most = SIZE + killsHere * QUEUE_BYTES
    assert.ok(fetchedBytes <= most, `${fetchedBytes} bytes for ${SIZE} with ${killsHere} kills`)
    twiceBytes += fetchedBytes - SIZE
    await rm(out, { recursive: true })
  }
  t.diagnostic(
    `${kills} kills in ${downloads} downloads; ${Math.round(twiceBytes / kills)} bytes fetched twice for each`,
  )
  await seeder.close()
  await rm(root, { recursive: true })
})
