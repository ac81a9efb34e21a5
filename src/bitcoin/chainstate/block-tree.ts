import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { checkHeader, checkHeaderInContext } from '../consensus/check-header.ts'
import type { NetworkParams } from '../params/network-params.ts'
import type { BlockHeader } from '../primitives/block.ts'
import { type BlockIndex, SEQUENCE_BEST_CHAIN_FROM_DISK } from './block-index.ts'
import { BLOCK_FAILED_VALID, BLOCK_HAVE_DATA, BLOCK_VALID_TRANSACTIONS, BLOCK_VALID_TREE } from './block-status.ts'

/**
 * Which chains there are and which is to be followed: the index of headers, the complete chains that compete to be active, and what
 * is known to be invalid. It knows nothing of coins.
 */
export class BlockTree {
  readonly index: BlockIndex
  readonly params: NetworkParams
  /** The header with the most work that is not known to be invalid. */
  bestHeader = -1
  /** Ends of complete chains that may be better than the active one; an ancestor of another end is left out. */
  readonly #ends = new Set<number>()
  /** Blocks that came before one that they build on, by that one. */
  readonly #unlinked = new Map<number, number[]>()
  /** The end that was last found to be sound down to the active chain; it need not be walked again. */
  #soundEnd = -1
  #nextSequence = 2
  #reverseSequence = -1
  #lastPreciousWork = 0n

  constructor(index: BlockIndex, params: NetworkParams) {
    this.index = index
    this.params = params
  }

  /** Takes up what was loaded from disk; `tip` is the block that the coins stand at. */
  restore(tip: number): void {
    const { index } = this
    for (let id = 0; id < index.count; id++) {
      if (index.hasStatus(id, BLOCK_FAILED_VALID)) continue
      if (this.bestHeader < 0 || index.compare(id, this.bestHeader) > 0) this.bestHeader = id
      if (!index.hasStatus(id, BLOCK_HAVE_DATA) && index.txCount(id) === 0) continue
      if (index.chainTxCount(id) === 0) this.#waitForParent(id)
    }
    for (let id = tip; id >= 0; id = index.previous(id)) index.setSequence(id, SEQUENCE_BEST_CHAIN_FROM_DISK)
    this.reviewEnds(tip)
  }

  /** A header from outside: checked, and added where it is new. Accepts with its number. */
  acceptHeader(header: BlockHeader, hash: Uint8Array, nowSeconds: number): Verdict<number> {
    const { index, params } = this
    const known = index.find(hash)
    if (known >= 0) {
      if (!index.hasStatus(known, BLOCK_FAILED_VALID)) return accept(known)
      return reject('duplicate-invalid', `block ${index.hashHex(known)} was previously marked invalid`)
    }
    const alone = checkHeader(header, hash, params)
    if (!alone.ok) return alone
    const previous = index.find(header.previous)
    if (previous < 0) return reject('prev-blk-not-found')
    if (index.hasStatus(previous, BLOCK_FAILED_VALID)) return reject('bad-prevblk')
    const inContext = checkHeaderInContext(header, index, previous, params, nowSeconds)
    if (!inContext.ok) return inContext
    const id = index.add(header, hash, BLOCK_VALID_TREE)
    if (this.bestHeader < 0 || index.work(id) > index.work(this.bestHeader)) this.bestHeader = id
    return accept(id)
  }

