import type { Cancel, Timers } from '../../../base/ports/timers.ts'
import type { Chainstate } from '../../../bitcoin/chainstate/chainstate.ts'
import { SpentCoins } from '../../../bitcoin/chainstate/spent-coins.ts'
import type { BlockSource, ChainIndex } from '../../../bitcoin/indexes/chain-index.ts'
import type { Log } from '../../log.ts'
import { type Connection, RecentConnections } from './recent-connections.ts'

/** How long the indexes work before others are let in. */
const SLICE_MS = 8
/** While the chain itself advances, the indexes wait this many times as long as they have worked. */
const WAIT_PER_WORK = 3
/** A new block is answered for and passed on before it is indexed. */
const FOLLOW_DELAY_MS = 20
/** At most this much work is done again after a crash. */
const COMMIT_INTERVAL_MS = 3_000
const LOG_INTERVAL_MS = 30_000
/** What may wait in memory to be written. */
const WAITING_BYTES_MAX = 1 << 20
const RECENT_BYTES_MAX = 16 << 20
/** Core's margin below what an index still needs. */
const PRUNE_LOCK_BUFFER = 10

/** What the runner is given by the ledger. */
export interface IndexRunnerParts {
  readonly chain: Chainstate
  readonly log: Log
  readonly timers: Timers
  /** Milliseconds that only ever grow. */
  monotonic(): number
  /** In the order of answers. */
  readonly indexes: readonly ChainIndex[]
  /** Whether the chain is being worked on. */
  isAdvancing(): boolean
  /** Makes everything durable that the block index says so far. */
  makeDurable(): Promise<void>
  /** The indexes cannot go on. */
  onFailure(error: unknown): void
}

/** Where an index stands. */
export interface IndexSummary {
  readonly name: string
  /** Whether it has been at the tip since the start. */
  readonly synced: boolean
  readonly bestHeight: number
}

interface Move {
  readonly back: boolean
  readonly id: number
}

/**
 * Leads the indexes along the active chain, in slices between the ledger's own work: from wherever each stands, over reorganisations, and
 * then behind the tip. Indexes at the same block share its reading, one
 * after the other.
 */
export class IndexRunner implements BlockSource {
  readonly #parts: IndexRunnerParts
  readonly #recent = new RecentConnections(RECENT_BYTES_MAX)
  readonly #synced = new Set<ChainIndex>()
  /** What was read last. */
  #read: { id: number; block: Connection['block']; spent: SpentCoins | undefined } | undefined
  /** The rest of a block that an index is taking in. */
  #part: Generator<undefined, void> | undefined
  #running: Promise<void> | undefined
  #cancelTimer: Cancel | undefined
  #started = false
  #closing = false
  #failed = false
  /** Callers that wait for an index. */
  #waiting = 0
  #lastCommitMs: number
  #lastLogMs: number
  #isCommitted = true
  /** An index has come to the tip for the first time: that much is kept at once. */
  #hasArrived = false

  constructor(parts: IndexRunnerParts) {
    this.#parts = parts
    this.#lastCommitMs = parts.monotonic()
    this.#lastLogMs = parts.monotonic()
    for (const index of parts.indexes) if (index.best >= 0 && index.best === parts.chain.tip) this.#synced.add(index)
  }

  /** Begins to follow the chain. */
  start(): void {
    this.#started = true
    this.#run()
  }

