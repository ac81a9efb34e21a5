import { EventEmitter } from 'node:events'
import { equalBytes, toHex } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import { formatMagnet } from '../../bittorrent/metainfo/magnet.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import { type Infohashes, knownInfohashes } from '../../bittorrent/swarm/metadata-transfer.ts'
import type { PeerSession } from '../../bittorrent/swarm/peer-session.ts'
import { Torrent } from '../../bittorrent/swarm/torrent.ts'
import type { TorrentOptions } from '../../bittorrent/swarm/torrent-options.ts'
import type { UploadRun } from '../../bittorrent/swarm/uploads.ts'
import type { TrackerStatus } from '../../bittorrent/tracker/announcer.ts'
import { allocateFiles } from './allocate-files.ts'
import { RoomWait } from './disk-room.ts'
import type { FilePlaces, Places } from './file-places.ts'
import { FileReaders } from './file-readers.ts'
import { unwantedPieces } from './file-selection.ts'
import { forgetState } from './forget-state.ts'
import { type LimitChange, TorrentLimits } from './limits.ts'
import { FileMoves } from './move-files.ts'
import { filesUnknown, invalidTorrent, type OpenedFiles, openFiles, StatePaths } from './open-files.ts'
import { ResumeStore } from './resume-store.ts'
import { TorrentAnnounces } from './torrent-announces.ts'
import { diskError, type TorrentFiles } from './torrent-files.ts'
import type {
  PeerLink,
  SwarmTorrentOptions,
  TorrentEvents,
  TorrentHost,
  TorrentSource,
  TorrentState,
} from './torrent-host.ts'
import { TorrentLinks } from './torrent-links.ts'
import { TorrentProgress } from './torrent-progress.ts'
import { type StorageOwner, TorrentStorage } from './torrent-storage.ts'
import { allVerified, verifiedPieces } from './verified-pieces.ts'
import { wantedBytes } from './wanted-bytes.ts'
import { type WebSeedStatus, WebSeeds } from './web-seeds.ts'

/** How often progress is made durable. */
const SAVE_MS = 10_000

/** One torrent: its core, its storage, and its files. Its events are {@link TorrentEvents}. */
export class SwarmTorrent extends EventEmitter<TorrentEvents> {
  readonly core: Torrent
  readonly limits: TorrentLimits
  readonly #host: TorrentHost
  readonly #options: SwarmTorrentOptions
  readonly #resume: ResumeStore
  readonly #announces: TorrentAnnounces
  readonly #webSeeds: WebSeeds
  readonly #paths: StatePaths
  readonly #room = new RoomWait()
  readonly #links = new TorrentLinks()
  readonly #moves = new FileMoves()
  #opened: OpenedFiles | undefined
  #isOpening = false
  #isHeld: boolean
  #storage: TorrentStorage | undefined
  #state: TorrentState = 'metadata'
  #error: OperationError | undefined
  #settling = false
  readonly #progress: TorrentProgress
  #readers: FileReaders | undefined
  #savedAt = 0

