import type { NetworkParams } from '../bitcoin/params/network-params.ts'
import { loadCrypto } from '../platform/crypto.ts'
import { NodeFiles } from '../platform/node-files.ts'
import { DebugLog, type DebugLogOptions } from './debug-log.ts'
import { LedgerClient } from './ledger/ledger-client.ts'
import type { LedgerOptions } from './ledger/ledger-options.ts'
import { Log } from './log.ts'
import type { LogFilter } from './log-filter.ts'
import { NodeClock } from './node-clock.ts'
import type { NetworkOptions } from './p2p/network-options.ts'
import { PeerNetwork } from './p2p/peer-network.ts'
import type { SwarmSession, SwarmSessionOptions } from './swarm/swarm-session.ts'

/** The ledger's threads run this far below the one that talks, so that answers do not wait for checking. */
const LEDGER_NICE = 5

/** How a peer is to run; plain data. */
export interface PeerOptions {
  readonly ledger: LedgerOptions
  readonly debugLog: Partial<DebugLogOptions>
  readonly logFilter: LogFilter
  readonly logSourceLocations: boolean
  /** -mocktime; 0 for the system's clock. */
  readonly mockTimeSeconds: number
  /** Undefined for a peer that keeps to itself. */
  readonly network: NetworkOptions | undefined
  /** Undefined for a peer without torrents. */
  readonly swarm?: SwarmSessionOptions
}

/**
 * A running peer. It begins at once; {@link Peer.opened} tells when it can be asked, {@link Peer.stopped} when it is over.
 *
 * @example
 * const peer = new Peer(options)
 * await peer.opened
 * console.log(peer.ledger.tip.height)
 * await peer.stop()
 */
export class Peer {
  readonly network: NetworkParams
  readonly clock: NodeClock
  readonly log: Log
  readonly ledger: LedgerClient
  /** Sockets and what goes over them; undefined until the ledger is open, and for a peer that keeps to itself. */
  p2p: PeerNetwork | undefined
  /** Its torrents; undefined until the ledger is open, and for a peer without them. */
  swarm: SwarmSession | undefined
  /** Whether it is to have torrents. */
  readonly hasSwarm: boolean
  /** Resolves when the ledger can be asked and peers can connect. Rejects where either is impossible. */
  readonly opened: Promise<void>
  /** Resolves when everything is closed; rejects with what forced the peer to stop. */
  readonly stopped: Promise<void>
  readonly #debugLog: DebugLog
  readonly #shutdownListeners = new Set<() => void>()
  #isReady = false
  #stopping: Promise<void> | undefined
  #failure: Error | undefined
  #markStopped!: () => void
  #markFailed!: (error: Error) => void

  constructor(options: PeerOptions) {
    this.network = options.ledger.params
    this.hasSwarm = options.swarm !== undefined
    this.clock = new NodeClock(options.mockTimeSeconds)
    new NodeFiles(options.ledger.folder).makeFolder('')
    this.#debugLog = new DebugLog(options.debugLog, () => this.clock.mockSeconds)
    const writeLog = this.#debugLog.write.bind(this.#debugLog)
    this.log = new Log(options.logFilter, writeLog, { thread: 'main', sourceLocations: options.logSourceLocations })
    this.stopped = new Promise((resolve, reject) => {
      this.#markStopped = resolve
      this.#markFailed = reject
    })
    // Whoever waits hears of it; whoever does not must not be ended by it.
    this.stopped.catch(() => undefined)
    this.ledger = new LedgerClient({
      ledger: options.ledger,
      log: this.log,
      writeLog,
      logSourceLocations: options.logSourceLocations,
      nice: LEDGER_NICE,
      mockTimeSeconds: options.mockTimeSeconds,
      onFatal: error => this.#onFatal(error),
    })
    this.opened = this.ledger.opened.then(async () => {
      if (options.network !== undefined) await this.#startNetwork(options.network, options.ledger)
      if (options.swarm !== undefined) await this.#startSwarm(options.swarm)
      this.#isReady = true
    })
    this.opened.catch(() => undefined)
  }

  async #startNetwork(options: NetworkOptions, { portableCrypto, folder }: LedgerOptions): Promise<void> {
    const crypto = await loadCrypto({ portable: portableCrypto })
    const { network, ledger, clock, log } = this
    this.p2p = await PeerNetwork.start({ options, folder, network, ledger, crypto, clock, log })
  }

  async #startSwarm(options: SwarmSessionOptions): Promise<void> {
    const { SwarmSession } = await import('./swarm/swarm-session.ts')
    if (!this.isStopping) this.swarm = await SwarmSession.open(options, this.log)
  }

  /** What keeps RPC waiting, in bitcoind's words; undefined once the ledger can be asked. */
  get warmupStatus(): string | undefined {
    return this.#isReady ? undefined : 'Loading block index…'
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined
  }

  /** Calls back when the peer begins to stop; returns what ends that. */
  onShutdown(listener: () => void): () => void {
    this.#shutdownListeners.add(listener)
    return () => this.#shutdownListeners.delete(listener)
  }

  /** Mocks the time here and in the ledger; 0 goes back to the system's. */
  async setMockTime(seconds: number): Promise<void> {
    this.clock.setMockSeconds(seconds)
    await this.ledger.setMockTime(seconds)
  }

  #onFatal(error: Error): void {
    this.#failure ??= error
    this.log.error(`A fatal internal error occurred, see debug.log for details: ${error.message}`)
    void this.stop()
  }

  /** Goes on in a new log file, for whoever has moved the old one away. */
  reopenLog(): void {
    this.#debugLog.reopen()
  }

  /** Stops everything and makes it durable. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    this.log.info('Shutdown in progress...')
    for (const listener of this.#shutdownListeners) listener()
    await Promise.all([this.p2p?.stop(), this.swarm?.close()])
    try {
      await this.ledger.close()
    } catch (error) {
      this.#failure ??= error as Error
    }
    this.log.info('Shutdown done')
    this.#debugLog.close()
    if (this.#failure !== undefined) this.#markFailed(this.#failure)
    else this.#markStopped()
  }
}
