import type { Random } from '../../base/ports/random.ts'
import { Bitfield } from '../wire/bitfield.ts'
import { ActivePiece, BLOCK_RECEIVED, BLOCK_REQUESTED } from './active-piece.ts'
import { RarityOrder } from './rarity-order.ts'

/** A block to be asked for: the 16 KiB unit within a piece, counted from 0. */
export interface PieceBlock {
  readonly piece: number
  readonly block: number
}

/** A peer as the picker sees it. */
export interface PickingPeer {
  readonly id: number
  has(piece: number): boolean
}

export interface PickerOptions {
  /** So many pieces are chosen at random before rarity counts, to have something to give soon. */
  readonly randomFirstPieces: number
  /** How many peers at most are asked for one block in the endgame. */
  readonly endgameRequestsMax: number
  /** Active pieces for each peer that works, beyond which peers join pieces of others before they begin new ones. */
  readonly activePiecesPerPeer: number
}

export const PICKER_OPTIONS: PickerOptions = {
  randomFirstPieces: 4,
  endgameRequestsMax: 3,
  activePiecesPerPeer: 2,
}

/** What a received block was to us. */
export type ReceivedBlock =
  | { readonly kind: 'accepted'; readonly pieceComplete: boolean; readonly alsoRequestedFrom: readonly number[] }
  | { readonly kind: 'unwanted' }

const PRIORITY_NORMAL = 4

/** Places in the order that one pick looks at; they lie all over the memory. */
const PLACES_MAX = 32_768

/** How far a pick has looked for pieces to begin; what it passed over stays where it is, for pieces are only taken out meanwhile. */
interface Search {
  /** Whether it goes through the order, or through the pieces as they lie. */
  readonly inOrder: boolean
  /** The place in the order, or the piece, to look at next. */
  at: number
  /** So many may still be looked at. */
  left: number
}

/**
 * Chooses blocks. It knows what we have, what we want, and how many peers have each piece; who the peers are is the
 * caller's business.
 */
export class PiecePicker {
  readonly have: Bitfield
  readonly #options: PickerOptions
  readonly #random: Random
  readonly #blockCount: (piece: number) => number
  readonly #availability: Uint16Array
  readonly #priority: Uint8Array
  readonly #order: RarityOrder
  readonly #active = new Map<number, ActivePiece>()
  /** Peers that have everything; counted apart, so that their coming and going touches no piece. */
  #seeds = 0
  #sequential = false
  #sequentialCursor = 0
  #search: Search | undefined
  /** Pieces that a reader waits for, soonest first. */
  #deadlines: readonly number[] = []
  /** Pieces that failed: each is fetched from one peer at a time, so that the next failure has one culprit. */
  readonly #exclusive = new Set<number>()
  /** Wanted pieces that we do not have. */
  #missing: number

  constructor(
    pieceCount: number,
    blockCount: (piece: number) => number,
    random: Random,
    options: Partial<PickerOptions> = {},
  ) {
    this.have = new Bitfield(pieceCount)
    this.#options = { ...PICKER_OPTIONS, ...options }
    this.#random = random
    this.#blockCount = blockCount
    this.#availability = new Uint16Array(pieceCount)
    this.#priority = new Uint8Array(pieceCount).fill(PRIORITY_NORMAL)
    this.#order = new RarityOrder(pieceCount, random)
    this.#missing = pieceCount
    this.#order.addAll(PRIORITY_NORMAL, 0)
  }

  get pieceCount(): number {
    return this.have.size
  }

  /** Whether every wanted piece is there. */
  get isDone(): boolean {
    return this.#missing === 0
  }

  get activePieces(): ReadonlyMap<number, ActivePiece> {
    return this.#active
  }

  /** Whether a piece is wanted and not there yet. */
  isMissing(piece: number): boolean {
    return this.#priority[piece] > 0 && !this.have.has(piece)
  }

  priority(piece: number): number {
    return this.#priority[piece]
  }

  availability(piece: number): number {
    return this.#availability[piece] + this.#seeds
  }

  /** 0 for never, 1 to 7 for how soon; 4 is the usual. Blocks already asked for still come. */
  setPriority(piece: number, priority: number): void {
    const before = this.isMissing(piece)
    this.#priority[piece] = priority
    const after = this.isMissing(piece)
    this.#missing += Number(after) - Number(before)
    this.#reorder(piece)
    this.#sequentialCursor = 0
  }

  /** A piece has failed: from now on it is asked of one peer at a time. */
  setExclusive(piece: number): void {
    this.#exclusive.add(piece)
  }

  /** Whether to fetch pieces in the order in which they lie. */
  setSequential(sequential: boolean): void {
    this.#sequential = sequential
    this.#sequentialCursor = 0
  }

  /** The pieces that a reader waits for, soonest first. */
  setDeadlines(pieces: readonly number[]): void {
    this.#deadlines = pieces
  }

  /** A piece is there from before, verified. */
  restore(piece: number): void {
    this.pieceVerified(piece)
  }

