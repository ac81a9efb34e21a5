import { equalBytes, toHex } from '../../base/bytes/bytes.ts'
import { sha256 } from '../../base/crypto/hash.ts'
import {
  MERKLE_BLOCK_BYTES,
  MERKLE_HASH_BYTES,
  merkleClimb,
  merkleLevels,
  merklePad,
  merkleRoot,
} from '../metainfo/merkle.ts'
import { isPieceLayer, needsPieceLayer } from '../metainfo/piece-layers.ts'
import type { TorrentFile } from '../metainfo/torrent-file.ts'
import type { TorrentInfo } from '../metainfo/torrent-info.ts'
import type { Bitfield } from '../wire/bitfield.ts'
import { HASH_REQUEST_LENGTH_MAX, type HashesMessage, type HashRange, hashRangeKey } from '../wire/hash-messages.ts'
import { HashAnswers, type LeafSpan } from './hash-answers.ts'
import type { PeerSession } from './peer-session.ts'
import { RestingPeers } from './resting-peers.ts'
import { SecondBudget } from './second-budget.ts'

const ANSWER_MS = 10_000
/** A peer that refuses, or does not answer, is not asked again for so long. */
const REST_MS = 30_000
const PER_PEER_MAX = 4
/** Answers with leaves, which cost reading and hashing, that a peer may wait for at once. */
const LEAF_ANSWERS_MAX = 2
/** Data that is read and hashed for all peers in a second. */
const LEAF_BYTES_PER_SECOND = 64 * 1024 * 1024

/** A layer on its way. */
interface WantedLayer {
  readonly file: TorrentFile
  readonly pieces: number
  readonly hashes: Uint8Array
  readonly ranges: { readonly range: HashRange; done: boolean; askedOf: number | undefined; askedAt: number }[]
}

/**
 * BEP 52: piece layers of a v2 torrent that came without them (by magnet link), fetched from peers with proofs; and hashes for
 * those who ask us.
 */
export class LayerTransfer {
  readonly #info: TorrentInfo
  readonly #layers: Map<string, Uint8Array>
  readonly #wanted = new Map<string, WantedLayer>()
  readonly #resting = new RestingPeers()
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
    const ranges: WantedLayer['ranges'] = []
    for (let index = 0; index < pieces; index += length) {
      const range = { piecesRoot: file.piecesRoot!, baseLayer: this.#baseLayer, index, length, proofLayers }
      ranges.push({ range, done: false, askedOf: undefined, askedAt: 0 })
    }
    this.#wanted.set(toHex(file.piecesRoot!), { file, pieces, hashes: new Uint8Array(32 * pieces), ranges })
  }

  /** Asks a peer for hashes that we miss. */
  fill(session: PeerSession, now: number): void {
    if (!session.v2 || this.#resting.has(session.id, now)) return
    let busy = 0
    for (const { ranges } of this.#wanted.values()) {
      for (const ask of ranges) {
        if (ask.done) continue
        if (ask.askedOf === session.id) busy++
        if (ask.askedOf !== undefined || busy >= PER_PEER_MAX) continue
        ask.askedOf = session.id
        ask.askedAt = now
        busy++
        session.out.hashRequest(ask.range)
      }
    }
  }

  /** Once a second: gives up on peers that do not answer. */
  tick(now: number): void {
    for (const { ranges } of this.#wanted.values()) {
      for (const { askedOf, askedAt } of ranges) {
        if (askedOf !== undefined && now - askedAt >= ANSWER_MS) this.#leave(askedOf, now + REST_MS)
      }
    }
  }

  #leave(session: number, until: number): void {
    this.#resting.rest(session, until)
    this.#release(session)
  }

  #release(session: number): void {
    for (const { ranges } of this.#wanted.values()) {
      for (const ask of ranges) if (ask.askedOf === session) ask.askedOf = undefined
    }
  }

  /** What a peer was asked for and has answered now. */
  #askOf(session: PeerSession, range: HashRange): WantedLayer['ranges'][number] | undefined {
    const ranges = this.#wanted.get(toHex(range.piecesRoot))?.ranges
    const ask = ranges?.[range.index / ranges[0].range.length]
    if (ask === undefined || ask.done || ask.askedOf !== session.id) return undefined
    return hashRangeKey(ask.range) === hashRangeKey(range) ? ask : undefined
  }

  /** Hashes have come. True if with them the last layer is complete. */
  received(session: PeerSession, message: HashesMessage): boolean {
    const wanted = this.#wanted.get(toHex(message.piecesRoot))
    const ask = this.#askOf(session, message)
    if (wanted === undefined || ask === undefined) return false
    ask.askedOf = undefined
    const count = 32 * message.length
    const own = message.hashes.subarray(0, count)
    const levels = merkleLevels(message.length)
    const root = merkleRoot(own, levels, merklePad(this.#baseLayer, sha256), sha256)
    const climbed = merkleClimb(root, message.index / message.length, message.hashes.subarray(count), sha256)
    if (!equalBytes(climbed, message.piecesRoot)) {
      this.#leave(session.id, Number.POSITIVE_INFINITY)
      return false
    }
    ask.done = true
    wanted.hashes.set(own.subarray(0, Math.min(count, 32 * (wanted.pieces - message.index))), 32 * message.index)
    if (wanted.ranges.every(({ done }) => done)) this.#complete(wanted)
    return this.isComplete
  }

  #complete(wanted: WantedLayer): void {
    const key = toHex(wanted.file.piecesRoot!)
    this.#wanted.delete(key)
    if (isPieceLayer(wanted.file, this.#info.pieceLength, wanted.hashes)) this.#layers.set(key, wanted.hashes)
    else this.#want(wanted.file)
  }

  refused(session: PeerSession, range: HashRange, now: number): void {
    if (this.#askOf(session, range) !== undefined) this.#leave(session.id, now + REST_MS)
  }

  gone(session: PeerSession): void {
    this.#resting.gone(session.id)
    this.#release(session.id)
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
