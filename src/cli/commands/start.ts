import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Peer } from '../../node/peer.ts'
import type { RpcService } from '../../rpc/serve-rpc.ts'
import { type DaemonConfig, daemonConfig } from '../daemon-config.ts'
import { type DaemonOptions, daemonOptions } from '../daemon-options.ts'
import { UsageError } from '../read-flags.ts'
import { runDaemon } from '../run-daemon.ts'
import { peersVersion } from '../version.ts'

export interface StartOptions {
  readonly network: string
  readonly folder?: string
  /** In bytes, as are memory and storage. */
  readonly storage?: number
  readonly memory?: number
  readonly threads?: number
  readonly import?: readonly string[]
  readonly rpcPort?: number
  readonly port?: number
  /** False for --no-listen. */
  readonly listen: boolean
  /** Peers that connections are kept to. */
  readonly peer?: readonly string[]
  /** The only peers that are connected to. */
  readonly connect?: readonly string[]
  /** A SOCKS5 proxy, `host:port`. */
  readonly proxy?: string
  /** False for --no-swarm. */
  readonly swarm: boolean
  readonly swarmPort?: number
  /** Bytes a second; 0 for no limit. */
  readonly swarmUp?: number
  readonly swarmDown?: number
  readonly swarmAllowPrivate?: boolean
  readonly json?: boolean
}

const MIB = 1 << 20
const STORAGE_BYTES_MIN = 550 * MIB
/** How often progress is told while the chain moves. */
const PROGRESS_MS = 2000
/** Where BitTorrent clients have listened from the beginning. */
const SWARM_PORT = 6881

/** The same wishes as flags of the daemon. */
function flagsOf(options: StartOptions): string[] {
  const flags = [`-chain=${options.network}`, '-printtoconsole=0']
  if (options.folder !== undefined) {
    mkdirSync(resolve(options.folder), { recursive: true })
    flags.push(`-datadir=${resolve(options.folder)}`)
  }
  if (options.storage !== undefined) {
    if (options.storage < STORAGE_BYTES_MIN) throw new UsageError('--storage must be at least 577MB')
    flags.push(`-prune=${Math.floor(options.storage / MIB)}`)
  }
  if (options.memory !== undefined) flags.push(`-dbcache=${Math.floor(options.memory / MIB)}`)
  if (options.threads !== undefined) flags.push(`-par=${options.threads}`)
  if (options.rpcPort !== undefined) flags.push(`-rpcport=${options.rpcPort}`)
  if (options.port !== undefined) flags.push(`-port=${options.port}`)
  if (!options.listen) flags.push('-listen=0')
  for (const peer of options.peer ?? []) flags.push(`-addnode=${peer}`)
  for (const peer of options.connect ?? []) flags.push(`-connect=${peer}`)
  if (options.proxy !== undefined) flags.push(`-proxy=${options.proxy}`)
  for (const path of options.import ?? []) flags.push(`-loadblock=${resolve(path)}`)
  return flags
}

/** A limit as the swarm takes it; undefined leaves the one that was set last. */
function swarmLimit(bytesPerSecond: number | undefined): number | undefined {
  return bytesPerSecond === 0 ? Number.POSITIVE_INFINITY : bytesPerSecond
}

/** What the daemon does by itself, and the swarm. */
function peerOptions(config: DaemonConfig, options: StartOptions): DaemonOptions {
  const daemon = daemonOptions(config)
  if (!options.swarm) return daemon
  const swarm = {
    stateFolder: join(config.networkFolder, 'torrents'),
    port: options.swarmPort ?? SWARM_PORT,
    client: `Peers ${peersVersion()}`,
    uploadLimit: swarmLimit(options.swarmUp),
    downloadLimit: swarmLimit(options.swarmDown),
    allowPrivate: options.swarmAllowPrivate ?? false,
  }
  return { ...daemon, peer: { ...daemon.peer, swarm } }
}

/** Tells how far the chain is, now and when it has moved. */
class Progress {
  readonly #peer: Peer
  readonly #json: boolean
  #told = -1

  constructor(peer: Peer, json: boolean) {
    this.#peer = peer
    this.#json = json
  }

  tell(): void {
    const { height, headers, progress } = this.#peer.ledger.tip
    if (height === this.#told) return
    this.#told = height
    const text = this.#json
      ? JSON.stringify({ event: 'progress', height, headers, progress })
      : `height ${height} of ${headers} known   ${(progress * 100).toFixed(1)} % of the chain's transactions (estimate)`
    process.stdout.write(`${text}\n`)
  }
}

function peersText(peer: Peer): string {
  const ports = peer.p2p?.options.listen.map(({ at }) => `${at.host}:${at.port}`) ?? []
  return ports.length === 0 ? 'looked for; nobody can connect here' : `looked for, and welcome at ${ports.join(', ')}`
}

function tellReady(peer: Peer, rpc: RpcService, folder: string, json: boolean): void {
  const { port } = rpc.addresses.at(-1)!
  const cookie = join(folder, '.cookie')
  const text = json
    ? JSON.stringify({
        event: 'ready',
        version: peersVersion(),
        network: peer.network.name,
        rpc: { host: '127.0.0.1', port, cookie },
        folder,
        pid: process.pid,
      })
    : `peers ${peersVersion()}  ${peer.network.name}\n` +
      `folder    ${folder}\n` +
      `rpc       127.0.0.1:${port}   cookie ${cookie}\n` +
      `peers     ${peersText(peer)}\n` +
      'stop      Ctrl-C'
  process.stdout.write(`${text}\n`)
}

/** `peers start`: a peer, until it is stopped. */
export async function start(options: StartOptions): Promise<number> {
  const json = options.json ?? false
  const config = daemonConfig(flagsOf(options))
  let timer: NodeJS.Timeout | undefined
  try {
    await runDaemon(config, peerOptions(config, options), {
      onReady(peer, rpc) {
        if (rpc !== undefined) tellReady(peer, rpc, config.networkFolder, json)
        const progress = new Progress(peer, json)
        progress.tell()
        timer = setInterval(() => progress.tell(), PROGRESS_MS)
        void peer.ledger.started.then(() => progress.tell())
      },
    })
  } finally {
    clearInterval(timer)
  }
  return 0
}
