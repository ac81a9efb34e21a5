import { resolve } from 'node:path'
import { OperationError } from '../../base/errors.ts'
import { encodeMetainfo } from '../../bittorrent/metainfo/create-metainfo.ts'
import { hasAllPieceLayers } from '../../bittorrent/metainfo/piece-layers.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import { addressKey } from '../../bittorrent/swarm/candidates.ts'
import type { PeerAddress } from '../../bittorrent/wire/compact-peers.ts'
import type { Log } from '../log.ts'
import { makeFolders } from './durable-file.ts'
import { forgetState } from './forget-state.ts'
import { assertLimits, type LimitChange } from './limits.ts'
import { makeTorrent } from './make-torrent.ts'
import { type FetchOptions, fetchRecord, type ShareOptions, shareRecord } from './new-record.ts'
import { StatePaths } from './open-files.ts'
import { SessionLimits } from './session-limits.ts'
import { RECORD_PEERS_MAX, type SessionRecord, SessionRecords } from './session-record.ts'
import { addOptions, infohashesOf, readMagnet, readMetainfo, readTorrentFile, resumeSource } from './session-source.ts'
import { type MutableTorrent, type SessionTorrent, SessionTorrents } from './session-torrents.ts'
import { type AddOptions, SwarmClient, type SwarmClientOptions } from './swarm-client.ts'
import { diskError } from './torrent-files.ts'

/** A limit that is given here was set last, and is kept from then on; `Infinity` for none, undefined for what was set before. */
export interface SwarmSessionOptions extends Omit<SwarmClientOptions, 'port'> {
  /** Where to listen; any free port where this one is taken. */
  readonly port: number
}

/** A file or folder whose pieces are being hashed. */
export interface Making {
  readonly path: string
  readonly doneBytes: number
  readonly totalBytes: number
}

/** Torrents in a session, in one run of it and the next. */
export const SESSION_TORRENTS_MAX = 100_000
/** Taken up at once after a start. */
const RESUMING_MAX = 8
/** How often totals are remembered. */
const TOTALS_MS = 60_000

/**
 * A client that remembers its torrents: all of them go on at the next start, after kill -9 as well. It opens no port and no thread
 * before there is a torrent.
 *
 * @example
 * const session = await SwarmSession.open({ stateFolder: './torrents', port: 6881 }, log)
 * await session.add('magnet:?xt=…', { folder: '/home/me/music' })
 */
export class SwarmSession {
  readonly #options: SwarmSessionOptions
  readonly #log: Log
  readonly #records: SessionRecords
  readonly #limits: SessionLimits
  readonly #torrents = new SessionTorrents()
  readonly #makings = new Set<Making>()
  #client: Promise<SwarmClient> | undefined
  #opened: SwarmClient | undefined
  #resuming: Promise<void> = Promise.resolve()
  #saving: Promise<void> = Promise.resolve()
  /** Bytes that each torrent had moved when they were last remembered. */
  readonly #savedTotals = new WeakMap<SessionTorrent, number>()
  /** Those whose .torrent file came from peers and is written, and whether with all of its piece layers. */
  readonly #savedMetainfo = new WeakMap<SessionTorrent, boolean>()
  #totals: NodeJS.Timeout | undefined
  #isClosed = false

  private constructor(options: SwarmSessionOptions, limits: SessionLimits, log: Log) {
    this.#options = options
    this.#limits = limits
    this.#log = log
    this.#records = new SessionRecords(options.stateFolder)
  }

  /** Reads what was remembered, and begins to take it up. */
  static async open(options: SwarmSessionOptions, log: Log): Promise<SwarmSession> {
    const { stateFolder, uploadLimit: upload, downloadLimit: download } = options
    const limits = await SessionLimits.open(stateFolder, { upload, download })
    if (limits.isUnreadable)
      log.warning(`the limits in ${stateFolder} cannot be read: there are none but what is given`)
    const session = new SwarmSession(options, limits, log)
    const { records, unreadable } = await session.#records.load()
    for (const name of unreadable) log.warning(`${name} in ${stateFolder} is no record of a torrent`)
    for (const record of records) session.#torrents.put({ record, torrent: undefined, failure: undefined })
    if (records.length > 0) session.#resuming = session.#resumeAll(session.#torrents.all)
    return session
  }

  /** In the order in which they were added. */
  get torrents(): readonly SessionTorrent[] {
    return this.#torrents.all
  }

