import type { Worker } from 'node:worker_threads'
import { OperationError } from '../../base/errors.ts'
import type { ConnectionEffect, ConnectionInput } from '../../bitcoin/p2p/connection-io.ts'
import type { P2pOptions } from '../../bitcoin/p2p/p2p-options.ts'
import type { Log, LogEntry } from '../log.ts'
import type { AddressBookCalls } from './address-book-calls.ts'
import type { IndexOptions } from './indexes/index-options.ts'
import type { LedgerApi, LedgerCalls, TipSnapshot } from './ledger-api.ts'
import { errorOfMessage, type LedgerReply, type LedgerRequest, type LedgerThreadData } from './ledger-messages.ts'
import type { LedgerOptions } from './ledger-options.ts'
import type { PeerCalls } from './peer-calls.ts'
import { startThread } from './thread-entry.ts'

/**
 * Blocks are parsed into short-lived tables of some hundred kilobytes; with the default young generation most of them would be copied
 * once before they die.
 */
const LEDGER_YOUNG_GENERATION_MB = 48

/** How a ledger is run in a thread of its own. */
export interface LedgerClientOptions {
  readonly ledger: LedgerOptions
  readonly log: Log
  /** Takes the ledger thread's log entries. */
  readonly writeLog: (entry: LogEntry) => void
  readonly logSourceLocations: boolean
  readonly nice: number
  readonly mockTimeSeconds: number
  /** The ledger cannot go on: the node is to stop. */
  readonly onFatal: (error: Error) => void
}

type AllCalls = LedgerCalls & PeerCalls & AddressBookCalls

interface Pending {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** A ledger in another thread, as {@link LedgerApi}. Calls before it is open wait. */
export class LedgerClient implements LedgerApi, PeerCalls, AddressBookCalls {
  readonly #worker: Worker
  readonly #options: LedgerClientOptions
  readonly #pending = new Map<number, Pending>()
  readonly #listeners = new Set<(tip: TipSnapshot) => void>()
  #nextId = 1
  #onEffects: ((effects: readonly ConnectionEffect[]) => void) | undefined
  #tip: TipSnapshot | undefined
  readonly #closed: Promise<void>
  #markClosed!: () => void
  #markOpened!: () => void
  #markStarted!: () => void
  #failOpening!: (error: Error) => void
  #isOpen = false
  isStarted = false
  #isClosing = false
  /** Resolves when the ledger is open and has a tip. */
  readonly opened: Promise<void>
  /** Resolves when all that was to be taken in at the start is in. */
  readonly started: Promise<void>

  readonly entry = this.#remote('entry')
  readonly entryAtHeight = this.#remote('entryAtHeight')
  readonly bestHeader = this.#remote('bestHeader')
  readonly block = this.#remote('block')
  readonly prevouts = this.#remote('prevouts')
  readonly chainTips = this.#remote('chainTips')
  readonly coin = this.#remote('coin')
  readonly utxoSetInfo = this.#remote('utxoSetInfo')
  readonly deployments = this.#remote('deployments')
  readonly scriptFlagNames = this.#remote('scriptFlagNames')
  readonly storage = this.#remote('storage')
  readonly pruneTo = this.#remote('pruneTo')
  readonly verify = this.#remote('verify')
  readonly invalidate = this.#remote('invalidate')
  readonly reconsider = this.#remote('reconsider')
  readonly precious = this.#remote('precious')
  readonly submitBlock = this.#remote('submitBlock')
  readonly submitHeader = this.#remote('submitHeader')
  readonly template = this.#remote('template')
  readonly testBlock = this.#remote('testBlock')
  readonly generate = this.#remote('generate')
  readonly generateBlock = this.#remote('generateBlock')
  readonly settled = this.#remote('settled')
  readonly setMockTime = this.#remote('setMockTime')

  readonly peerInfos = this.#remote('peerInfos')
  readonly connectOnce = this.#remote('connectOnce')
  readonly addNode = this.#remote('addNode')
  readonly removeNode = this.#remote('removeNode')
  readonly addedNodes = this.#remote('addedNodes')
  readonly openForTest = this.#remote('openForTest')
  readonly networkState = this.#remote('networkState')
  readonly pingAll = this.#remote('pingAll')
  readonly disconnectPeer = this.#remote('disconnectPeer')
  readonly disconnectByName = this.#remote('disconnectByName')
  readonly ban = this.#remote('ban')
  readonly unban = this.#remote('unban')
  readonly bans = this.#remote('bans')
  readonly clearBans = this.#remote('clearBans')
  readonly knownAddresses = this.#remote('knownAddresses')
  readonly addAddress = this.#remote('addAddress')
  readonly addressFigures = this.#remote('addressFigures')
  readonly addressTables = this.#remote('addressTables')
  readonly sendRaw = this.#remote('sendRaw')
  readonly fetchBlock = this.#remote('fetchBlock')
  readonly indexSummaries = this.#remote('indexSummaries')
  readonly blockFilter = this.#remote('blockFilter')
  readonly coinStats = this.#remote('coinStats')
  readonly indexedTransaction = this.#remote('indexedTransaction')
  readonly unspentHeight = this.#remote('unspentHeight')
  readonly scanCoins = this.#remote('scanCoins')
  readonly coinScanStatus = this.#remote('coinScanStatus')
  readonly abortCoinScan = this.#remote('abortCoinScan')
  readonly scanFilters = this.#remote('scanFilters')
  readonly filterScanStatus = this.#remote('filterScanStatus')
  readonly abortFilterScan = this.#remote('abortFilterScan')

