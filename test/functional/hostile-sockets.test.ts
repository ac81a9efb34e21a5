import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostileSockets } from './hostile-sockets.ts'

const MIB = 1 << 20

test('among a hundred hostile peers an honest block becomes the tip soon, and memory stays bounded', async () => {
  // The long form, which holds the node to its aims, is scripts/hostile-sockets.ts: here other tests may run beside this one.
  const report = await hostileSockets(10_000, { blockEveryMs: 500, seed: 1 })
  assert.ok(report.blocks >= 2, `${report.blocks} blocks`)
  assert.ok(report.blockMsMean <= 4000, `${report.blockMsMean} ms on average`)
  assert.ok(report.peakMemoryBytes <= 512 * MIB, `${report.peakMemoryBytes} bytes`)
  assert.ok(report.delayP99Ms <= 200, `p99 ${report.delayP99Ms} ms`)
  assert.ok(report.connectionsMax >= 100, `${report.connectionsMax} connections`)
  for (const { kind, connections } of report.kinds) assert.ok(connections > 0, `no connection of ${kind}`)
})
