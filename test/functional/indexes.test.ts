import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { toHex } from '../../src/base/bytes/bytes.ts'
import type { RpcClient } from '../../src/rpc/client.ts'
import { RpcError } from '../../src/rpc/rpc-error.ts'
import { Daemon } from '../daemon.ts'
import { skipWithout } from '../shared-data.ts'
import { ALL_INDEXES, checkMixedChainIndexes, indexesSynced } from './index-kill-campaign.ts'
import { mixedChain } from './ledger-harness.ts'

const ADDRESS = 'bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry'

async function refused(call: Promise<unknown>, code: number, message: string): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof RpcError)
    assert.equal(error.message, message)
    return error.code === code
  })
}

describe('indexes of a chain that is there already', { skip: skipWithout('fixtures', 'chain-mixed') }, () => {
  let daemon: Daemon
  let client: RpcClient
  before(async () => {
    daemon = await Daemon.create()
    client = await daemon.start()
    for (const { bytes } of mixedChain()) await client.call('submitblock', [toHex(bytes)])
  })
  after(() => daemon.remove())

  test('are refused by name where they are not kept', async () => {
    const best = await client.call<string>('getbestblockhash')
    assert.deepEqual(await client.call('getindexinfo'), {})
    await refused(client.call('getblockfilter', [best]), -1, 'Index is not enabled for filtertype basic')
    await refused(client.call('scanblocks', ['start', ['raw(51)']]), -1, 'Index is not enabled for filtertype basic')
    await refused(
      client.call('gettxoutsetinfo', ['muhash', 7]),
      -8,
      'Querying specific block heights requires coinstatsindex',
    )
    const { tx } = await client.call<{ tx: string[] }>('getblock', [await client.call('getblockhash', [9])])
    await refused(
      client.call('getrawtransaction', tx),
      -5,
      'No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries. Use ' +
        'gettransaction for wallet transactions.',
    )
  })

  test("are built in the background, and answer as Bitcoin Core's", async () => {
    await daemon.stop()
    client = await daemon.start(ALL_INDEXES)
    await indexesSynced(client)
    await checkMixedChainIndexes(client)
    for (const folder of ['txindex', 'coinstatsindex/db', 'blockfilter/basic/db', 'blockfilter/basic/fltr00000.dat']) {
      assert.ok(existsSync(join(daemon.folder, 'regtest', 'indexes', folder)), folder)
    }
    assert.deepEqual(await client.call('getindexinfo', ['txindex']), {
      txindex: { synced: true, best_block_height: 450 },
    })
    assert.deepEqual(await client.call('getindexinfo', ['nosuch']), {})
  })

  test('go on from where they are, over blocks that come and go', async () => {
    await daemon.stop()
    client = await daemon.start(ALL_INDEXES)
    const infos = await client.call<Record<string, { best_block_height: number }>>('getindexinfo')
    assert.ok(Object.values(infos).every(info => info.best_block_height === 450))
    const muhash = async (): Promise<string> =>
      (await client.call<{ muhash: string }>('gettxoutsetinfo', ['muhash'])).muhash
    const computed = async (): Promise<string> =>
      (await client.call<{ muhash: string }>('gettxoutsetinfo', { hash_type: 'muhash', use_index: false })).muhash
    const before = await muhash()
    assert.equal(await computed(), before)
    const from = await client.call<string>('getblockhash', [430])
    const left = await client.call<string>('getblockhash', [445])
    const filter = await client.call('getblockfilter', [left])
    await client.call('invalidateblock', [from])
    const mined = await client.call<string[]>('generatetoaddress', [25, ADDRESS])
    assert.equal(await muhash(), await computed())
    assert.deepEqual(await client.call('getblockfilter', [left]), filter)
    const { tx } = await client.call<{ tx: string[] }>('getblock', [mined[7]])
    const found = await client.call<{ blockhash: string; confirmations: number }>('getrawtransaction', [tx[0], 1])
    assert.deepEqual([found.blockhash, found.confirmations], [mined[7], 18])
    await client.call('reconsiderblock', [from])
    await client.call('invalidateblock', [mined[0]])
    assert.equal(await muhash(), before)
    await checkMixedChainIndexes(client)
    assert.equal((await client.call<{ confirmations: number }>('getrawtransaction', [tx[0], 1])).confirmations, 0)
  })

  test('scans say how they are meant', async () => {
    for (const method of ['scantxoutset', 'scanblocks']) {
      assert.equal(await client.call(method, ['status']), null)
      assert.equal(await client.call(method, ['abort']), false)
      await refused(client.call(method, ['bogus']), -8, "Invalid action 'bogus'")
      await refused(client.call(method, ['start']), -1, 'scanobjects argument is required for the start action')
      const range = (value: unknown): Promise<unknown> =>
        client.call(method, ['start', [{ desc: 'raw(51)', range: value } as never]])
      await refused(range(-1), -8, 'End of range is too high')
      await refused(range([2, 1]), -8, 'Range specified as [begin,end] must not have begin after end')
      await refused(range([0, 1000001]), -8, 'Range is too large')
      await refused(
        client.call(method, ['start', [{ range: 1 } as never]]),
        -8,
        'Descriptor needs to be provided in scan object',
      )
    }
    await refused(client.call('scanblocks', ['start', ['raw(51)'], 100000]), -1, 'Invalid start_height')
    await refused(client.call('scanblocks', ['start', ['raw(51)'], 10, 9]), -1, 'Invalid stop_height')
    const scan = (...rest: unknown[]): Promise<{ relevant_blocks: string[]; from_height: number; to_height: number }> =>
      client.call('scanblocks', ['start', ['raw(51)'], ...rest] as never)
    const all = await scan()
    const checked = await scan(0, null, 'basic', { filter_false_positives: true })
    assert.ok(checked.relevant_blocks.length > 10)
    assert.ok(checked.relevant_blocks.every(hash => all.relevant_blocks.includes(hash)))
    const part = await scan(200, 300)
    assert.deepEqual([part.from_height, part.to_height], [200, 300])
    assert.ok(part.relevant_blocks.length > 0 && part.relevant_blocks.length < all.relevant_blocks.length)
  })

  test('transactions are proved to be in their blocks', async () => {
    const block = await client.call<{ hash: string; tx: string[] }>('getblock', [
      await client.call('getblockhash', [200]),
    ])
    assert.ok(block.tx.length > 3)
    const proof = await client.call<string>('gettxoutproof', [[block.tx[1], block.tx[3]]])
    assert.equal(await client.call('gettxoutproof', [[block.tx[1], block.tx[3]], block.hash]), proof)
    assert.deepEqual(await client.call('verifytxoutproof', [proof]), [block.tx[1], block.tx[3]])
    const broken = proof.slice(0, -70) + (proof.at(-70) === '0' ? '1' : '0') + proof.slice(-69)
    assert.deepEqual(await client.call('verifytxoutproof', [broken]), [])
    await refused(client.call('gettxoutproof', [[]]), -8, "Parameter 'txids' cannot be empty")
    await refused(
      client.call('gettxoutproof', [[block.tx[1]], await client.call('getblockhash', [201])]),
      -5,
      'Not all transactions found in specified or retrieved block',
    )
    await refused(client.call('gettxoutproof', [['00'.repeat(32)]]), -5, 'Transaction not yet in block')
  })
})

