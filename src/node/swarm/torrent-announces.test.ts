import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { SwarmBench } from '../../../test/swarm-fixtures.ts'

const bench = await SwarmBench.create('announces')
after(() => bench.close())

test('a tracker that was being asked while we close has not failed', async t => {
  const silent = createServer().listen(0, '127.0.0.1')
  t.after(() => silent.close())
  await once(silent, 'listening')
  const { port } = silent.address() as { port: number }
  const asked = once(silent, 'connection')
  const client = await bench.client({ allowPrivate: true })
  const trackers = [[`http://127.0.0.1:${port}/announce`]]
  const { torrent } = await client.seed(await bench.album(), { version: 'v1', trackers })
  const announced: unknown[] = []
  torrent.on('announced', (...what) => announced.push(what))
  const [socket] = (await asked) as [Socket]
  const left = once(socket.resume(), 'close')
  await client.close()
  await left
  assert.deepEqual(announced, [])
  assert.deepEqual(
    torrent.trackers.map(({ error }) => error),
    [undefined],
  )
})
