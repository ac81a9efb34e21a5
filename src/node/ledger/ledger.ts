import { hexReversed } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import { accept, type Verdict } from '../../base/verdict.ts'
import { BlockFiles, blockXorKey } from '../../bitcoin/chainstate/block-files.ts'
import { BlockIndex } from '../../bitcoin/chainstate/block-index.ts'
import { BlockIndexStore } from '../../bitcoin/chainstate/block-index-store.ts'
import { type ChainEvent, Chainstate } from '../../bitcoin/chainstate/chainstate.ts'
import { CoinsCache } from '../../bitcoin/chainstate/coins-cache.ts'
import { CoinsStore } from '../../bitcoin/chainstate/coins-store.ts'
import { pruneToHeight, pruneToSize, removeLooseFiles } from '../../bitcoin/chainstate/prune.ts'
import { mendCoins } from '../../bitcoin/chainstate/replay.ts'
import { verificationProgress } from '../../bitcoin/chainstate/verification-progress.ts'
import { verifyChain } from '../../bitcoin/chainstate/verify-chain.ts'
import { type HashedBlock, hashBlock } from '../../bitcoin/consensus/check-block.ts'
import { Deployments } from '../../bitcoin/consensus/deployments.ts'
import { decodeHeader, parseLeadingBlock } from '../../bitcoin/primitives/block.ts'
import { ChainLog, isoDate } from './chain-log.ts'
import { checkLastBlocks } from './check-last-blocks.ts'
import type { HelperThreads } from './helper-threads.ts'
import { IndexRunner } from './indexes/index-runner.ts'
import { checkIndexData, listIndexes, type OpenIndexes, openIndexes } from './indexes/open-indexes.ts'
import { cacheShares, type LedgerOptions } from './ledger-options.ts'
import type { LedgerPorts } from './ledger-ports.ts'
import { Mutex } from './mutex.ts'

/** How long the ledger works before it lets messages in. */
const SLICE_MS = 10
/** At most this long after a change, the block index is on disk. */
const INDEX_SAVE_INTERVAL_MS = 1000
/** While blocks come in bulk, disks are made to write them down less often. */
const BULK_SAVE_INTERVAL_MS = 10_000
const FEW_BYTES = 16 << 20
/** Coins are flushed at least this often, as Core does it. */
const FLUSH_INTERVAL_MS = 60 * 60 * 1000
/** Blocks read from disk ahead of their turn. */
const READ_AHEAD_BLOCKS = 3
const VERIFY_MEMORY_BYTES_MAX = 64 << 20

export type SubmitAnswer = string | undefined

interface Closable {
  close(): Promise<void>
}

/**
 * The ledger on disk: chainstate, stores and block files, behind commands that may be called at any time. Work towards the best chain
 * goes on in slices in between.
 */
export class Ledger {
  readonly options: LedgerOptions
  readonly ports: LedgerPorts
  readonly chain: Chainstate
  readonly deployments: Deployments
  readonly coinsStore: CoinsStore
  readonly exclusive = new Mutex()
  readonly indexes: OpenIndexes
  readonly indexRunner: IndexRunner
  readonly xorKey: Uint8Array
  readonly helpers: HelperThreads
  readonly #stores: readonly Closable[]
  readonly #indexStore: BlockIndexStore
  /** The block that the stored coins stand at, all zero for none. */
  #flushedAt: Uint8Array
  #lastFlushMs: number
  #lastSaveMs: number
  #advancing: Promise<void> | undefined
  #advanceAgain = false
  #downloading = true
  #failure: unknown
  #closing = false
  #starting: Promise<void> | undefined
  /** Blocks whose submitters wait, and what has become of them so far. */
  readonly #awaited = new Map<number, Verdict | undefined>()
  readonly #chainLog: ChainLog
  /** Hears of everything that happens to the chain; `settled` unless it is on its way from one branch to another. */
  onEvents: ((events: readonly ChainEvent[], settled: boolean) => void) | undefined
  #importing = false
  /** Blocks that helpers are reading. */
  readonly #reading = new Set<number>()

