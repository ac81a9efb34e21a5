import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { SwarmBench } from '../../../test/swarm-fixtures.ts'
import { ProgressReporter } from './progress.ts'
import { follow } from './tell-torrent.ts'

const bench = await SwarmBench.create('tell')
after(() => bench.close())

test('nothing is told of a torrent that is followed no more', async t => {
  const client = await bench.client()
  const { torrent } = await client.seed(await bench.album(), { version: 'v1' })
  const said = t.mock.method(process.stdout, 'write', () => true)
  const events = () => said.mock.calls.map(call => JSON.parse(String(call.arguments[0])).event)
  const happen = () => {
    torrent.emit('checked', 1, 2)
    torrent.emit('ban', '192.0.2.1', 'piece-invalid')
  }
  const unfollow = follow(new ProgressReporter(true), torrent)
  happen()
  assert.deepEqual(events(), ['progress', 'ban'])
  unfollow()
  happen()
  assert.deepEqual(events(), ['progress', 'ban'])
  assert.equal(torrent.listenerCount('announced'), 0)
  // Another who follows it is told.
  const other = follow(new ProgressReporter(true), torrent)
  happen()
  other()
  assert.deepEqual(events(), ['progress', 'ban', 'progress', 'ban'])
})
