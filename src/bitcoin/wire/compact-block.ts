import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { sha256 } from '../../base/crypto/hash.ts'
import { SipHash } from '../../base/crypto/siphash.ts'
import { accept, type Rejected, reject, type Verdict } from '../../base/verdict.ts'
import { type BlockView, decodeHeader, HEADER_SIZE } from '../primitives/block.ts'
import type { CompactBlockMessage, PrefilledTransaction } from './compact-block-messages.ts'
import { WIRE_LIMITS } from './limits.ts'

/** The sender is at fault: nobody makes such a compact block in good faith. */
export const COMPACT_BLOCK_INVALID = 'invalid-compact-block'

/** Nobody is at fault, short ids just collided: the whole block is to be asked for. */
export const COMPACT_BLOCK_FAILED = 'compact-block-failed'

/** Bytes of a transaction without inputs and outputs. */
const NULL_TRANSACTION_SIZE = 10

/** BIP152: the hash whose low 48 bits are a transaction's short id; its key is of this compact block alone. */
export function shortIdHash(header: Uint8Array, nonce: bigint): SipHash {
  const key = new ByteReader(sha256(new ByteWriter(88).bytes(header).u64(nonce).finish()))
  return new SipHash(key.u64(), key.u64())
}

/**
 * BIP152: a block in short. The coinbase, which nobody can have, is always prefilled.
 *
 * @param wtxids 32 bytes for each transaction, as TxTable.wtxids gives them
 * @param prefill places of other transactions that the receiver will hardly have
 */
export function compactBlockOf(
  block: BlockView,
  wtxids: Uint8Array,
  nonce: bigint,
  prefill: ReadonlySet<number> = new Set(),
): CompactBlockMessage {
  const header = block.bytes.subarray(0, HEADER_SIZE)
  const hash = shortIdHash(header, nonce)
  const shortIds: number[] = []
  const prefilled: PrefilledTransaction[] = []
  let gap = 0
  for (let tx = 0; tx < block.txs.txCount; tx++) {
    if (tx === 0 || prefill.has(tx)) {
      prefilled.push({ gap, transaction: block.txs.txBytes(tx) })
      gap = 0
    } else {
      shortIds.push(hash.hash256Low48(wtxids, 32 * tx))
      gap++
    }
  }
  return { header, nonce, shortIds: Float64Array.from(shortIds), prefilled }
}

/** Transactions that are at hand, in columns: a mempool has too many for objects. */
export interface TransactionColumns {
  readonly count: number
  /** 32 bytes each. */
  readonly wtxids: Uint8Array
  transaction(i: number): Uint8Array
}

/** A block that is being put together. */
export interface PartialBlock {
  readonly header: Uint8Array
  /** In the order of the block; undefined where one is still to come. */
  readonly transactions: readonly (Uint8Array | undefined)[]
  /** The places of those, rising: what to ask for with getblocktxn. */
  readonly missing: readonly number[]
  readonly prefilledCount: number
  /** How many were found, and how many of these in the second source. */
  readonly foundCount: number
  readonly extraCount: number
}

/** Where each prefilled transaction stands, with room for the others around it. */
function placePrefilled(message: CompactBlockMessage): Verdict<(Uint8Array | undefined)[]> {
  const { shortIds, prefilled } = message
  const slots = new Array<Uint8Array | undefined>(shortIds.length + prefilled.length).fill(undefined)
  let last = -1
  for (const [i, { gap, transaction }] of prefilled.entries()) {
    if (transaction.length === NULL_TRANSACTION_SIZE) return reject(COMPACT_BLOCK_INVALID, 'empty transaction')
    last += gap + 1
    // Between two prefilled transactions there must be a short id for each place.
    if (last > shortIds.length + i) return reject(COMPACT_BLOCK_INVALID, 'prefilled transaction out of place')
    slots[last] = transaction
  }
  return accept(slots)
}

/**
 * Short ids in order, with their places: found by halving, so that no choice of ids makes the search slow, as it could a hash table
 * (which Core guards by refusing uneven ones).
 */
class ShortIdIndex {
  readonly #ids: Float64Array
  readonly #places: Uint32Array
  /** Whether any id has these low 16 bits: most transactions of a mempool are sorted out by it. */
  readonly #lowBits = new Uint8Array(0x1_0000)
  readonly unique: boolean

  constructor(shortIds: Float64Array, slots: readonly (Uint8Array | undefined)[]) {
    this.#ids = shortIds.slice().sort()
    this.#places = new Uint32Array(shortIds.length)
    this.unique = this.#ids.every((id, i) => i === 0 || id !== this.#ids[i - 1])
    let next = 0
    for (let place = 0; place < slots.length; place++) {
      if (slots[place] !== undefined) continue
      const id = shortIds[next++]
      this.#places[this.#rankOf(id)] = place
      this.#lowBits[id % 0x1_0000] = 1
    }
  }

  /** The place that an id belongs to; -1 where it is not among them. */
  placeOf(id: number): number {
    if (this.#lowBits[id % 0x1_0000] === 0) return -1
    const rank = this.#rankOf(id)
    return this.#ids[rank] === id ? this.#places[rank] : -1
  }

  /** How many ids are smaller. */
  #rankOf(id: number): number {
    let low = 0
    let high = this.#ids.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#ids[middle] < id) low = middle + 1
      else high = middle
    }
    return low
  }
}