describe('indexes of a pruned chain', () => {
  let daemon: Daemon
  const PRUNED = ['-prune=1', '-fastprune', '-blockfilterindex', '-coinstatsindex']
  before(async () => {
    daemon = await Daemon.create()
  })
  after(() => daemon.remove())

  async function failsWith(args: readonly string[], message: string): Promise<void> {
    await assert.rejects(daemon.start(args))
    assert.ok(daemon.errorText.includes(`Error: ${message}`), daemon.errorText)
  }

  test('keep what they need, and are refused where it has gone', async () => {
    let client = await daemon.start(PRUNED)
    await client.call('generatetoaddress', [700, ADDRESS])
    await indexesSynced(client)
    const height = await client.call<number>('pruneblockchain', [400])
    assert.ok(height > 200 && height <= 400, `${height}`)
    const early = await client.call<string>('getblockhash', [2])
    await client.call('getblockfilter', [early])
    await client.call('gettxoutsetinfo', ['muhash', 2])
    await refused(
      client.call('scanblocks', [
        'start',
        [`addr(${ADDRESS})`],
        0,
        10,
        'basic',
        { filter_false_positives: true } as never,
      ]),
      -1,
      'Block not available (pruned data)',
    )
    // Without its indexes it goes on, and loses what they would need.
    await daemon.stop()
    client = await daemon.start(PRUNED.slice(0, 2))
    await client.call('generatetoaddress', [600, ADDRESS])
    await client.call('pruneblockchain', [1000])
    await daemon.stop()
    await failsWith(
      PRUNED,
      'basic block filter index best block of the index goes beyond pruned data (including undo data). Please disable the index or ' +
        'reindex (which will download the whole blockchain again)',
    )
    await failsWith(['-prune=1', '-txindex'], 'Prune mode is incompatible with -txindex.')
    await failsWith(['-prune=1', '-peerblockfilters'], 'Cannot set -peerblockfilters without -blockfilterindex.')
    await failsWith(['-blockfilterindex=nosuch'], 'Unknown -blockfilterindex value nosuch.')
  })
})
