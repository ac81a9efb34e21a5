import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { addressOf, assertSameFiles, SwarmBench } from '../../../test/swarm-fixtures.ts'
import type { ChooseFile } from './file-selection.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'

const bench = await SwarmBench.create('selection')
after(() => bench.close())

const LARGE: ChooseFile = path => path === 'b/c.bin'

/** A torrent with pieces that several files share, and one who fetches more or less of it from run to run. */
async function world(version: 'v1' | 'hybrid') {
  const album = await bench.album()
  const seeder = await bench.client()
  const { metainfo } = await seeder.seed(album, { version, pieceLength: 262_144 })
  const [folder, stateFolder] = [bench.folder(), bench.folder()]
  const run = async (only: ChooseFile | undefined, look: (torrent: SwarmTorrent) => Promise<void> = async () => {}) => {
    const client = await bench.client({ stateFolder })
    const torrent = await client.add(metainfo, { folder, peers: addressOf(seeder), ...(only && { only }) })
    await torrent.done()
    await look(torrent)
    await client.close()
  }
  return { album, target: join(folder, 'album'), stateFolder, run }
}

for (const version of ['v1', 'hybrid'] as const) {
  test(`${version}: whoever wants more files later gets every byte of them`, async () => {
    const { album, target, run } = await world(version)
    await run(LARGE)
    await run(path => path !== 'z.bin')
    await assertSameFiles(album, target, ['a.bin', 'b/c.bin', 'b/d.txt'])
    await run(undefined, async torrent => assert.ok(torrent.core.isSeed))
    await assertSameFiles(album, target)
  })
}

test('whoever wants fewer files later keeps what is there, and still gives all of it', async () => {
  const { album, target, run } = await world('v1')
  await run(undefined)
  await run(LARGE, async torrent => {
    assert.equal(torrent.core.download.total, 0)
    assert.ok(torrent.core.isSeed)
  })
  await run(undefined, async torrent => assert.equal(torrent.core.download.total, 0))
  await assertSameFiles(album, target)
})

test('a file of the same name that was there before is not touched unless it is asked for', async () => {
  const { album, target, run } = await world('v1')
  await mkdir(target, { recursive: true })
  await writeFile(join(target, 'z.bin'), 'my own words')
  for (let round = 0; round < 2; round++) {
    await run(LARGE)
    assert.equal(await readFile(join(target, 'z.bin'), 'utf8'), 'my own words')
  }
  await assertSameFiles(album, target, ['b/c.bin'])
})

test('without the file of parts, its pieces are fetched again', async () => {
  const { album, target, stateFolder, run } = await world('v1')
  await run(LARGE)
  const [parts] = (await readdir(stateFolder)).filter(name => name.endsWith('.parts'))
  await rm(join(stateFolder, parts))
  await run(LARGE, async torrent => assert.ok(torrent.core.download.total > 0))
  await assertSameFiles(album, target, ['b/c.bin'])
})
