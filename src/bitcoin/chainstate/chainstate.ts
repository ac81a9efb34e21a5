import { toHexReversed } from '../../base/bytes/bytes.ts'
import type { Crypto } from '../../base/crypto/backend.ts'
import { InvariantError, invariant, OperationError } from '../../base/errors.ts'
import { accept, type Rejected, reject, type Verdict } from '../../base/verdict.ts'
import { blockScriptFlags } from '../consensus/block-script-flags.ts'
import {
  type BlockChecks,
  checkBlock,
  checkBlockInContext,
  checkMerkleRoot,
  checkWitnessCommitment,
  type HashedBlock,
  hashBlock,
  isMutation,
} from '../consensus/check-block.ts'
import { checkHeaderInContext } from '../consensus/check-header.ts'
import { equivalentTimeSeconds } from '../consensus/proof-of-work.ts'
import type { NetworkParams } from '../params/network-params.ts'
import { parseBlock } from '../primitives/block.ts'
import { scriptErrorMessage } from '../script/script-error.ts'
import { applyBlock, revertBlock } from './apply-block.ts'
import type { BlockFiles } from './block-files.ts'
import type { BlockIndex } from './block-index.ts'
import {
  BLOCK_HAVE_DATA,
  BLOCK_HAVE_UNDO,
  BLOCK_OPT_WITNESS,
  BLOCK_VALID_SCRIPTS,
  BLOCK_VALID_TRANSACTIONS,
  BLOCK_VALID_TREE,
} from './block-status.ts'
import { BlockTree } from './block-tree.ts'
import type { CoinsCache } from './coins-cache.ts'
import type { BlockFindings } from './prepare-block.ts'
import { RecentBlocks } from './recent-blocks.ts'
import { type PendingScripts, type ScriptFailure, type ScriptVerifier, transactionOfInput } from './script-verifier.ts'
import { SpentCoins } from './spent-coins.ts'
import { decodeUndo, encodeUndo } from './undo-codec.ts'

/** Blocks whose scripts may be under way at once, and the most bytes that they may have together. */
const PIPELINE_BLOCKS_MAX = 16
const PIPELINE_BYTES_MAX = 16 << 20
/** Received blocks that are kept in memory until they are connected, in bytes. */
const RECENT_BYTES_MAX = 16 << 20
/** Blocks behind the tip that are always kept (Core's MIN_BLOCKS_TO_KEEP); unasked-for blocks further ahead are not taken. */
export const MIN_BLOCKS_TO_KEEP = 288
/** Under -assumevalid, scripts are still checked this close to the best header, in time at its difficulty. */
const ASSUME_VALID_DEPTH_SECONDS = 14 * 24 * 60 * 60

export interface ChainstateOptions {
  /** Script checks may be left out for ancestors of this block; undefined for never. Internal byte order. */
  readonly assumeValid: Uint8Array | undefined
  readonly minimumChainWork: bigint
}

/** What happened to the active chain, in order. */
export type ChainEvent =
  | {
      readonly type: 'connected'
      readonly id: number
      readonly block: HashedBlock
      readonly spent: SpentCoins
      /** Why its scripts were checked; undefined where they were assumed valid. */
      readonly scriptCheckReason: string | undefined
    }
  | { readonly type: 'disconnected'; readonly id: number }
  | { readonly type: 'rejected'; readonly id: number; readonly verdict: Rejected }

/** What a chainstate is made of. */
export interface ChainstateParts {
  readonly params: NetworkParams
  readonly crypto: Crypto
  readonly index: BlockIndex
  readonly files: BlockFiles
  readonly coins: CoinsCache
  readonly verifier: ScriptVerifier
  readonly options: ChainstateOptions
}

/** A block whose effects are in the coins while its scripts are still being checked. */
interface Tentative {
  readonly id: number
  readonly block: HashedBlock
  readonly spent: SpentCoins
  readonly scripts: PendingScripts | undefined
  readonly scriptCheckReason: string | undefined
}

/**
 * The active chain and its coins. All calls are synchronous; {@link step} does one piece of work, so that its owner can do other
 * things in between. Blocks are applied ahead of their script checks, which run in other threads; a failure takes back all that was
 * applied on top. Nobody outside sees a block before its scripts are checked: {@link tip} is the last one that is.
 *
 * @example
 * const accepted = chain.acceptBlock(block, { requested: true }, nowSeconds)
 * while (chain.step()) for (const event of chain.takeEvents()) publish(event)
 */
