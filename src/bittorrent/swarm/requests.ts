import { PIECE_BLOCK_BYTES, type PieceMap } from '../metainfo/piece-map.ts'
import type { PieceBlock, PiecePicker } from '../picker/piece-picker.ts'
import type { PeerSession } from './peer-session.ts'

/** Where received blocks go. */
export interface BlockSink {
  /** Whether receiving should pause. */
  readonly isFull: boolean
  /** Room for a block that is about to arrive. */
  begin(piece: number, block: number): Uint8Array
  complete(piece: number, block: number, buffer: Uint8Array): void
  /** Blocks of a piece that failed, and that are right: they need not come again. */
  restoreBlocks(piece: number, blocks: readonly number[]): void
  abort(buffer: Uint8Array): void
}

export interface RequestOptions {
  /** Requests that a peer may owe us at first, and at least. */
  readonly windowMin: number
  readonly windowMax: number
  /** A pipeline holds what a peer sends in so much time, beyond its delay. */
  readonly pipelineMs: number
  /** A peer that sends nothing it owes for so long is snubbing us. */
  readonly snubMs: number
}

export const REQUEST_OPTIONS: RequestOptions = { windowMin: 16, windowMax: 500, pipelineMs: 500, snubMs: 30_000 }

/** So many requests are worth a packet of their own. */
const BATCH_MAX = 64

/**
 * Requests that a peer may refuse, and times that it may choke us while it owes us some, without a block in between; with a short
 * queue, and without a word of it, it refuses whole batches.
 */
const REJECTS_MAX = 256
/** Who refuses more is asked nothing for so long, then for one block; the time doubles with each refusal of that. */
const REST_MIN_MS = 5000
const REST_MAX_MS = 600_000

/** Tells blocks of all pieces apart: no piece has more blocks than this. */
const BLOCKS_PER_PIECE_MAX = 2 ** 15

function blockKey(piece: number, block: number): number {
  return piece * BLOCKS_PER_PIECE_MAX + block
}

/** The blocks that a peer owes us, in the order in which they were asked for. */
export function* owedBlocks(session: PeerSession): Generator<PieceBlock, void, void> {
  for (const key of session.outstanding.keys()) {
    yield { piece: Math.floor(key / BLOCKS_PER_PIECE_MAX), block: key % BLOCKS_PER_PIECE_MAX }
  }
}

/** Whether a peer owes us a block. */
export function owesBlock(session: PeerSession, { piece, block }: PieceBlock): boolean {
  return session.outstanding.has(blockKey(piece, block))
}

/** What we ask of peers, and what becomes of it. */
export class Requests {
  readonly #picker: PiecePicker
  readonly #map: PieceMap
  readonly #sink: BlockSink
  readonly #options: RequestOptions
  readonly #sessions: ReadonlyMap<number, PeerSession>
  /** Who sent each block of the active pieces. */
  readonly #senders = new Map<number, string[]>()
  /** Peers that owe us something. */
  #workers = 0
  /** Bytes that may be asked for now; a rate limit takes from it and gives to it. */
  allowance = Number.POSITIVE_INFINITY

  constructor(
    picker: PiecePicker,
    map: PieceMap,
    sink: BlockSink,
    sessions: ReadonlyMap<number, PeerSession>,
    options: RequestOptions,
  ) {
    this.#picker = picker
    this.#map = map
    this.#sink = sink
    this.#sessions = sessions
    this.#options = options
  }