  /** A block was connected: it need not be read again. */
  onConnected(id: number, connection: Connection): void {
    if (this.#parts.indexes.length === 0) return
    this.#recent.keep(id, connection)
    this.wake()
  }

  /** A block was disconnected: what came behind its parent will be needed again. */
  onDisconnected(id: number): void {
    const parentHeight = this.#parts.chain.index.height(id) - 1
    for (const index of this.#parts.indexes) {
      if (this.#heightOf(index) <= parentHeight) continue
      this.#parts.log.debug('prune', `${index.name} prune lock moved back to ${parentHeight}`)
    }
    this.wake()
  }

  /** The chain has changed: looks a little later what is to be done. */
  wake(): void {
    if (!this.#started || this.#running !== undefined || this.#cancelTimer !== undefined || this.#closing) return
    this.#cancelTimer = this.#parts.timers.after(FOLLOW_DELAY_MS, () => this.#run())
  }

  #run(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (this.#closing || this.#failed || this.#running !== undefined) return
    this.#running = this.#work()
      .catch(error => {
        this.#failed = true
        this.#parts.onFailure(error)
      })
      .finally(() => {
        this.#running = undefined
      })
  }

  block(id: number): Connection['block'] {
    const recent = this.#recent.get(id)
    if (recent !== undefined) return recent.block
    if (this.#read?.id !== id) this.#read = { id, block: this.#parts.chain.readBlock(id), spent: undefined }
    return this.#read.block
  }

  spent(id: number): SpentCoins {
    const { chain } = this.#parts
    const recent = this.#recent.get(id)
    if (recent !== undefined) return recent.spent
    const block = this.block(id)
    if (chain.index.height(id) === 0) return new SpentCoins(block.txs.inputCount)
    const read = this.#read!
    read.spent ??= chain.readSpent(id, block)
    return read.spent
  }

  /** The next block that an index takes in or leaves; undefined at the tip. */
  #moveOf({ best }: ChainIndex): Move | undefined {
    const { chain } = this.#parts
    const { index, tip } = chain
    if (tip < 0 || best === tip) return undefined
    if (best < 0) return { back: false, id: chain.at(0) }
    if (chain.isActive(best)) return { back: false, id: chain.at(index.height(best) + 1) }
    // After a crash the coins may stand before the index: they come after.
    if (index.isAncestor(tip, best)) {
      const target = chain.tree.bestChain(tip)
      if (target >= 0 && index.isAncestor(best, target)) return undefined
    }
    return { back: true, id: best }
  }

  /** What is to be done first: blocks are left before others are taken in, lower ones before higher ones. */
  #nextMove(): { index: ChainIndex; move: Move } | undefined {
    const { chain, indexes } = this.#parts
    let next: { index: ChainIndex; move: Move } | undefined
    for (const index of indexes) {
      const move = this.#moveOf(index)
      if (move === undefined) {
        this.#markSynced(index)
        continue
      }
      const isFirst =
        next === undefined ||
        (move.back && !next.move.back) ||
        (move.back === next.move.back && chain.index.height(move.id) < chain.index.height(next.move.id))
      if (isFirst) next = { index, move }
    }
    return next
  }

  /** Takes an index one block on, or a part of one, or one back; false where all are at the tip. */
  #step(): boolean {
    if (this.#part !== undefined) {
      if (this.#part.next().done) this.#part = undefined
      return true
    }
    const next = this.#nextMove()
    if (next === undefined) return false
    const { index, move } = next
    this.#isCommitted = false
    if (move.back) index.disconnect(this)
    else if (index.connectInParts === undefined) index.connect(move.id, this)
    else this.#part = index.connectInParts(move.id, this)
    this.#logProgress(move)
    return true
  }

  #markSynced(index: ChainIndex): void {
    if (this.#synced.has(index) || index.best !== this.#parts.chain.tip) return
    this.#synced.add(index)
    this.#hasArrived = true
    this.#parts.log.info(`${index.name} is enabled at height ${this.#heightOf(index)}`)
  }

  #logProgress({ id }: Move): void {
    if (this.#parts.monotonic() - this.#lastLogMs < LOG_INTERVAL_MS) return
    this.#lastLogMs = this.#parts.monotonic()
    const height = this.#parts.chain.index.height(id)
    for (const index of this.#parts.indexes) {
      if (index.best === id && !this.#synced.has(index)) {
        this.#parts.log.info(`Syncing ${index.name} with block chain from height ${height}`)
      }
    }
  }

  async #work(): Promise<void> {
    const { indexes } = this.#parts
    for (let more = true; more && !this.#closing; ) {
      const begin = this.#parts.monotonic()
      do more = this.#step()
      while (more && this.#parts.monotonic() - begin < SLICE_MS)
      const worked = this.#parts.monotonic() - begin
      const isDue = this.#hasArrived || this.#parts.monotonic() - this.#lastCommitMs >= COMMIT_INTERVAL_MS
      if (!this.#isCommitted && isDue && this.#part === undefined) await this.#commit()
      else for (const index of indexes) if (!more || index.waitingBytes > WAITING_BYTES_MAX) await index.flush()
      if (!more) {
        // The tip may have moved while the rest was written.
        more = indexes.some(index => this.#moveOf(index) !== undefined)
        if (!more) this.#forget()
      }
      if (more) await this.#rest(worked)
    }
  }

  #forget(): void {
    this.#recent.clear()
    this.#read = undefined
  }

  /** Lets others work; longer while the chain itself is behind, unless somebody waits for the indexes. */
  async #rest(workedMs: number): Promise<void> {
    const end = this.#parts.monotonic() + WAIT_PER_WORK * workedMs
    do await new Promise<void>(resolve => this.#parts.timers.soon(resolve))
    while (!this.#closing && this.#waiting === 0 && this.#parts.isAdvancing() && this.#parts.monotonic() < end)
  }

  async #commit(): Promise<void> {
    // An index must never be ahead of what would be known of the blocks after a crash.
    await this.#parts.makeDurable()
    for (const index of this.#parts.indexes) await index.commit()
    this.#lastCommitMs = this.#parts.monotonic()
    this.#isCommitted = true
    this.#hasArrived = false
  }

  #heightOf(index: ChainIndex): number {
    return index.best < 0 ? 0 : this.#parts.chain.index.height(index.best)
  }

  summaries(): IndexSummary[] {
    return this.#parts.indexes.map(index => ({
      name: index.name,
      synced: this.#synced.has(index),
      bestHeight: this.#heightOf(index),
    }))
  }

  /** Waits until an index that has been at the tip has reached today's; false at once for one that is still being built. */
  async catchUp(index: ChainIndex): Promise<boolean> {
    if (!this.#synced.has(index)) return false
    const { chain } = this.#parts
    const target = chain.tip
    const isThere = (): boolean => !chain.isActive(target) || chain.index.isAncestor(target, index.best)
    this.#waiting++
    while (!isThere() && !this.#closing && !this.#failed) {
      this.#run()
      await this.#running
    }
    this.#waiting--
    return true
  }

  /** Waits until all indexes that have been at the tip are there again. */
  async allCaughtUp(): Promise<void> {
    for (const index of this.#parts.indexes) await this.catchUp(index)
  }

  /** The highest block that may be pruned without taking from an index what it may still need, and which index that is. */
  get pruneLock(): { readonly name: string; readonly height: number } | undefined {
    let lock: { name: string; height: number } | undefined
    const { chain } = this.#parts
    for (const index of this.#parts.indexes) {
      const shared = index.best < 0 ? -1 : chain.index.fork(index.best, chain.tip)
      const height = (shared < 0 ? 0 : chain.index.height(shared)) - PRUNE_LOCK_BUFFER - 1
      if (lock === undefined || height < lock.height) lock = { name: index.name, height }
    }
    return lock
  }

  /** Stops, and keeps what was done; the indexes are their owner's to close. */
  async close(): Promise<void> {
    this.#closing = true
    this.#cancelTimer?.()
    await this.#running
    if (this.#failed) return
    while (this.#part !== undefined) this.#step()
    if (!this.#isCommitted) await this.#commit()
  }
}