const COLLIDED = -1

/** The transaction numbered `i` of a source. */
interface Origin {
  readonly source: TransactionColumns
  readonly i: number
  readonly extra: boolean
}

/** Fills places from what is at hand. Two different transactions with the id of one place leave it open for good. */
class SlotFiller {
  readonly #slots: (Uint8Array | undefined)[]
  readonly #index: ShortIdIndex
  readonly #hash: SipHash
  readonly #wanted: number
  /** For each place that had a candidate, what it was filled with, or that two were different. */
  readonly #origin = new Map<number, Origin | typeof COLLIDED>()
  foundCount = 0
  extraCount = 0

  constructor(slots: (Uint8Array | undefined)[], index: ShortIdIndex, hash: SipHash, wanted: number) {
    this.#slots = slots
    this.#index = index
    this.#hash = hash
    this.#wanted = wanted
  }

  fillFrom(source: TransactionColumns, extra: boolean): void {
    // To go on when all are found would now and then show a collision; it is not worth the time.
    for (let i = 0; i < source.count && this.foundCount < this.#wanted; i++) {
      const place = this.#index.placeOf(this.#hash.hash256Low48(source.wtxids, 32 * i))
      if (place >= 0) this.#offer(place, { source, i, extra })
    }
  }

  #offer(place: number, candidate: Origin): void {
    const origin = this.#origin.get(place)
    if (origin === COLLIDED) return
    if (origin === undefined) {
      this.#slots[place] = candidate.source.transaction(candidate.i)
      this.#origin.set(place, candidate)
      this.foundCount++
      if (candidate.extra) this.extraCount++
    } else if (!sameWtxid(origin, candidate)) {
      this.#slots[place] = undefined
      this.#origin.set(place, COLLIDED)
      this.foundCount--
      if (origin.extra) this.extraCount--
    }
  }
}

function sameWtxid(a: Origin, b: Origin): boolean {
  for (let at = 0; at < 32; at++) {
    if (a.source.wtxids[32 * a.i + at] !== b.source.wtxids[32 * b.i + at]) return false
  }
  return true
}

/**
 * BIP152: puts together what can be of a block, from the mempool and from transactions that were lately refused or replaced (`extra`).
 * Rejects with {@link COMPACT_BLOCK_INVALID} or {@link COMPACT_BLOCK_FAILED}, as Core does.
 */
export function beginReconstruction(
  message: CompactBlockMessage,
  mempool: TransactionColumns,
  extra: TransactionColumns,
): Verdict<PartialBlock> {
  const { header, nonce, shortIds, prefilled } = message
  const count = shortIds.length + prefilled.length
  if (decodeHeader(header).bits === 0) return reject(COMPACT_BLOCK_INVALID, 'empty header')
  if (count === 0) return reject(COMPACT_BLOCK_INVALID, 'no transactions')
  if (count > WIRE_LIMITS.compactBlockTransactionsMax) return reject(COMPACT_BLOCK_INVALID, 'too many transactions')
  const placed = placePrefilled(message)
  if (!placed.ok) return placed
  const slots = placed.value
  const index = new ShortIdIndex(shortIds, slots)
  if (!index.unique) return reject(COMPACT_BLOCK_FAILED, 'short ids collide')
  const filler = new SlotFiller(slots, index, shortIdHash(header, nonce), shortIds.length)
  filler.fillFrom(mempool, false)
  filler.fillFrom(extra, true)
  const missing: number[] = []
  for (let place = 0; place < count; place++) if (slots[place] === undefined) missing.push(place)
  return accept({
    header,
    transactions: slots,
    missing,
    prefilledCount: prefilled.length,
    foundCount: filler.foundCount,
    extraCount: filler.extraCount,
  })
}

/**
 * The bytes of the block, given what was missing, in order. Rejects with {@link COMPACT_BLOCK_INVALID} where that is too little or too
 * much, and with {@link COMPACT_BLOCK_FAILED} where `isMutated` finds that transactions and header do not belong together: ids may have
 * collided, so it is no proof against the sender.
 *
 * @param isMutated whether merkle root or witness commitment differ from the transactions' own
 */
export function finishReconstruction(
  partial: PartialBlock,
  missing: readonly Uint8Array[],
  isMutated: (block: Uint8Array) => boolean,
): Verdict<Uint8Array> {
  if (missing.length !== partial.missing.length) return notMatching()
  const { header, transactions } = partial
  const writer = new ByteWriter(header.length + 9 + 256 * transactions.length)
  writer.bytes(header).compactSize(transactions.length)
  let next = 0
  for (const transaction of transactions) writer.bytes(transaction ?? missing[next++])
  const block = writer.finish()
  return isMutated(block) ? reject(COMPACT_BLOCK_FAILED, 'transactions do not fit the header') : accept(block)
}

function notMatching(): Rejected {
  return reject(COMPACT_BLOCK_INVALID, 'non-matching block transactions')
}
