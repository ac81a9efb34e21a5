import { compareBytes, equalBytes } from '../../base/bytes/bytes.ts'
import { invariant } from '../../base/errors.ts'
import type { Random } from '../../base/ports/random.ts'
import type { PieceLayers } from '../metainfo/piece-layers.ts'
import type { PieceMap } from '../metainfo/piece-map.ts'
import { parseTorrentInfo, type TorrentInfo } from '../metainfo/torrent-info.ts'
import type { PiecePicker } from '../picker/piece-picker.ts'
import { Bitfield } from '../wire/bitfield.ts'
import { encodeExtensionHandshake } from '../wire/extensions.ts'
import type { Handshake } from '../wire/handshake.ts'
import type { HashesMessage, HashRange } from '../wire/hash-messages.ts'
import { Candidates } from './candidates.ts'
import { type ExtensionHost, receiveExtension } from './extension-messages.ts'
import { introduce, ownHandshake, tellHaves, wireInfohash } from './introduction.ts'
import { type Infohashes, knownInfohashes, MetadataTransfer } from './metadata-transfer.ts'
import { sendPex } from './peer-exchange.ts'
import { type PiecesSaid, rememberPieces } from './peer-pieces.ts'
import { PeerSession, type SessionOrigin } from './peer-session.ts'
import { RateMeter } from './rate-meter.ts'
import type { BlockSink } from './requests.ts'
import type { SessionEvents } from './session-sink.ts'
import { StartedParts } from './started-parts.ts'
import type { StoredPieces, TorrentEffect, TorrentOptions } from './torrent-options.ts'
import type { UploadRun } from './uploads.ts'

