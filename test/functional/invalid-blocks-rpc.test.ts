import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { toHex } from '../../src/base/bytes/bytes.ts'
import type { RpcClient } from '../../src/rpc/client.ts'
import { RpcError } from '../../src/rpc/rpc-error.ts'
import { Daemon } from '../daemon.ts'
import { readInvalidBlocks } from '../invalid-blocks.ts'
import { readSharedBytes, sharedPath, skipWithout } from '../shared-data.ts'

/** The same through the whole program: scripts are checked in several threads here, and some of them fail. */
describe('invalid blocks, through RPC', {
  skip: skipWithout('fixtures', 'invalid-blocks') || skipWithout('fixtures', 'chain-mixed'),
}, () => {
  let daemon: Daemon
  let client: RpcClient
  before(async () => {
    daemon = await Daemon.create()
    const chain = sharedPath('fixtures', 'chain-mixed', 'blocks.dat')
    client = await daemon.start(['-par=3', `-loadblock=${chain}`])
  })
  after(() => daemon.remove())

  test("each gets Bitcoin Core's answer, and moves the tip only where it is valid", async () => {
    const { base, cases } = readInvalidBlocks()
    await client.call('waitforblockheight', [base.height, 60_000])
    for (const { name, file, hash, valid, result, error } of cases) {
      const block = toHex(readSharedBytes('fixtures', 'invalid-blocks', file))
      if (error) {
        await assert.rejects(client.call('submitblock', [block]), (thrown: unknown) => {
          assert.ok(thrown instanceof RpcError)
          assert.deepEqual([thrown.code, thrown.message], [error.code, error.message], name)
          return true
        })
      } else assert.equal(await client.call('submitblock', [block]), result, name)
      const best = await client.call('getbestblockhash')
      assert.equal(best, valid ? hash : base.hash, name)
      if (valid) await client.call('invalidateblock', [hash])
    }
    assert.equal(await client.call('getbestblockhash'), base.hash)
    assert.equal(await client.call('verifychain', [4, 10]), true)
  })
})
