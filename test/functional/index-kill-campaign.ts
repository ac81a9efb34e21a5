import { setTimeout as delay } from 'node:timers/promises'
import { toHex } from '../../src/base/bytes/bytes.ts'
import { OperationError } from '../../src/base/errors.ts'
import type { Random } from '../../src/base/ports/random.ts'
import type { RpcClient } from '../../src/rpc/client.ts'
import { Daemon } from '../daemon.ts'
import { readSharedJson } from '../shared-data.ts'
import { mixedChain } from './ledger-harness.ts'

export const ALL_INDEXES: readonly string[] = ['-txindex', '-blockfilterindex', '-coinstatsindex']

interface Expected {
  readonly tip: { readonly height: number; readonly hash: string }
  readonly activeChain: readonly string[]
  readonly heights: readonly {
    readonly height: number
    readonly hash: string
    readonly gettxoutsetinfo: { readonly muhash: string; readonly txouts: number }
    readonly getblockfilter: { readonly filter: string; readonly header: string }
  }[]
}

export interface IndexCampaignReport {
  readonly kills: number
  /** Chains whose indexes came out right. */
  readonly chains: number
  /** Kills that came while an index was behind the chain. */
  readonly killsWhileBuilding: number
}

type IndexInfo = Record<string, { synced: boolean; best_block_height: number }>

/** Waits until every index has come to the tip. */
export async function indexesSynced(client: RpcClient, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const [infos, height] = [await client.call<IndexInfo>('getindexinfo'), await client.call<number>('getblockcount')]
    const all = Object.values(infos)
    if (all.length > 0 && all.every(info => info.synced && info.best_block_height === height)) return
    if (performance.now() > deadline) throw new Error(`indexes not synced: ${JSON.stringify(infos)}`)
    await delay(5)
  }
}

/** Holds what the indexes say against Bitcoin Core's answers on the fixture chain; throws where they differ. */
export async function checkMixedChainIndexes(client: RpcClient): Promise<void> {
  const expected = readSharedJson<Expected>('fixtures', 'chain-mixed', 'expected.json')
  const same = (actual: unknown, wanted: unknown, what: string): void => {
    if (actual !== wanted) throw new Error(`${what}: ${String(actual)} instead of ${String(wanted)}`)
  }
  for (const { height, hash, gettxoutsetinfo, getblockfilter } of expected.heights) {
    // By hash: some of these blocks have been left since.
    const stats = await client.call<{ muhash: string; txouts: number }>('gettxoutsetinfo', ['muhash', hash])
    same(stats.muhash, gettxoutsetinfo.muhash, `muhash at ${height}`)
    same(stats.txouts, gettxoutsetinfo.txouts, `outputs at ${height}`)
    const filter = await client.call<{ filter: string; header: string }>('getblockfilter', [hash])
    same(filter.filter, getblockfilter.filter, `filter at ${height}`)
    same(filter.header, getblockfilter.header, `filter header at ${height}`)
  }
  for (const hash of expected.activeChain.filter((_, height) => height % 20 === 1)) {
    const { tx } = await client.call<{ tx: string[] }>('getblock', [hash])
    const found = await client.call<{ blockhash: string }>('getrawtransaction', [tx[tx.length >> 1], 1])
    same(found.blockhash, hash, 'block of a transaction')
  }
}

function isGone(error: unknown): boolean {
  return error instanceof OperationError && error.code === 'rpc-unreachable'
}

/** How long a process may live after it answers. */
function lifeMs(random: Random): number {
  return (random.below(1000) / 1000) ** 2 * 1500
}

/** One chain from its beginning to its end, with kills until there have been enough of them. */
class IndexCampaignChain {
  readonly #daemon: Daemon
  readonly #random: Random
  readonly #blocks: readonly string[]
  #next = 0
  kills = 0
  killsWhileBuilding = 0

  constructor(daemon: Daemon, random: Random, blocks: readonly string[]) {
    this.#daemon = daemon
    this.#random = random
    this.#blocks = blocks
  }

  async #feed(client: RpcClient, until: number, stopped: () => boolean): Promise<void> {
    while (this.#next < until && !stopped()) {
      await client.call('submitblock', [this.#blocks[this.#next]])
      this.#next++
    }
  }

  /** A life that is cut off. The indexes are not always asked for, so that they are behind when they are. */
  async killOnce(): Promise<void> {
    const random = this.#random
    const indexed = random.below(4) > 0
    const cache = `-dbcache=${[4, 100][random.below(2)]}`
    this.#daemon.spawn([cache, ...(indexed ? ALL_INDEXES : [])])
    let killed = false
    let infos: IndexInfo = {}
    const work = (async () => {
      const client = await this.#daemon.ready()
      const until = this.#next + random.below(this.#blocks.length / 3)
      await this.#feed(client, Math.min(until, this.#blocks.length), () => killed)
      while (!killed) {
        infos = await client.call<IndexInfo>('getindexinfo')
        await delay(2)
      }
    })().catch(error => {
      if (!killed || (!isGone(error) && this.#daemon.isRunning)) throw error
    })
    await Promise.race([work, delay(300 + lifeMs(random))])
    killed = true
    await this.#daemon.kill()
    await work
    this.kills++
    const all = Object.values(infos)
    if (indexed && (all.length === 0 || all.some(info => !info.synced))) this.killsWhileBuilding++
  }

  /** A last life, in which everything comes to its end and is checked. */
  async finish(): Promise<void> {
    const client = await this.#daemon.start(ALL_INDEXES)
    // What was submitted when a kill came may or may not have been taken.
    this.#next = Math.max(this.#next - 1, 0)
    await this.#feed(client, this.#blocks.length, () => false)
    await indexesSynced(client)
    await checkMixedChainIndexes(client)
  }
}

/** Kills peersd at random instants while it builds its indexes, and checks what they say once a chain is whole. */
export async function indexKillCampaign(
  kills: number,
  random: Random,
  progress: (text: string) => void,
): Promise<IndexCampaignReport> {
  const blocks = mixedChain().map(({ bytes }) => toHex(bytes))
  let [done, chains, killsWhileBuilding] = [0, 0, 0]
  while (done < kills) {
    const daemon = await Daemon.create()
    try {
      const chain = new IndexCampaignChain(daemon, random, blocks)
      const wanted = Math.min(kills - done, 4 + random.below(8))
      while (chain.kills < wanted) {
        await chain.killOnce()
        progress(`${done + chain.kills} of ${kills} kills, ${chains} chains finished`)
      }
      await chain.finish()
      chains++
      done += chain.kills
      killsWhileBuilding += chain.killsWhileBuilding
    } finally {
      await daemon.remove()
    }
  }
  return { kills: done, chains, killsWhileBuilding }
}
