import { toHex } from '../../base/bytes/bytes.ts'
import { MERKLE_BLOCK_BYTES, MERKLE_HASH_BYTES, merkleLevels } from '../metainfo/merkle.ts'
import { isPieceLayer, needsPieceLayer } from '../metainfo/piece-layers.ts'
import type { TorrentFile } from '../metainfo/torrent-file.ts'
import type { TorrentInfo } from '../metainfo/torrent-info.ts'
import type { Bitfield } from '../wire/bitfield.ts'
import { HASH_REQUEST_LENGTH_MAX, type HashesMessage, type HashRange } from '../wire/hash-messages.ts'
import { HashAnswers, type LeafSpan } from './hash-answers.ts'
import { type HashAskOptions, HashAsks, leadsToRoot } from './hash-asks.ts'
import type { PeerSession } from './peer-session.ts'
import { SecondBudget } from './second-budget.ts'

const ASK_OPTIONS: HashAskOptions = { answerMs: 10_000, restMs: 30_000, perPeerMax: 4 }
/** Answers with leaves, which cost reading and hashing, that a peer may wait for at once. */
const LEAF_ANSWERS_MAX = 2
/** Data that is read and hashed for all peers in a second. */
const LEAF_BYTES_PER_SECOND = 64 * 1024 * 1024

/** A layer on its way. */
interface WantedLayer {
  readonly file: TorrentFile
  readonly pieces: number
  readonly levels: number
  readonly hashes: Uint8Array
  rangesMissing: number
}

/**
 * BEP 52: piece layers of a v2 torrent that came without them (by magnet link), fetched from peers with proofs; and hashes for
 * those who ask us.
 */
export class LayerTransfer {
  readonly #info: TorrentInfo
  readonly #layers: Map<string, Uint8Array>
  readonly #wanted = new Map<string, WantedLayer>()
  readonly #asks = new HashAsks<WantedLayer>(ASK_OPTIONS)
  readonly #answers: HashAnswers
  readonly #leafReads = new SecondBudget(LEAF_BYTES_PER_SECOND)
  readonly #isUrgent: boolean
  readonly #baseLayer: number

  constructor(info: TorrentInfo, layers: ReadonlyMap<string, Uint8Array>) {
    this.#info = info
    this.#layers = new Map(layers)
    this.#baseLayer = merkleLevels(info.pieceLength / MERKLE_BLOCK_BYTES)
    this.#answers = new HashAnswers(info, this.#layers)
    // A hybrid's pieces can be judged by their SHA-1 alone; its layers come beside them.
    this.#isUrgent = info.pieceHashes === undefined
    if (info.infohashV2 === undefined) return
    for (const file of info.files) {
      if (needsPieceLayer(file, info.pieceLength) && !this.#layers.has(toHex(file.piecesRoot!))) this.#want(file)
    }
  }

  get layers(): ReadonlyMap<string, Uint8Array> {
    return this.#layers
  }

  get isComplete(): boolean {
    return this.#wanted.size === 0
  }

  /** Whether pieces can be judged. */
  get canJudge(): boolean {
    return !this.#isUrgent || this.isComplete
  }

  #want(file: TorrentFile): void {
    const pieces = Math.ceil(file.length / this.#info.pieceLength)
    const levels = merkleLevels(pieces)
    const length = Math.min(HASH_REQUEST_LENGTH_MAX, 2 ** Math.max(1, levels))
    // BEP 52: proof layers count from the base; the root itself is known.
    const proofLayers = Math.max(0, levels - 1)
    const hashes = new Uint8Array(MERKLE_HASH_BYTES * pieces)
    const wanted = { file, pieces, levels, hashes, rangesMissing: Math.ceil(pieces / length) }
    for (let index = 0; index < pieces; index += length) {
      this.#asks.add({ piecesRoot: file.piecesRoot!, baseLayer: this.#baseLayer, index, length, proofLayers }, wanted)
    }
    this.#wanted.set(toHex(file.piecesRoot!), wanted)
  }

  /** Asks a peer for hashes that we miss. */
  fill(session: PeerSession, now: number): void {
    this.#asks.fill(session, now)
  }

  /** Once a second: gives up on peers that do not answer. */
  tick(now: number): void {
    this.#asks.tick(now)
  }

  /** Hashes have come. True if with them the last layer is complete. */
  received(session: PeerSession, message: HashesMessage): boolean {
    const wanted = this.#asks.answered(session, message)
    if (wanted === undefined) return false
    if (!leadsToRoot(message, message.piecesRoot, wanted.levels)) {
      this.#asks.lied(session)
      return false
    }
    this.#asks.remove(message)
    const count = Math.min(message.length, wanted.pieces - message.index)
    wanted.hashes.set(message.hashes.subarray(0, MERKLE_HASH_BYTES * count), MERKLE_HASH_BYTES * message.index)
    if (--wanted.rangesMissing === 0) this.#complete(wanted)
    return this.isComplete
  }

  #complete(wanted: WantedLayer): void {
    const key = toHex(wanted.file.piecesRoot!)
    this.#wanted.delete(key)
    if (isPieceLayer(wanted.file, this.#info.pieceLength, wanted.hashes)) this.#layers.set(key, wanted.hashes)
    else this.#want(wanted.file)
  }

  refused(session: PeerSession, range: HashRange, now: number): void {
    this.#asks.refused(session, range, now)
  }

  gone(session: PeerSession): void {
    this.#asks.gone(session)
  }

  /** A peer asks us for hashes. Returns the leaves that are needed first, if any are. */
  requested(session: PeerSession, range: HashRange, have: Bitfield, now: number): LeafSpan | undefined {
    const span = this.#answers.leavesFor(range)
    if (span === undefined) {
      this.answer(session, range, now)
      return undefined
    }
    const mayRead = session.leafAnswers < LEAF_ANSWERS_MAX && this.#hasData(span, have)
    if (!mayRead || !this.#leafReads.take(span.count * MERKLE_BLOCK_BYTES, now)) {
      session.out.hashReject(range)
      return undefined
    }
    session.leafAnswers++
    return span
  }

  #hasData({ file, first, count }: LeafSpan, have: Bitfield): boolean {
    const start = this.#info.files[file].offset + first * MERKLE_BLOCK_BYTES
    const end = start + count * MERKLE_BLOCK_BYTES
    for (let at = start; at < end; at += this.#info.pieceLength) {
      if (!have.has(Math.floor(at / this.#info.pieceLength))) return false
    }
    return true
  }

  /** Answers, with leaves where they were needed; without them, refuses. */
  answer(session: PeerSession, range: HashRange, now: number, leaves?: Uint8Array): void {
    const bytes = MERKLE_HASH_BYTES * (range.length + range.proofLayers)
    const hashes = session.answers.take(bytes, now) ? this.#answers.answer(range, now, leaves) : undefined
    if (hashes === undefined) session.out.hashReject(range)
    else session.out.hashes({ ...range, hashes })
  }
}
