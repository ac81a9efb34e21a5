import { dirname, resolve } from 'node:path'
import { OperationError } from '../../base/errors.ts'
import { encodeMetainfo, type TorrentVersion } from '../../bittorrent/metainfo/create-metainfo.ts'
import { hasAllPieceLayers } from '../../bittorrent/metainfo/piece-layers.ts'
import { addressKey } from '../../bittorrent/swarm/candidates.ts'
import type { PeerAddress } from '../../bittorrent/wire/compact-peers.ts'
import type { Log } from '../log.ts'
import { makeTorrent } from './make-torrent.ts'
import { RECORD_DEFAULTS, type SessionRecord, SessionRecords } from './session-record.ts'
import { addOptions, readMagnet, readMetainfo, readTorrentFile } from './session-source.ts'
import { type AddOptions, SwarmClient, type SwarmClientOptions } from './swarm-client.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'
import { diskError } from './torrent-files.ts'

export interface SwarmSessionOptions extends Omit<SwarmClientOptions, 'port'> {
  /** Where to listen; any free port where this one is taken. */
  readonly port: number
}

/** How a torrent is to be fetched. */
export interface FetchOptions {
  readonly folder: string
  /** Patterns of the files that are wanted, all of them unless given. */
  readonly only?: readonly string[]
  readonly sequential?: boolean
  readonly preallocate?: boolean
  readonly paused?: boolean
  readonly trackers?: readonly string[]
  readonly peers?: readonly PeerAddress[]
  readonly uploadLimit?: number | undefined
  readonly downloadLimit?: number | undefined
}

/** How a file or folder is to be shared. */
export interface ShareOptions {
  readonly version?: TorrentVersion
  readonly pieceLength?: number
  readonly private?: boolean
  readonly superSeed?: boolean
  readonly trackers?: readonly string[]
  readonly webSeeds?: readonly string[]
  readonly peers?: readonly PeerAddress[]
  readonly uploadLimit?: number | undefined
}

/** One torrent of a session: what is remembered of it, and what runs. */
export interface SessionTorrent {
  readonly record: SessionRecord
  /** Undefined until its turn comes after a start. */
  readonly torrent: SwarmTorrent | undefined
  /** Why it could not be taken up after a start. */
  readonly failure: OperationError | undefined
}

