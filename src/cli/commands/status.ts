import { OperationError } from '../../base/errors.ts'
import type { RpcClient } from '../../rpc/client.ts'
import { RpcError } from '../../rpc/rpc-error.ts'
import { findRunningPeer, type RunningPeer, type RunningPeerOptions } from '../running-peer.ts'
import { statusLine, statusText } from '../status-text.ts'
import { movingShare, SyncRate, type SyncState, syncState } from '../sync-state.ts'

export interface StatusOptions extends RunningPeerOptions {
  readonly watch?: boolean
  readonly json?: boolean
}

const WATCH_MS = 2000
/** How long a look takes where something moves: for its rate two are needed. */
const LOOK_MS = 2000
const IN_WARMUP = -28
/** Ends of branches that are looked at for the best headers. */
const TIPS_MAX = 8

/** What is told; figures are plain, for programs too. */
export interface PeerStatus {
  readonly network: string
  readonly uptimeSeconds: number
  readonly stage: SyncState['stage']
  readonly headers: { readonly height: number; readonly share: number }
  /** While a chain is followed whose work is still to be shown. */
  readonly presync: { readonly height: number; readonly share: number } | undefined
  readonly blocks: { readonly height: number; readonly share: number }
  /** Until the present stage is done, at the rate of the last minute. */
  readonly secondsLeft: number | undefined
  readonly peers: {
    readonly in: number
    readonly out: number
    readonly byNetwork: Readonly<Record<string, number>>
    readonly byTransport: Readonly<Record<string, number>>
  }
  readonly traffic: { readonly receivedBytes: number; readonly sentBytes: number }
  readonly storage: { readonly bytes: number; readonly budgetBytes: number | undefined }
}

interface PeerEntry {
  readonly inbound: boolean
  readonly network: string
  readonly transport_protocol_type: string
  readonly presynced_headers: number
}

interface ChainInfo {
  readonly chain: string
  readonly blocks: number
  readonly headers: number
  readonly chainwork: string
  readonly verificationprogress: number
  readonly initialblockdownload: boolean
  readonly size_on_disk: number
  readonly prune_target_size?: number
}

interface Header {
  readonly chainwork: string
  readonly time: number
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

/** The header with the most work that is known, invalid branches aside. */
async function bestHeader(client: RpcClient): Promise<{ work: bigint; timeSeconds: number }> {
  const tips = await client.call<{ height: number; hash: string; status: string }[]>('getchaintips')
  const possible = tips.filter(({ status }) => status !== 'invalid').sort((a, b) => b.height - a.height)
  let best = { work: -1n, timeSeconds: 0 }
  for (const { hash } of possible.slice(0, TIPS_MAX)) {
    const { chainwork, time } = await client.call<Header>('getblockheader', [hash])
    const work = BigInt(`0x${chainwork}`)
    if (work > best.work) best = { work, timeSeconds: time }
  }
  return best
}

async function look({ client, network }: RunningPeer, rate: SyncRate): Promise<PeerStatus> {
  const chain = await client.call<ChainInfo>('getblockchaininfo')
  const peers = await client.call<PeerEntry[]>('getpeerinfo')
  const totals = await client.call<{ totalbytesrecv: number; totalbytessent: number; timemillis: number }>(
    'getnettotals',
  )
  const uptimeSeconds = await client.call<number>('uptime')
  const best = await bestHeader(client)
  const figures = {
    connections: peers.length,
    initialDownload: chain.initialblockdownload,
    blocks: chain.blocks,
    headers: chain.headers,
    blocksWork: BigInt(`0x${chain.chainwork}`),
    headersWork: best.work,
    headersTimeSeconds: best.timeSeconds,
    presyncHeight: Math.max(-1, ...peers.map(peer => peer.presynced_headers)),
    verificationProgress: chain.verificationprogress,
  }
  const { genesisHeader, targetSpacingSeconds } = network
  const pace = { genesisTimeSeconds: genesisHeader.time, targetSpacingSeconds }
  const state = syncState(figures, pace, Math.floor(totals.timemillis / 1000))
  rate.add(state.stage, movingShare(state, figures), performance.now())
  const inbound = peers.filter(peer => peer.inbound).length
  return {
    network: chain.chain,
    uptimeSeconds,
    stage: state.stage,
    headers: { height: chain.headers, share: state.headersShare },
    presync:
      state.presyncShare === undefined ? undefined : { height: figures.presyncHeight, share: state.presyncShare },
    blocks: { height: chain.blocks, share: state.blocksShare },
    secondsLeft: rate.secondsLeft,
    peers: {
      in: inbound,
      out: peers.length - inbound,
      byNetwork: countBy(peers.map(peer => peer.network)),
      byTransport: countBy(peers.map(peer => peer.transport_protocol_type)),
    },
    traffic: { receivedBytes: totals.totalbytesrecv, sentBytes: totals.totalbytessent },
    storage: { bytes: chain.size_on_disk, budgetBytes: chain.prune_target_size },
  }
}

/** What a peer says that is not ready yet; undefined where it is, or where it does not answer. */
function startingText(error: unknown): string | undefined {
  return error instanceof RpcError && error.code === IN_WARMUP ? error.message : undefined
}

function isMoving({ stage }: PeerStatus): boolean {
  return stage !== 'synced' && stage !== 'alone'
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

function tellStarting(text: string, json: boolean): void {
  process.stdout.write(json ? `${JSON.stringify({ stage: 'starting', message: text })}\n` : `starting  ${text}\n`)
}

async function watch(peer: RunningPeer, json: boolean): Promise<number> {
  const rate = new SyncRate()
  let stopped = false
  process.once('SIGINT', () => {
    stopped = true
  })
  const isTerminal = process.stdout.isTTY && !json
  while (!stopped) {
    try {
      const found = await look(peer, rate)
      if (json) process.stdout.write(`${JSON.stringify(found)}\n`)
      // On a terminal the page is drawn anew, from its top.
      else process.stdout.write(isTerminal ? `\x1b[H\x1b[J${statusText(found)}` : `${statusLine(found)}\n`)
    } catch (error) {
      const starting = startingText(error)
      if (starting === undefined) throw error
      tellStarting(starting, json)
    }
    for (let left = WATCH_MS; left > 0 && !stopped; left -= 100) await pause(100)
  }
  return 0
}

/** `peers status`: how a running peer is, once or until Ctrl-C. */
export async function status(options: StatusOptions): Promise<number> {
  const json = options.json ?? false
  const peer = findRunningPeer(options)
  try {
    if (options.watch) return await watch(peer, json)
    const rate = new SyncRate()
    let found = await look(peer, rate)
    if (isMoving(found)) {
      await pause(LOOK_MS)
      found = await look(peer, rate)
    }
    process.stdout.write(json ? `${JSON.stringify(found)}\n` : statusText(found))
    return 0
  } catch (error) {
    const starting = startingText(error)
    if (starting !== undefined) {
      tellStarting(starting, json)
      return 0
    }
    if (!(error instanceof OperationError) || error.code !== 'rpc-unreachable') throw error
    throw new OperationError('not-running', `the peer on ${peer.folder} does not answer: ${error.message}`, {
      cause: error,
      next: 'start it with peers start, or say with --rpc-port where it answers',
    })
  } finally {
    peer.client.close()
  }
}
