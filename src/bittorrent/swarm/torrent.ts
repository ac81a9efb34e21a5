import { compareBytes, equalBytes } from '../../base/bytes/bytes.ts'
import { invariant } from '../../base/errors.ts'
import type { Random } from '../../base/ports/random.ts'
import type { PieceLayers } from '../metainfo/piece-layers.ts'
import { PieceMap } from '../metainfo/piece-map.ts'
import { parseTorrentInfo, type TorrentInfo } from '../metainfo/torrent-info.ts'
import { PiecePicker } from '../picker/piece-picker.ts'
import { ALLOWED_FAST_COUNT, allowedFastSet } from '../wire/allowed-fast.ts'
import { Bitfield } from '../wire/bitfield.ts'
import { decodeExtensionHandshake, encodeExtensionHandshake, OUR_EXTENSION_IDS } from '../wire/extensions.ts'
import { encodeHandshake, type Handshake } from '../wire/handshake.ts'
import type { HashesMessage, HashRange } from '../wire/hash-messages.ts'
import { Candidates } from './candidates.ts'
import { LayerTransfer } from './layer-transfer.ts'
import { type Infohashes, MetadataTransfer } from './metadata-transfer.ts'
import { receivePex, sendPex } from './peer-exchange.ts'
import { PeerPieces, type PiecesSaid, rememberPiece, rememberPieces } from './peer-pieces.ts'
import { PeerSession, type SessionOrigin } from './peer-session.ts'
import { RateMeter } from './rate-meter.ts'
import { type BlockSink, Requests } from './requests.ts'
import type { SessionEvents } from './session-sink.ts'
import { SuperSeeding } from './super-seeding.ts'
import { Suspects } from './suspects.ts'
import type { StoredPieces, TorrentEffect, TorrentOptions } from './torrent-options.ts'
import { type UploadRun, Uploads } from './uploads.ts'

/** A peer may tell of so many allowed-fast pieces. */
const ALLOWED_FAST_MAX = 100
const EXTENSION_HANDSHAKES_MAX = 20
/** BEP 16: peers that are served at once while each is given different pieces. */
const SUPER_SEEDING_SLOTS = 100
const TICK_MS = 1000

/** The parts that need the info dictionary. */
interface Started {
  readonly map: PieceMap
  readonly picker: PiecePicker
  readonly pieces: PeerPieces
  readonly requests: Requests
  readonly uploads: Uploads
  readonly layers: LayerTransfer
  readonly superSeeding: SuperSeeding | undefined
}

/** One torrent among its peers: a state machine without sockets, disks or clock. */
export class Torrent implements SessionEvents {
  readonly infohashes: Infohashes
  readonly candidates = new Candidates()
  readonly download = new RateMeter()
  readonly upload = new RateMeter()
  readonly #options: TorrentOptions
  readonly #random: Random
  readonly #metadata: MetadataTransfer
  readonly #sessions = new Map<number, PeerSession>()
  readonly #suspects = new Suspects()
  readonly #banned = new Set<string>()
  #info: TorrentInfo | undefined
  #givenLayers: PieceLayers
  #started: Started | undefined
  #effects: TorrentEffect[] = []
  #nextSession = 1
  #now = 0
  #nextTick = 0
  #paused = false

  constructor(
    hashes: Infohashes,
    options: TorrentOptions,
    random: Random,
    info?: TorrentInfo,
    layers: PieceLayers = new Map(),
  ) {
    invariant(hashes.v1 !== undefined || hashes.v2 !== undefined, 'a torrent needs an infohash')
    this.infohashes = hashes
    this.#options = options
    this.#random = random
    this.#info = info
    this.#givenLayers = layers
    this.#metadata = new MetadataTransfer(hashes, info?.bytes)
  }

  get info(): TorrentInfo | undefined {
    return this.#info
  }

  get layers(): PieceLayers {
    return this.#started?.layers.layers ?? this.#givenLayers
  }

  get picker(): PiecePicker | undefined {
    return this.#started?.picker
  }

  get map(): PieceMap | undefined {
    return this.#started?.map
  }

  get sessions(): ReadonlyMap<number, PeerSession> {
    return this.#sessions
  }

  get isStarted(): boolean {
    return this.#started !== undefined
  }

  /** Whether all that is wanted is there. */
  get isDone(): boolean {
    return this.#started?.picker.isDone ?? false
  }

  /** Whether every byte of the torrent is there. */
  get isSeed(): boolean {
    return this.#started?.picker.have.isFull ?? false
  }

