import { sha256 } from '../../base/crypto/hash.ts'
import type { Random } from '../../base/ports/random.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import type { TorrentVersion } from '../metainfo/create-metainfo.ts'
import { PIECE_BLOCK_BYTES, PieceMap } from '../metainfo/piece-map.ts'
import type { TorrentInfo } from '../metainfo/torrent-info.ts'
import { Bitfield } from '../wire/bitfield.ts'
import { decodeHandshake } from '../wire/handshake.ts'
import { MessageReader } from '../wire/message-reader.ts'
import type { PeerSession } from './peer-session.ts'
import { SessionSink } from './session-sink.ts'
import { Torrent } from './torrent.ts'
import { TORRENT_OPTIONS, type TorrentEffect, type TorrentOptions } from './torrent-options.ts'
import { makeTorrent, type VirtualTorrent, zeroLeaf } from './virtual-torrent.ts'

export interface VirtualSwarmOptions {
  readonly seed: number
  readonly sizeBytes: number
  readonly pieceLength: number
  readonly latencyMs: number
  /** v1 where it is left out; others have hash trees that are looked at. */
  readonly version?: TorrentVersion
  readonly torrent?: Partial<TorrentOptions>
}

export interface VirtualPeerOptions {
  readonly uploadBytesPerSecond: number
  readonly complete: boolean
  /** The share of its blocks that are wrong, in percent. */
  readonly liesPercent?: number
  /** What it says when it is asked for leaves (BEP 52): the truth where it is left out. */
  readonly leaves?: 'wrong' | 'none'
  readonly superSeed?: boolean
}

/** Blocks carry no bytes of their own: the first one says whether the block is right, or who spoiled it. */
const PAYLOAD = new Uint8Array(PIECE_BLOCK_BYTES)

/** A v1 torrent of one file of so many bytes. */
export function makeInfo(sizeBytes: number, pieceLength: number): TorrentInfo {
  return makeTorrent('v1', sizeBytes, pieceLength).info
}

/** A piece that comes to a peer. */
interface ComingPiece {
  readonly digests: Uint8Array
  missing: number
  isRight: boolean
}

interface Link {
  readonly session: PeerSession
  readonly reader: MessageReader
  readonly remote: VirtualPeer
  remoteLink: Link
}

/** A peer of a virtual swarm: a real core with a disk and a line that are made up. */
export class VirtualPeer {
  readonly id: number
  readonly torrent: Torrent
  readonly options: VirtualPeerOptions
  readonly links = new Map<number, Link>()
  /** The same in a row, made anew when they change. */
  #row: readonly Link[] | undefined
  readonly banned = new Set<string>()
  doneAt: number | undefined
  lineFreeAt = 0
  sentBytes = 0
  readonly #buffers: Uint8Array[] = []
  readonly #pieces = new Map<number, ComingPiece>()
  readonly #map: PieceMap
  readonly #digestBytes: number
  /** The first byte of each block that came, right or wrong. */
  readonly #disk: Uint8Array
  readonly settled: { piece: number; digests: Uint8Array; isRight: boolean }[] = []
  /** Pieces that were wrong, in the order in which they came. */
  readonly spoilt: number[] = []

  constructor(
    id: number,
    { info, layers }: VirtualTorrent,
    options: VirtualPeerOptions,
    torrentOptions: TorrentOptions,
    random: Random,
  ) {
    this.id = id
    this.options = options
    this.#map = new PieceMap(info)
    this.torrent = new Torrent({ v1: info.infohashV1, v2: info.infohashV2 }, torrentOptions, random, info, layers)
    this.#disk = new Uint8Array(info.totalSize / PIECE_BLOCK_BYTES + 1)
    this.#digestBytes = info.infohashV2 === undefined ? 20 : 32
    const have = new Bitfield(info.pieceCount)
    if (options.complete) have.fill()
    this.torrent.start({ have, partial: new Map() }, this, 0)
  }

  readonly isFull = false

  get row(): readonly Link[] {
    this.#row ??= [...this.links.values()]
    return this.#row
  }

  joined(link: Link): void {
    this.links.set(link.session.id, link)
    this.#row = undefined
  }

  left(link: Link): boolean {
    this.#row = undefined
    return this.links.delete(link.session.id)
  }

  begin(): Uint8Array {
    return this.#buffers.pop() ?? new Uint8Array(PIECE_BLOCK_BYTES)
  }

  abort(buffer: Uint8Array): void {
    this.#buffers.push(buffer)
  }

  complete(piece: number, block: number, buffer: Uint8Array): void {
    this.#disk[this.#place(piece, block)] = buffer[0]
    this.abort(buffer)
    this.#came(piece, block)
  }

  restoreBlocks(piece: number, blocks: readonly number[]): void {
    for (const block of blocks) this.#came(piece, block)
  }

