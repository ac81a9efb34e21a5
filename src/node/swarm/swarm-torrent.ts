import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { equalBytes, toHex } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import { formatMagnet } from '../../bittorrent/metainfo/magnet.ts'
import type { PieceLayers } from '../../bittorrent/metainfo/piece-layers.ts'
import { PIECE_BLOCK_BYTES, PieceMap } from '../../bittorrent/metainfo/piece-map.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import { expectedHashes } from '../../bittorrent/storage/expected-hashes.ts'
import { PieceAssembler, type StorageEffect } from '../../bittorrent/storage/piece-assembler.ts'
import type { Infohashes } from '../../bittorrent/swarm/metadata-transfer.ts'
import type { PeerSession } from '../../bittorrent/swarm/peer-session.ts'
import { Torrent } from '../../bittorrent/swarm/torrent.ts'
import type { StoredPieces, TorrentEffect, TorrentOptions } from '../../bittorrent/swarm/torrent-options.ts'
import type { UploadRun } from '../../bittorrent/swarm/uploads.ts'
import type { TrackerStatus } from '../../bittorrent/tracker/announcer.ts'
import { Bitfield } from '../../bittorrent/wire/bitfield.ts'
import type { PeerAddress } from '../../bittorrent/wire/compact-peers.ts'
import { freeBytes } from './disk-room.ts'
import { FileReaders } from './file-readers.ts'
import { hashLeaves } from './hash-leaves.ts'
import { inspectFiles } from './inspect-files.ts'
import { nodeBulkHash } from './node-bulk-hash.ts'
import { RateLimiter } from './rate-limiter.ts'
import { ResumeStore } from './resume-store.ts'
import { TorrentAnnounces } from './torrent-announces.ts'
import { diskError, TorrentFiles } from './torrent-files.ts'
import type { PeerLink, SwarmTorrentOptions, TorrentEvents, TorrentHost, TorrentState } from './torrent-host.ts'
import { TorrentProgress } from './torrent-progress.ts'
import { verifiedPieces } from './verified-pieces.ts'
import { type WebSeedStatus, WebSeeds } from './web-seeds.ts'

/** How long trackers may take to hear that we go. */
const GOODBYE_MS = 1000
/** How often progress is made durable. */
const SAVE_MS = 10_000
/** How often a full disk is looked at, and how much room there must be to go on: all that is missing, within reason. */
const ROOM_CHECK_MS = 2000
const ROOM_BYTES_MIN = 256 * 1024
const ROOM_BYTES_MAX = 64 * 1024 * 1024

/** One torrent: its core, its storage, and its files. */
export class SwarmTorrent extends EventEmitter<TorrentEvents> {
  readonly core: Torrent
  readonly connections = new Map<number, PeerLink>()
  readonly uploadLimiter: RateLimiter
  readonly downloadLimiter: RateLimiter
  readonly #host: TorrentHost
  readonly #options: SwarmTorrentOptions
  readonly #resume: ResumeStore
  readonly #announces: TorrentAnnounces
  readonly #webSeeds: WebSeeds
  #files: TorrentFiles | undefined
  #map: PieceMap | undefined
  #assembler: PieceAssembler | undefined
  #state: TorrentState = 'metadata'
  #error: OperationError | undefined
  #settling = false
  #readersPaused = false
  #diskWork = 0
  readonly #progress: TorrentProgress
  #readers: FileReaders | undefined
  #savedAt = 0
  /** When to look for room on a full disk again; `undefined` while there is some. */
  #nextRoomCheck: number | undefined