/** A peer may tell of so many allowed-fast pieces. */
const ALLOWED_FAST_MAX = 100
const TICK_MS = 1000

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
  /** Made for the first message; thousands of torrents never get one. */
  #extensions: ExtensionHost | undefined
  readonly #banned = new Set<string>()
  #info: TorrentInfo | undefined
  #givenLayers: PieceLayers
  #started: StartedParts | undefined
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

  #extensionHost(): ExtensionHost {
    const isPublic = () => this.#info?.private === false
    return {
      metadata: this.#metadata,
      candidates: this.candidates,
      listenPort: this.#options.listenPort,
      get exchangesPeers() {
        return isPublic()
      },
      metadataCame: bytes => this.#metadataCame(bytes),
      peerLost: (session, piece) => this.#started?.pieces.lost(session, piece),
      peerOnlyGives: session => this.#partFromSeed(session),
    }
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

  get wireInfohash(): Uint8Array {
    return wireInfohash(this.infohashes)
  }

  /** The handshake that we send: first (by an infohash of our choice, or the usual one), or in answer to one. */
  handshake(answering: Pick<Handshake, 'infohash' | 'v2'> = { infohash: this.wireInfohash, v2: false }): Uint8Array {
    return ownHandshake(knownInfohashes(this.infohashes, this.#info), this.#options.peerId, answering)
  }

  /** The storage is ready: pieces can be asked for and served from now on. */
  start(stored: StoredPieces, sink: BlockSink, now: number): void {
    const info = this.#info
    invariant(info !== undefined && this.#started === undefined, 'a torrent starts once, and knows its files then')
    this.#now = now
    const parts = {
      info,
      layers: this.#givenLayers,
      sessions: this.#sessions,
      options: this.#options,
      random: this.#random,
    }
    const started = new StartedParts(parts, stored, sink, {
      seedFound: session => this.#partFromSeed(session),
      ban: (identity, code) => this.#ban(identity, code),
      askForMore: () => this.fillAll(this.#now),
    })
    this.#started = started
    const { map, picker, pieces } = started
    for (let piece = 0; piece < map.pieceCount; piece++) if (stored.have.has(piece)) picker.restore(piece)
    for (const [piece, blocks] of stored.partial) picker.restoreBlocks(piece, blocks)
    for (const session of this.#sessions.values()) {
      const code = pieces.applyEarly(session)
      if (code === undefined) tellHaves(session, picker.have)
      else this.#disconnect(session, code)
    }
    if (picker.isDone) this.#effects.push({ type: 'done' })
  }

  /** A peer has shaken hands. Returns its session, or why it is not welcome. */
  join(handshake: Handshake, origin: SessionOrigin, now: number): PeerSession | string {
    this.#now = now
    const { v1, v2 } = knownInfohashes(this.infohashes, this.#info)
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

  #introduce(session: PeerSession, { picker, superSeeding }: StartedParts): void {
    if (superSeeding === undefined || superSeeding.isOver) {
      introduce(session, picker.have, this.wireInfohash)
      return
    }
    if (session.fast) session.out.haveNone()
    superSeeding.offer(session)
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
    if (session.peerInterested) started.uploads.placeIsFree(now)
    started.spoilt.gone(session, now)
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
    else {
      if (!started.layers.isComplete) started.layers.fill(session, this.#now)
      started.spoilt.fill(session, this.#now)
      if (started.layers.canJudge) started.requests.fill(session, this.#now)
    }
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
    started?.layers.tick(now)
    started?.spoilt.review(now)
    started?.superSeeding?.tick(now)
    started?.uploads.tick(started.picker.isDone, now)
  }

  /** A piece is right and can be served. */
  pieceVerified(piece: number, digests: Uint8Array | undefined, now: number): void {
    this.#now = now
    const { picker, pieces, spoilt } = this.#started!
    spoilt.verified(piece, digests)
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
    this.#started!.spoilt.failed(piece, digests, now)
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

  hasPieces(session: PeerSession, pieces: PiecesSaid): string | undefined {
    if (this.#started === undefined) return rememberPieces(session, pieces, this.#sessions.values())
    const code = this.#started.pieces.said(session, pieces)
    if (code === undefined) this.#spread(session, this.#started)
    return code
  }

  hasPiece(session: PeerSession, piece: number): string | undefined {
    if (this.#started === undefined) return rememberPieces(session, piece, this.#sessions.values())
    const code = this.#started.pieces.has(session, piece)
    if (code === undefined) this.#spread(session, this.#started)
    return code
  }

  /** BEP 16: pieces have been seen at a peer; when all have been, there is nothing more to hide. */
  #spread(session: PeerSession, { superSeeding, uploads, picker }: StartedParts): void {
    if (superSeeding === undefined || superSeeding.isOver) return
    superSeeding.peerHas(session, this.#sessions.values(), this.#now)
    if (!superSeeding.isOver) return
    uploads.slots = this.#options.uploads.slots
    for (const other of this.#sessions.values()) tellHaves(other, picker.have)
  }

  choke(session: PeerSession, choking: boolean): void {
    session.peerChoking = choking
    if (choking) this.#started?.requests.choked(session, this.#now)
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
    this.#started?.requests.rejected(session, piece, begin, this.#now)
  }

  allowedFast(session: PeerSession, piece: number): void {
    if (session.allowedFast.size < ALLOWED_FAST_MAX) session.allowedFast.add(piece)
  }

  extended(session: PeerSession, id: number, payload: Uint8Array): string | undefined {
    this.#extensions ??= this.#extensionHost()
    return receiveExtension(this.#extensions, session, id, payload, this.#now)
  }

  #metadataCame(bytes: Uint8Array): void {
    const info = parseTorrentInfo(bytes)
    if (!info.ok) {
      this.#effects.push({ type: 'invalid', code: info.code })
      for (const session of this.#sessions.values()) this.#disconnect(session, info.code)
      return
    }
    this.#info = info.value
    this.#effects.push({ type: 'metadata', info: info.value })
  }

  hashRequest(session: PeerSession, range: HashRange): void {
    const started = this.#started
    if (started === undefined) session.out.hashReject(range)
    const span = started?.layers.requested(session, range, started.picker.have, this.#now)
    if (span !== undefined) this.#effects.push({ type: 'leaves', session, range, span })
  }

  /** The leaves that an effect asked for have been hashed; `undefined` where the data is not there any more. */
  leavesHashed(session: PeerSession, range: HashRange, leaves: Uint8Array | undefined): void {
    session.leafAnswers--
    if (!session.closed) this.#started!.layers.answer(session, range, this.#now, leaves)
  }

  hashes(session: PeerSession, message: HashesMessage): void {
    this.#started?.spoilt.hashes(session, message, this.#now)
    if (this.#started?.layers.received(session, message)) {
      this.#effects.push({ type: 'layers' })
      this.fillAll(this.#now)
    }
  }

  hashReject(session: PeerSession, range: HashRange): void {
    this.#started?.layers.refused(session, range, this.#now)
    this.#started?.spoilt.refused(session, range, this.#now)
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