  constructor(host: TorrentHost, source: TorrentSource, torrentOptions: TorrentOptions, options: SwarmTorrentOptions) {
    super()
    this.#host = host
    this.#options = options
    this.limits = new TorrentLimits(
      { upload: options.uploadLimit, download: options.downloadLimit },
      host.limits,
      host.now(),
    )
    const superSeed = options.superSeed ?? false
    const { hashes, info, layers } = source
    this.core = new Torrent(hashes, { ...torrentOptions, superSeed }, host.random, info, layers)
    this.#paths = new StatePaths(host.stateFolder, this.infohash)
    this.#resume = new ResumeStore(this.#paths.resume, host.openFiles)
    this.#isHeld = this.core.paused = options.paused ?? false
    this.#progress = new TorrentProgress(this.#resume, error => this.#diskFailed(diskError(error, host.stateFolder)))
    this.#announces = new TorrentAnnounces(this, host, source)
    this.#webSeeds = new WebSeeds(this, host, source)
    if (this.#isHeld) this.#setState('paused')
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

  /** Why it stands still, in the states `error` and `paused`; `undefined` where somebody has paused it. */
  get error(): OperationError | undefined {
    return this.#error
  }

  /** Its peers, by the number of their session. */
  get connections(): ReadonlyMap<number, PeerLink> {
    return this.#links.all
  }

  /** Where its files are. */
  get folder(): string {
    return this.places?.folder ?? this.#options.folder
  }

  /** Where each of its files is; `undefined` while that is not known. */
  get places(): FilePlaces | undefined {
    return this.#opened?.files.places
  }

  /** Whether somebody has paused or closed it: peers are neither called nor served. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Whether peers are to be called. */
  get wantsPeers(): boolean {
    return !this.#isHeld && !['closed', 'checking', 'allocating'].includes(this.#state)
  }

  get #files(): TorrentFiles | undefined {
    return this.#opened?.files
  }

  get magnet(): string {
    const { v1: infohashV1, v2: infohashV2 } = this.infohashes
    return formatMagnet({ infohashV1, infohashV2, displayName: this.info?.name })
  }

  /** Whether nobody is to be read from at present. */
  get isThrottled(): boolean {
    return this.#links.isThrottled
  }

  /** So many bytes of blocks have come from a peer, and whatever else it had to say. */
  received(bytes: number): void {
    this.limits.received(bytes, this.#host.now())
    this.settle()
  }

  /** v1's and v2's. A magnet link may have told but one of a hybrid's, by which it goes: what is in it has both. */
  get infohashes(): Infohashes {
    return knownInfohashes(this.core.infohashes, this.info)
  }

  isFor(infohash: Uint8Array): boolean {
    const { v1, v2 } = this.infohashes
    return [v1, v2].some(known => known !== undefined && equalBytes(known.subarray(0, 20), infohash))
  }

  #setState(state: TorrentState): void {
    if (this.#state === state || this.#state === 'closed') return
    this.#state = state
    this.emit('state', state)
  }

  /** Opens the files, once it is known which. */
  async open(): Promise<void> {
    const info = this.core.info
    if (info === undefined || this.#isOpening || this.core.isStarted) return
    this.#isOpening = true
    this.#setState('checking')
    try {
      const opened = (this.#opened ??= await this.#findFiles(info))
      if (this.#options.preallocate && !this.#options.expectComplete && !this.isClosed) {
        this.#setState('allocating')
        await allocateFiles(opened, this.#moves.signal, this)
      }
      const { expectComplete, trustFiles } = this.#options
      // A disk that is full lets no file be made, not even an empty one.
      if (!this.isClosed) await opened.files.createEmpty(!expectComplete && !trustFiles)
      if (!this.isClosed) this.#start(info, opened)
    } catch (error) {
      this.#diskFailed(diskError(error, this.folder))
    } finally {
      this.#isOpening = false
    }
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  async #findFiles(info: TorrentInfo): Promise<OpenedFiles> {
    const opened = await openFiles({
      info,
      layers: this.core.layers,
      options: this.#options,
      paths: this.#paths,
      resume: this.#resume,
      hashPool: this.#host.hashPool,
      limit: this.#host.openFiles,
      moves: this.#moves,
      events: this,
    })
    this.#progress.restore(opened.stored.partial)
    return opened
  }

  #start(info: TorrentInfo, opened: OpenedFiles): void {
    const { stored, unwanted, target } = opened
    const now = this.#host.now()
    this.#storage = new TorrentStorage(this.#storageOwner(), opened)
    this.core.start(stored, this.#storage.assembler, now)
    if (this.limits.isDownloadLimited) this.core.downloadAllowance = 0
    this.core.picker!.setSequential(this.#options.sequential ?? false)
    if (unwanted.size > 0) this.core.setPriorities(unwantedPieces(info, target.map, unwanted), now)
    const missing = this.#storage.restore(this.#options.expectComplete ?? false)
    if (missing === undefined) this.#goOn()
    else this.fail(missing)
  }

  #storageOwner(): StorageOwner {
    return {
      core: this.core,
      host: this.#host,
      progress: this.#progress,
      isClosed: () => this.isClosed,
      settle: () => this.settle(),
      failed: error => this.#diskFailed(error),
    }
  }

  /** Takes up what it is to do. */
  #goOn(): void {
    this.#setState(this.#isHeld ? 'paused' : this.core.isDone ? 'seeding' : 'downloading')
    this.settle()
    this.core.fillAll(this.#host.now())
    this.settle()
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
    // It is kept as a state, too; nobody has to listen for it.
    if (this.listenerCount('error') > 0) this.emit('error', error)
  }

  /** Changes this torrent's own limits, in bytes a second; `Infinity` for none. */
  setLimits(change: LimitChange): void {
    this.limits.set(change, this.#host.now())
    this.#host.limitsChanged()
  }

  /** Parts from all peers until `resume`; what is there stays. */
  pause(): void {
    this.#isHeld = true
    this.core.paused = true
    this.#room.end()
    this.#links.closeAll('paused')
    void this.#announces.goodbye()
    // What failed is still to be mended; only `resume` says that it is.
    if (this.#state === 'error') return
    this.#error = undefined
    this.#setState('paused')
  }

  /** A full disk is no end: it waits until there is room, says so, and still serves what it has. */
  #diskFailed(error: OperationError): void {
    if (error.code !== 'disk-full') {
      this.fail(error)
      return
    }
    // What was an error before is one still, room or not.
    if (this.isClosed || this.#isHeld || this.#room.isWaiting || this.#state === 'error') return
    this.core.paused = true
    this.#error = error
    this.#room.begin(this.#host.now())
    this.#setState('paused')
    this.emit('waiting', error)
  }

  async #lookForRoom(): Promise<void> {
    const { totalBytes, doneBytes } = wantedBytes(this.core)
    const { stateFolder } = this.#host
    if (await this.#room.look(totalBytes - doneBytes, this.folder, stateFolder, this.#host.now())) this.resume()
  }

  /** Goes on after `pause`, or after the cause of an error is mended. */
  resume(): void {
    this.#error = undefined
    this.#isHeld = false
    this.#room.end()
    this.core.candidates.retry()
    if (!this.core.isStarted) {
      this.core.paused = false
      this.#setState('metadata')
      void this.open()
    } else if (this.#storage!.hasDoubts) void this.#reconsider()
    else {
      this.core.paused = false
      this.#goOn()
    }
  }

  /** What was changed may be as it was again. */
  async #reconsider(): Promise<void> {
    this.#setState('checking')
    await this.#storage!.reconsider()
    if (this.#state !== 'checking' || this.#storage!.isReconsidering) return
    this.core.paused = this.#isHeld
    this.#goOn()
  }

  /**
   * Moves the files to another folder while they are used; a crash on the way loses nothing.
   *
   * @throws OperationError `path-exists`, `disk-full`, `path-not-a-folder`, `torrent-busy`; all is where it was then
   */
  move(folder: string): Promise<void> {
    return this.#changePlaces(places => places.inFolder(folder))
  }

  /**
   * Renames a file or folder of the torrent on this disk; both paths begin with the torrent's own folder, or are the file's name.
   *
   * @throws OperationError `name-unsafe`, `path-exists`, `file-unknown`, `torrent-busy`
   */
  rename(from: string, to: string): Promise<void> {
    return this.#changePlaces(places => places.renamed(from, to))
  }

  async #changePlaces(choose: (places: FilePlaces) => Places): Promise<void> {
    if (!this.core.isStarted) throw filesUnknown()
    try {
      await this.#moves.move(this.#opened!, choose, this)
    } finally {
      if (this.#moves.failure !== undefined && !this.isClosed) this.fail(this.#moves.failure)
      this.settle()
      // To the system a move is a change of the files: who finds them after a crash is to know that it was ours.
      if (!this.isClosed) await this.save()
    }
  }

  // ── peers ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  joined(connection: PeerLink, session: PeerSession): void {
    this.#links.all.set(session.id, connection)
    this.emit('peer', connection.address, 'joined', '')
  }

  left(connection: PeerLink, code: string): void {
    const { session } = connection
    if (session === undefined || !this.#links.all.delete(session.id)) return
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

  tick(now: number): void {
    if (this.#storage?.relieve()) this.settle()
    if (this.#isHeld) {
      if (this.#progress.isBehind && now - this.#savedAt > SAVE_MS) void this.save()
      return
    }
    // Ten thousand torrents that nobody asks for should cost nothing.
    if (this.#state === 'seeding' && this.connections.size === 0 && !this.#progress.isBehind) {
      this.#announces.tick(now)
      return
    }
    this.core.onTick(now)
    this.#webSeeds.tick(now)
    this.settle()
    if (this.#state !== 'checking' && this.#state !== 'closed' && this.#state !== 'error') this.#announces.tick(now)
    if (this.#room.isDue(now)) void this.#lookForRoom()
    if (this.#progress.isBehind && now - this.#savedAt > SAVE_MS) void this.save()
  }

  /** Carries out what the cores decided, and sends what they have to say. */
  settle(): void {
    if (this.#settling) return
    this.#settling = true
    for (;;) {
      const storage = this.#storage?.assembler.takeEffects() ?? []
      for (const effect of storage) this.#storage!.carryOut(effect)
      const effects = this.core.takeEffects()
      for (const effect of effects) {
        if (effect.type === 'disconnect') this.#links.part(effect.session.id, effect.code)
        else if (effect.type === 'ban') this.emit('ban', effect.identity, effect.code)
        else if (effect.type === 'piece') this.emit('piece', effect.piece)
        else if (effect.type === 'leaves') void this.#storage!.hashLeaves(effect)
        else if (effect.type === 'metadata') this.#metadataCame(effect.info)
        else if (effect.type === 'invalid') this.fail(invalidTorrent(effect.code))
        else if (effect.type === 'done') this.#becameDone()
      }
      if (storage.length === 0 && effects.length === 0) break
    }
    this.#settling = false
    this.#links.flush()
    const now = this.#host.now()
    const mustWait = this.#storage?.assembler.isFull || !this.limits.mayReceive(now)
    if (this.#links.throttle(mustWait)) this.core.fillAll(now)
  }

  #metadataCame(info: TorrentInfo): void {
    this.emit('metadata', info)
    void this.open()
  }

  #becameDone(): void {
    // BEP 21: who wants but a part of it never completes it.
    if (this.core.isSeed) this.#announces.completed()
    if (this.#state === 'downloading' || this.#state === 'checking') this.#setState('seeding')
    // Being done means verified; `close` waits until it is durable, too.
    void this.save()
    this.emit('done')
  }

  /** Fills the views with blocks for a peer; false where the files do not have them any more. */
  async readForPeer(run: UploadRun, views: readonly Uint8Array[]): Promise<boolean> {
    return this.#storage!.readForPeer(run, views)
  }

  /** Makes progress durable. */
  async save(): Promise<void> {
    const { picker } = this.core
    if (picker === undefined || this.#opened === undefined) return
    this.#savedAt = this.#host.now()
    await this.#progress.save(picker.have, this.#opened)
  }

  /** Resolves once all that is wanted is there and verified; `close` makes it durable. */
  done(): Promise<void> {
    return allVerified(this)
  }

  /** The pieces in the order in which they are verified, those that are there already first; ends when all is there. */
  pieces(): AsyncGenerator<number, void, void> {
    return verifiedPieces(this)
  }

  /**
   * The bytes of a file from `start` up to `end` as they become available; what is missing is fetched first.
   *
   * @param file index into the torrent's files
   * @throws OperationError `torrent-busy` while it is not known which files there are, `range-invalid` for what no file has
   */
  readFile(file: number, start: number, end: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    if (this.#files === undefined || !this.core.isStarted) throw filesUnknown()
    this.#readers ??= new FileReaders(this, this.#files, piece => this.#storage!.doubt(piece))
    return this.#readers.read(file, start, end, signal)
  }

  /** Asks peers for what has become more urgent, or possible. */
  askForMore(): void {
    this.core.fillAll(this.#host.now())
    this.settle()
  }

  /** Stops: peers are left, progress is made durable, files are closed. */
  async close(): Promise<void> {
    if (this.isClosed) return
    this.#isHeld = true
    await this.#moves.stop()
    this.#links.closeAll('closing')
    const goodbye = this.#announces.goodbye()
    this.#storage?.assembler.flushAll()
    this.settle()
    await this.#storage?.idle()
    this.#storage?.assembler.dropAll()
    await this.save()
    this.#setState('closed')
    this.#progress.close()
    await this.#files?.close()
    await goodbye
  }

  /** Forgets what was remembered about it; the files stay. */
  async forget(): Promise<void> {
    await this.close()
    await forgetState(this.#paths)
  }
}
