import { equalBytes, toHex } from '../../base/bytes/bytes.ts'
import { sha256 } from '../../base/crypto/hash.ts'
import { MERKLE_BLOCK_BYTES, merkleClimb, merkleLevels, merklePad, merkleRoot } from '../metainfo/merkle.ts'
import { isPieceLayer, needsPieceLayer } from '../metainfo/piece-layers.ts'
import type { TorrentFile } from '../metainfo/torrent-file.ts'
import type { TorrentInfo } from '../metainfo/torrent-info.ts'
import type { Bitfield } from '../wire/bitfield.ts'
import { HASH_REQUEST_LENGTH_MAX, type HashesMessage, type HashRange, hashRangeKey } from '../wire/hash-messages.ts'
import { HashAnswers, type LeafSpan } from './hash-answers.ts'
import type { PeerSession } from './peer-session.ts'

const ANSWER_MS = 10_000
const PER_PEER_MAX = 4
/** Answers with leaves, which cost reading and hashing, that a peer may wait for at once. */
const LEAF_ANSWERS_MAX = 2

/** A layer on its way. */
interface WantedLayer {
  readonly file: TorrentFile
  readonly pieces: number
  readonly hashes: Uint8Array
  readonly ranges: { readonly range: HashRange; done: boolean; askedOf: number; askedAt: number }[]
}

/**
 * BEP 52: piece layers of a v2 torrent that came without them (by magnet link), fetched from peers with proofs; and hashes for
 * those who ask us.
 */
export class LayerTransfer {
  readonly #info: TorrentInfo
  readonly #layers: Map<string, Uint8Array>
  readonly #wanted = new Map<string, WantedLayer>()
  readonly #useless = new Set<number>()
  readonly #answers: HashAnswers
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
      ranges.push({ range, done: false, askedOf: -1, askedAt: 0 })
    }
    this.#wanted.set(toHex(file.piecesRoot!), { file, pieces, hashes: new Uint8Array(32 * pieces), ranges })
  }

  /** Asks a peer for hashes that we miss. */
  fill(session: PeerSession, now: number): void {
    if (!session.v2 || this.#useless.has(session.id)) return
    let busy = 0
    for (const wanted of this.#wanted.values()) {
      for (const ask of wanted.ranges) {
        if (ask.done) continue
        const isOpen = ask.askedOf !== -1 && now - ask.askedAt < ANSWER_MS
        if (isOpen && ask.askedOf === session.id) busy++
        if (isOpen || busy >= PER_PEER_MAX) continue
        ask.askedOf = session.id
        ask.askedAt = now
        busy++
        session.out.hashRequest(ask.range)
      }
    }
  }

  /** Hashes have come. True if with them the last layer is complete. */
  received(session: PeerSession, message: HashesMessage): boolean {
    const wanted = this.#wanted.get(toHex(message.piecesRoot))
    const ask = wanted?.ranges.find(({ range }) => hashRangeKey(range) === hashRangeKey(message))
    if (wanted === undefined || ask === undefined || ask.done || ask.askedOf !== session.id) return false
    ask.askedOf = -1
    const count = 32 * message.length
    const own = message.hashes.subarray(0, count)
    const levels = merkleLevels(message.length)
    const root = merkleRoot(own, levels, merklePad(this.#baseLayer, sha256), sha256)
    const climbed = merkleClimb(root, message.index / message.length, message.hashes.subarray(count), sha256)
    if (!equalBytes(climbed, message.piecesRoot)) {
      this.#useless.add(session.id)
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

  refused(session: PeerSession, range: HashRange): void {
    const ask = this.#wanted.get(toHex(range.piecesRoot))?.ranges.find(({ askedOf }) => askedOf === session.id)
    if (ask === undefined) return
    ask.askedOf = -1
    this.#useless.add(session.id)
  }

  gone(session: PeerSession): void {
    this.#useless.delete(session.id)
    for (const { ranges } of this.#wanted.values()) {
      for (const ask of ranges) if (ask.askedOf === session.id) ask.askedOf = -1
    }
  }

  /** A peer asks us for hashes. Returns the leaves that are needed first, if any are. */
  requested(session: PeerSession, range: HashRange, have: Bitfield): LeafSpan | undefined {
    const span = this.#answers.leavesFor(range)
    if (span !== undefined && session.leafAnswers < LEAF_ANSWERS_MAX && this.#hasData(span, have)) {
      session.leafAnswers++
      return span
    }
    this.answer(session, range)
    return undefined
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
  answer(session: PeerSession, range: HashRange, leaves?: Uint8Array): void {
    const hashes = this.#answers.answer(range, leaves)
    if (hashes === undefined) session.out.hashReject(range)
    else session.out.hashes({ ...range, hashes })
  }
}