  constructor(options: LedgerClientOptions) {
    this.#options = options
    this.#closed = new Promise(resolve => {
      this.#markClosed = resolve
    })
    this.opened = new Promise((resolve, reject) => {
      this.#markOpened = resolve
      this.#failOpening = reject
    })
    this.started = new Promise(resolve => {
      this.#markStarted = resolve
    })
    const workerData: LedgerThreadData = {
      options: options.ledger,
      logFilter: options.log.filter.shared,
      logSourceLocations: options.logSourceLocations,
      nice: options.nice,
      mockTimeSeconds: options.mockTimeSeconds,
    }
    this.#worker = startThread(import.meta.url, 'ledger-thread', {
      workerData,
      name: 'ledger',
      resourceLimits: { maxYoungGenerationSizeMb: LEDGER_YOUNG_GENERATION_MB },
    })
    this.#worker.on('message', (reply: LedgerReply) => this.#onReply(reply))
    this.#worker.on('error', error => this.#onFatal(error as Error))
    this.#worker.on('exit', () => this.#onExit())
  }

  get tip(): TipSnapshot {
    if (this.#tip === undefined) throw new OperationError('ledger-not-ready', 'The ledger is not open yet')
    return this.#tip
  }

  get prune(): { readonly targetBytes: number | undefined } | undefined {
    return this.#options.ledger.prune
  }

  get indexes(): IndexOptions {
    return this.#options.ledger.indexes
  }

  onTip(listener: (tip: TipSnapshot) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #remote<M extends keyof AllCalls>(method: M): AllCalls[M] {
    const call = (...args: readonly unknown[]): Promise<unknown> =>
      this.#ask(id => ({ type: 'call', id, method, args }))
    return call as unknown as AllCalls[M]
  }

  #ask(request: (id: number) => LedgerRequest): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#isClosing) {
        reject(new OperationError('ledger-closed', 'The ledger is closed'))
        return
      }
      const id = this.#nextId++
      this.#pending.set(id, { resolve, reject })
      this.#send(request(id))
    })
  }

  /**
   * Begins to deal with peers; `onEffects` takes what the sockets are to do. Rejects with OperationError `peers-file-damaged`.
   */
  startPeers(options: P2pOptions, onEffects: (effects: readonly ConnectionEffect[]) => void): Promise<void> {
    this.#onEffects = onEffects
    return this.#ask(id => ({ type: 'startPeers', id, options })) as Promise<void>
  }

  /** Passes on what happened on connections. */
  sendInputs(inputs: readonly ConnectionInput[]): void {
    if (!this.#isClosing) this.#send({ type: 'inputs', inputs })
  }

  #send(request: LedgerRequest): void {
    this.#worker.postMessage(request)
  }

  #onReply(reply: LedgerReply): void {
    switch (reply.type) {
      case 'result':
        this.#take(reply.id)?.resolve(reply.value)
        break
      case 'failed':
        this.#take(reply.id)?.reject(errorOfMessage(reply.error))
        break
      case 'tip':
        this.#tip = reply.tip
        this.#maybeOpened()
        for (const listener of this.#listeners) listener(reply.tip)
        break
      case 'log':
        this.#options.writeLog(reply.entry)
        break
      case 'effects':
        this.#onEffects?.(reply.effects)
        break
      case 'opened':
        this.#isOpen = true
        this.#maybeOpened()
        break
      case 'started':
        this.isStarted = true
        this.#markStarted()
        break
      case 'fatal':
        this.#onFatal(errorOfMessage(reply.error))
        break
      case 'closed':
        this.#markClosed()
        break
    }
  }

  #maybeOpened(): void {
    if (this.#isOpen && this.#tip !== undefined) this.#markOpened()
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    return pending
  }

  #onFatal(error: Error): void {
    this.#failOpening(error)
    this.#options.onFatal(error)
  }

  #onExit(): void {
    this.#isClosing = true
    for (const { reject } of this.#pending.values()) reject(new OperationError('ledger-closed', 'The ledger is closed'))
    this.#pending.clear()
    this.#markClosed()
  }

  /** Makes everything durable and ends the thread. */
  async close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true
      this.#send({ type: 'close' })
    }
    await this.#closed
    await this.#worker.terminate()
  }
}