  constructor(
    host: TorrentHost,
    hashes: Infohashes,
    torrentOptions: TorrentOptions,
    options: SwarmTorrentOptions,
    info?: TorrentInfo,
    layers?: PieceLayers,
  ) {
    super()
    this.#host = host
    this.#options = options
    this.uploadLimiter = new RateLimiter(options.uploadLimit ?? Number.POSITIVE_INFINITY, host.now())
    this.downloadLimiter = new RateLimiter(options.downloadLimit ?? Number.POSITIVE_INFINITY, host.now())
    const superSeed = options.superSeed ?? false
    this.core = new Torrent(hashes, { ...torrentOptions, superSeed }, host.random, info, layers)
    this.#resume = new ResumeStore(join(host.stateFolder, `${this.infohash}.resume`))
    this.#progress = new TorrentProgress(this.#resume, error => this.#diskFailed(diskError(error, host.stateFolder)))
    this.#announces = new TorrentAnnounces(this, host, options.trackers ?? [])
    this.#webSeeds = new WebSeeds(this, host, options.webSeeds ?? [])
    // A failure is kept as a state, too; nobody has to listen for it.
    this.on('error', () => {})
  }

  /** The infohash by which it goes in handshakes, in hex. */
  get infohash(): string {
    return toHex(this.core.wireInfohash)
  }

  get info(): TorrentInfo | undefined {
    return this.core.info
  }

  get state(): TorrentState {
    return this.#state
  }

  /** Why it stands still, in the state `error`. */
  get error(): OperationError | undefined {
    return this.#error
  }

  /** Where its files are. */
  get folder(): string {
    return this.#options.folder
  }

  get magnet(): string {
    const { v1: infohashV1, v2: infohashV2 } = this.core.infohashes
    return formatMagnet({ infohashV1, infohashV2, displayName: this.info?.name })
  }

  /** Whether sockets should not be read at present. */
  get isFull(): boolean {
    return this.#assembler?.isFull ?? false
  }

  isFor(infohash: Uint8Array): boolean {
    const { v1, v2 } = this.core.infohashes
    return (
      (v1 !== undefined && equalBytes(v1, infohash)) || (v2 !== undefined && equalBytes(v2.subarray(0, 20), infohash))
    )
  }

  /** What a peer is known by when it misbehaves. On one machine, or behind one router, hosts do not tell peers apart. */
  identityOf({ host }: PeerAddress, peerId: Uint8Array): string {
    return /^(127\.|::1$|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|fe80:|f[cd])/.test(host)
      ? `${host}/${toHex(peerId)}`
      : host
  }

  #setState(state: TorrentState): void {
    if (this.#state === state || this.#state === 'closed') return
    this.#state = state
    this.emit('state', state)
  }