  #place(piece: number, block: number): number {
    return (piece * this.#map.pieceLength) / PIECE_BLOCK_BYTES + block
  }

  #came(piece: number, block: number): void {
    const first = this.#disk[this.#place(piece, block)]
    const blockCount = this.#map.blockCount(piece)
    const coming = this.#pieces.get(piece) ?? {
      digests: new Uint8Array(this.#digestBytes * blockCount),
      missing: blockCount,
      isRight: true,
    }
    this.#pieces.set(piece, coming)
    // Without a tree, any digest will do that tells right from wrong.
    if (this.#digestBytes === 20) coming.digests[20 * block] = first
    else {
      PAYLOAD[0] = first
      coming.digests.set(sha256(PAYLOAD.subarray(0, this.#map.blockSize(piece, block))), 32 * block)
    }
    coming.isRight &&= first === 0
    if (--coming.missing > 0) return
    this.#pieces.delete(piece)
    this.settled.push({ piece, digests: coming.digests, isRight: coming.isRight })
  }

  /** Answers who asks for leaves. */
  tellLeaves({ session, range, span }: TorrentEffect & { type: 'leaves' }): void {
    if (this.options.leaves === 'none') return
    if (this.options.leaves === 'wrong') {
      session.leafAnswers--
      session.out.hashes({ ...range, hashes: new Uint8Array(32 * range.length) })
      return
    }
    const { length } = this.torrent.info!.files[span.file]
    const leaves = new Uint8Array(32 * span.count)
    for (let i = 0; i < span.count; i++) {
      const size = Math.min(PIECE_BLOCK_BYTES, length - (span.first + i) * PIECE_BLOCK_BYTES)
      leaves.set(zeroLeaf(size), 32 * i)
    }
    this.torrent.leavesHashed(session, range, leaves)
  }
}

/** Many cores joined by lines that are made up: latency, and a cap on what each sends. One seed repeats it all. */
export class VirtualSwarm {
  readonly #shared: VirtualTorrent
  readonly peers: VirtualPeer[] = []
  readonly #options: VirtualSwarmOptions
  readonly #random: Random
  /** What will happen, by time; a binary heap, ties in the order of their making. */
  readonly #events: { at: number; order: number; run: () => void }[] = []
  #order = 0
  now = 0

  constructor(options: VirtualSwarmOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.#shared = makeTorrent(options.version ?? 'v1', options.sizeBytes, options.pieceLength)
  }

  get info(): TorrentInfo {
    return this.#shared.info
  }

  /** Words that repeat the run. */
  get repro(): string {
    return `seed ${this.#options.seed}`
  }

  add(options: VirtualPeerOptions): VirtualPeer {
    const id = this.peers.length
    const peerId = new Uint8Array(20).fill(1)
    peerId[18] = id >>> 8
    peerId[19] = id
    const superSeed = options.superSeed ?? false
    const torrentOptions = { ...TORRENT_OPTIONS, ...this.#options.torrent, superSeed, peerId, listenPort: 1 + id }
    const peer = new VirtualPeer(
      id,
      this.#shared,
      options,
      torrentOptions,
      seededRandom(this.#options.seed * 1000 + id),
    )
    this.peers.push(peer)
    const tick = () => {
      peer.torrent.onTick(this.now)
      this.settle(peer)
      this.#at(this.now + 1000, tick)
    }
    this.#at(this.now + this.#random.below(1000), tick)
    return peer
  }

  connect(a: VirtualPeer, b: VirtualPeer): void {
    const join = (of: VirtualPeer, to: VirtualPeer, incoming: boolean) => {
      const origin = { host: `10.${to.id >>> 8}.${to.id & 255}.1`, port: 1 + to.id, incoming, identity: `${to.id}` }
      // Whoever is called answers by what it heard.
      const heard = incoming ? undefined : decodeHandshake(of.torrent.handshake())
      return of.torrent.join(decodeHandshake(to.torrent.handshake(heard))!, origin, this.now)
    }
    const [sessionA, sessionB] = [join(a, b, false), join(b, a, true)]
    if (typeof sessionA === 'string' || typeof sessionB === 'string') return
    const makeLink = (of: VirtualPeer, remote: VirtualPeer, session: PeerSession): Link => {
      const reader: MessageReader = new MessageReader(new SessionSink(session, of.torrent, code => reader.fail(code)))
      const hello = remote.torrent.handshake()
      reader.push(hello, 0, hello.length)
      const link = { session, reader, remote, remoteLink: undefined as unknown as Link }
      of.joined(link)
      return link
    }
    const linkA = makeLink(a, b, sessionA)
    const linkB = makeLink(b, a, sessionB)
    linkA.remoteLink = linkB
    linkB.remoteLink = linkA
    this.settle(a)
    this.settle(b)
  }

  connectAll(): void {
    for (const a of this.peers) for (const b of this.peers) if (a.id < b.id) this.connect(a, b)
  }

  disconnect(peer: VirtualPeer, link: Link): void {
    peer.left(link)
    peer.torrent.left(link.session, this.now)
    if (link.remote.left(link.remoteLink)) {
      link.remote.torrent.left(link.remoteLink.session, this.now)
      this.#at(this.now, () => this.settle(link.remote))
    }
  }

  /** A peer goes for good. */
  remove(peer: VirtualPeer): void {
    for (const link of peer.row) this.disconnect(peer, link)
  }

  #at(at: number, run: () => void): void {
    const events = this.#events
    const event = { at, order: this.#order++, run }
    let i = events.push(event) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!isBefore(event, events[parent])) break
      events[i] = events[parent]
      i = parent
    }
    events[i] = event
  }

  /** Takes the first event out. */
  #next(): void {
    const events = this.#events
    const last = events.pop()
    if (last === undefined || events.length === 0) return
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= events.length) break
      if (child + 1 < events.length && isBefore(events[child + 1], events[child])) child++
      if (!isBefore(events[child], last)) break
      events[i] = events[child]
      i = child
    }
    events[i] = last
  }