  private constructor(parts: {
    options: LedgerOptions
    ports: LedgerPorts
    chain: Chainstate
    coinsStore: CoinsStore
    indexStore: BlockIndexStore
    stores: readonly Closable[]
    xorKey: Uint8Array
    helpers: HelperThreads
    flushedAt: Uint8Array
    indexes: OpenIndexes
  }) {
    this.options = parts.options
    this.ports = parts.ports
    this.chain = parts.chain
    this.coinsStore = parts.coinsStore
    this.#indexStore = parts.indexStore
    this.#stores = parts.stores
    this.xorKey = parts.xorKey
    this.helpers = parts.helpers
    this.#flushedAt = parts.flushedAt
    this.#lastFlushMs = parts.ports.monotonic()
    this.#lastSaveMs = parts.ports.monotonic()
    this.#chainLog = new ChainLog(parts.chain, parts.ports.log)
    this.deployments = new Deployments(parts.chain.index, parts.chain.params)
    this.indexes = parts.indexes
    this.indexRunner = new IndexRunner({
      chain: parts.chain,
      log: parts.ports.log,
      timers: parts.ports.timers,
      monotonic: () => parts.ports.monotonic(),
      indexes: listIndexes(parts.indexes),
      isAdvancing: () => this.#advancing !== undefined,
      makeDurable: () => this.saveIndex({ sync: true }),
      onFailure: error => parts.ports.onFailure(error),
    })
  }

  /** Opens (or begins) the ledger of a folder, mends what a crash left behind, and checks its last blocks. */
  static async open(options: LedgerOptions, ports: LedgerPorts): Promise<Ledger> {
    const { params } = options
    const { disk } = ports
    const shares = cacheShares(options)
    disk.blocks.makeFolder('')
    const folder = disk.folder('')
    if (options.reindex) folder.remove('blocks/index')
    if (options.reindex && options.prune !== undefined) removeLooseFiles(disk.blocks)
    if (options.reindex || options.reindexChainstate) folder.remove('chainstate')
    folder.makeFolder('blocks')

    const stores: Closable[] = []
    try {
      const indexLevel = await disk.openStore('blocks/index', {
        cacheBytes: shares.index,
        name: 'block database (blocks/index)',
        mend: 'start again with -reindex, which rebuilds it from the block files',
      })
      stores.push(indexLevel)
      const coinsLevel = await disk.openStore('chainstate', {
        cacheBytes: shares.coinsStore,
        name: 'coins database (chainstate)',
        mend: 'start again with -reindex-chainstate, which rebuilds it from the block files',
      })
      stores.push(coinsLevel)

      const xorKey = blockXorKey(disk.blocks, options.blocksXor, () => ports.random.bytes(8))
      const helpers = ports.startHelpers(xorKey)
      const files = new BlockFiles(disk.blocks, params.magic, ports.crypto, { xorKey, fastPrune: options.fastPrune })
      const index = new BlockIndex()
      const indexStore = new BlockIndexStore(indexLevel, ports.crypto)
      await indexStore.checkNetwork(params)
      const known = await indexStore.load(index, files)
      if (options.reindex) await indexStore.setReindexing(true)

      const coinsStore = await CoinsStore.open(coinsLevel, () => ports.random.bytes(8))
      const salt = new Int32Array(ports.random.bytes(36).buffer)
      const coins = new CoinsCache(coinsStore, salt, shares.coins)
      const chain = new Chainstate({
        params,
        crypto: ports.crypto,
        index,
        files,
        coins,
        verifier: helpers,
        options: {
          assumeValid: options.assumeValid === undefined ? undefined : hexReversed(options.assumeValid),
          minimumChainWork: options.minimumChainWork,
        },
      })
      const position = coinsStore.position()
      if (position.between !== undefined) ports.log.info('Replaying blocks')
      const tip = known ? mendCoins(chain, position) : -1
      if (!known && (position.best !== undefined || position.between !== undefined)) {
        throw new OperationError('block-index-damaged', 'The block index is empty but there are coins', {
          next: 'start again with -reindex, which rebuilds both from the block files',
        })
      }
      chain.restore(tip)
      const flushedAt = position.between?.from ?? position.best ?? new Uint8Array(32)
      const indexes = await openIndexes({ options, index, files, ports })
      stores.push(...listIndexes(indexes))
      checkIndexData(indexes, chain)
      const parts = { options, ports, chain, coinsStore, indexStore, stores, xorKey, helpers, flushedAt, indexes }
      const ledger = new Ledger(parts)
      if (position.between !== undefined) await ledger.flush({ sync: true })
      ledger.#logLoaded()
      await checkLastBlocks(ledger)
      return ledger
    } catch (error) {
      for (const store of stores) await store.close()
      throw error
    }
  }