  takeEffects(): TorrentEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  /** The infohash that goes into handshakes: v1's where there is one, else the beginning of v2's (BEP 52). */
  get wireInfohash(): Uint8Array {
    return this.infohashes.v1 ?? this.infohashes.v2!.subarray(0, 20)
  }

  /** The handshake that we send: first, or in answer to one. */
  handshake(answering?: Handshake): Uint8Array {
    const { v1, v2 } = this.infohashes
    // BEP 52: a hybrid's peer that would rather speak v2 gets its wish.
    const upgrade = answering !== undefined && v1 !== undefined && v2 !== undefined && answering.v2
    return encodeHandshake({
      infohash: upgrade ? v2.subarray(0, 20) : (answering?.infohash ?? this.wireInfohash),
      peerId: this.#options.peerId,
      extensions: true,
      fast: true,
      dht: false,
      v2: v2 !== undefined,
    })
  }

  /** The storage is ready: pieces can be asked for and served from now on. */
  start(stored: StoredPieces, sink: BlockSink, now: number): void {
    const info = this.#info
    invariant(info !== undefined && this.#started === undefined, 'a torrent starts once, and knows its files then')
    this.#now = now
    const map = new PieceMap(info)
    const picker = new PiecePicker(map.pieceCount, piece => map.blockCount(piece), this.#random)
    const requests = new Requests(picker, map, sink, this.#sessions, this.#options.requests)
    const uploads = new Uploads(map, picker.have, this.#sessions, this.#options.uploads)
    const pieces = new PeerPieces(picker, session => this.#partFromSeed(session))
    const layers = new LayerTransfer(info, this.#givenLayers)
    const superSeeding = this.#options.superSeed && stored.have.isFull ? new SuperSeeding(picker) : undefined
    // An offer to a peer that is not served would wait for ever.
    if (superSeeding !== undefined) uploads.slots = SUPER_SEEDING_SLOTS
    this.#started = { map, picker, pieces, requests, uploads, layers, superSeeding }
    for (let piece = 0; piece < map.pieceCount; piece++) if (stored.have.has(piece)) picker.restore(piece)
    for (const [piece, blocks] of stored.partial) picker.restoreBlocks(piece, blocks)
    for (const session of this.#sessions.values()) {
      const code = pieces.applyEarly(session)
      if (code === undefined) this.#tellHaves(session)
      else this.#disconnect(session, code)
    }
    if (picker.isDone) this.#effects.push({ type: 'done' })
  }

  // ── peers come and go ──────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * A peer has shaken hands. Returns its session, or why it is not welcome.
   *
   * @param v2 whether both handshakes spoke of the v2 infohash
   */
  join(handshake: Handshake, origin: SessionOrigin, now: number): PeerSession | string {
    this.#now = now
    const { v1, v2 } = this.infohashes
    if (this.#banned.has(origin.identity)) return 'peer-banned'
    if (equalBytes(handshake.peerId, this.#options.peerId)) return 'peer-is-ourselves'
    for (const other of this.#sessions.values()) {
      if (other.closed || !equalBytes(other.peerId, handshake.peerId)) continue
      // Both called at once: both keep the call of the one with the greater peer id, and drop the other.
      const isTheirs = compareBytes(handshake.peerId, this.#options.peerId) > 0
      if (other.origin.incoming === origin.incoming || origin.incoming !== isTheirs) return 'peer-connected-twice'
      this.#disconnect(other, 'peer-connected-twice')
    }
    const spokeV2 =
      v2 !== undefined &&
      (v1 === undefined || equalBytes(handshake.infohash, v2.subarray(0, 20)) || (origin.incoming && handshake.v2))
    const session = new PeerSession(
      this.#nextSession++,
      origin,
      handshake,
      spokeV2,
      this.#options.requests.windowMin,
      now,
    )
    this.#sessions.set(session.id, session)
    if (session.extensions) session.out.extended(0, this.#extensionHandshake(session))
    if (this.#started !== undefined) {
      session.bits = new Bitfield(this.#started.map.pieceCount)
      this.#introduce(session, this.#started)
    } else if (session.fast) session.out.haveNone()
    return session
  }

  #extensionHandshake(session: PeerSession): Uint8Array {
    return encodeExtensionHandshake({
      client: this.#options.client,
      port: this.#options.listenPort,
      metadataSize: this.#metadata.bytes?.length,
      requestQueue: this.#options.uploads.queueMax,
      // BEP 16: who pretends to have nothing should not say otherwise.
      uploadOnly: this.isSeed && (this.#started?.superSeeding?.isOver ?? true),
      peerHost: session.origin.host,
      private: this.#info?.private ?? false,
    })
  }

  /** Says what we have, as the first thing after the handshakes. */
  #introduce(session: PeerSession, { picker, map, superSeeding }: Started): void {
    const { have } = picker
    if (superSeeding !== undefined && !superSeeding.isOver) {
      if (session.fast) session.out.haveNone()
      superSeeding.offer(session)
      return
    }
    if (session.fast && have.isFull) session.out.haveAll()
    else if (session.fast && have.count === 0) session.out.haveNone()
    else if (have.count > 0) session.out.bitfield(have.bytes)
    if (!session.fast || have.count === 0) return
    const granted = allowedFastSet(session.origin.host, this.wireInfohash, map.pieceCount, ALLOWED_FAST_COUNT)
    for (const piece of granted) {
      session.grantedFast.add(piece)
      session.out.allowedFast(piece)
    }
  }

  /** Says what we have to a peer that was told before that we had nothing. */
  #tellHaves(session: PeerSession): void {
    const { have } = this.#started!.picker
    if (have.count === 0) return
    if (!session.fast) session.out.bitfield(have.bytes)
    else
      for (let piece = 0; piece < have.size; piece++)
        if (have.has(piece) && !session.has(piece)) session.out.have(piece)
  }

  /** A peer is gone. */
  left(session: PeerSession, now: number): void {
    if (!this.#sessions.delete(session.id)) return
    this.#now = now
    session.closed = true
    this.#metadata.gone(session)
    const started = this.#started
    if (started === undefined) return
    started.requests.gone(session)
    started.layers.gone(session)
    started.pieces.gone(session)
    started.superSeeding?.left(session, this.#sessions.values())
    if (session.peerInterested) this.#freePlace()
  }

  /** A place for uploads may be free: the choice is made at the next tick. */
  #freePlace(): void {
    for (const session of this.#sessions.values()) {
      if (session.peerInterested && session.amChoking) {
        this.#started?.uploads.interested(session, this.#now)
      }
    }
  }

  #disconnect(session: PeerSession, code: string): void {
    if (session.closed) return
    session.closed = true
    this.#effects.push({ type: 'disconnect', session, code })
  }

  #ban(identity: string, code: string): void {
    if (this.#banned.has(identity)) return
    this.#banned.add(identity)
    this.#effects.push({ type: 'ban', identity, code })
    for (const session of this.#sessions.values())
      if (session.origin.identity === identity) this.#disconnect(session, code)
  }

  // ── the shell's side ───────────────────────────────────────────────────────────────────────────────────────────────

  /** The shell is about to push bytes of a peer into its reader, at this time. */
  hearing(session: PeerSession, now: number): void {
    this.#now = now
    session.lastHeardAt = now
  }

  /** The shell has pushed all it had: time to ask for more. */
  heard(session: PeerSession): void {
    if (!session.closed) this.#fill(session)
  }

  #fill(session: PeerSession): void {
    if (this.#paused) return
    const started = this.#started
    if (started === undefined) this.#metadata.fill(session, this.#now)
    else if (!started.layers.isComplete) started.layers.fill(session, this.#now)
    else started.requests.fill(session, this.#now)
  }

  /** Asks all peers for more, where there is room: after a limit was lifted or memory came free. */
  fillAll(now: number): void {
    this.#now = now
    for (const session of this.#sessions.values()) if (!session.closed) this.#fill(session)
  }

  /** Bytes that may still be asked for (a rate limit); without limit by default. */
  set downloadAllowance(bytes: number) {
    if (this.#started !== undefined) this.#started.requests.allowance = bytes
  }

  get downloadAllowance(): number {
    return this.#started?.requests.allowance ?? Number.POSITIVE_INFINITY
  }

  /** Whether nothing is asked for; peers stay connected and are served. */
  set paused(paused: boolean) {
    this.#paused = paused
  }

  get paused(): boolean {
    return this.#paused
  }

  /** The next blocks to send to a peer. */
  takeUpload(session: PeerSession, bytesMax: number): UploadRun | undefined {
    return session.closed ? undefined : this.#started?.uploads.take(session, bytesMax)
  }

  /** Blocks have gone out to a peer. */
  uploaded(session: PeerSession, bytes: number, now: number): void {
    this.#started?.uploads.sent(session, bytes, now)
    this.upload.add(bytes, now)
  }

  /** When the machine wants to hear the time again. */
  nextWake(): number | undefined {
    return this.#sessions.size > 0 ? this.#nextTick : undefined
  }

  onTick(now: number): void {
    if (now < this.#nextTick) return
    this.#nextTick = now + TICK_MS
    this.#now = now
    const started = this.#started
    for (const session of this.#sessions.values()) {
      if (session.closed) continue
      if (now - session.lastHeardAt > this.#options.silenceMs) {
        this.#disconnect(session, 'peer-silent')
        continue
      }
      if (now - session.lastSaidAt > this.#options.keepAliveMs) session.out.keepAlive()
      started?.requests.tick(session, now)
      if (!(this.#info?.private ?? true)) sendPex(session, this.#sessions.values(), now)
      this.#fill(session)
    }
    if (started === undefined) this.#metadata.tick(this.#sessions.values(), now)
    started?.uploads.tick(started.picker.isDone, now)
  }

  // ── the storage's side ─────────────────────────────────────────────────────────────────────────────────────────────

  /** A piece is right and can be served. */
  pieceVerified(piece: number, digests: Uint8Array | undefined, now: number): void {
    this.#now = now
    const { picker, pieces, requests } = this.#started!
    requests.takeSenders(piece)
    for (const liar of this.#suspects.verified(piece, digests)) this.#ban(liar, 'peer-sent-wrong-data')
    const wasMissing = picker.isMissing(piece)
    picker.pieceVerified(piece)
    for (const session of this.#sessions.values()) {
      // Who has the piece does not care that we have it, too.
      if (!session.has(piece)) session.out.have(piece)
      else if (wasMissing) pieces.changed(session, piece, -1)
    }
    this.#effects.push({ type: 'piece', piece })
    if (picker.isDone && wasMissing) this.#becomeDone()
  }

  #becomeDone(): void {
    this.#effects.push({ type: 'done' })
    if (!this.isSeed) return
    for (const session of this.#sessions.values()) {
      const id = session.handshake?.ids.upload_only
      if (id !== undefined) session.out.extended(id, Uint8Array.of(1))
      this.#partFromSeed(session)
    }
  }

  /** BEP 21: two that only give have nothing to say to each other. */
  #partFromSeed(session: PeerSession): void {
    if (this.isSeed && (session.isSeed || session.uploadOnly)) this.#disconnect(session, 'both-seeds')
  }

  /** A piece was wrong, or the disk failed on it (no digests). */
  pieceFailed(piece: number, digests: Uint8Array, now: number): void {
    this.#now = now
    const { picker, requests } = this.#started!
    const liars = this.#suspects.failed(piece, requests.takeSenders(piece), digests)
    picker.pieceLost(piece)
    if (digests.length > 0) picker.setExclusive(piece)
    for (const liar of liars) this.#ban(liar, 'peer-sent-wrong-data')
    this.fillAll(now)
  }

  /** A piece that we had is gone or changed on the disk. */
  pieceLost(piece: number, now: number): void {
    this.#now = now
    const { picker, pieces } = this.#started!
    if (!picker.have.has(piece)) return
    picker.pieceLost(piece)
    for (const session of this.#sessions.values()) {
      const id = session.handshake?.ids.lt_donthave
      if (id !== undefined) session.out.extended(id, Uint8Array.of(piece >>> 24, piece >>> 16, piece >>> 8, piece))
      if (picker.isMissing(piece)) pieces.changed(session, piece, 1)
    }
  }

  /** What is wanted has changed: priorities of pieces, 0 for never. */
  setPriorities(priorities: readonly { readonly piece: number; readonly priority: number }[], now: number): void {
    this.#now = now
    const { picker, pieces, requests } = this.#started!
    const wasDone = picker.isDone
    for (const { piece, priority } of priorities) picker.setPriority(piece, priority)
    requests.cancelUnwanted()
    pieces.recount(this.#sessions.values())
    if (picker.isDone && !wasDone) this.#becomeDone()
    this.fillAll(now)
  }

  // ── messages ───────────────────────────────────────────────────────────────────────────────────────────────────────

  hasPieces(session: PeerSession, pieces: PiecesSaid): string | undefined {
    if (this.#started !== undefined) return this.#started.pieces.said(session, pieces)
    rememberPieces(session, pieces)
    return undefined
  }

  hasPiece(session: PeerSession, piece: number): string | undefined {
    if (this.#started === undefined) return rememberPiece(session, piece)
    const code = this.#started.pieces.has(session, piece)
    if (code === undefined) this.#spread(session, piece, this.#started)
    return code
  }

  /** BEP 16: a piece has been seen at a peer; when all have been, there is nothing more to hide. */
  #spread(session: PeerSession, piece: number, { superSeeding, uploads }: Started): void {
    if (superSeeding === undefined || superSeeding.isOver) return
    superSeeding.peerHas(session, piece, this.#sessions.values())
    if (!superSeeding.isOver) return
    uploads.slots = this.#options.uploads.slots
    for (const other of this.#sessions.values()) this.#tellHaves(other)
  }

  choke(session: PeerSession, choking: boolean): void {
    session.peerChoking = choking
    if (choking) this.#started?.requests.choked(session)
  }

  interest(session: PeerSession, interested: boolean): void {
    if (session.peerInterested === interested) return
    session.peerInterested = interested
    if (interested) this.#started?.uploads.interested(session, this.#now)
    else this.#started?.uploads.notInterested(session, this.#now)
  }

  request(session: PeerSession, piece: number, begin: number, length: number): string | undefined {
    return this.#started?.uploads.requested(session, piece, begin, length)
  }

  cancel(session: PeerSession, piece: number, begin: number, length: number): void {
    this.#started?.uploads.cancelled(session, piece, begin, length)
  }

  reject(session: PeerSession, piece: number, begin: number): void {
    this.#started?.requests.rejected(session, piece, begin)
  }

  allowedFast(session: PeerSession, piece: number): void {
    if (session.allowedFast.size < ALLOWED_FAST_MAX) session.allowedFast.add(piece)
  }

  /** BEP 5: the peer's DHT node is of no use to one torrent alone. */
  port(): void {}

  extended(session: PeerSession, id: number, payload: Uint8Array): string | undefined {
    if (id === 0) return this.#extensionHandshakeCame(session, payload)
    if (id === OUR_EXTENSION_IDS.ut_metadata) {
      const bytes = this.#metadata.received(session, payload)
      if (bytes !== undefined) this.#metadataCame(bytes)
      return undefined
    }
    if (id === OUR_EXTENSION_IDS.ut_pex) {
      if (this.#info === undefined || this.#info.private) return undefined
      const peers = receivePex(session, payload, this.#now)
      if (typeof peers === 'string') return peers
      for (const peer of peers) this.candidates.add(peer, 'pex')
      return undefined
    }
    if (id === OUR_EXTENSION_IDS.lt_donthave && payload.length === 4) {
      this.#started?.pieces.lost(
        session,
        ((payload[0] << 24) | (payload[1] << 16) | (payload[2] << 8) | payload[3]) >>> 0,
      )
    }
    if (id === OUR_EXTENSION_IDS.upload_only) {
      session.uploadOnly = payload[0] !== 0
      if (session.uploadOnly) this.#partFromSeed(session)
    }
    return undefined
  }

  #extensionHandshakeCame(session: PeerSession, payload: Uint8Array): string | undefined {
    const handshake = decodeExtensionHandshake(payload)
    if (handshake === undefined) return 'peer-bad-extension-handshake'
    if (++session.extensionHandshakes > EXTENSION_HANDSHAKES_MAX) return 'peer-extension-flood'
    session.handshake = handshake
    if (handshake.uploadOnly) session.uploadOnly = true
    if (session.origin.incoming && handshake.port !== undefined) {
      this.candidates.connected({ host: session.origin.host, port: handshake.port })
    }
    if (session.uploadOnly) this.#partFromSeed(session)
    return undefined
  }

  #metadataCame(bytes: Uint8Array): void {
    const info = parseTorrentInfo(bytes)
    if (!info.ok) {
      // Its hash is right, so that no other bytes will ever do.
      for (const session of this.#sessions.values()) this.#disconnect(session, info.code)
      return
    }
    this.#info = info.value
    this.#effects.push({ type: 'metadata', info: info.value })
  }

  hashRequest(session: PeerSession, range: HashRange): void {
    const started = this.#started
    if (started === undefined) session.out.hashReject(range)
    else started.layers.requested(session, range)
  }

  hashes(session: PeerSession, message: HashesMessage): void {
    if (this.#started?.layers.received(session, message)) {
      this.#effects.push({ type: 'layers' })
      this.fillAll(this.#now)
    }
  }

  hashReject(session: PeerSession, range: HashRange): void {
    this.#started?.layers.refused(session, range)
  }

  blockStarts(session: PeerSession, piece: number, begin: number, length: number): string | undefined {
    return this.#started === undefined
      ? 'peer-unrequested-block'
      : this.#started.requests.blockStarts(session, piece, begin, length)
  }

  blockBytes(session: PeerSession, source: Uint8Array, start: number, end: number): void {
    this.#started!.requests.blockBytes(session, source, start, end)
  }

  blockEnds(session: PeerSession): void {
    this.download.add(session.arriving!.filled, this.#now)
    this.#started!.requests.blockEnds(session, this.#now)
  }
}