export class Chainstate {
  readonly params: NetworkParams
  readonly index: BlockIndex
  readonly tree: BlockTree
  readonly files: BlockFiles
  readonly coins: CoinsCache
  readonly #crypto: Crypto
  readonly #verifier: ScriptVerifier
  readonly #options: ChainstateOptions
  #tip = -1
  /** Numbers of the active chain by height. */
  readonly #active: number[] = []
  readonly #tentative: Tentative[] = []
  #tentativeBytes = 0
  readonly #recent = new RecentBlocks(RECENT_BYTES_MAX)
  #events: ChainEvent[] = []
  /** Work of the tip that a reorganisation has left; none is shown until it is exceeded or given up. */
  #reorganisingFrom = -1

  constructor(parts: ChainstateParts) {
    this.params = parts.params
    this.index = parts.index
    this.files = parts.files
    this.coins = parts.coins
    this.#crypto = parts.crypto
    this.#verifier = parts.verifier
    this.#options = parts.options
    this.tree = new BlockTree(parts.index, parts.params)
  }

  /** The block whose coins these are and whose every rule was checked; -1 before the genesis block. */
  get tip(): number {
    return this.#tip
  }

  get height(): number {
    return this.#active.length - 1
  }

  /** Whether the tip is on its way from one branch to another, and should not be shown. */
  get isReorganising(): boolean {
    return this.#reorganisingFrom >= 0
  }

  /** Whether applied blocks still wait for their scripts. */
  get isSettled(): boolean {
    return this.#tentative.length === 0
  }

  /** The active block at a height, -1 where there is none. */
  at(height: number): number {
    return this.#active[height] ?? -1
  }

  isActive(id: number): boolean {
    return this.#active[this.index.height(id)] === id
  }

  /** Events since the last call. */
  takeEvents(): ChainEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  /** Takes up a loaded index, at the block that the coins stand at (-1 for none). */
  restore(tip: number): void {
    this.#setTip(tip)
    this.tree.restore(tip)
  }

