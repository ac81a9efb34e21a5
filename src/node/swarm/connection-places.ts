import { callerKey, isNeighbour } from '../../bittorrent/wire/address-scope.ts'

/** How many connections there may be, dialled and accepted ones together. */
export interface ConnectionLimits {
  readonly connectionsMax: number
  readonly connectionsPerTorrentMax: number
  /** To one host of the public network; of IPv6, one network of 64 bits counts as one. */
  readonly connectionsPerHostMax: number
  /** To one address of this machine or of a private network, which many share. */
  readonly connectionsPerNeighbourMax: number
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  connectionsMax: 200,
  connectionsPerTorrentMax: 100,
  connectionsPerHostMax: 16,
  connectionsPerNeighbourMax: Number.POSITIVE_INFINITY,
}

/** Counts things by what they have in common; what counts nothing is forgotten. */
class Counts<Key> {
  readonly #counts = new Map<Key, number>()

  get size(): number {
    return this.#counts.size
  }

  of(key: Key): number {
    return this.#counts.get(key) ?? 0
  }

  add(key: Key, change: 1 | -1): void {
    const count = this.of(key) + change
    if (count === 0) this.#counts.delete(key)
    else this.#counts.set(key, count)
  }
}

interface Place<Torrent> {
  readonly host: string
  torrent: Torrent | undefined
}

/** The places for connections: of all together, of each torrent and of each host. */
export class ConnectionPlaces<Connection, Torrent> {
  readonly #limits: ConnectionLimits
  readonly #taken = new Map<Connection, Place<Torrent>>()
  readonly #hosts = new Counts<string>()
  readonly #torrents = new Counts<Torrent>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#taken.size
  }

  /** Those that have a place. */
  connections(): IterableIterator<Connection> {
    return this.#taken.keys()
  }

  get isFull(): boolean {
    return this.#taken.size >= this.#limits.connectionsMax
  }

  isTorrentFull(torrent: Torrent): boolean {
    return this.#torrents.of(torrent) >= this.#limits.connectionsPerTorrentMax
  }

  isHostFull(host: string): boolean {
    const { connectionsPerHostMax, connectionsPerNeighbourMax } = this.#limits
    return this.#hosts.of(callerKey(host)) >= (isNeighbour(host) ? connectionsPerNeighbourMax : connectionsPerHostMax)
  }

  countOf(torrent: Torrent): number {
    return this.#torrents.of(torrent)
  }

  /**
   * What each torrent may have before those with less are served.
   *
   * @param waiting how many torrents want connections and have none
   */
  fairShare(waiting: number): number {
    return Math.max(1, Math.floor(this.#limits.connectionsMax / Math.max(1, this.#torrents.size + waiting)))
  }

  /** Gives a place to a connection; whoever calls us says later which torrent it is about. */
  take(connection: Connection, host: string, torrent?: Torrent): void {
    const key = callerKey(host)
    this.#hosts.add(key, 1)
    if (torrent !== undefined) this.#torrents.add(torrent, 1)
    this.#taken.set(connection, { host: key, torrent })
  }

  /** Somebody who called us says which torrent it is about; false where there is no place for one more. */
  assign(connection: Connection, torrent: Torrent): boolean {
    const place = this.#taken.get(connection)
    if (place === undefined || this.isTorrentFull(torrent)) return false
    place.torrent = torrent
    this.#torrents.add(torrent, 1)
    return true
  }

  /** A connection is over. */
  give(connection: Connection): void {
    const place = this.#taken.get(connection)
    if (place === undefined) return
    this.#taken.delete(connection)
    this.#hosts.add(place.host, -1)
    if (place.torrent !== undefined) this.#torrents.add(place.torrent, -1)
  }
}