  #logLoaded(): void {
    const { chain } = this
    const { tip } = chain
    if (tip < 0) return
    this.ports.log.info(
      `Loaded best chain: hashBestChain=${chain.index.hashHex(tip)} height=${chain.height} date=${isoDate(chain.index.time(tip))}`,
    )
  }

  /** Takes in what the options name: a reindex, files of blocks, the genesis block of a new chain; then follows the best chain. */
  start(importer: (ledger: Ledger) => Promise<void>): Promise<void> {
    this.#starting = this.#start(importer)
    return this.#starting
  }

  async #start(importer: (ledger: Ledger) => Promise<void>): Promise<void> {
    this.ports.log.info('initload thread start')
    if (this.options.reindex || this.#indexStore.reindexing) {
      await this.#import(importer)
      if (!this.#closing) await this.#indexStore.setReindexing(false)
    } else {
      if (this.chain.index.count === 0) this.chain.addGenesis()
      // A tip to be asked about, before the long work begins.
      await this.advance()
      if (this.options.loadBlocks.length > 0) await this.#import(importer)
    }
    await this.advance()
    if (!this.#closing) this.indexRunner.start()
    await this.saveIndex()
    // A new ledger is one from its first second on, not only after its first flush.
    if (this.chain.height <= 0) await this.exclusive.run(() => this.flush({ sync: true }))
    this.ports.log.info('initload thread exit')
  }

  async #import(importer: (ledger: Ledger) => Promise<void>): Promise<void> {
    this.#importing = true
    try {
      await importer(this)
    } finally {
      this.#importing = false
    }
  }

  /** Whether blocks are being taken in that the owner named, or indexed anew. */
  get isImporting(): boolean {
    return this.#importing
  }

  get isAdvancing(): boolean {
    return this.#advancing !== undefined
  }

  /** Whether the end has begun: long work breaks off. */
  get isClosing(): boolean {
    return this.#closing
  }

  /** Whether the reindex that was asked for, or cut off before, is still to be done. */
  get isReindexing(): boolean {
    return this.options.reindex || this.#indexStore.reindexing
  }

  /** Core's initial block download: true until the tip is recent and has enough work, then false for good. */
  get isDownloading(): boolean {
    const { chain } = this
    if (!this.#downloading || chain.tip < 0) return this.#downloading
    if (chain.index.work(chain.tip) < this.options.minimumChainWork) return true
    if (chain.index.time(chain.tip) < this.ports.nowSeconds() - this.options.maxTipAgeSeconds) return true
    this.#downloading = false
    this.ports.log.info('Leaving InitialBlockDownload (latching to false)')
    return false
  }

  /** Lets other messages in. */
  readonly breathe = (): Promise<void> => new Promise(resolve => this.ports.timers.soon(resolve))

  /** Works until the best chain is active; resolves then. Calls that come meanwhile join in. */
  advance(): Promise<void> {
    this.#advanceAgain = true
    this.#advancing ??= this.#advance().finally(() => {
      this.#advancing = undefined
    })
    return this.#advancing
  }

  async #advance(): Promise<void> {
    while (this.#advanceAgain && !this.#closing) {
      this.#advanceAgain = false
      for (let more = true; more && !this.#closing; ) {
        more = await this.exclusive.run(() => this.#slice())
        if (more) await this.breathe()
      }
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Has the next blocks read while others are being connected. */
  #readAhead(): void {
    const { chain, helpers } = this
    const { index, files } = chain
    if (files.totalBytes === 0 || this.#reading.size > 0) return
    for (const id of chain.blocksToFetch(READ_AHEAD_BLOCKS)) {
      const reading = helpers.read(index.file(id), index.dataPosition(id))
      if (reading === undefined) return
      this.#reading.add(id)
      void reading.then(block => {
        this.#reading.delete(id)
        if (block !== undefined) chain.offerBlock(id, block)
      })
    }
  }

  /** Works for a while; whether there is more to do. */
  async #slice(): Promise<boolean> {
    const { chain } = this
    this.#readAhead()
    const end = this.ports.monotonic() + SLICE_MS
    let more = true
    while (more && (this.ports.monotonic() < end || chain.isReorganising)) more = chain.step()
    this.publish()
    if (chain.coins.isFull && chain.isSettled && chain.coins.dirtyCount > 0) {
      await this.flush({ sync: false, empty: true })
      return true
    }
    if (this.ports.monotonic() - this.#lastFlushMs > FLUSH_INTERVAL_MS) {
      chain.settle()
      this.publish()
      await this.flush({ sync: true })
    } else {
      await this.saveIndexIfDue()
    }
    await this.#pruneIfNeeded()
    return more
  }

  /** Tells what happened to the chain since the last time. */
  publish(): void {
    const { chain, ports } = this
    const events = chain.takeEvents()
    for (const event of events) {
      if (event.type === 'connected') {
        if (this.#awaited.has(event.id)) this.#awaited.set(event.id, accept())
        this.#chainLog.connected(event, this.progress())
        this.indexRunner.onConnected(event.id, event)
      } else if (event.type === 'rejected') {
        if (this.#awaited.has(event.id)) this.#awaited.set(event.id, event.verdict)
        this.#chainLog.rejected(event)
      } else {
        ports.log.debug('bench', `Disconnected block ${chain.index.hashHex(event.id)}`)
        this.indexRunner.onDisconnected(event.id)
      }
    }
    this.onEvents?.(events, !chain.isReorganising)
    if (!chain.isReorganising) ports.onChange()
  }

  /** The share of the chain's transactions that are checked, between 0 and 1, as far as it can be guessed. */
  progress(): number {
    const { chain, ports } = this
    const { index, tip, tree } = chain
    if (tip < 0) return 0
    const reached = {
      height: index.height(tip),
      timeSeconds: index.time(tip),
      chainTxCount: index.chainTxCount(tip),
      bestHeaderHeight: index.height(tree.bestHeader),
    }
    return verificationProgress(reached, chain.params, ports.nowSeconds())
  }

  async #pruneIfNeeded(): Promise<void> {
    const target = this.options.prune?.targetBytes
    if (target === undefined || !this.chain.isSettled || this.chain.files.totalBytes < target) return
    // What the stored coins still build on must not go before newer coins are stored.
    await this.flush({ sync: true })
    if (pruneToSize(this.chain, target, this.#pruneLock())) await this.#indexStore.setFlag('prunedblockfiles', true)
    await this.saveIndex()
  }

  /** The highest block that the indexes can do without. */
  #pruneLock(): number {
    const { pruneLock } = this.indexRunner
    if (pruneLock === undefined) return this.chain.height
    this.ports.log.debug('prune', `${pruneLock.name} limited pruning to height ${Math.max(pruneLock.height, 1)}`)
    return pruneLock.height
  }

  /** pruneblockchain. */
  prune(height: number): Promise<void> {
    return this.exclusive.run(async () => {
      this.chain.settle()
      await this.flush({ sync: true })
      if (pruneToHeight(this.chain, height, this.#pruneLock())) await this.#indexStore.setFlag('prunedblockfiles', true)
      await this.saveIndex()
    })
  }

  /** Whether blocks were ever removed. */
  get havePruned(): boolean {
    return this.#indexStore.flag('prunedblockfiles')
  }

  /** Writes the block index's changes; what it points to has been written before. */
  async saveIndex(options: { sync: boolean } = { sync: false }): Promise<void> {
    this.#lastSaveMs = this.ports.monotonic()
    // What an entry points to must not be lost where the entry is not, as a loss of power may have it.
    this.chain.files.sync()
    await this.#indexStore.save(this.chain.index, this.chain.files, options)
  }

  /** Saves the index if the last time is a while ago. */
  async saveIndexIfDue(): Promise<void> {
    const isMuch = this.chain.files.unsyncedBytes > FEW_BYTES
    const interval = isMuch ? BULK_SAVE_INTERVAL_MS : INDEX_SAVE_INTERVAL_MS
    if (this.ports.monotonic() - this.#lastSaveMs > interval) await this.saveIndex()
  }

  /** Writes all coins that differ from the store. Only under {@link exclusive}, and with nothing under way. */
  async flush(options: { sync: boolean; empty?: boolean }): Promise<void> {
    const { chain } = this
    this.#lastFlushMs = this.ports.monotonic()
    await this.saveIndex({ sync: true })
    if (chain.tip < 0) return
    const to = chain.index.hash(chain.tip).slice()
    await this.coinsStore.flush(chain.coins, this.#flushedAt, to, { sync: options.sync, pause: this.breathe })
    chain.coins.markClean(options.empty ?? false)
    this.#flushedAt = to
  }

  /** Parses and hashes a block's bytes. */
  readBytes(bytes: Uint8Array): HashedBlock | undefined {
    const parsed = parseLeadingBlock(bytes)
    return parsed.ok ? hashBlock(parsed.value, this.ports.crypto) : undefined
  }

  /**
   * Takes a block in, waits until it is known what becomes of it, and makes sure that it stays; resolves with submitblock's answer:
   * undefined where it was connected, else a reason.
   */
  async submit(block: HashedBlock): Promise<SubmitAnswer> {
    const answer = await this.takeIn(block)
    // Not before its bytes and its entry would survive the end of this process is a block acknowledged.
    await this.saveIndex()
    return answer
  }

  /** As {@link submit}, for many blocks of our own in a row: the caller saves the index before it acknowledges them. */
  async takeIn(block: HashedBlock): Promise<SubmitAnswer> {
    const accepted = this.chain.acceptBlock(block, { requested: true }, this.ports.nowSeconds())
    if (!accepted.ok) {
      this.ports.log.error(
        `ProcessNewBlock: AcceptBlock FAILED (${accepted.code}${accepted.detail ? `, ${accepted.detail}` : ''})`,
      )
      this.publish()
      return accepted.code
    }
    const { id, isNew } = accepted.value
    if (!isNew) return 'duplicate'
    this.#awaited.set(id, undefined)
    await this.advance()
    const verdict = this.#awaited.get(id)
    this.#awaited.delete(id)
    if (verdict === undefined) return 'inconclusive'
    return verdict.ok ? undefined : verdict.code
  }

  /** submitheader. */
  submitHeader(bytes: Uint8Array): Verdict<number> {
    const hash = this.ports.crypto.sha256d(bytes)
    const verdict = this.chain.tree.acceptHeader(decodeHeader(bytes), hash, this.ports.nowSeconds())
    this.publish()
    return verdict
  }

  verify(level: number, blocks: number): Promise<Verdict> {
    const options = { level, blocks, memoryBytesMax: VERIFY_MEMORY_BYTES_MAX }
    return this.exclusive.run(() => verifyChain(this.chain, this.ports.crypto, options, this.breathe))
  }

  /** Runs a change of the chain by its owner's order, and follows the best chain from there. */
  async command(change: (chain: Chainstate) => void): Promise<void> {
    await this.exclusive.run(() => {
      this.chain.settle()
      change(this.chain)
      this.publish()
    })
    await this.advance()
    await this.saveIndex()
  }

  /** Stops all work and makes everything durable. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#starting?.catch(() => undefined)
    await this.#advancing?.catch(() => undefined)
    await this.indexRunner.close()
    await this.exclusive.run(async () => {
      this.chain.settle()
      await this.flush({ sync: true })
      this.chain.files.close()
    })
    for (const store of this.#stores) await store.close()
    await this.helpers.close()
  }
}