  #waitForParent(id: number): void {
    const previous = this.index.previous(id)
    const waiting = this.#unlinked.get(previous)
    if (waiting === undefined) this.#unlinked.set(previous, [id])
    else waiting.push(id)
  }

  /** A block's transactions have been received and stored: it, and what waited for it, may complete chains. */
  linkBlock(id: number, tip: number): void {
    const { index } = this
    const previous = index.previous(id)
    if (previous >= 0 && index.chainTxCount(previous) === 0) {
      this.#waitForParent(id)
      return
    }
    const queue = [id]
    for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
      index.linkTxCount(at)
      index.setSequence(at, this.#nextSequence++)
      this.#addEnd(at, tip)
      queue.push(...(this.#unlinked.get(at) ?? []))
      this.#unlinked.delete(at)
    }
  }

  /** @param id a complete chain's new end, not failed */
  #addEnd(id: number, tip: number): void {
    if (tip >= 0 && this.index.compare(id, tip) <= 0) return
    const previous = this.index.previous(id)
    this.#ends.delete(previous)
    this.#ends.add(id)
    if (previous === this.#soundEnd && this.index.hasStatus(id, BLOCK_HAVE_DATA)) this.#soundEnd = id
  }

  /** The best complete chain's end: better than `tip`, or `tip` itself. */
  bestChain(tip: number): number {
    const { index } = this
    for (;;) {
      let best = tip
      for (const end of this.#ends) {
        if (best < 0 || index.compare(end, best) > 0) best = end
        else if (end !== best && tip >= 0 && index.compare(end, tip) < 0) this.#ends.delete(end)
      }
      if (best === tip || best < 0) return tip
      if (best === this.#soundEnd) return best
      const fault = this.#faultBelow(best, tip)
      if (fault >= 0) {
        this.#dropEnd(best, fault, tip)
        continue
      }
      this.#soundEnd = best
      return best
    }
  }

  /** The first block from `end` downwards, as far as the chain of `tip`, that has failed or is not stored; -1 if there is none. */
  #faultBelow(end: number, tip: number): number {
    const { index } = this
    for (let at = end; at >= 0; at = index.previous(at)) {
      if (tip >= 0 && index.isAncestor(at, tip)) return -1
      if (index.hasStatus(at, BLOCK_FAILED_VALID) || !index.hasStatus(at, BLOCK_HAVE_DATA)) return at
    }
    return -1
  }

  #dropEnd(end: number, fault: number, tip: number): void {
    const { index } = this
    this.#ends.delete(end)
    if (!index.hasStatus(fault, BLOCK_FAILED_VALID)) {
      for (let at = end; at !== fault; at = index.previous(at)) this.#waitForParent(at)
    }
    // What lies below the fault may still be better than the tip.
    const previous = index.previous(fault)
    if (previous >= 0 && index.chainTxCount(previous) > 0) this.#addEnd(previous, tip)
  }

  /** Looks for ends among all blocks anew, as after an invalidation. */
  reviewEnds(tip: number): void {
    const { index } = this
    this.#ends.clear()
    this.#soundEnd = -1
    const isParent = new Uint8Array(index.count)
    for (let id = index.count - 1; id >= 0; id--) {
      if (!index.isValid(id, BLOCK_VALID_TRANSACTIONS) || index.chainTxCount(id) === 0) continue
      const previous = index.previous(id)
      if (previous >= 0) isParent[previous] = 1
      if (isParent[id] === 0 && (tip < 0 || index.compare(id, tip) > 0)) this.#ends.add(id)
    }
  }

  /** A block breaks a rule: it and all that descends from it are invalid from now on. */
  markInvalid(id: number): void {
    const { index } = this
    this.#soundEnd = -1
    for (let at = id; at < index.count; at++) {
      // What descends from another failed block is marked already.
      const isNew = !index.hasStatus(at, BLOCK_FAILED_VALID)
      if (at !== id && !(isNew && index.hasStatus(index.previous(at), BLOCK_FAILED_VALID))) continue
      index.setStatus(at, BLOCK_FAILED_VALID)
      this.#ends.delete(at)
    }
    if (this.bestHeader >= 0 && index.hasStatus(this.bestHeader, BLOCK_FAILED_VALID)) this.#findBestHeader()
  }

  #findBestHeader(): void {
    const { index } = this
    this.bestHeader = 0
    for (let id = 1; id < index.count; id++) {
      if (!index.hasStatus(id, BLOCK_FAILED_VALID) && index.compare(id, this.bestHeader) > 0) this.bestHeader = id
    }
  }

  /** reconsiderblock: forgets the failure of a block, of what descends from it and of what it descends from. */
  reconsider(id: number, tip: number): void {
    const { index } = this
    for (let at = 0; at < index.count; at++) {
      if (!index.hasStatus(at, BLOCK_FAILED_VALID)) continue
      if (index.isAncestor(id, at) || index.isAncestor(at, id)) index.clearStatus(at, BLOCK_FAILED_VALID)
    }
    this.#findBestHeader()
    this.reviewEnds(tip)
  }

  /** preciousblock: among chains of equal work this one counts as the first that was seen. */
  makePrecious(id: number, tip: number): void {
    const { index } = this
    if (index.work(id) < index.work(tip)) return
    if (index.work(tip) > this.#lastPreciousWork) this.#reverseSequence = -1
    this.#lastPreciousWork = index.work(tip)
    index.setSequence(id, this.#reverseSequence--)
    if (index.isValid(id, BLOCK_VALID_TRANSACTIONS) && index.chainTxCount(id) > 0) this.#addEnd(id, tip)
  }
}