type MutableTorrent = { -readonly [Key in keyof SessionTorrent]: SessionTorrent[Key] }

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
  readonly #torrents = new Map<string, MutableTorrent>()
  readonly #makings = new Set<Making>()
  #client: Promise<SwarmClient> | undefined
  #opened: SwarmClient | undefined
  #limits: { upload?: number; download?: number } = {}
  #resuming: Promise<void> = Promise.resolve()
  #saving: Promise<void> = Promise.resolve()
  /** Bytes that each torrent had moved when they were last remembered. */
  readonly #savedTotals = new WeakMap<SessionTorrent, number>()
  #totals: NodeJS.Timeout | undefined
  #isClosed = false

  private constructor(options: SwarmSessionOptions, log: Log) {
    this.#options = options
    this.#log = log
    this.#records = new SessionRecords(options.stateFolder)
  }

  /** Reads what was remembered, and begins to take it up. */
  static async open(options: SwarmSessionOptions, log: Log): Promise<SwarmSession> {
    const session = new SwarmSession(options, log)
    const { records, unreadable } = await session.#records.load()
    for (const name of unreadable) log.warning(`${name} in ${options.stateFolder} is no record of a torrent`)
    for (const record of records) {
      session.#torrents.set(record.infohash, { record, torrent: undefined, failure: undefined })
    }
    if (records.length > 0) session.#resuming = session.#resumeAll([...session.#torrents.values()])
    return session
  }

  /** In the order in which they were added. */
  get torrents(): readonly SessionTorrent[] {
    return [...this.#torrents.values()]
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
    const none = Number.POSITIVE_INFINITY
    return {
      upload: this.#limits.upload ?? this.#options.uploadLimit ?? none,
      download: this.#limits.download ?? this.#options.downloadLimit ?? none,
    }
  }

  /** A torrent by its infohash (v1, or what v2 goes by), the beginning of it, or its name. Throws `torrent-unknown`. */
  find(text: string): SessionTorrent {
    const word = text.toLowerCase()
    const exact = this.#torrents.get(word)
    if (exact !== undefined) return exact
    const found = this.torrents.filter(
      ({ record }) =>
        record.name === text || (/^[0-9a-f]{6,64}$/.test(word) && record.infohash.startsWith(word.slice(0, 40))),
    )
    if (found.length === 1) return found[0]
    throw found.length === 0
      ? new OperationError('torrent-unknown', `there is no torrent ${text}`, { next: 'see them with: peers swarm' })
      : new OperationError('torrent-unclear', `${found.length} torrents go by ${text}`, {
          next: 'give more of its infohash',
        })
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
    const { upload, download } = this.limits
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
        try {
          await this.#start(entry, await this.#sourceOf(entry.record), {})
        } catch (error) {
          if (this.#isClosed) return
          entry.failure = asOperationError(error)
          this.#log.warning(`torrent ${entry.record.infohash} cannot go on: ${entry.failure.message}`)
        }
      }
    }
    await Promise.all(Array.from({ length: RESUMING_MAX }, runner))
    this.#log.info(`swarm: ${entries.length} torrents go on`)
  }

  async #sourceOf({ infohash, magnet }: SessionRecord): Promise<string | Uint8Array> {
    const bytes = await this.#records.metainfo(infohash)
    if (bytes !== undefined && readMetainfo(bytes).infohash === infohash) return bytes
    if (magnet !== undefined) return magnet
    throw new OperationError('torrent-lost', 'its .torrent file is gone', { next: 'remove it, and add it again' })
  }

  /** Adds what a record says to the client, and follows it. */
  async #start(entry: MutableTorrent, source: string | Uint8Array, more: Partial<AddOptions>): Promise<void> {
    const { record } = entry
    const client = await this.#open()
    const adding = client.add(source, { ...addOptions(record), ...more })
    // It is in the client at once; its files may take long to look through.
    const torrent = client.torrent(record.infohash)
    entry.torrent = torrent
    torrent?.on('metadata', ({ name }) => void this.#remember(entry, { name }))
    torrent?.on('done', () => void this.#remember(entry, { wasComplete: true }))
    await adding
    if (torrent === undefined || !torrent.core.isDone) return
    await this.#remember(entry, { wasComplete: true })
    await torrent.save()
  }

  /** Notes durably what has changed of a torrent, one after the other. */
  #remember(entry: MutableTorrent, changes: Partial<SessionRecord>): Promise<void> {
    entry.record = { ...entry.record, ...changes }
    const saving = this.#saving.then(async () => {
      if (this.#torrents.get(entry.record.infohash) !== entry) return
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
  async #saveMetainfo({ record, torrent }: MutableTorrent): Promise<void> {
    if (record.magnet === undefined || torrent?.info === undefined) return
    const { layers } = torrent.core
    const isWhole = hasAllPieceLayers(torrent.info, layers)
    const { trackers, webSeeds } = readMagnet(record.magnet)
    const metainfo = encodeMetainfo(torrent.info.bytes, isWhole ? layers : undefined, { trackers, webSeeds })
    await this.#records.saveMetainfo(record.infohash, metainfo)
  }

  async #saveTotals(): Promise<void> {
    for (const entry of this.#torrents.values()) {
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

  async #admit(record: SessionRecord, source: string | Uint8Array, more: Partial<AddOptions>): Promise<SessionTorrent> {
    if (this.#torrents.has(record.infohash)) {
      throw new OperationError('torrent-known', 'this torrent is there already', { next: 'see it with: peers swarm' })
    }
    if (this.#torrents.size >= SESSION_TORRENTS_MAX) throw new OperationError('too-many-torrents', 'there are too many')
    const entry: MutableTorrent = { record, torrent: undefined, failure: undefined }
    this.#torrents.set(record.infohash, entry)
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
      this.#torrents.delete(record.infohash)
      await this.#records.remove(record.infohash)
      throw diskError(error, this.#options.stateFolder)
    }
    return entry
  }

  /**
   * Fetches a torrent and gives it on.
   *
   * @param source a magnet link, or the path of a .torrent file
   * @throws OperationError with a verdict's code where it is none; `torrent-known`, `file-missing`
   */
  async add(source: string, options: FetchOptions): Promise<SessionTorrent> {
    const isMagnet = source.toLowerCase().startsWith('magnet:')
    const bytes = isMagnet ? undefined : await readTorrentFile(source)
    const { infohash, name } = isMagnet ? readMagnet(source) : readMetainfo(bytes!)
    const record: SessionRecord = {
      ...RECORD_DEFAULTS,
      infohash,
      name,
      magnet: isMagnet ? source : undefined,
      folder: resolve(options.folder),
      only: options.only ?? [],
      sequential: options.sequential ?? false,
      preallocate: options.preallocate ?? false,
      isHeld: options.paused ?? false,
      trackers: (options.trackers ?? []).map(url => [url]),
      peers: (options.peers ?? []).map(addressKey),
      uploadLimit: options.uploadLimit,
      downloadLimit: options.downloadLimit,
      addedAtMs: Date.now(),
    }
    return this.#admit(record, bytes ?? source, {})
  }

  /** Makes a torrent of a file or folder and gives it; returns it with the bytes of its .torrent file. */
  async share(path: string, options: ShareOptions): Promise<{ entry: SessionTorrent; metainfo: Uint8Array }> {
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
    const { infohash, name } = readMetainfo(metainfo)
    const record: SessionRecord = {
      ...RECORD_DEFAULTS,
      infohash,
      name,
      folder: dirname(resolve(path)),
      superSeed: options.superSeed ?? false,
      wasComplete: true,
      trackers: [],
      peers: (options.peers ?? []).map(addressKey),
      uploadLimit: options.uploadLimit,
      addedAtMs: Date.now(),
    }
    return { entry: await this.#admit(record, metainfo, { trustFiles: true }), metainfo }
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
  async remove({ record, torrent }: SessionTorrent): Promise<void> {
    this.#torrents.delete(record.infohash)
    await this.#saving
    await this.#records.remove(record.infohash)
    if (torrent !== undefined) await this.#opened!.remove(torrent)
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
    entry.torrent?.setLimits(limits)
    const limit = (bytes: number) => (Number.isFinite(bytes) ? bytes : undefined)
    await this.#remember(entry, {
      ...(limits.upload !== undefined && { uploadLimit: limit(limits.upload) }),
      ...(limits.download !== undefined && { downloadLimit: limit(limits.download) }),
    })
  }

  /** Changes the limits of all torrents together, until the session ends. */
  setLimits(limits: { upload?: number; download?: number }): void {
    Object.assign(this.#limits, limits)
    this.#opened?.setLimits(limits)
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

function notStarted({ failure }: SessionTorrent): OperationError {
  return failure ?? new OperationError('torrent-busy', 'it has not been taken up yet', { next: 'try again later' })
}