  /** Some blocks of a piece are there from before, not verified yet. True if they are all there. */
  restoreBlocks(piece: number, blocks: readonly number[]): boolean {
    if (this.have.has(piece)) return false
    const active = this.#activate(piece)
    for (const block of blocks) active.receive(block)
    return active.isComplete
  }

  peerHas(piece: number): void {
    this.#availability[piece]++
    this.#updateRarity(piece)
  }

  /** A peer was understood to have a piece and does not (BEP 54). */
  peerLost(piece: number): void {
    this.#availability[piece]--
    this.#updateRarity(piece)
  }

  peerBitfield(bits: Bitfield): void {
    this.#addBitfield(bits, 1)
  }

  /** A peer is gone; its requests must have been released. */
  peerGone(bits: Bitfield): void {
    this.#addBitfield(bits, -1)
  }

  #addBitfield(bits: Bitfield, change: 1 | -1): void {
    if (bits.isFull) {
      this.#seeds += change
      return
    }
    if (bits.count === 0) return
    for (let piece = 0; piece < bits.size; piece++) {
      if (!bits.has(piece)) continue
      this.#availability[piece] += change
      this.#updateRarity(piece)
    }
  }

  /** A peer that had its last piece counted one by one now counts as a seed. */
  peerBecameSeed(): void {
    for (let piece = 0; piece < this.pieceCount; piece++) {
      this.#availability[piece]--
      this.#updateRarity(piece)
    }
    this.#seeds++
  }

  /** A peer that counted as a seed has lost something: it is counted piece by piece again. */
  peerNoSeedAnyMore(): void {
    this.#seeds--
    for (let piece = 0; piece < this.pieceCount; piece++) this.peerHas(piece)
  }

  #updateRarity(piece: number): void {
    this.#order.update(piece, this.#priority[piece], this.#availability[piece])
  }

  /** Brings a piece into the order or out of it, as its state wants. */
  #reorder(piece: number): void {
    this.#order.remove(piece)
    if (!this.isMissing(piece) || this.#active.has(piece)) return
    this.#order.add(piece, this.#priority[piece], this.#availability[piece])
  }

  #activate(piece: number): ActivePiece {
    let active = this.#active.get(piece)
    if (active === undefined) {
      active = new ActivePiece(piece, this.#blockCount(piece))
      this.#active.set(piece, active)
      this.#order.remove(piece)
    }
    return active
  }

  /** Lets go of an active piece of which nothing has come and nothing is asked for. */
  #deactivateIfIdle(active: ActivePiece): void {
    if (active.workerCount > 0 || active.receivedCount > 0) return
    this.#active.delete(active.piece)
    this.#reorder(active.piece)
    this.#sequentialCursor = Math.min(this.#sequentialCursor, active.piece)
  }

  /**
   * Chooses up to `count` blocks to ask of a peer, and marks them as asked for.
   *
   * @param workers how many peers are being asked for blocks now
   * @param allowed where the peer chokes us, the pieces it gives all the same (BEP 6)
   * @param endgameMax of these at most so many that others are asked for too
   */
  pick(
    peer: PickingPeer,
    count: number,
    workers: number,
    endgameMax = count,
    allowed?: ReadonlySet<number>,
  ): PieceBlock[] {
    const picked: PieceBlock[] = []
    this.#search = undefined
    const usable = (piece: number) =>
      peer.has(piece) && (allowed === undefined || allowed.has(piece)) && !this.#isOthers(piece, peer.id)
    this.#pickDeadlines(peer.id, usable, count, picked)
    if (picked.length < count) this.#pickActive(peer.id, usable, count, picked, active => active.isWorkedOnBy(peer.id))
    if (picked.length < count) this.#pickActive(peer.id, usable, count, picked, active => active.workerCount === 0)
    const activeMax = Math.ceil(this.#options.activePiecesPerPeer * Math.max(1, workers))
    while (picked.length < count && this.#active.size < activeMax) {
      if (!this.#pickNew(peer.id, usable, count, picked, allowed)) break
    }
    if (picked.length < count) this.#pickActive(peer.id, usable, count, picked, () => true)
    while (picked.length < count && this.#pickNew(peer.id, usable, count, picked, allowed)) {}
    if (picked.length === 0 && this.#order.size === 0) this.#pickBusy(peer.id, usable, endgameMax, picked)
    return picked
  }

  /** Whether a piece is being fetched from another peer alone. */
  #isOthers(piece: number, peer: number): boolean {
    if (!this.#exclusive.has(piece)) return false
    const active = this.#active.get(piece)
    return active !== undefined && active.workerCount > 0 && !active.isWorkedOnBy(peer)
  }

  #takeFree(active: ActivePiece, peer: number, count: number, picked: PieceBlock[]): void {
    while (picked.length < count) {
      const block = active.nextFree()
      if (block < 0) return
      active.request(block, peer)
      picked.push({ piece: active.piece, block })
    }
  }

  #pickDeadlines(peer: number, usable: (piece: number) => boolean, count: number, picked: PieceBlock[]): void {
    for (const piece of this.#deadlines) {
      if (picked.length >= count) return
      if (this.isMissing(piece) && usable(piece)) this.#takeFree(this.#activate(piece), peer, count, picked)
    }
  }

  #pickActive(
    peer: number,
    usable: (piece: number) => boolean,
    count: number,
    picked: PieceBlock[],
    matches: (active: ActivePiece) => boolean,
  ): void {
    for (const active of this.#active.values()) {
      if (active.freeCount === 0 || !matches(active) || !this.isMissing(active.piece) || !usable(active.piece)) continue
      this.#takeFree(active, peer, count, picked)
      if (picked.length >= count) return
    }
  }

  #pickNew(
    peer: number,
    usable: (piece: number) => boolean,
    count: number,
    picked: PieceBlock[],
    allowed: ReadonlySet<number> | undefined,
  ): boolean {
    const piece = this.#nextNew(usable, allowed)
    if (piece < 0) return false
    this.#takeFree(this.#activate(piece), peer, count, picked)
    return true
  }

  #nextNew(usable: (piece: number) => boolean, allowed: ReadonlySet<number> | undefined): number {
    if (allowed !== undefined) {
      for (const piece of allowed) if (this.#order.has(piece) && usable(piece)) return piece
      return -1
    }
    this.#search ??= this.#sequential ? this.#inSequence() : this.#byRarity()
    let piece = this.#searchOn(this.#search, usable)
    if (piece < 0 && this.#search.inOrder && this.#order.size > PLACES_MAX) {
      // So many rare pieces that this peer lacks: what it has is found sooner as it lies, though not the rarest first.
      this.#search = { inOrder: false, at: this.#random.below(this.pieceCount), left: this.pieceCount }
      piece = this.#searchOn(this.#search, usable)
    }
    return piece
  }

  #inSequence(): Search {
    while (this.#sequentialCursor < this.pieceCount && !this.#order.has(this.#sequentialCursor))
      this.#sequentialCursor++
    return { inOrder: false, at: this.#sequentialCursor, left: this.pieceCount - this.#sequentialCursor }
  }

  #byRarity(): Search {
    const { size } = this.#order
    const at = this.have.count < this.#options.randomFirstPieces && size > 0 ? this.#random.below(size) : 0
    return { inOrder: true, at, left: Math.min(size, PLACES_MAX) }
  }

  #searchOn(search: Search, usable: (piece: number) => boolean): number {
    const { inOrder } = search
    for (; search.left > 0; search.at++) {
      search.left--
      if (search.at >= (inOrder ? this.#order.size : this.pieceCount)) search.at = 0
      const piece = inOrder ? this.#order.at(search.at) : search.at
      // When it is taken out of the order, another takes its place.
      if (this.#order.has(piece) && usable(piece)) return piece
    }
    return -1
  }

  /** Endgame: everything is asked for already, so ask a second peer for what a first one owes, from a random place on. */
  #pickBusy(peer: number, usable: (piece: number) => boolean, count: number, picked: PieceBlock[]): void {
    const busy = [...this.#active.values()].filter(
      active => !active.isComplete && this.isMissing(active.piece) && usable(active.piece),
    )
    const start = busy.length > 0 ? this.#random.below(busy.length) : 0
    for (let i = 0; i < busy.length; i++) {
      const active = busy[(start + i) % busy.length]
      for (let block = active.blockCount - 1; block >= 0; block--) {
        if (picked.length >= count) return
        if (active.state(block) !== BLOCK_REQUESTED || active.isRequestedFrom(block, peer)) continue
        if (active.requesters(block).length >= this.#options.endgameRequestsMax) continue
        active.request(block, peer)
        picked.push({ piece: active.piece, block })
      }
    }
  }

  /** A request to a peer will not be answered (choked, refused, timed out, gone). */
  release(peer: number, piece: number, block: number): void {
    const active = this.#active.get(piece)
    if (active?.release(block, peer)) this.#deactivateIfIdle(active)
  }

  /** A block has come from a peer that was asked for it. Other peers asked for it should be told to stop. */
  blockReceived(peer: number, piece: number, block: number): ReceivedBlock {
    const active = this.#active.get(piece)
    if (active === undefined || !active.isRequestedFrom(block, peer)) return { kind: 'unwanted' }
    active.release(block, peer)
    if (active.state(block) === BLOCK_RECEIVED) return { kind: 'unwanted' }
    active.receive(block)
    return { kind: 'accepted', pieceComplete: active.isComplete, alsoRequestedFrom: active.requesters(block) }
  }

  /** A piece is complete and right. */
  pieceVerified(piece: number): void {
    if (this.isMissing(piece)) this.#missing--
    this.have.add(piece)
    this.#exclusive.delete(piece)
    this.#active.delete(piece)
    this.#order.remove(piece)
  }

  /** A piece was complete and wrong, or what we had of it is lost: it is fetched again. */
  pieceLost(piece: number): void {
    this.#active.delete(piece)
    if (this.have.remove(piece) && this.#priority[piece] > 0) this.#missing++
    this.#reorder(piece)
    this.#sequentialCursor = Math.min(this.#sequentialCursor, piece)
  }
}
