import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { RpcClient } from '../../src/rpc/client.ts'
import { Daemon, freePort } from '../daemon.ts'
import { type InvalidBlock, readInvalidBlocks } from '../invalid-blocks.ts'
import { readSharedBytes, sharedPath, skipWithout } from '../shared-data.ts'
import { WirePeer } from '../wire-peer.ts'

/** Valid only because submitblock adds what is missing. */
const ONLY_BY_RPC: ReadonlySet<string> = new Set(['nonce-missing-by-submitblock'])

/**
 * Bitcoin Core parts from whoever sends a block that breaks a rule. Only a time in the future may be the fault of our own clock, and bytes
 * that are no block at all are passed over.
 */
function staysConnected({ name, valid, result, error }: InvalidBlock): boolean {
  return (valid && !ONLY_BY_RPC.has(name)) || error !== undefined || result === 'time-too-new'
}

describe('invalid blocks, from peers', {
  skip: skipWithout('fixtures', 'invalid-blocks') || skipWithout('fixtures', 'chain-mixed'),
}, () => {
  let daemon: Daemon
  let client: RpcClient
  let port: number
  before(async () => {
    daemon = await Daemon.create()
    port = await freePort()
    const chain = sharedPath('fixtures', 'chain-mixed', 'blocks.dat')
    const listen = ['-listen=1', `-bind=127.0.0.1:${port}`, '-connect=0', '-listenonion=0']
    client = await daemon.start([...listen, `-loadblock=${chain}`])
  })
  after(() => daemon.remove())

  test('cost their senders the connection where they would with Bitcoin Core, and move the tip only where they are valid', async () => {
    const { base, cases } = readInvalidBlocks()
    await client.call('waitforblockheight', [base.height, 60_000])
    for (const testCase of cases) {
      const peer = await WirePeer.connect(port)
      peer.sendRaw('block', readSharedBytes('fixtures', 'invalid-blocks', testCase.file))
      assert.equal(await peer.settled(), staysConnected(testCase), `${testCase.name}: ${testCase.result}`)
      peer.close()
      const best = await client.call('getbestblockhash')
      const moves = testCase.valid && !ONLY_BY_RPC.has(testCase.name)
      assert.equal(best, moves ? testCase.hash : base.hash, testCase.name)
      if (moves) await client.call('invalidateblock', [testCase.hash])
    }
    assert.equal(await client.call('verifychain', [4, 10]), true)
  })
})
