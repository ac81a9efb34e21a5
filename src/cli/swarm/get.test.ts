import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { addressOf, assertSameFiles, SwarmBench } from '../../../test/swarm-fixtures.ts'
import { handlePrototype } from '../../../test/torrent-files-fixtures.ts'
import { get } from './get.ts'

const bench = await SwarmBench.create('get')
after(() => bench.close())

test('a download is no success before it is durable', async t => {
  const [album, seeder] = [await bench.album(), await bench.client()]
  const { metainfo } = await seeder.seed(album, { version: 'v1', pieceLength: 32_768 })
  const path = join(bench.root, 'album.torrent')
  await writeFile(path, metainfo)
  t.mock.method(process.stderr, 'write', () => true)
  const said = t.mock.method(process.stdout, 'write', () => true)
  const [state, output] = [bench.folder(), bench.folder()]
  const options = { peer: addressOf(seeder), state, output, json: true }
  const flush = t.mock.method(handlePrototype, 'datasync', () => Promise.reject(new Error('EIO: i/o error')))
  await assert.rejects(get(path, options), { code: 'flush-failed' })
  const events = () => said.mock.calls.map(call => JSON.parse(String(call.arguments[0])).event)
  assert.ok(!events().includes('done'))
  flush.mock.restore()
  assert.equal(await get(path, options), 0)
  assert.ok(events().includes('done'))
  await assertSameFiles(album, join(output, 'album'))
})
