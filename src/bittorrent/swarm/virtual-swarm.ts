import { invariant } from '../../base/errors.ts'
import type { Random } from '../../base/ports/random.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import { encodeInfo, planTorrent } from '../metainfo/create-metainfo.ts'
import { PIECE_BLOCK_BYTES, PieceMap } from '../metainfo/piece-map.ts'
import { parseTorrentInfo, type TorrentInfo } from '../metainfo/torrent-info.ts'
import { Bitfield } from '../wire/bitfield.ts'
import { decodeHandshake } from '../wire/handshake.ts'
import { MessageReader } from '../wire/message-reader.ts'
import type { PeerSession } from './peer-session.ts'
import { SessionSink } from './session-sink.ts'
import { Torrent } from './torrent.ts'
import { TORRENT_OPTIONS, type TorrentOptions } from './torrent-options.ts'

export interface VirtualSwarmOptions {
  readonly seed: number
  readonly sizeBytes: number
  readonly pieceLength: number
  readonly latencyMs: number
  readonly torrent?: Partial<TorrentOptions>
}

export interface VirtualPeerOptions {
  readonly uploadBytesPerSecond: number
  readonly complete: boolean
  /** The share of its blocks that are wrong, in percent. */
  readonly liesPercent?: number
  readonly superSeed?: boolean
}

/** Blocks carry no bytes of their own: the first one says whether the block is right, or who spoiled it. */
const PAYLOAD = new Uint8Array(PIECE_BLOCK_BYTES)

/** A torrent of one file of so many bytes, whose piece hashes are never looked at. */
export function makeInfo(sizeBytes: number, pieceLength: number): TorrentInfo {
  const plan = planTorrent('film', [{ path: ['film'], length: sizeBytes }], true, { version: 'v1', pieceLength })
  invariant(plan.ok, 'the plan is sound')
  const info = parseTorrentInfo(encodeInfo(plan.value, { pieceHashes: new Uint8Array(20 * plan.value.pieceCount) }))
  invariant(info.ok, 'the torrent is sound')
  return info.value
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
  readonly #pieces = new Map<number, Uint8Array>()
  readonly #map: PieceMap
  readonly settled: { piece: number; digests: Uint8Array; isRight: boolean }[] = []

  constructor(
    id: number,
    info: TorrentInfo,
    options: VirtualPeerOptions,
    torrentOptions: TorrentOptions,
    random: Random,
  ) {
    this.id = id
    this.options = options
    this.#map = new PieceMap(info)
    this.torrent = new Torrent({ v1: info.infohashV1, v2: info.infohashV2 }, torrentOptions, random, info)
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
    let digests = this.#pieces.get(piece)
    if (digests === undefined) {
      digests = new Uint8Array(20 * this.#map.blockCount(piece)).fill(0xff)
      this.#pieces.set(piece, digests)
    }
    digests.fill(0, 20 * block, 20 * block + 20)
    digests[20 * block] = buffer[0]
    this.abort(buffer)
    if (digests.includes(0xff)) return
    this.#pieces.delete(piece)
    this.settled.push({ piece, digests, isRight: digests.every(byte => byte === 0) })
  }
}

/** Many cores joined by lines that are made up: latency, and a cap on what each sends. One seed repeats it all. */
export class VirtualSwarm {
  readonly info: TorrentInfo
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
    this.info = makeInfo(options.sizeBytes, options.pieceLength)
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
    const peer = new VirtualPeer(id, this.info, options, torrentOptions, seededRandom(this.#options.seed * 1000 + id))
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
      return of.torrent.join(decodeHandshake(to.torrent.handshake())!, origin, this.now)
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
        else peer.torrent.pieceFailed(piece, digests, this.now)
      }
      const effects = peer.torrent.takeEffects()
      for (const effect of effects) {
        if (effect.type === 'done') peer.doneAt ??= this.now
        else if (effect.type === 'ban') peer.banned.add(effect.identity)
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