  get makings(): readonly Making[] {
    return [...this.#makings]
  }

  /** Where it listens; undefined while there was nothing to do. */
  get port(): number | undefined {
    return this.#opened?.port
  }

  get connectionCount(): number {
    return this.#opened?.connectionCount ?? 0
  }

  /** Bytes a second over all torrents; `Infinity` for no limit. */
  get limits(): { readonly upload: number; readonly download: number } {
    return this.#limits
  }

  /** Whether torrents may send us to trackers and web seeds on private networks. */
  get allowsPrivate(): boolean {
    return this.#options.allowPrivate ?? false
  }

  /** A torrent by its infohash (v1's or v2's), the beginning of it, or its name. Throws `torrent-unknown`. */
  find(text: string): SessionTorrent {
    return this.#torrents.find(text)
  }

  async #open(): Promise<SwarmClient> {
    if (this.#isClosed) throw new OperationError('closing', 'the peer is about to stop')
    this.#client ??= this.#listen()
    try {
      return await this.#client
    } catch (error) {
      this.#client = undefined
      throw error
    }
  }

  async #listen(): Promise<SwarmClient> {
    const { upload, download } = this.#limits
    const options = { ...this.#options, uploadLimit: upload, downloadLimit: download }
    const client = await SwarmClient.open(options).catch(error => {
      if ((error as OperationError).code !== 'port-in-use') throw error
      this.#log.warning(`port ${options.port} is in use; the swarm listens on another one`)
      return SwarmClient.open({ ...options, port: 0 })
    })
    this.#log.info(`swarm: listening on port ${client.port}`)
    this.#opened = client
    this.#totals = setInterval(() => void this.#saveTotals(), TOTALS_MS)
    this.#totals.unref()
    return client
  }

  async #resumeAll(entries: readonly MutableTorrent[]): Promise<void> {
    const waiting = [...entries]
    const runner = async () => {
      for (let entry = waiting.shift(); entry !== undefined && !this.#isClosed; entry = waiting.shift()) {
        if (!this.#torrents.has(entry)) continue
        try {
          const { source, options } = resumeSource(entry.record, await this.#records.metainfo(entry.record.infohash))
          await this.#start(entry, source, options)
        } catch (error) {
          if (this.#isClosed) return
          if (!this.#torrents.has(entry)) continue
          entry.failure = asOperationError(error)
          this.#log.warning(`torrent ${entry.record.infohash} cannot go on: ${entry.failure.message}`)
        }
      }
    }
    await Promise.all(Array.from({ length: RESUMING_MAX }, runner))
    this.#log.info(`swarm: ${entries.length} torrents go on`)
  }

  /** Adds what a record says to the client, and follows it; nothing where it was removed meanwhile. */
  async #start(entry: MutableTorrent, source: string | Uint8Array, more: Partial<AddOptions>): Promise<void> {
    const { record } = entry
    const client = await this.#open()
    if (!this.#torrents.has(entry)) return
    const adding = client.add(source, { ...addOptions(record), ...more })
    // It is in the client at once; its files may take long to look through.
    const torrent = client.torrent(record.infohash)
    entry.torrent = torrent
    torrent?.on('metadata', info => this.#learned(entry, info))
    torrent?.on('done', () => void this.#remember(entry, { wasComplete: true }))
    let areLayersSaved = false
    torrent?.on('piece', () => {
      if (areLayersSaved || !hasAllPieceLayers(torrent.info!, torrent.core.layers)) return
      areLayersSaved = true
      // Without them, what is there could not be checked after a kill.
      if (record.magnet !== undefined) void this.#remember(entry, {})
    })
    await adding
    if (torrent === undefined || !torrent.core.isDone || !this.#torrents.has(entry)) return
    await this.#remember(entry, { wasComplete: true })
    // What was remembered of a torrent that is gone by now would come back.
    if (this.#torrents.has(entry)) await torrent.save()
  }

  /** Peers have told what a magnet link leads to: it may be what another torrent is, too, under a second infohash. */
  #learned(entry: MutableTorrent, info: TorrentInfo): void {
    const infohashes = infohashesOf(info)
    const other = this.#torrents.known(infohashes, entry)
    if (other === undefined) {
      void this.#remember(entry, { name: info.name, infohashes })
      return
    }
    entry.failure = new OperationError('torrent-known', `it is the same torrent as ${other.record.infohash}`, {
      next: `remove one of them: peers swarm remove ${entry.record.infohash.slice(0, 8)}`,
    })
    this.#log.warning(`torrent ${entry.record.infohash} cannot go on: ${entry.failure.message}`)
    const { torrent } = entry
    entry.torrent = undefined
    void this.#opened!.remove(torrent!)
  }

  /** Notes durably what has changed of a torrent, one after the other. */
  #remember(entry: MutableTorrent, changes: Partial<SessionRecord>): Promise<void> {
    entry.record = { ...entry.record, ...changes }
    if (changes.infohashes !== undefined && this.#torrents.has(entry)) this.#torrents.put(entry)
    const saving = this.#saving.then(async () => {
      if (!this.#torrents.has(entry)) return
      await this.#saveMetainfo(entry)
      // The record keeps what former runs have moved; the torrent counts this one's part.
      const [uploadedBytes, downloadedBytes] = this.totalsOf(entry)
      await this.#records.save({ ...entry.record, uploadedBytes, downloadedBytes })
    })
    this.#saving = saving.catch(error => {
      this.#log.warning(`torrent ${entry.record.infohash} is not remembered: ${(error as Error).message}`)
    })
    return this.#saving
  }

  /** Writes what peers have told of a torrent that came as a magnet link. */
  async #saveMetainfo(entry: MutableTorrent): Promise<void> {
    const { record, torrent } = entry
    if (record.magnet === undefined || torrent?.info === undefined) return
    const { layers } = torrent.core
    const isWhole = hasAllPieceLayers(torrent.info, layers)
    if (this.#savedMetainfo.get(entry) === isWhole) return
    const { trackers, webSeeds } = readMagnet(record.magnet)
    const metainfo = encodeMetainfo(torrent.info.bytes, isWhole ? layers : undefined, { trackers, webSeeds })
    await this.#records.saveMetainfo(record.infohash, metainfo)
    this.#savedMetainfo.set(entry, isWhole)
  }

  async #saveTotals(): Promise<void> {
    for (const entry of this.#torrents.all) {
      const { torrent } = entry
      const moved = torrent === undefined ? 0 : torrent.core.upload.total + torrent.core.download.total
      if (moved === (this.#savedTotals.get(entry) ?? 0)) continue
      this.#savedTotals.set(entry, moved)
      await this.#remember(entry, {})
    }
  }

  /** Bytes uploaded and downloaded, of all runs. */
  totalsOf({ record, torrent }: SessionTorrent): readonly [uploadedBytes: number, downloadedBytes: number] {
    const { upload, download } = torrent?.core ?? { upload: { total: 0 }, download: { total: 0 } }
    return [record.uploadedBytes + upload.total, record.downloadedBytes + download.total]
  }

  #assertUnknown({ infohashes }: SessionRecord): void {
    const known = this.#torrents.known(infohashes)
    if (known === undefined) return
    throw new OperationError('torrent-known', `this torrent is there already, in ${folderOf(known)}`, {
      next: 'see it with: peers swarm',
    })
  }

  async #admit(record: SessionRecord, source: string | Uint8Array, more: Partial<AddOptions>): Promise<SessionTorrent> {
    this.#assertUnknown(record)
    if (this.#torrents.size >= SESSION_TORRENTS_MAX) throw new OperationError('too-many-torrents', 'there are too many')
    const entry: MutableTorrent = { record, torrent: undefined, failure: undefined }
    this.#torrents.put(entry)
    try {
      if (typeof source !== 'string') await this.#records.saveMetainfo(record.infohash, source)
      await this.#records.save(record)
      const started = this.#start(entry, source, more)
      started.catch(error => {
        entry.failure = asOperationError(error)
      })
      // A torrent of many files may take long to look through; that it can be added is certain before.
      await Promise.race([started, new Promise(resolve => setImmediate(resolve))])
    } catch (error) {
      this.#torrents.delete(entry)
      await this.#records.remove(record.infohash)
      throw diskError(error, this.#options.stateFolder)
    }
    return entry
  }

  /**
   * Fetches a torrent and gives it on.
   *
   * @param source a magnet link, the path of a .torrent file, or its bytes
   * @throws OperationError with a verdict's code where it is none; `torrent-known`, `file-missing`, `cannot-write`
   */
  async add(source: string | Uint8Array, options: FetchOptions): Promise<SessionTorrent> {
    const magnet = typeof source === 'string' && source.toLowerCase().startsWith('magnet:') ? source : undefined
    const torrent = magnet ?? (typeof source === 'string' ? await readTorrentFile(source) : source)
    const summary = typeof torrent === 'string' ? readMagnet(torrent) : readMetainfo(torrent)
    const record = { ...fetchRecord(summary, options), magnet }
    this.#assertUnknown(record)
    await makeFolders(record.folder).catch(cause => {
      throw new OperationError('cannot-write', `${record.folder} cannot be a folder: ${(cause as Error).message}`, {
        cause,
        next: 'choose another folder',
      })
    })
    return this.#admit(record, torrent, {})
  }

  /**
   * Makes a torrent of a file or folder and gives it; returns it with the bytes of its .torrent file, and whether it was given from there
   * already. It stays as it was then, calls the peers that are named, and goes on if it stood still: its files have just been read.
   *
   * @throws OperationError as {@link makeTorrent}; `torrent-known` where it is there with files elsewhere
   */
  async share(
    path: string,
    options: ShareOptions,
  ): Promise<{ entry: SessionTorrent; metainfo: Uint8Array; isKnown: boolean }> {
    const client = await this.#open()
    const making = { path: resolve(path), doneBytes: 0, totalBytes: 0 }
    this.#makings.add(making)
    let metainfo: Uint8Array
    try {
      const { version = 'hybrid', trackers = [], webSeeds = [], pieceLength } = options
      metainfo = await makeTorrent(
        path,
        {
          version,
          private: options.private ?? false,
          trackers: trackers.map(url => [url]),
          webSeeds,
          ...(pieceLength !== undefined && { pieceLength }),
          onProgress: (doneBytes, totalBytes) => Object.assign(making, { doneBytes, totalBytes }),
        },
        client.hashPool,
      )
    } finally {
      this.#makings.delete(making)
    }
    const record = shareRecord(readMetainfo(metainfo), path, options)
    const known = this.#torrents.known(record.infohashes)
    if (known?.torrent?.info === undefined || folderOf(known) !== record.folder) {
      return { entry: await this.#admit(record, metainfo, { trustFiles: true }), metainfo, isKnown: false }
    }
    await this.addPeers(known, options.peers ?? [])
    if (known.record.isHeld || known.torrent.error !== undefined) await this.resume(known)
    return { entry: known, metainfo, isKnown: true }
  }

  /** Calls more peers for a torrent, in this run and the next. */
  async addPeers(entry: SessionTorrent, peers: readonly PeerAddress[]): Promise<void> {
    for (const peer of peers) entry.torrent?.core.candidates.add(peer, 'user')
    const known = new Set([...entry.record.peers, ...peers.map(addressKey)])
    await this.#remember(entry, { peers: [...known].slice(-RECORD_PEERS_MAX) })
  }

  /** Parts from a torrent's peers, until it is resumed, in this run or another. */
  async pause(entry: SessionTorrent): Promise<void> {
    entry.torrent?.pause()
    await this.#remember(entry, { isHeld: true })
  }

  /** Goes on after a pause, or after the cause of an error is mended. */
  async resume(entry: SessionTorrent): Promise<void> {
    if (entry.torrent === undefined) throw notStarted(entry)
    // What is missing now may be fetched: its owner says so.
    entry.torrent.resume()
    await this.#remember(entry, { isHeld: false, wasComplete: entry.torrent.core.isDone })
  }

  /** Leaves a torrent; its files stay where they are. */
  async remove(entry: SessionTorrent): Promise<void> {
    const { record, torrent } = entry
    this.#torrents.delete(entry)
    await this.#saving
    await this.#records.remove(record.infohash)
    if (torrent !== undefined) await this.#opened!.remove(torrent)
    else await forgetState(new StatePaths(this.#options.stateFolder, record.infohash))
  }

  /** Moves a torrent's files to another folder; throws what {@link SwarmTorrent.move} does. */
  async move(entry: SessionTorrent, folder: string): Promise<void> {
    if (entry.torrent === undefined) throw notStarted(entry)
    await entry.torrent.move(folder)
  }

  /** Renames a file or folder of a torrent; throws what {@link SwarmTorrent.rename} does. */
  async rename(entry: SessionTorrent, from: string, to: string): Promise<void> {
    if (entry.torrent === undefined) throw notStarted(entry)
    await entry.torrent.rename(from, to)
  }

  /** Changes the limits of a torrent, in bytes a second; `Infinity` for none, undefined for what they are. */
  async setTorrentLimits(entry: SessionTorrent, limits: { upload?: number; download?: number }): Promise<void> {
    assertLimits(limits)
    entry.torrent?.setLimits(limits)
    const limit = (bytes: number) => (Number.isFinite(bytes) ? bytes : undefined)
    await this.#remember(entry, {
      ...(limits.upload !== undefined && { uploadLimit: limit(limits.upload) }),
      ...(limits.download !== undefined && { downloadLimit: limit(limits.download) }),
    })
  }

  /** Changes the limits of all torrents together, from now on; resolves when that is durable. */
  async setLimits(change: LimitChange): Promise<void> {
    const saving = this.#limits.set(change)
    this.#opened?.setLimits(this.#limits)
    await saving
  }

  /** Stops all torrents, with everything durable; they go on at the next start. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#totals)
    await this.#saveTotals()
    await this.#saving
    const client = await this.#client?.catch(() => undefined)
    await client?.close()
    await this.#resuming
  }
}

function asOperationError(error: unknown): OperationError {
  return error instanceof OperationError
    ? error
    : new OperationError('internal-error', (error as Error).message, { cause: error })
}

function folderOf({ record, torrent }: SessionTorrent): string {
  return torrent?.folder ?? record.folder
}

function notStarted({ failure }: SessionTorrent): OperationError {
  return failure ?? new OperationError('torrent-busy', 'it has not been taken up yet', { next: 'try again later' })
}