  #setTip(tip: number): void {
    const { index } = this
    this.#tip = tip
    this.#active.length = tip < 0 ? 0 : index.height(tip) + 1
    for (let at = tip; at >= 0 && this.#active[index.height(at)] !== at; at = index.previous(at)) {
      this.#active[index.height(at)] = at
    }
  }

  /** Adds the genesis block to an empty index; `known` is where it stands in our files, if it does. */
  addGenesis(known?: { file: number; position: number }): void {
    const { index, params } = this
    const parsed = parseBlock(params.genesisBytes)
    if (!parsed.ok) throw new InvariantError('the genesis block does not parse')
    const block = hashBlock(parsed.value, this.#crypto)
    const id = index.add(block.header, block.hash, BLOCK_VALID_TREE)
    this.tree.bestHeader = id
    this.#storeBlock(id, block, known)
  }

  /**
   * A block from outside: checked as far as it can be without coins, and stored. A block that nobody asked for is only stored
   * where it may matter.
   *
   * @param options position: where the block stands in our own files already, while they are being read anew; findings: what has
   *   been found out about it by itself
   */
  acceptBlock(
    block: HashedBlock,
    options: { requested: boolean; position?: { file: number; position: number }; findings?: BlockFindings },
    nowSeconds: number,
  ): Verdict<{ id: number; isNew: boolean }> {
    const { index, params, tree } = this
    const header = tree.acceptHeader(block.header, block.hash, nowSeconds)
    if (!header.ok) return header
    const id = header.value
    if (index.hasStatus(id, BLOCK_HAVE_DATA)) return accept({ id, isNew: false })
    if (!options.requested && !this.#isWanted(id)) return accept({ id, isNew: false })
    const { findings } = options
    let verdict = findings?.alone ?? checkBlock(block, params, this.#crypto)
    if (verdict.ok) {
      verdict = checkBlockInContext(block, index, index.previous(id), params, this.#crypto, findings?.witness)
    }
    if (!verdict.ok) {
      if (!isMutation(verdict.code)) tree.markInvalid(id)
      return verdict
    }
    this.#storeBlock(id, block, options.position)
    return accept({ id, isNew: true })
  }

  #isWanted(id: number): boolean {
    const { index } = this
    if (index.txCount(id) !== 0) return false
    if (this.#tip >= 0 && index.work(id) < index.work(this.#tip)) return false
    if (index.height(id) > this.height + MIN_BLOCKS_TO_KEEP) return false
    return index.work(id) >= this.#options.minimumChainWork
  }

  #storeBlock(id: number, block: HashedBlock, known: { file: number; position: number } | undefined): void {
    const { index, files } = this
    const height = index.height(id)
    const where = known ?? files.writeBlock(block.bytes, height, block.header.time)
    if (known !== undefined) files.noteBlock(known.file, known.position + block.bytes.length, height, block.header.time)
    index.setPosition(id, where.file, where.position)
    index.setTxCount(id, block.txs.txCount)
    index.setStatus(id, BLOCK_HAVE_DATA | (height >= this.params.buried.segwit ? BLOCK_OPT_WITNESS : 0))
    index.raiseValidity(id, BLOCK_VALID_TRANSACTIONS)
    this.tree.linkBlock(id, this.#tip)
    if (known === undefined) this.#keep(id, block)
  }

  /** The next blocks to be applied, at most `count`, that would have to be read from disk. */
  blocksToFetch(count: number): number[] {
    const { index } = this
    const applied = this.#tentative.at(-1)?.id ?? this.#tip
    const target = this.tree.bestChain(this.#tip)
    if (target === applied || applied < 0 || !index.isAncestor(applied, target)) return []
    const last = Math.min(index.height(applied) + count, index.height(target))
    const wanted: number[] = []
    for (let id = index.ancestor(target, last); id !== applied; id = index.previous(id)) {
      if (!this.#recent.has(id)) wanted.push(id)
    }
    return wanted.reverse()
  }

  /** Takes a stored block that somebody else has read and held against its header. */
  offerBlock(id: number, block: HashedBlock): void {
    if (this.index.find(block.hash) === id && !this.#recent.has(id)) this.#keep(id, block)
  }

  #keep(id: number, block: HashedBlock): void {
    this.#recent.keep(id, block, known => this.index.height(known) <= this.height)
  }

  /** Reads a stored block and holds it against its header; throws OperationError `block-damaged`. */
  readBlock(id: number, allocate = (n: number): ArrayBufferLike => new ArrayBuffer(n)): HashedBlock {
    const { index, files } = this
    const bytes = files.readBlock(index.file(id), index.dataPosition(id), allocate)
    const parsed = bytes && parseBlock(bytes, { allocate })
    if (parsed?.ok) {
      const block = hashBlock(parsed.value, this.#crypto)
      if (index.find(block.hash) === id && checkMerkleRoot(block, this.#crypto).ok) return block
    }
    throw this.#damaged(id, 'block')
  }

  #damaged(id: number, what: string): OperationError {
    const { index } = this
    const where = `blk${String(index.file(id)).padStart(5, '0')}.dat`
    return new OperationError(
      'block-damaged',
      `The ${what} ${index.hashHex(id)} at height ${index.height(id)} cannot be read from ${where}`,
      { next: 'start again with -reindex, which keeps what is sound and fetches the rest' },
    )
  }

  /** What a stored block's inputs spent, from its undo data; throws OperationError `block-damaged`. */
  readSpent(id: number, block: HashedBlock): SpentCoins {
    const { index, files } = this
    const parent = index.hash(index.previous(id))
    const bytes = index.hasStatus(id, BLOCK_HAVE_UNDO)
      ? files.readUndo(index.file(id), index.undoPosition(id), parent)
      : undefined
    const spent = bytes && decodeUndo(bytes, block.txs)
    if (spent?.ok) return spent.value
    throw this.#damaged(id, 'undo data of block')
  }

  /** One piece of work towards the best chain; false where there is nothing to do. */
  step(): boolean {
    const { index, tree } = this
    const applied = this.#tentative.at(-1)?.id ?? this.#tip
    const target = tree.bestChain(this.#tip)
    if (target === applied || target < 0) {
      if (this.#tentative.length > 0) return this.#settleOldest()
      this.#reorganisingFrom = -1
      return false
    }
    const onTheWay = applied < 0 || index.isAncestor(applied, target)
    const full = this.#tentative.length >= PIPELINE_BLOCKS_MAX || this.#tentativeBytes >= PIPELINE_BYTES_MAX
    if (this.#tentative.length > 0 && (!onTheWay || full || this.coins.isFull || this.#tentative[0].scripts?.done)) {
      return this.#settleOldest()
    }
    if (!onTheWay) {
      if (this.#reorganisingFrom < 0) this.#reorganisingFrom = this.#tip
      this.disconnectTip()
      return true
    }
    // A full cache is its owner's to flush before anything more is applied.
    if (this.coins.isFull && this.#tentative.length === 0 && this.coins.dirtyCount > 0) return false
    this.#applyNext(index.ancestor(target, applied < 0 ? 0 : index.height(applied) + 1))
    return true
  }

  /** Why scripts of a block must be checked, as the log says it; undefined where they may be assumed valid. */
  scriptCheckReason(id: number): string | undefined {
    const { index, tree } = this
    const { assumeValid, minimumChainWork } = this.#options
    if (assumeValid === undefined) return 'assumevalid=0 (always verify)'
    const assumed = index.find(assumeValid)
    if (assumed < 0) return 'assumevalid hash not in headers'
    const height = index.height(id)
    if (!index.isAncestor(id, assumed)) {
      return height > index.height(assumed) ? 'block height above assumevalid height' : 'block not in assumevalid chain'
    }
    const best = tree.bestHeader
    if (!index.isAncestor(id, best)) return 'block not in best header chain'
    if (index.work(best) < minimumChainWork) return 'best header chainwork below minimumchainwork'
    const depth = equivalentTimeSeconds(index.work(id), index.work(best), index.bits(best), this.params)
    return depth <= ASSUME_VALID_DEPTH_SECONDS ? 'block too recent relative to best header' : undefined
  }

  #applyNext(id: number): void {
    const { index, params } = this
    const allocate = (n: number): ArrayBufferLike => this.#verifier.allocate(n)
    const block = this.#recent.take(id) ?? this.readBlock(id, allocate)
    const spent = new SpentCoins(block.txs.inputCount, allocate)
    const height = index.height(id)
    if (height === 0) {
      // The genesis block's output was never spendable: it is not applied at all.
      this.#tentative.push({ id, block, spent, scripts: undefined, scriptCheckReason: undefined })
      return
    }
    const hashHex = index.hashHex(id)
    const flags = blockScriptFlags(height, hashHex, params)
    const place = { source: index, previous: index.previous(id), hashHex, params }
    const verdict = applyBlock(this.coins, block, spent, place, flags)
    if (!verdict.ok) {
      this.#refuse(id, verdict)
      return
    }
    const scriptCheckReason = this.scriptCheckReason(id)
    const scripts =
      block.txs.txCount > 1 && scriptCheckReason !== undefined
        ? this.#verifier.start({ txs: block.txs, prevouts: spent.prevouts(), flags })
        : undefined
    this.#tentative.push({ id, block, spent, scripts, scriptCheckReason })
    this.#tentativeBytes += block.bytes.length
  }

  #refuse(id: number, verdict: Rejected): void {
    this.tree.markInvalid(id)
    this.#events.push({ type: 'rejected', id, verdict })
  }

  /** Waits for the scripts of the block that was applied first, and makes it the tip or takes it back. */
  #settleOldest(): true {
    const oldest = this.#tentative[0]
    const failure = oldest.scripts?.finish()
    if (failure === undefined) {
      this.#tentative.shift()
      this.#tentativeBytes -= oldest.block.bytes.length
      this.#commit(oldest)
      return true
    }
    for (let later = this.#tentative.pop(); later !== undefined; later = this.#tentative.pop()) {
      later.scripts?.finish()
      revertBlock(this.coins, later.block, later.spent)
    }
    this.#tentativeBytes = 0
    // Before a block is condemned for good, make sure that it is the block and not its copy on disk that is at fault.
    const segwit = this.index.height(oldest.id) >= this.params.buried.segwit
    if (!checkWitnessCommitment(oldest.block, segwit, this.#crypto).ok) throw this.#damaged(oldest.id, 'block')
    this.#refuse(oldest.id, scriptRejection(oldest.block, failure))
    return true
  }

  #commit({ id, block, spent, scriptCheckReason }: Tentative): void {
    const { index, files } = this
    if (index.height(id) > 0 && !index.hasStatus(id, BLOCK_HAVE_UNDO)) {
      const undo = encodeUndo(block.txs, spent)
      index.setUndoPosition(id, files.writeUndo(index.file(id), undo, index.hash(index.previous(id))))
      index.setStatus(id, BLOCK_HAVE_UNDO)
    }
    index.raiseValidity(id, BLOCK_VALID_SCRIPTS)
    this.#tip = id
    this.#active.push(id)
    if (this.#reorganisingFrom >= 0 && index.work(id) > index.work(this.#reorganisingFrom)) this.#reorganisingFrom = -1
    this.#events.push({ type: 'connected', id, block, spent, scriptCheckReason })
  }

  /** Takes the tip's block back. Nothing may be under way. */
  disconnectTip(): void {
    const { index } = this
    invariant(this.isSettled && this.#tip > 0, 'no block to disconnect')
    const id = this.#tip
    const block = this.readBlock(id)
    revertBlock(this.coins, block, this.readSpent(id, block))
    this.#active.pop()
    this.#tip = index.previous(id)
    this.#events.push({ type: 'disconnected', id })
  }

  /**
   * Whether a block would be valid on top of the tip, without storing or changing anything.
   *
   * @param checks whether its proof of work and its merkle root must hold too
   */
  testBlock(block: HashedBlock, checks: BlockChecks, nowSeconds: number): Verdict {
    const { index, params } = this
    const tip = this.#tip
    if (index.find(block.header.previous) !== tip) return reject('inconclusive-not-best-prevblk')
    this.settle()
    let verdict = checkBlock(block, params, this.#crypto, checks)
    if (verdict.ok) verdict = checkHeaderInContext(block.header, index, tip, params, nowSeconds)
    if (verdict.ok) verdict = checkBlockInContext(block, index, tip, params, this.#crypto)
    if (!verdict.ok) return verdict
    const hashHex = toHexReversed(block.hash)
    const flags = blockScriptFlags(index.height(tip) + 1, hashHex, params)
    const spent = new SpentCoins(block.txs.inputCount)
    const place = { source: index, previous: tip, hashHex, params }
    const applied = applyBlock(this.coins, block, spent, place, flags)
    if (!applied.ok) return applied
    revertBlock(this.coins, block, spent)
    if (block.txs.txCount === 1) return accept()
    const failure = this.#verifier.start({ txs: block.txs, prevouts: spent.prevouts(), flags }).finish()
    return failure === undefined ? accept() : scriptRejection(block, failure)
  }

  /** Finishes everything that is under way without beginning anything. */
  settle(): void {
    while (this.#tentative.length > 0) this.#settleOldest()
  }

  /** invalidateblock: as if the block broke a rule. The next steps turn to the best chain that is left. */
  invalidate(id: number): void {
    invariant(this.index.height(id) > 0, 'the genesis block cannot be invalid')
    this.settle()
    while (this.isActive(id)) this.disconnectTip()
    this.tree.markInvalid(id)
    this.tree.reviewEnds(this.#tip)
  }

  reconsider(id: number): void {
    this.settle()
    this.tree.reconsider(id, this.#tip)
  }

  makePrecious(id: number): void {
    this.settle()
    this.tree.makePrecious(id, this.#tip)
  }
}

/** Why a block fails whose scripts do. */
export function scriptRejection({ txs, txids }: HashedBlock, { input, error }: ScriptFailure): Rejected {
  const tx = transactionOfInput(txs, input)
  const txid = toHexReversed(txids.subarray(32 * tx, 32 * tx + 32))
  const spends = `${toHexReversed(txs.prevoutTxid(input))}:${txs.prevoutIndex(input)}`
  return reject(
    `block-script-verify-flag-failed (${scriptErrorMessage(error)})`,
    `input ${input - txs.inputFirst[tx]} of ${txid}, spending ${spends}`,
  )
}