  /** Asks a peer for as much as it may owe us. */
  fill(session: PeerSession, now: number): void {
    if (!session.amInterested || this.#sink.isFull || session.closed || now < session.restsUntil) return
    const choked = session.peerChoking
    if (choked && session.allowedFast.size === 0) return
    const window = session.snubbed ? 1 : session.window
    let room = window - session.outstanding.size
    // Requests travel in batches: each packet costs both sides more than the requests in it.
    if (room < window / 4 && room < BATCH_MAX) return
    if (Number.isFinite(this.allowance)) room = Math.min(room, Math.ceil(this.allowance / PIECE_BLOCK_BYTES))
    if (room <= 0) return
    const endgameMax = session.outstanding.size === 0 ? Math.min(room, 2) : 0
    const allowed = choked ? session.allowedFast : undefined
    const blocks = this.#picker.pick(session, room, this.#workers + 1, endgameMax, allowed)
    if (blocks.length === 0) return
    if (session.outstanding.size === 0) {
      this.#workers++
      session.lastBlockAt = now
    }
    for (const { piece, block } of blocks) {
      const length = this.#map.blockSize(piece, block)
      session.outstanding.set(blockKey(piece, block), now)
      session.out.request(piece, block * PIECE_BLOCK_BYTES, length)
      this.allowance -= length
    }
    session.blocksAsked += blocks.length
  }

  /** The head of a block has come. Returns why the peer must go, if it must. */
  blockStarts(session: PeerSession, piece: number, begin: number, length: number): string | undefined {
    session.blocksReceived++
    // A peer cannot owe us more than we ever asked for; whoever sends more sends it unasked.
    if (session.blocksReceived > session.blocksAsked) return 'peer-unrequested-block'
    const block = begin / PIECE_BLOCK_BYTES
    const isOwed =
      Number.isInteger(block) &&
      session.outstanding.has(blockKey(piece, block)) &&
      length === this.#map.blockSize(piece, block)
    session.arriving = { piece, block, buffer: isOwed ? this.#sink.begin(piece, block) : undefined, filled: 0 }
    return undefined
  }

  blockBytes(session: PeerSession, source: Uint8Array, start: number, end: number): void {
    const arriving = session.arriving!
    arriving.buffer?.set(source.subarray(start, end), arriving.filled)
    arriving.filled += end - start
  }

  blockEnds(session: PeerSession, now: number): void {
    const { piece, block, buffer, filled } = session.arriving!
    session.arriving = undefined
    session.download.add(filled, now)
    if (buffer === undefined) return
    session.lastBlockAt = now
    session.snubbed = false
    session.rejects = 0
    this.#adapt(session, now - (session.outstanding.get(blockKey(piece, block)) ?? now))
    this.#forget(session, piece, block)
    const received = this.#picker.blockReceived(session.id, piece, block)
    if (received.kind === 'unwanted') {
      this.#sink.abort(buffer)
      return
    }
    for (const other of received.alsoRequestedFrom) this.#cancel(other, piece, block)
    this.#sendersOf(piece)[block] = session.origin.identity
    this.#sink.complete(piece, block, buffer)
  }

  /** Opens the pipeline further while blocks still come promptly: what only queues up at the peer is of no use. */
  #adapt(session: PeerSession, latencyMs: number): void {
    session.latencyMinMs = Math.min(session.latencyMinMs, latencyMs)
    if (!session.slowStart) return
    if (latencyMs > this.#options.pipelineMs + session.latencyMinMs) session.slowStart = false
    else if (session.window < this.#options.windowMax) session.window++
  }

  #sendersOf(piece: number): string[] {
    let senders = this.#senders.get(piece)
    if (senders === undefined) {
      senders = new Array<string>(this.#map.blockCount(piece)).fill('')
      this.#senders.set(piece, senders)
    }
    return senders
  }

  /** Who sent the blocks of a piece (empty text for those from before a restart); they are forgotten here. */
  takeSenders(piece: number): string[] {
    const senders = this.#sendersOf(piece)
    this.#senders.delete(piece)
    return senders
  }

  #forget(session: PeerSession, piece: number, block: number): boolean {
    if (!session.outstanding.delete(blockKey(piece, block))) return false
    if (session.outstanding.size === 0) this.#workers--
    return true
  }

  #cancel(id: number, piece: number, block: number): void {
    const session = this.#sessions.get(id)
    if (session === undefined || !this.#forget(session, piece, block)) return
    this.#picker.release(id, piece, block)
    session.out.cancel(piece, block * PIECE_BLOCK_BYTES, this.#map.blockSize(piece, block))
  }

  /** The peer will not send a block (BEP 6). */
  rejected(session: PeerSession, piece: number, begin: number, now: number): void {
    const block = begin / PIECE_BLOCK_BYTES
    // What lies beyond a piece has the key of a block of another.
    if (piece >= this.#map.pieceCount || block >= this.#map.blockCount(piece)) return
    if (!this.#forget(session, piece, block)) return
    this.#picker.release(session.id, piece, block)
    // Who chokes us refuses what it owes us, and is not asked again.
    if (session.peerChoking) session.allowedFast.delete(piece)
    else if (++session.rejects > REJECTS_MAX) this.#rest(session, now)
  }

  /** Asks nothing of a peer for a while that unchokes us and gives nothing: each refusal would bring on the next request at once. */
  #rest(session: PeerSession, now: number): void {
    this.#snub(session)
    session.restsUntil = now + Math.min(REST_MAX_MS, REST_MIN_MS * 2 ** (session.rejects - REJECTS_MAX - 1))
  }

  /** The peer chokes us: without BEP 6, it drops what it owes us. */
  choked(session: PeerSession, now: number): void {
    const gaveNothing = session.outstanding.size > 0
    if (!session.fast) this.releaseAll(session)
    // Else one that unchokes us again and again would be sent a window of requests for each word of its own.
    if (gaveNothing && ++session.rejects > REJECTS_MAX) this.#rest(session, now)
  }

  /** Nothing that the peer owes us will come. */
  releaseAll(session: PeerSession): void {
    if (session.outstanding.size > 0) this.#workers--
    for (const { piece, block } of owedBlocks(session)) this.#picker.release(session.id, piece, block)
    session.outstanding.clear()
  }

  /** The peer is gone. */
  gone(session: PeerSession): void {
    this.releaseAll(session)
    if (session.arriving?.buffer !== undefined) this.#sink.abort(session.arriving.buffer)
    session.arriving = undefined
  }

  /** Takes back what is asked for of pieces that are not wanted any more. */
  cancelUnwanted(): void {
    for (const session of this.#sessions.values()) {
      for (const { piece, block } of [...owedBlocks(session)]) {
        if (!this.#picker.isMissing(piece)) this.#cancel(session.id, piece, block)
      }
    }
  }

  /** Once a second: sizes the pipeline by rate and delay, and gives up on a peer that snubs us. */
  tick(session: PeerSession, now: number): void {
    const { windowMin, windowMax, pipelineMs, snubMs } = this.#options
    const rate = session.download.rate(now)
    const delayMs = Number.isFinite(session.latencyMinMs) ? session.latencyMinMs : 0
    const ceiling = Math.min(windowMax, session.handshake?.requestQueue ?? windowMax)
    if (!session.slowStart) {
      session.window = windowMin + Math.ceil((rate * (pipelineMs + delayMs)) / 1000 / PIECE_BLOCK_BYTES)
    }
    session.window = Math.max(1, Math.min(session.window, ceiling))
    if (session.outstanding.size > 0 && !session.snubbed && now - session.lastBlockAt > snubMs) this.#snub(session)
  }

  /** Expects nothing more of a peer: it is asked for one block at a time until one comes. */
  #snub(session: PeerSession): void {
    session.snubbed = true
    session.window = this.#options.windowMin
    session.slowStart = true
    this.releaseAll(session)
  }
}
