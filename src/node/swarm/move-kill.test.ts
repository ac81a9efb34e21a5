import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { assertSameFiles, noise, SwarmBench } from '../../../test/swarm-fixtures.ts'

const KILLS = 8
const SHARED_MEMORY = '/dev/shm'
const bench = await SwarmBench.create('move-kill')
const isOtherDisk = existsSync(SHARED_MEMORY) && lstatSync(SHARED_MEMORY).dev !== lstatSync(tmpdir()).dev
const otherDisk = isOtherDisk ? await mkdtemp(join(SHARED_MEMORY, 'peers-move-kill-')) : ''

after(async () => {
  await bench.close()
  if (isOtherDisk) await rm(otherDisk, { recursive: true })
})

/** Seeds, and moves the files to and fro until it is killed. */
const PROGRAM = `
import { readFile } from 'node:fs/promises'
import { SwarmClient } from './src/node/swarm/swarm-client.ts'
const [torrentFile, stateFolder, given, one, other] = process.argv.slice(1)
const client = await SwarmClient.open({ stateFolder, hashThreads: 1 })
const torrent = await client.add(new Uint8Array(await readFile(torrentFile)), { folder: given })
if (torrent.state !== 'seeding') {
  console.log(torrent.state + ' ' + torrent.error?.message)
  process.exit(1)
}
console.log('moving')
for (;;) await torrent.move(torrent.folder === one ? other : one)
`

test('kill -9 while files move: each is whole at one place, and the rest of the way is gone at the next start', {
  skip: isOtherDisk ? false : 'there is no second file system here',
}, async () => {
  const original = join(bench.folder(), 'crate')
  await mkdir(original, { recursive: true })
  const names = Array.from({ length: 24 }, (_, i) => `${i}.bin`)
  for (const [i, name] of names.entries()) await writeFile(join(original, name), noise(500_000 + i, i))
  const [stateFolder, one, other] = [bench.folder(), bench.folder(), join(otherDisk, 'to')]
  const maker = await bench.client()
  const { torrent, metainfo } = await maker.seed(original, { version: 'v1', pieceLength: 131_072 })
  const torrentFile = join(bench.root, 'crate.torrent')
  await writeFile(torrentFile, metainfo)
  // The first client has the files from the maker.
  const first = await bench.client({ stateFolder })
  const peers = [{ host: '127.0.0.1', port: maker.port! }]
  await (await first.add(metainfo, { folder: one, peers })).done()
  await first.close()
  await maker.remove(torrent)

  const bothPlaces = async () =>
    Promise.all([one, other].map(place => readdir(join(place, 'crate')).catch(() => [] as string[])))
  let inTheMiddle = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const args = [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      PROGRAM,
      '--',
      torrentFile,
      stateFolder,
      one,
      one,
      other,
    ]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(createInterface({ input: child.stdout }), 'line')
    assert.equal(line, 'moving', `after ${kill} kills`)
    // Moments all over a move, which takes about half as long as the last of them.
    await new Promise(resolve => setTimeout(resolve, (kill * 211) % 240))
    child.kill('SIGKILL')
    await once(child, 'close')
    const found = await bothPlaces()
    for (const name of names) assert.ok(found.flat().includes(name), `${name} is gone after ${kill + 1} kills`)
    if (found.every(files => files.length > 0)) inTheMiddle++
  }
  assert.ok(inTheMiddle > 0, 'no kill came in the middle of a move')
  const last = await bench.client({ stateFolder })
  const resumed = await last.add(metainfo, { folder: one })
  assert.equal(resumed.state, 'seeding')
  await assertSameFiles(original, join(resumed.folder, 'crate'), names)
  const elsewhere = resumed.folder === one ? other : one
  assert.ok(!existsSync(join(elsewhere, 'crate')), 'something was left at the other place')
})
