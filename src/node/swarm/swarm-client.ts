import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { dirname, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { OperationError } from '../../base/errors.ts'
import type { Random } from '../../base/ports/random.ts'
import { parseMagnet } from '../../bittorrent/metainfo/magnet.ts'
import { type Metainfo, parseMetainfo } from '../../bittorrent/metainfo/metainfo.ts'
import { BlockPool } from '../../bittorrent/storage/block-pool.ts'
import type { ConnectionEnd } from '../../bittorrent/swarm/candidates.ts'
import { TORRENT_OPTIONS, type TorrentOptions } from '../../bittorrent/swarm/torrent-options.ts'
import type { PeerAddress } from '../../bittorrent/wire/compact-peers.ts'
import { nodeBulkHash } from '../../platform/bulk-hash.ts'
import { CONNECTION_LIMITS, type ConnectionLimits, ConnectionPlaces } from './connection-places.ts'
import { Dialler } from './dialler.ts'
import type { OpenUrlOptions } from './fetch-url.ts'
import { chooseByIndex } from './file-selection.ts'
import { HashPool } from './hash-pool.ts'
import { HashQueue } from './hash-queue.ts'
import { type LimitChange, Limits } from './limits.ts'
import { assertPort, listenError } from './listening.ts'
import { type MakeTorrentOptions, makeTorrent } from './make-torrent.ts'
import { OpenFilesLimit } from './open-files-limit.ts'
import { parseAddress } from './parse-address.ts'
import { type ConnectionHost, PeerConnection, plainHost } from './peer-connection.ts'
import { REFILL_MS } from './rate-limiter.ts'
import { SendBacklog } from './send-backlog.ts'
import { SwarmTorrent } from './swarm-torrent.ts'
import { allTrackers } from './torrent-announces.ts'
import type { SwarmTorrentOptions, TorrentHost, TorrentSource } from './torrent-host.ts'
import { TrackerClient } from './tracker-client.ts'
import type { WebSeed } from './web-seed-connection.ts'
import { WEB_SEED_TIMING, type WebSeedTiming } from './web-seeds.ts'

export interface SwarmClientOptions extends Partial<ConnectionLimits> {
  /** Where to listen: 0 for any free port, `undefined` for nowhere. */
  readonly port?: number | undefined
  /** All addresses of this machine unless given. */
  readonly host?: string
  /** Where torrents remember how far they are. */
  readonly stateFolder: string
  /** Bytes a second, over all torrents. */
  readonly uploadLimit?: number
  readonly downloadLimit?: number
  /** Threads for hashing files. */
  readonly hashThreads?: number
  readonly client?: string
  /** Whether torrents may send us to trackers and web seeds on private networks. */
  readonly allowPrivate?: boolean
  /** How long web seeds may be silent, and when one that failed is tried again. */
  readonly webSeedTiming?: WebSeedTiming
  readonly tuning?: Partial<Pick<TorrentOptions, 'requests' | 'uploads' | 'silenceMs'>>
}

export interface AddOptions extends SwarmTorrentOptions {
  /** BEP 12: tiers of trackers, beside those of the torrent itself; unlike those, they may be on private networks. */
  readonly trackers?: readonly (readonly string[])[]
  /** Beside those of the torrent itself; unlike those, they may be on private networks. */
  readonly webSeeds?: readonly WebSeed[]
  /** Peers to call at once. */
  readonly peers?: readonly PeerAddress[]
  /** A hybrid .torrent goes by its v2 infohash, as it did when it came by a v2-only magnet link. */
  readonly byV2?: boolean
}

export const SWARM_CLIENT_DEFAULTS = { client: 'Peers 0.1.0', ...CONNECTION_LIMITS }

/** BEP 20: two letters and the version. */
const PEER_ID_PREFIX = '-PE0010-'
const TICK_MS = 500

const nodeRandom: Random = {
  bytes: length => new Uint8Array(randomBytes(length)),
  below: bound => randomInt(bound),
  u64: () => randomBytes(8).readBigUInt64LE(),
}

/**
 * A BitTorrent client: any number of torrents behind one port. Nothing is written outside the folders that are given, and nothing is
 * served that was not verified.
 *
 * @example
 * const seeder = await SwarmClient.open({ stateFolder: './seeder', port: 0 })
 * const { torrent } = await seeder.seed('./album')
 *
 * const client = await SwarmClient.open({ stateFolder: './state', port: 0 })
 * const peers = [{ host: '127.0.0.1', port: seeder.port }]
 * const fetched = await client.add(torrent.magnet, { folder: './downloads', peers })
 * fetched.on('ban', (identity, code) => console.log(`banned ${identity}: ${code}`))
 * await fetched.done()
 * for await (const piece of fetched.pieces()) console.log(`piece ${piece} of ${fetched.info.pieceCount}`)
 *
 * await client.close()
 * await seeder.close()
 */
export class SwarmClient implements ConnectionHost, TorrentHost {
  readonly random = nodeRandom
  readonly blockPool = new BlockPool()
  readonly backlog = new SendBacklog()
  readonly hashQueue = new HashQueue(nodeBulkHash)
  readonly hashPool: HashPool
  readonly openFiles = new OpenFilesLimit()
  readonly stateFolder: string
  readonly limits: Limits
  readonly trackers: TrackerClient
  readonly fetchOptions: OpenUrlOptions
  readonly webSeedTiming: WebSeedTiming
  readonly #options: SwarmClientOptions & typeof SWARM_CLIENT_DEFAULTS
  readonly #peerId: Uint8Array
  readonly #key = randomBytes(4).readUInt32BE()
  readonly #torrents = new Map<string, SwarmTorrent>()
  readonly #places: ConnectionPlaces<PeerConnection, SwarmTorrent>
  readonly #dialler: Dialler
  #server: Server | undefined
  #port: number | undefined
  #ticker: NodeJS.Timeout | undefined
  #refill: NodeJS.Timeout | undefined
  #closed = false

  private constructor(options: SwarmClientOptions) {
    this.#options = { ...SWARM_CLIENT_DEFAULTS, ...options }
    this.#places = new ConnectionPlaces(this.#options)
    this.#dialler = new Dialler(this.#places, (torrent, peer) => PeerConnection.dial(this, torrent, peer))
    this.stateFolder = resolve(options.stateFolder)
    this.hashPool = new HashPool(options.hashThreads)
    this.limits = new Limits({ upload: options.uploadLimit, download: options.downloadLimit }, this.now())
    const allowPrivate = options.allowPrivate ?? false
    this.trackers = new TrackerClient({ allowPrivate })
    this.webSeedTiming = options.webSeedTiming ?? WEB_SEED_TIMING
    this.fetchOptions = { allowPrivate, timeoutMs: this.webSeedTiming.timeoutMs }
    this.#peerId = new Uint8Array(20)
    this.#peerId.set(new TextEncoder().encode(PEER_ID_PREFIX))
    this.#peerId.set(randomBytes(12), PEER_ID_PREFIX.length)
  }

  /**
   * Starts a client; it listens once this resolves.
   *
   * @throws OperationError `limit-invalid`, `port-invalid`, `port-in-use`, `port-not-allowed`, `address-not-ours`, `host-unknown`,
   *   `cannot-listen`
   */
  static async open(options: SwarmClientOptions): Promise<SwarmClient> {
    const client = new SwarmClient(options)
    if (options.port !== undefined) await client.#listen(options.port)
    client.#ticker = setInterval(() => client.#tick(), TICK_MS)
    if (client.limits.isLimited) client.#startRefill()
    return client
  }

  /** Monotonic milliseconds. */
  now(): number {
    return performance.now()
  }

  announceAs(): { peerId: Uint8Array; port: number | undefined; key: number } {
    return { peerId: this.#peerId, port: this.#port, key: this.#key }
  }

  /** Where it listens. */
  get port(): number | undefined {
    return this.#port
  }

  get torrents(): readonly SwarmTorrent[] {
    return [...this.#torrents.values()]
  }

  /** By its infohash as it goes in handshakes, in hex. */
  torrent(infohash: string): SwarmTorrent | undefined {
    return this.#torrents.get(infohash)
  }

  get connectionCount(): number {
    return this.#places.size
  }

  async #listen(port: number): Promise<void> {
    assertPort(port)
    const server = createServer({ noDelay: true }, socket => {
      const host = plainHost(socket.remoteAddress ?? '')
      if (this.#places.isFull || this.#places.isHostFull(host)) socket.destroy()
      else this.#places.take(PeerConnection.accept(this, socket), host)
    })
    this.#server = server
    try {
      await once(server.listen(port, this.#options.host), 'listening')
    } catch (cause) {
      throw listenError(cause, this.#options.host, port)
    }
    // One connection that cannot be taken is no reason to end.
    server.on('error', () => {})
    const address = server.address()
    this.#port = typeof address === 'object' && address !== null ? address.port : undefined
  }

  /**
   * Adds a torrent: a magnet link, the bytes of a .torrent file, or what they say. Resolves when its files have been looked through,
   * or at once for a magnet link; {@link SwarmTorrent.done} tells when all is there.
   *
   * @throws OperationError with the verdict's code where it is none; `torrent-known` where it is there already
   * @example
   * const client = await SwarmClient.open({ stateFolder: './state' })
   * const link = 'magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a'
   * const torrent = await client.add(link, { folder: './downloads', only: path => path.endsWith('.flac') })
   * console.log(torrent.infohash, torrent.state)
   * await client.close()
   */
  async add(source: string | Uint8Array | Metainfo, options: AddOptions): Promise<SwarmTorrent> {
    if (this.#closed) throw new OperationError('closing', 'the client is closed')
    const torrent = typeof source === 'string' ? this.#fromMagnet(source, options) : this.#fromMetainfo(source, options)
    if (this.#torrents.has(torrent.infohash)) {
      throw new OperationError('torrent-known', 'this torrent is there already')
    }
    this.#torrents.set(torrent.infohash, torrent)
    if (torrent.limits.own?.isLimited) this.#startRefill()
    for (const peer of options.peers ?? []) torrent.core.candidates.add(peer, 'user')
    await torrent.open()
    torrent.tick(this.now())
    this.#dial()
    return torrent
  }

  #torrentOptions(): TorrentOptions {
    const { client, tuning } = this.#options
    return { ...TORRENT_OPTIONS, ...tuning, client, peerId: this.#peerId, listenPort: this.#port }
  }

  #fromMagnet(link: string, options: AddOptions): SwarmTorrent {
    const magnet = parseMagnet(link)
    if (!magnet.ok) throw new OperationError(magnet.code, 'this is no magnet link that can be followed')
    const hashes = { v1: magnet.value.infohashV1, v2: magnet.value.infohashV2 }
    const only = options.only ?? chooseByIndex(magnet.value.selectOnly)
    const magnetTrackers = magnet.value.trackers.map(url => [url])
    const source: TorrentSource = {
      hashes,
      ...allTrackers(options.trackers, magnetTrackers),
      webSeeds: magnet.value.webSeeds.map(url => ({ url, gives: 'files' })),
      ownersWebSeeds: options.webSeeds ?? [],
    }
    const torrentOptions = only === undefined ? options : { ...options, only }
    const torrent = new SwarmTorrent(this, source, this.#torrentOptions(), torrentOptions)
    for (const peer of magnet.value.peers) {
      const address = parseAddress(peer)
      if (address !== undefined) torrent.core.candidates.add(address, 'user')
    }
    return torrent
  }

  #fromMetainfo(source: Uint8Array | Metainfo, options: AddOptions): SwarmTorrent {
    let metainfo = source as Metainfo
    if (source instanceof Uint8Array) {
      const parsed = parseMetainfo(source, nodeBulkHash)
      if (!parsed.ok) throw new OperationError(parsed.code, parsed.detail ?? 'this is no torrent that can be used')
      metainfo = parsed.value
    }
    const { info, pieceLayers } = metainfo
    const hashes = { v1: options.byV2 ? undefined : info.infohashV1, v2: info.infohashV2 }
    const webSeeds: WebSeed[] = [
      ...metainfo.webSeeds.map(url => ({ url, gives: 'files' as const })),
      ...metainfo.httpSeeds.map(url => ({ url, gives: 'pieces' as const })),
    ]
    const known: TorrentSource = {
      hashes,
      info,
      layers: pieceLayers,
      ...allTrackers(options.trackers, metainfo.trackers),
      webSeeds,
      ownersWebSeeds: options.webSeeds ?? [],
    }
    return new SwarmTorrent(this, known, this.#torrentOptions(), options)
  }

  /**
   * Makes a torrent of a file or folder, and seeds it. Returns it with the bytes of its .torrent file.
   *
   * @throws OperationError where the files cannot be read, or have names that no torrent can carry
   * @example
   * import { writeFile } from 'node:fs/promises'
   * const client = await SwarmClient.open({ stateFolder: './state', port: 0 })
   * const { torrent, metainfo } = await client.seed('./album', { version: 'v2' })
   * await writeFile('album.torrent', metainfo)
   * console.log(torrent.magnet)
   * await client.remove(torrent)
   * await client.close()
   */
  async seed(
    path: string,
    options: MakeTorrentOptions & Pick<AddOptions, 'superSeed'> = { version: 'hybrid' },
  ): Promise<{ torrent: SwarmTorrent; metainfo: Uint8Array }> {
    const metainfo = await makeTorrent(path, options, this.hashPool)
    const torrent = await this.add(metainfo, {
      folder: dirname(resolve(path)),
      trustFiles: true,
      superSeed: options.superSeed ?? false,
      trackers: options.trackers ?? [],
    })
    return { torrent, metainfo }
  }

  /** Leaves a torrent; its files stay, what was remembered about it does not. */
  async remove(torrent: SwarmTorrent): Promise<void> {
    this.#torrents.delete(torrent.infohash)
    await torrent.forget()
  }

  route(infohash: Uint8Array): SwarmTorrent | undefined {
    for (const torrent of this.#torrents.values()) {
      if (torrent.isFor(infohash)) return torrent.isHeld ? undefined : torrent
    }
    return undefined
  }

  admits(connection: PeerConnection, torrent: SwarmTorrent): boolean {
    return this.#places.assign(connection, torrent)
  }

  closed(connection: PeerConnection, code: string): void {
    this.#places.give(connection)
    const { torrent } = connection
    if (torrent === undefined) return
    torrent.left(connection, code)
    const listens = listeningAddress(connection)
    const end = endOf(connection, torrent, code)
    if (listens !== undefined && end !== undefined) torrent.core.candidates.ended(listens, end, this.now())
    if (!this.#closed) this.#dial()
  }

  #dial(): void {
    this.#dialler.run(this.#torrents.values(), this.now())
  }

  #tick(): void {
    const now = this.now()
    for (const torrent of this.#torrents.values()) torrent.tick(now)
    this.#dial()
  }

  /** Changes the limits, in bytes a second; `Infinity` for none. Throws OperationError `limit-invalid`. */
  setLimits(change: LimitChange): void {
    this.limits.set(change)
    this.limitsChanged()
  }

  limitsChanged(): void {
    this.#startRefill()
  }

  #startRefill(): void {
    this.#refill ??= setInterval(() => this.#onRefill(), REFILL_MS)
  }

  /** Hands out what the limits allow, evenly among the torrents that fetch. */
  #onRefill(): void {
    const now = this.now()
    const fetching: SwarmTorrent[] = []
    for (const torrent of this.#torrents.values()) {
      if (torrent.core.isStarted && !torrent.core.isDone) fetching.push(torrent)
    }
    const limitersOf = ({ limits: { own } }: SwarmTorrent) =>
      own === undefined ? [this.limits.asked] : [this.limits.asked, own.asked]
    for (const torrent of fetching) {
      const left = torrent.core.downloadAllowance
      // What one did not use goes back before it is shared out again.
      if (Number.isFinite(left)) for (const limiter of limitersOf(torrent)) limiter.take(-left, now)
    }
    const share = this.limits.asked.available(now) / Math.max(1, fetching.length)
    for (const torrent of fetching) {
      const allowance = Math.min(share, torrent.limits.own?.asked.available(now) ?? Number.POSITIVE_INFINITY)
      torrent.core.downloadAllowance = allowance
      if (!Number.isFinite(allowance)) continue
      for (const limiter of limitersOf(torrent)) limiter.take(allowance, now)
      torrent.core.fillAll(now)
    }
    // Ten thousand torrents that nobody asks for should cost nothing.
    for (const torrent of this.#torrents.values()) if (torrent.connections.size > 0) torrent.settle()
  }

  /** Leaves all torrents and all peers, with everything durable. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#ticker)
    clearInterval(this.#refill)
    this.#server?.close()
    for (const connection of [...this.#places.connections()]) connection.close('closing')
    await Promise.all(this.torrents.map(torrent => torrent.close()))
    this.trackers.close()
    await this.hashPool.close()
  }
}

/** Where a peer can be called: who called us may have said so. */
function listeningAddress({ incoming, address, session }: PeerConnection): PeerAddress | undefined {
  if (!incoming) return address
  const port = session?.handshake?.port
  return port === undefined ? undefined : { host: address.host, port }
}

/** What the end of a connection says of the peer's address; `undefined` where another connection to it goes on. */
function endOf(connection: PeerConnection, { core }: SwarmTorrent, code: string): ConnectionEnd | undefined {
  const { incoming, session } = connection
  if (!incoming && (code === 'peer-is-ourselves' || code === 'peer-banned')) return 'forbidden'
  // The peer may be known by two addresses; this one need not be tried again while the other serves.
  if (code === 'peer-connected-twice') return incoming ? undefined : 'idle'
  if (session === undefined) return 'failed'
  // Seeds have nothing to say to each other.
  return core.isSeed && (session.isSeed || session.uploadOnly) ? 'idle' : 'spoke'
}
