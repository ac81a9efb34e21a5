import { MERKLE_BLOCK_BYTES, MERKLE_HASH_BYTES } from '../metainfo/merkle.ts'
import { type PieceLayers, pieceRoot } from '../metainfo/piece-layers.ts'
import type { PieceMap } from '../metainfo/piece-map.ts'
import type { TorrentInfo } from '../metainfo/torrent-info.ts'
import { HASH_REQUEST_LENGTH_MAX, type HashesMessage, type HashRange } from '../wire/hash-messages.ts'
import { type HashAskOptions, HashAsks, leadsToRoot } from './hash-asks.ts'
import type { PeerSession } from './peer-session.ts'

/** Two at once are what peers of our own kind answer. */
const ASK_OPTIONS: HashAskOptions = { answerMs: 3000, restMs: 30_000, perPeerMax: 2 }
/** The data of a piece would have come again by then. */
const WAIT_MS = 6000
/** Pieces whose leaves are asked for at once. */
const WANTED_MAX = 32
/** Pieces whose leaves are kept until they are there. */
const PROVEN_MAX = 64
/** Leaves of a piece: those of 16 MiB, for which peers of our own kind read the data. */
const LEAVES_MAX = 1024

/** The leaves of a piece on their way. */
interface WantedLeaves {
  readonly piece: number
  readonly root: Uint8Array
  readonly levels: number
  readonly leaves: Uint8Array
  /** Where they begin in the file. */
  readonly firstLeaf: number
  readonly ranges: readonly HashRange[]
  rangesMissing: number
  readonly since: number
}

/** BEP 52: asks peers for the leaves of pieces, with proofs, so that each block of a piece can be judged by itself. */
export class LeafTransfer {
  readonly #info: TorrentInfo
  readonly #map: PieceMap
  readonly #layers: () => PieceLayers
  readonly #sessions: ReadonlyMap<number, PeerSession>
  readonly #asks = new HashAsks<WantedLeaves>(ASK_OPTIONS)
  readonly #wanted = new Map<number, WantedLeaves>()
  readonly #proven = new Map<number, Uint8Array>()

  constructor(info: TorrentInfo, map: PieceMap, layers: () => PieceLayers, sessions: ReadonlyMap<number, PeerSession>) {
    this.#info = info
    this.#map = map
    this.#layers = layers
    this.#sessions = sessions
  }

  /** The leaves of a piece, 32 bytes for each block, if they have come. */
  proven(piece: number): Uint8Array | undefined {
    return this.#proven.get(piece)
  }

  /**
   * Asks for the leaves of a piece.
   *
   * @param doubtful who should rather not be asked first
   * @returns false where they cannot be had
   */
  want(piece: number, doubtful: readonly string[], now: number): boolean {
    if (this.#wanted.size >= WANTED_MAX || !this.#canBeAsked(piece, now)) return false
    const wanted = this.#plan(piece, now)
    // Pieces of equal files have the same ranges: one of them at a time.
    if (wanted === undefined || wanted.ranges.some(range => this.#asks.has(range))) return false
    this.#wanted.set(piece, wanted)
    for (const range of wanted.ranges) this.#asks.add(range, wanted)
    for (const session of this.#sessions.values()) {
      if (!doubtful.includes(session.origin.identity)) this.fill(session, now)
    }
    this.#fillAll(now)
    return true
  }

  #plan(piece: number, now: number): WantedLeaves | undefined {
    const place = this.#map.merklePlace(piece)
    const root = place && pieceRoot(this.#info, this.#layers(), place)
    // A single leaf is the piece's root itself.
    if (place === undefined || root === undefined || place.levels === 0 || place.leafCount > LEAVES_MAX)
      return undefined
    const { levels, leafCount } = place
    const { piecesRoot } = this.#info.files[place.file]
    const firstLeaf = place.pieceInFile * (this.#info.pieceLength / MERKLE_BLOCK_BYTES)
    const length = Math.min(HASH_REQUEST_LENGTH_MAX, 2 ** levels)
    const ranges: HashRange[] = []
    for (let index = firstLeaf; index < firstLeaf + leafCount; index += length) {
      // Only as far as the piece: from there on, the tree is known.
      ranges.push({ piecesRoot: piecesRoot!, baseLayer: 0, index, length, proofLayers: levels - 1 })
    }
    const leaves = new Uint8Array(MERKLE_HASH_BYTES * leafCount)
    return { piece, root, levels, leaves, firstLeaf, ranges, rangesMissing: ranges.length, since: now }
  }

  #canBeAsked(piece: number, now: number): boolean {
    for (const session of this.#sessions.values()) {
      if (session.has(piece) && this.#asks.mayAsk(session, now)) return true
    }
    return false
  }

  /** The piece is there. */
  forget(piece: number): void {
    this.#proven.delete(piece)
    this.#unwant(piece)
  }

  #unwant(piece: number): void {
    for (const range of this.#wanted.get(piece)?.ranges ?? []) this.#asks.remove(range)
    this.#wanted.delete(piece)
  }

  /** Asks a peer for what waits to be asked for. */
  fill(session: PeerSession, now: number): void {
    this.#asks.fill(session, now, ({ piece }) => session.has(piece))
  }

  #fillAll(now: number): void {
    for (const session of this.#sessions.values()) this.fill(session, now)
  }

  /** Hashes have come. Returns the piece whose leaves are complete and proven now, or that the peer lied. */
  received(session: PeerSession, message: HashesMessage): number | 'lie' | undefined {
    const wanted = this.#asks.answered(session, message)
    if (wanted === undefined) return undefined
    if (!leadsToRoot(message, wanted.root, wanted.levels)) {
      this.#asks.lied(session)
      return 'lie'
    }
    this.#asks.remove(message)
    const start = MERKLE_HASH_BYTES * (message.index - wanted.firstLeaf)
    const bytes = Math.min(MERKLE_HASH_BYTES * message.length, wanted.leaves.length - start)
    wanted.leaves.set(message.hashes.subarray(0, bytes), start)
    if (--wanted.rangesMissing > 0) return undefined
    this.#unwant(wanted.piece)
    this.#prove(wanted)
    return wanted.piece
  }

  #prove({ piece, leaves }: WantedLeaves): void {
    for (const oldest of this.#proven.keys()) {
      if (this.#proven.size < PROVEN_MAX) break
      this.#proven.delete(oldest)
    }
    this.#proven.set(piece, leaves)
  }

  refused(session: PeerSession, range: HashRange, now: number): void {
    this.#asks.refused(session, range, now)
  }

  gone(session: PeerSession): void {
    this.#asks.gone(session)
  }

  /** Asks others where somebody does not answer. Returns the pieces whose leaves will not come: they are given up. */
  review(now: number): number[] {
    if (this.#wanted.size === 0) return []
    this.#asks.tick(now)
    const hopeless = [...this.#wanted.values()].filter(
      ({ piece, since }) => now - since >= WAIT_MS || !this.#canBeAsked(piece, now),
    )
    for (const { piece } of hopeless) this.#unwant(piece)
    this.#fillAll(now)
    return hopeless.map(({ piece }) => piece)
  }
}
