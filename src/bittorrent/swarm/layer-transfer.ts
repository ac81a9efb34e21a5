import { equalBytes, toHex } from '../../base/bytes/bytes.ts'
import { sha256 } from '../../base/crypto/hash.ts'
import {
  MERKLE_BLOCK_BYTES,
  merkleClimb,
  merkleLayers,
  merkleLevels,
  merklePad,
  merkleRoot,
} from '../metainfo/merkle.ts'
import { isPieceLayer, needsPieceLayer } from '../metainfo/piece-layers.ts'
import type { TorrentFile } from '../metainfo/torrent-file.ts'
import type { TorrentInfo } from '../metainfo/torrent-info.ts'
import { HASH_REQUEST_LENGTH_MAX, type HashesMessage, type HashRange, hashRangeKey } from '../wire/hash-messages.ts'
import type { PeerSession } from './peer-session.ts'

const ANSWER_MS = 10_000
const PER_PEER_MAX = 4
/** Upper trees kept for answering, most recently used. */
const TREES_MAX = 8

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
  readonly #trees = new Map<string, Uint8Array[]>()
  readonly #baseLayer: number

  constructor(info: TorrentInfo, layers: ReadonlyMap<string, Uint8Array>) {
    this.#info = info
    this.#layers = new Map(layers)
    this.#baseLayer = merkleLevels(info.pieceLength / MERKLE_BLOCK_BYTES)
    // A hybrid's pieces can be judged by their SHA-1 alone.
    if (info.pieceHashes !== undefined) return
    for (const file of info.files) {
      if (needsPieceLayer(file, info.pieceLength) && !this.#layers.has(toHex(file.piecesRoot!))) this.#want(file)
    }
  }

  get layers(): ReadonlyMap<string, Uint8Array> {
    return this.#layers
  }

  /** Whether every piece can be judged. */
  get isComplete(): boolean {
    return this.#wanted.size === 0
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

  /** A peer asks us for hashes: we have those of the piece layers and above. */
  requested(session: PeerSession, range: HashRange): void {
    const answer = this.#answer(range)
    if (answer === undefined) session.out.hashReject(range)
    else session.out.hashes({ ...range, hashes: answer })
  }

  #answer(range: HashRange): Uint8Array | undefined {
    const tree = this.#tree(toHex(range.piecesRoot))
    const level = range.baseLayer - this.#baseLayer
    const layer = level < 0 ? undefined : tree?.[level]
    if (tree === undefined || layer === undefined || 32 * (range.index + range.length) > layer.length) return undefined
    const parts = [layer.subarray(32 * range.index, 32 * (range.index + range.length))]
    // The proof begins above the subtree that the hashes themselves make.
    const subtreeLevels = merkleLevels(range.length)
    for (let up = subtreeLevels; up <= range.proofLayers && level + up < tree.length - 1; up++) {
      const uncle = Math.floor(range.index / 2 ** up) ^ 1
      parts.push(tree[level + up].subarray(32 * uncle, 32 * uncle + 32))
    }
    const hashes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of parts) {
      hashes.set(part, at)
      at += part.length
    }
    return hashes
  }

  #tree(root: string): Uint8Array[] | undefined {
    const known = this.#trees.get(root)
    const layer = this.#layers.get(root)
    if (known !== undefined || layer === undefined) return known
    const tree = merkleLayers(layer, merklePad(this.#baseLayer, sha256), sha256)
    if (this.#trees.size >= TREES_MAX) this.#trees.delete(this.#trees.keys().next().value!)
    this.#trees.set(root, tree)
    return tree
  }
}