  /** Lets time pass until nothing is left to wait for, or so many milliseconds are over. */
  runUntil(isOver: () => boolean, limitMs: number): boolean {
    const end = this.now + limitMs
    while (!isOver()) {
      const due = this.#events[0]
      if (due === undefined || due.at > end) {
        this.now = end
        return false
      }
      this.#next()
      this.now = due.at
      due.run()
    }
    return true
  }

  /** Carries out what a peer decided, and sends what it says. */
  settle(peer: VirtualPeer): void {
    for (;;) {
      const settled = peer.settled.splice(0)
      for (const { piece, digests, isRight } of settled) {
        if (isRight) peer.torrent.pieceVerified(piece, digests, this.now)
        else {
          peer.spoilt.push(piece)
          peer.torrent.pieceFailed(piece, digests, this.now)
        }
      }
      const effects = peer.torrent.takeEffects()
      for (const effect of effects) {
        if (effect.type === 'done') peer.doneAt ??= this.now
        else if (effect.type === 'ban') peer.banned.add(effect.identity)
        else if (effect.type === 'leaves') peer.tellLeaves(effect)
        else if (effect.type === 'disconnect') {
          const link = peer.links.get(effect.session.id)
          if (link !== undefined) this.disconnect(peer, link)
        }
      }
      if (settled.length === 0 && effects.length === 0) break
    }
    for (const link of peer.row) {
      const bytes = link.session.out.take()
      if (bytes !== undefined) this.#at(this.now + this.#options.latencyMs, () => this.#hear(link, bytes))
    }
    this.#send(peer)
  }

  #hear(from: Link, bytes: Uint8Array): void {
    const peer = from.remote
    const link = from.remoteLink
    if (peer.links.get(link.session.id) !== link) return
    peer.torrent.hearing(link.session, this.now)
    const failure = link.reader.push(bytes, 0, bytes.length)
    if (failure !== undefined) this.disconnect(peer, link)
    else peer.torrent.heard(link.session)
    this.settle(peer)
  }

  /** Sends the next block, if the line is free: to each peer in turn. */
  #send(peer: VirtualPeer): void {
    if (this.now < peer.lineFreeAt) return
    const links = peer.row
    const start = links.length > 0 ? this.#random.below(links.length) : 0
    for (let i = 0; i < links.length; i++) {
      const link = links[(start + i) % links.length]
      const run = peer.torrent.takeUpload(link.session, PIECE_BLOCK_BYTES)
      if (run === undefined) continue
      const bytes = run.lengths[0]
      peer.lineFreeAt = this.now + (1000 * bytes) / peer.options.uploadBytesPerSecond
      peer.sentBytes += bytes
      peer.torrent.uploaded(link.session, bytes, this.now)
      const isLie = this.#random.below(100) < (peer.options.liesPercent ?? 0)
      this.#at(peer.lineFreeAt, () => this.settle(peer))
      this.#at(peer.lineFreeAt + this.#options.latencyMs, () => this.#receive(link, run.piece, run.begin, bytes, isLie))
      return
    }
  }

  #receive(from: Link, piece: number, begin: number, bytes: number, isLie: boolean): void {
    const link = from.remoteLink
    const peer = from.remote
    if (peer.links.get(link.session.id) !== link) return
    peer.torrent.hearing(link.session, this.now)
    const failure = peer.torrent.blockStarts(link.session, piece, begin, bytes)
    if (failure !== undefined) this.disconnect(peer, link)
    else {
      PAYLOAD[0] = isLie ? 1 : 0
      peer.torrent.blockBytes(link.session, PAYLOAD, 0, bytes)
      peer.torrent.blockEnds(link.session)
      peer.torrent.heard(link.session)
    }
    this.settle(peer)
  }
}

function isBefore(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
