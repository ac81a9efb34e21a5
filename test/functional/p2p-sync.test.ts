import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { RpcClient } from '../../src/rpc/client.ts'
import { chainBench } from '../chain-bench.ts'
import { Daemon, freePort } from '../daemon.ts'
import { Relay, type RelayFaults } from '../relay.ts'
import { readSharedJson, sharedPath, skipWithout } from '../shared-data.ts'

const SYNC_TIMEOUT_MS = 90_000
const POLL_MS = 50

interface Expected {
  readonly tip: { readonly height: number; readonly hash: string }
  readonly heights: readonly { height: number; gettxoutsetinfo: { hash_serialized_3: string } }[]
}

/** A node that has a chain and gives it to others. */
interface Seeder {
  readonly daemon: Daemon
  readonly port: number
  readonly client: RpcClient
}

const removals: (() => Promise<unknown>)[] = []
after(async () => {
  for (const remove of removals.reverse()) await remove()
})

/** @param listed peers that are to be connected to, none to be found */
async function startNode(args: readonly string[]): Promise<{ daemon: Daemon; client: RpcClient }> {
  const daemon = await Daemon.create()
  removals.push(() => daemon.remove())
  return { daemon, client: await daemon.start(['-natpmp=0', '-listenonion=0', ...args]) }
}

async function startSeeder(
  chainFiles: readonly string[],
  height: number,
  args: readonly string[] = [],
): Promise<Seeder> {
  const port = await freePort()
  const loads = chainFiles.map(file => `-loadblock=${file}`)
  const listen = ['-listen=1', `-bind=127.0.0.1:${port}`, '-connect=0']
  const { daemon, client } = await startNode([...listen, ...loads, ...args])
  await client.call('waitforblockheight', [height, SYNC_TIMEOUT_MS])
  return { daemon, port, client }
}

async function relayTo(seeder: Seeder, faults: RelayFaults): Promise<number> {
  const relay = await Relay.start(seeder.port, faults)
  removals.push(() => relay.stop())
  return relay.port
}

/** Waits for a tip, and says how far it came where it does not. */
async function synced(client: RpcClient, tip: { height: number; hash: string }): Promise<void> {
  const deadline = performance.now() + SYNC_TIMEOUT_MS
  while ((await client.call('getbestblockhash')) !== tip.hash) {
    if (performance.now() > deadline) {
      const peers = JSON.stringify(await client.call('getpeerinfo'))
      assert.fail(`at height ${await client.call('getblockcount')} of ${tip.height}: ${peers}`)
    }
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}

async function utxoHash(client: RpcClient): Promise<string> {
  const info = (await client.call('gettxoutsetinfo')) as { hash_serialized_3: string }
  return info.hash_serialized_3
}

/** A new node that syncs from ports of this machine, and stops. */
async function checkSync(
  ports: readonly number[],
  tip: { height: number; hash: string },
  hash: string,
  args: readonly string[] = [],
): Promise<void> {
  const { daemon, client } = await startNode([...ports.map(port => `-connect=127.0.0.1:${port}`), ...args])
  await synced(client, tip)
  assert.equal(await utxoHash(client), hash)
  assert.equal(await daemon.stop(), 0)
  assert.equal(daemon.errorText, '')
}

describe('the mixed chain over p2p', { skip: skipWithout('fixtures', 'chain-mixed') }, () => {
  const file = sharedPath('fixtures', 'chain-mixed', 'blocks.dat')!
  const expected = file === undefined ? undefined : readSharedJson<Expected>('fixtures', 'chain-mixed', 'expected.json')
  const hash = expected?.heights.find(({ height }) => height === expected.tip.height)?.gettxoutsetinfo.hash_serialized_3

  for (const v2 of [0, 1]) {
    test(`from one peer, ${v2 === 1 ? 'encrypted' : 'plain'}`, async () => {
      const seeder = await startSeeder([file], expected!.tip.height)
      await checkSync([seeder.port], expected!.tip, hash!, [`-v2transport=${v2}`])
      await seeder.daemon.stop()
    })
  }

  test('from four peers: one pruned, one slow, one that stalls, one that dies half-way', async () => {
    const { tip } = expected!
    const seeder = await startSeeder([file], tip.height)
    const pruned = await startSeeder([file], tip.height, ['-prune=1', '-fastprune'])
    await pruned.client.call('pruneblockchain', [tip.height - 300])
    const ports = [
      pruned.port,
      await relayTo(seeder, { bytesPerSecond: 200_000 }),
      await relayTo(seeder, { stallAfterBytes: 150_000 }),
      await relayTo(seeder, { dieAfterBytes: 300_000 }),
    ]
    await checkSync(ports, tip, hash!)
  })
})

describe('the benchmark chain over p2p', { skip: skipWithout('fixtures', 'chain-bench') }, () => {
  test('from four peers: one slow, one that stalls, one that dies half-way, scripts assumed valid', async () => {
    const chain = chainBench()!
    const assumed = [`-assumevalid=${chain.tip.hash}`]
    const seeder = await startSeeder([...chain.files, chain.tailFile], chain.tailTip.height, assumed)
    const ports = [
      seeder.port,
      await relayTo(seeder, { bytesPerSecond: 2_000_000 }),
      await relayTo(seeder, { stallAfterBytes: 8_000_000 }),
      await relayTo(seeder, { dieAfterBytes: 12_000_000 }),
    ]
    await checkSync(ports, chain.tailTip, chain.tailUtxoHash, assumed)
  })
})
