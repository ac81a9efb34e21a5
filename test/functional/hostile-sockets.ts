import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { toHexReversed } from '../../src/base/bytes/bytes.ts'
import { builtInNetwork } from '../../src/bitcoin/params/networks.ts'
import { decodeMessage } from '../../src/bitcoin/wire/messages.ts'
import { loadCrypto } from '../../src/platform/crypto.ts'
import type { RpcClient } from '../../src/rpc/client.ts'
import { Daemon, freePort } from '../daemon.ts'
import { MemoryChain } from '../memory-chain.ts'
import { WirePeer } from '../wire-peer.ts'

const HOSTILE = 100
const HONEST = 25
/** Slots for both and for those that have just gone, beside the eleven that are kept for outbound connections. */
const CONNECTIONS_MAX = HOSTILE + HONEST + 11
const FIRST_BLOCKS = 20
const BLOCK_BYTES = 500_000
const BLOCK_TIMEOUT_MS = 30_000
const SETTLE_MS = 2000
/** How long the hostile ones may take to come, most of them. */
const ARRIVAL_MS = 15_000
const EXPECTED = HONEST + HOSTILE / 2

/** Figures of a node among hostile peers. */
export interface HostileSocketsReport {
  readonly blocks: number
  /** From the moment at which an honest peer tells of a block to that at which it is the tip. */
  readonly blockMsMax: number
  readonly blockMsMean: number
  readonly peakMemoryBytes: number
  readonly delayP99Ms: number
  readonly delayMaxMs: number
  /** Connections that honest peers lost. */
  readonly honestLost: number
  /** What RPC counted at most. */
  readonly connectionsMax: number
  readonly kinds: readonly { readonly kind: string; readonly connections: number; readonly sentBytes: number }[]
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

/** Honest blocks, of a size that real ones have. */
class HonestMiner {
  readonly #memory: MemoryChain

  constructor(memory: MemoryChain) {
    this.#memory = memory
  }

  mine(bytes: number): { readonly bytes: Uint8Array; readonly hash: string } {
    const { chain } = this.#memory
    const script = new Uint8Array(bytes).fill(0x6a)
    const block = this.#memory.mine(chain.tip, [], script, Math.floor(Date.now() / 1000))
    const refused = this.#memory.submit(block)
    if (refused !== undefined) throw new Error(refused)
    return { bytes: block, hash: this.#memory.tipHash }
  }
}

/** Tells of a block as peers do, and gives it when asked; milliseconds until it is the tip. */
async function giveBlock(peer: WirePeer, client: RpcClient, block: ReturnType<HonestMiner['mine']>): Promise<number> {
  const started = performance.now()
  const from = peer.heard.length
  const tip = client.call<{ hash: string }>('waitforblock', [block.hash, BLOCK_TIMEOUT_MS])
  peer.send('headers', { headers: block.bytes.subarray(0, 80) })
  const isAsked = (): boolean =>
    peer.heard.slice(from).some(({ command, payload }) => {
      const decoded = command === 'getdata' ? decodeMessage(command, payload) : undefined
      if (!decoded?.ok || decoded.value.command !== 'getdata') return false
      return decoded.value.value.entries.some(({ hash }) => toHexReversed(hash) === block.hash)
    })
  const asked = peer.until(isAsked).then(() => {
    if (!peer.isClosed) peer.send('block', { bytes: block.bytes })
  })
  const { hash } = await tip
  const ms = performance.now() - started
  await Promise.race([asked, pause(SETTLE_MS)])
  if (hash !== block.hash) throw new Error(`a block was not the tip after ${BLOCK_TIMEOUT_MS} ms`)
  return ms
}

/**
 * Runs a peersd with 25 honest peers and 100 hostile ones on real sockets, and has the honest ones give a block now and then.
 *
 * @param durationMs from when all are there
 */
export async function hostileSockets(
  durationMs: number,
  options: { readonly blockEveryMs: number; readonly seed: number; readonly progress?: (text: string) => void },
): Promise<HostileSocketsReport> {
  const daemon = await Daemon.create()
  const delayFile = join(daemon.folder, 'delay.json')
  const port = await freePort()
  process.env['PEERS_DELAY_FILE'] = delayFile
  const probe = fileURLToPath(new URL('../../bench/delay-probe.mjs', import.meta.url))
  const listen = ['-listen=1', `-bind=127.0.0.1:${port}`, '-connect=0', '-listenonion=0', '-natpmp=0']
  let hostile: ReturnType<typeof spawn> | undefined
  const honest: WirePeer[] = []
  try {
    const client = await daemon.start([...listen, `-maxconnections=${CONNECTIONS_MAX}`], ['--import', probe])
    const miner = new HonestMiner(await MemoryChain.open(builtInNetwork('regtest')!, await loadCrypto()))
    for (let i = 0; i < HONEST; i++) honest.push(await WirePeer.connect(port))
    for (let i = 0; i < FIRST_BLOCKS; i++) {
      // One at a time: the first ends the initial download.
      const { bytes, hash } = miner.mine(BLOCK_BYTES)
      honest[0].send('block', { bytes })
      await client.call('waitforblock', [hash, BLOCK_TIMEOUT_MS])
    }
    const program = fileURLToPath(new URL('hostile-peers.ts', import.meta.url))
    const words = ['--import', 'tsx', program, String(port), String(HOSTILE), String(options.seed)]
    const attackers = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] })
    hostile = attackers
    let told = ''
    attackers.stdout.on('data', data => {
      told += String(data)
    })
    let connectionsMax = 0
    const look = async (): Promise<void> => {
      connectionsMax = Math.max(connectionsMax, await client.call<number>('getconnectioncount'))
    }
    for (const limit = performance.now() + ARRIVAL_MS; performance.now() < limit && connectionsMax < EXPECTED; ) {
      await look()
      await pause(100)
    }
    const times: number[] = []
    let honestLost = 0
    for (const end = performance.now() + durationMs; performance.now() < end; ) {
      for (const [i, peer] of honest.entries()) {
        if (!peer.isClosed) continue
        honestLost++
        honest[i] = await WirePeer.connect(port)
      }
      times.push(await giveBlock(honest[times.length % HONEST], client, miner.mine(BLOCK_BYTES)))
      await look()
      options.progress?.(`${times.length} blocks, the last after ${times.at(-1)!.toFixed(0)} ms`)
      await pause(options.blockEveryMs)
    }
    const peakMemoryBytes = daemon.peakMemoryBytes() ?? Number.NaN
    attackers.stdin.end()
    await once(attackers, 'exit')
    client.close()
    await daemon.stop()
    const delay = JSON.parse(readFileSync(delayFile, 'utf8')) as { p99: number; max: number }
    return {
      blocks: times.length,
      blockMsMax: Math.max(...times),
      blockMsMean: times.reduce((sum, ms) => sum + ms, 0) / times.length,
      peakMemoryBytes,
      delayP99Ms: delay.p99,
      delayMaxMs: delay.max,
      honestLost,
      connectionsMax,
      kinds: JSON.parse(told),
    }
  } finally {
    delete process.env['PEERS_DELAY_FILE']
    hostile?.kill('SIGKILL')
    for (const peer of honest) peer.close()
    await daemon.remove()
  }
}