  /** Opens the files, once it is known which. */
  async open(): Promise<void> {
    const info = this.core.info
    if (info === undefined) return
    this.#setState('checking')
    const map = new PieceMap(info)
    this.#map = map
    this.#files = new TorrentFiles(info, map, this.#options.folder, this.#partsPath)
    const unwanted = this.#unwantedFiles(info)
    this.#files.setUnwanted(unwanted)
    try {
      const stored = await this.#inspect(info, map, unwanted)
      if (this.#state === 'closed') return
      this.#start(info, map, stored, unwanted)
      await this.#files.createEmpty()
    } catch (error) {
      this.fail(error)
    }
  }

  /** Where bytes lie that belong to files nobody asked for. */
  get #partsPath(): string {
    return join(this.#host.stateFolder, `${this.infohash}.parts`)
  }

  #unwantedFiles(info: TorrentInfo): Set<number> {
    const unwanted = new Set<number>()
    info.files.forEach((file, index) => {
      if (file.padding) return
      // The torrent's own folder is no part of what people choose by.
      const path = file.path.slice(info.singleFile ? 0 : 1).join('/')
      if (this.#options.only !== undefined && !this.#options.only(path, index)) unwanted.add(index)
    })
    return unwanted
  }

  #start(info: TorrentInfo, map: PieceMap, stored: StoredPieces, unwanted: ReadonlySet<number>): void {
    const expected = (piece: number) => expectedHashes(info, map, this.core.layers, piece)
    const assembler = new PieceAssembler(map, nodeBulkHash, expected, this.#host.blockPool)
    this.#assembler = assembler
    this.core.start(stored, assembler, this.#host.now())
    if (this.#host.downloadLimiter.isLimited || this.downloadLimiter.isLimited) this.core.downloadAllowance = 0
    this.core.picker!.setSequential(this.#options.sequential ?? false)
    if (unwanted.size > 0) this.#applySelection(info, map, unwanted)
    for (const [piece, blocks] of stored.partial) {
      if (expected(piece) !== undefined) assembler.restoreBlocks(piece, blocks)
    }
    this.#setState(this.core.isDone ? 'seeding' : 'downloading')
    this.settle()
    this.core.fillAll(this.#host.now())
    this.settle()
  }

  #applySelection(info: TorrentInfo, map: PieceMap, unwanted: ReadonlySet<number>): void {
    const wantedPieces = new Set<number>()
    info.files.forEach((file, index) => {
      const range = file.padding || unwanted.has(index) ? undefined : map.piecesOfFile(index)
      if (range === undefined) return
      for (let piece = range[0]; piece <= range[1]; piece++) wantedPieces.add(piece)
    })
    const changes: { piece: number; priority: number }[] = []
    for (let piece = 0; piece < map.pieceCount; piece++) {
      if (!wantedPieces.has(piece)) changes.push({ piece, priority: 0 })
    }
    this.core.setPriorities(changes, this.#host.now())
  }

  async #inspect(info: TorrentInfo, map: PieceMap, unwanted: ReadonlySet<number>): Promise<StoredPieces> {
    const files = this.#files!
    if (this.#options.trustFiles) {
      const have = new Bitfield(map.pieceCount)
      have.fill()
      return { have, partial: new Map() }
    }
    const partsPath = this.#partsPath
    const locate = (file: number, fileOffset: number, position: number) =>
      unwanted.has(file) ? { path: partsPath, offset: position } : { path: files.path(file), offset: fileOffset }
    const target = { info, map, layers: this.core.layers, locate }
    const stored = await inspectFiles(target, files, this.#resume, this.#host.hashPool, (done, total) => {
      this.emit('checked', done, total)
    })
    this.#progress.restore(stored.partial)
    return stored
  }

  /** Something in the world failed: it stands still, and says why. */
  fail(cause: unknown): void {
    if (this.#state === 'closed') return
    const error =
      cause instanceof OperationError
        ? cause
        : new OperationError('internal-error', (cause as Error).message, { cause })
    this.#error = error
    this.core.paused = true
    this.#setState('error')
    this.emit('error', error)
  }

  /** Changes this torrent's own limits, in bytes a second; `Infinity` for none. */
  setLimits(limits: { readonly upload?: number; readonly download?: number }): void {
    if (limits.upload !== undefined) this.uploadLimiter.setLimit(limits.upload)
    if (limits.download !== undefined) this.downloadLimiter.setLimit(limits.download)
    this.#host.limitsChanged()
  }

  /** Stops asking for more; peers are still served. */
  pause(): void {
    this.core.paused = true
    this.#nextRoomCheck = undefined
    this.#setState('paused')
  }

  /** A full disk is no end: it waits until there is room, and says so. */
  #diskFailed(error: OperationError): void {
    if (error.code !== 'disk-full') {
      this.fail(error)
      return
    }
    if (this.#state === 'closed' || this.#nextRoomCheck !== undefined) return
    this.pause()
    this.#error = error
    this.#nextRoomCheck = this.#host.now() + ROOM_CHECK_MS
    this.emit('waiting', error)
  }

  async #lookForRoom(): Promise<void> {
    this.#nextRoomCheck = this.#host.now() + ROOM_CHECK_MS
    const wanted = Math.min(this.leftBytes, ROOM_BYTES_MAX) + ROOM_BYTES_MIN
    const folders = [this.folder, this.#host.stateFolder]
    const free = await Promise.all(folders.map(folder => freeBytes(folder))).catch(() => [0])
    if (this.#nextRoomCheck !== undefined && this.#state === 'paused' && Math.min(...free) >= wanted) this.resume()
  }

  /** Goes on after `pause`, or after the cause of an error is mended. */
  resume(): void {
    this.#error = undefined
    this.#nextRoomCheck = undefined
    this.core.paused = false
    if (!this.core.isStarted) this.#setState('metadata')
    else this.#setState(this.core.isDone ? 'seeding' : 'downloading')
    this.core.fillAll(this.#host.now())
    this.settle()
  }

  // ── peers ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  joined(connection: PeerLink, session: PeerSession): void {
    this.connections.set(session.id, connection)
    this.emit('peer', connection.address, 'joined', '')
  }

  left(connection: PeerLink, code: string): void {
    const { session } = connection
    if (session === undefined || !this.connections.delete(session.id)) return
    this.core.left(session, this.#host.now())
    this.emit('peer', connection.address, 'left', code)
    this.core.fillAll(this.#host.now())
    this.settle()
  }

  /** How its trackers fare. */
  get trackers(): readonly TrackerStatus[] {
    return this.#announces.status
  }

  get webSeeds(): readonly WebSeedStatus[] {
    return this.#webSeeds.status
  }

  /** Bytes of wanted pieces that are missing. */
  get leftBytes(): number {
    const { picker, map } = this.core
    // BEP 3: nobody knows before the metadata is there; zero would say that we seed.
    if (picker === undefined || map === undefined) return 1
    let left = 0
    if (!picker.isDone)
      for (let piece = 0; piece < picker.pieceCount; piece++) if (picker.isMissing(piece)) left += map.dataSize(piece)
    return left
  }

  tick(now: number): void {
    // Ten thousand torrents that nobody asks for should cost nothing.
    if (this.#state === 'seeding' && this.connections.size === 0 && !this.#progress.isBehind) {
      this.#announces.tick(now)
      return
    }
    this.core.onTick(now)
    this.#webSeeds.tick(now)
    this.settle()
    if (this.#state !== 'checking' && this.#state !== 'closed' && this.#state !== 'error') this.#announces.tick(now)
    if (this.#nextRoomCheck !== undefined && now >= this.#nextRoomCheck) void this.#lookForRoom()
    if (this.#progress.isBehind && now - this.#savedAt > SAVE_MS) void this.save()
  }

  /** Carries out what the cores decided, and sends what they have to say. */
  settle(): void {
    if (this.#settling) return
    this.#settling = true
    for (;;) {
      const storage = this.#assembler?.takeEffects() ?? []
      for (const effect of storage) this.#carryOut(effect)
      const effects = this.core.takeEffects()
      for (const effect of effects) {
        if (effect.type === 'disconnect') this.connections.get(effect.session.id)?.close(effect.code)
        else if (effect.type === 'ban') this.emit('ban', effect.identity, effect.code)
        else if (effect.type === 'piece') this.emit('piece', effect.piece)
        else if (effect.type === 'leaves') void this.#hashLeaves(effect)
        else if (effect.type === 'metadata') this.#metadataCame(effect.info)
        else if (effect.type === 'done') this.#becameDone()
      }
      if (storage.length === 0 && effects.length === 0) break
    }
    this.#settling = false
    for (const connection of this.connections.values()) connection.flush()
    if (this.#readersPaused !== this.isFull) {
      this.#readersPaused = this.isFull
      for (const connection of this.connections.values()) {
        if (this.isFull) connection.pauseReading()
        else connection.resumeReading()
      }
      if (!this.isFull) this.core.fillAll(this.#host.now())
    }
  }

  #metadataCame(info: TorrentInfo): void {
    this.emit('metadata', info)
    void this.open()
  }

  #becameDone(): void {
    this.#announces.completed()
    if (this.#state === 'downloading' || this.#state === 'checking') this.#setState('seeding')
    // Being done means verified; `close` waits until it is durable, too.
    void this.save()
    this.emit('done')
  }

  #carryOut(effect: StorageEffect): void {
    const now = this.#host.now()
    if (effect.type === 'write') void this.#write(effect)
    else if (effect.type === 'read') void this.#readBack(effect)
    else if (effect.type === 'verified') this.core.pieceVerified(effect.piece, effect.digests, now)
    else {
      this.#progress.drop(effect.piece)
      this.core.pieceFailed(effect.piece, effect.digests, now)
    }
  }

  async #write(effect: StorageEffect & { type: 'write' }): Promise<void> {
    const { piece, firstBlock, buffers } = effect
    const views = buffers.map((buffer, i) => buffer.subarray(0, this.#map!.blockSize(piece, firstBlock + i)))
    this.#diskWork++
    try {
      await this.#files!.write(piece * this.#map!.pieceLength + firstBlock * PIECE_BLOCK_BYTES, views)
      this.#progress.note({ piece, firstBlock, blockCount: buffers.length })
      this.#assembler!.written(effect, true)
    } catch (error) {
      // First it stops asking, so that what is given up now is not asked for again at once.
      this.#diskFailed(diskError(error, this.folder))
      this.#assembler!.written(effect, false)
    }
    this.#diskWork--
    this.settle()
  }

  async #readBack(effect: StorageEffect & { type: 'read' }): Promise<void> {
    const { piece, firstBlock, blockCount } = effect
    const start = firstBlock * PIECE_BLOCK_BYTES
    const end = Math.min(this.#map!.dataSize(piece), start + blockCount * PIECE_BLOCK_BYTES)
    const bytes = new Uint8Array(end - start)
    const isThere = await this.#files!.read(piece * this.#map!.pieceLength + start, [bytes]).catch(() => false)
    this.#assembler!.readBack(piece, isThere ? bytes : undefined)
    this.settle()
  }

  async #hashLeaves({ session, range, span }: TorrentEffect & { type: 'leaves' }): Promise<void> {
    this.core.leavesHashed(session, range, await hashLeaves(this.info!, this.#files!, span))
    this.settle()
  }

  /** Fills the views with blocks for a peer; false where the files do not have them any more. */
  async readForPeer(run: UploadRun, views: readonly Uint8Array[]): Promise<boolean> {
    const isThere = await this.#files!.read(run.piece * this.#map!.pieceLength + run.begin, views).catch(() => false)
    if (!isThere && this.#state !== 'closed') {
      this.core.pieceLost(run.piece, this.#host.now())
      this.settle()
    }
    return isThere
  }

  /** Makes progress durable. */
  async save(): Promise<void> {
    const { picker, info } = this.core
    if (picker === undefined || info === undefined || this.#files === undefined) return
    this.#savedAt = this.#host.now()
    await this.#progress.save(info, picker.have, this.#files)
  }

  /** Resolves once all that is wanted is there and verified; `close` makes it durable. */
  async done(): Promise<void> {
    if (this.#state === 'seeding') return
    if (this.#state === 'error') throw this.#error!
    await new Promise<void>((resolve, reject) => {
      this.once('done', resolve)
      this.once('error', reject)
    })
  }

  /** The pieces in the order in which they are verified, those that are there already first; ends when all is there. */
  pieces(): AsyncGenerator<number, void, void> {
    return verifiedPieces(this)
  }

  /**
   * The bytes of a file from `start` up to `end` as they become available; what is missing is fetched first.
   *
   * @param file index into the torrent's files
   */
  readFile(file: number, start: number, end: number, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    this.#readers ??= new FileReaders(this, this.#files!)
    return this.#readers.read(file, start, end, signal)
  }

  /** Asks peers for what has become more urgent, or possible. */
  askForMore(): void {
    this.core.fillAll(this.#host.now())
    this.settle()
  }

  /** Stops: peers are left, progress is made durable, files are closed. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    for (const connection of [...this.connections.values()]) connection.close('closing')
    const goodbye = this.#announces.goodbye()
    this.#assembler?.flushAll()
    this.settle()
    await this.#idle()
    await this.save()
    this.#setState('closed')
    this.#progress.close()
    await this.#files?.close()
    // A tracker that does not answer must not hold anybody up.
    await Promise.race([goodbye, new Promise(resolve => setTimeout(resolve, GOODBYE_MS).unref())])
  }

  /** Resolves when no write is under way. */
  async #idle(): Promise<void> {
    while (this.#diskWork > 0) await new Promise(resolve => setImmediate(resolve))
  }

  /** Forgets what was remembered about it; the files stay. */
  async forget(): Promise<void> {
    await this.close()
    await this.#resume.remove()
    await this.#files?.removeParts()
  }
}
