import { readFileSync } from 'node:fs'
import { toHex, toHexReversed } from '../../src/base/bytes/bytes.ts'
import { sha256d } from '../../src/base/crypto/hash.ts'
import { OperationError } from '../../src/base/errors.ts'
import type { Random } from '../../src/base/ports/random.ts'
import type { RpcClient } from '../../src/rpc/client.ts'
import { Daemon } from '../daemon.ts'

/** What a campaign needs to know of the chain that is imported. */
export interface CampaignChain {
  readonly files: readonly string[]
  readonly tip: { readonly height: number; readonly hash: string }
  readonly utxoHash: string
}

export interface CampaignReport {
  readonly kills: number
  /** Chains that were finished, each with the right tip and the right coins. */
  readonly chains: number
  /** Blocks that submitblock had acknowledged when a kill came, over all kills; each was there afterwards. */
  readonly acknowledged: number
}

/** Every frame of a file of framed blocks. */
function blocksOf(path: string): Uint8Array[] {
  const bytes = new Uint8Array(readFileSync(path))
  const view = new DataView(bytes.buffer)
  const blocks: Uint8Array[] = []
  for (let at = 0; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true)
    blocks.push(bytes.subarray(at + 8, at + 8 + size))
    at += 8 + size
  }
  return blocks
}

function hashOf(block: Uint8Array): string {
  return toHexReversed(sha256d(block.subarray(0, 80)))
}

/** Whether an error is that of a process that has gone. */
function isGone(error: unknown): boolean {
  return error instanceof OperationError && error.code === 'rpc-unreachable'
}

/** Feeds blocks in order until told to stop or the process is gone; the hashes that were acknowledged. */
async function submitBlocks(
  client: RpcClient,
  blocks: readonly Uint8Array[],
  acknowledged: Set<string>,
): Promise<void> {
  try {
    const from = await client.call<number>('getblockcount')
    for (const block of blocks.slice(from)) {
      const answer = await client.call('submitblock', [toHex(block)])
      if (answer !== null && answer !== 'duplicate' && answer !== 'inconclusive')
        throw new Error(`submitblock: ${answer}`)
      acknowledged.add(hashOf(block))
    }
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

/** How long a process may live: short lives meet starting and mending, long ones importing and flushing. */
function lifeMs(random: Random): number {
  return 100 + (random.below(1000) / 1000) ** 2 * 6000
}

/** Checks that every acknowledged block is stored. */
async function checkAcknowledged(client: RpcClient, acknowledged: ReadonlySet<string>): Promise<void> {
  for (const hash of acknowledged) await client.call('getblock', [hash, 0])
}

/**
 * Kills peersd at random instants while it takes a chain in, by -loadblock and by submitblock in turn, and starts it again each
 * time, until that many kills are done and the chain that was begun last is finished.
 *
 * @param random where the instants come from
 */
export async function killCampaign(
  chain: CampaignChain,
  kills: number,
  random: Random,
  progress: (text: string) => void,
): Promise<CampaignReport> {
  const blocks = chain.files.flatMap(blocksOf)
  const importArgs = chain.files.map(file => `-loadblock=${file}`)
  let done = 0
  let chains = 0
  let totalAcknowledged = 0
  while (done < kills) {
    const daemon = await Daemon.create()
    const acknowledged = new Set<string>()
    try {
      let finished = false
      while (!finished) {
        const isImport = random.below(2) === 0
        // Small caches are flushed with every block, large ones never: both are cut off.
        const cache = `-dbcache=${[4, 20, 100][random.below(3)]}`
        daemon.spawn([cache, ...(isImport ? importArgs : [])])
        const isLast = done >= kills
        let killed = false
        const life = isLast ? undefined : new Promise<void>(resolve => setTimeout(resolve, lifeMs(random)))
        const work = (async () => {
          const client = await daemon.ready()
          await checkAcknowledged(client, acknowledged)
          if (isImport) {
            while ((await client.call<number>('getblockcount')) < chain.tip.height)
              await client.call('waitforblockheight', [chain.tip.height, 1000])
          } else {
            await submitBlocks(client, blocks, acknowledged)
          }
          return client
        })().catch(error => {
          if (killed && (isGone(error) || !daemon.isRunning)) return undefined
          throw error
        })
        const client = await (life === undefined ? work : Promise.race([work, life.then(() => undefined)]))
        if (client !== undefined && (await client.call<string>('getbestblockhash')) === chain.tip.hash) {
          const info = await client.call<{ hash_serialized_3: string; height: number }>('gettxoutsetinfo')
          if (info.hash_serialized_3 !== chain.utxoHash) throw new Error(`wrong coins: ${JSON.stringify(info)}`)
          finished = true
          chains++
        }
        killed = true
        await daemon.kill()
        await work
        if (!isLast && !finished) {
          done++
          totalAcknowledged += acknowledged.size
        }
        progress(`${done} of ${kills} kills, ${chains} chains finished`)
      }
    } finally {
      await daemon.remove()
    }
  }
  return { kills: done, chains, acknowledged: totalAcknowledged }
}
