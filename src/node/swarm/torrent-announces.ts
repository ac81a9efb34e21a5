import type { OperationError } from '../../base/errors.ts'
import type { InfohashVersion } from '../../bittorrent/swarm/candidates.ts'
import { Announcer, type DueAnnounce, mergeStatus, type TrackerStatus } from '../../bittorrent/tracker/announcer.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'
import type { TorrentHost, TorrentSource } from './torrent-host.ts'
import { missingBytes } from './wanted-bytes.ts'

/** BEP 3 knows no word for a client that listens nowhere; what is sent to this port is discarded. */
const DISCARD_PORT = 9
const PEERS_WANTED = 80
/** How long trackers may take to hear that we go: one that does not answer must not hold anybody up. */
const GOODBYE_MS = 1000

const NOBODYS: ReadonlySet<string> = new Set()

type Trackers = Pick<TorrentSource, 'trackers' | 'ownersTrackers'>

/** The tiers of trackers that the owner of this peer has named, then those that the torrent names besides. */
export function allTrackers(
  owners: readonly (readonly string[])[] = [],
  torrents: readonly (readonly string[])[],
): Trackers {
  const ownersTrackers = owners.flat()
  const known = new Set(ownersTrackers)
  const others = torrents.map(tier => tier.filter(url => !known.has(url))).filter(tier => tier.length > 0)
  return { trackers: [...owners, ...others], ownersTrackers }
}

/** Announces a torrent to its trackers: a hybrid by both infohashes, for each has its own swarm (BEP 52). */
export class TorrentAnnounces {
  readonly #torrent: SwarmTorrent
  readonly #host: TorrentHost
  readonly #trackers: readonly (readonly string[])[]
  /** Those that the owner of this peer has named, and not the torrent. */
  readonly #owners: ReadonlySet<string>
  readonly #announcers = new Map<InfohashVersion, Announcer>()
  #completed = false

  constructor(torrent: SwarmTorrent, host: TorrentHost, { trackers, ownersTrackers }: Trackers) {
    this.#torrent = torrent
    this.#host = host
    this.#trackers = trackers
    this.#owners = ownersTrackers.length > 0 ? new Set(ownersTrackers) : NOBODYS
    this.#findSwarms()
  }

  /** Of a torrent that came by one of its infohashes, the other is known once its metadata is there. */
  #findSwarms(): void {
    // Ten thousand torrents without a tracker should keep nothing for them.
    if (this.#trackers.length === 0) return
    for (const version of ['v1', 'v2'] as const) {
      if (this.#announcers.has(version) || this.#torrent.infohashes[version] === undefined) continue
      const announcer = new Announcer(this.#trackers, this.#host.random)
      if (this.#completed) announcer.completed()
      this.#announcers.set(version, announcer)
    }
  }

  get status(): readonly TrackerStatus[] {
    return mergeStatus([...this.#announcers.values()].map(announcer => announcer.status))
  }

  /** All is there: each tracker is told once. */
  completed(): void {
    this.#completed = true
    for (const announcer of this.#announcers.values()) announcer.completed()
  }

  /** Asks the trackers whose time it is. */
  tick(now: number): void {
    if (this.#trackers.length === 0) return
    if (this.#announcers.size < 2) this.#findSwarms()
    for (const [version, announcer] of this.#announcers) {
      for (const due of announcer.due(now, this.#torrent.info?.private)) void this.#announce(version, announcer, due)
    }
  }

  /** Tells the trackers that we go. */
  async goodbye(): Promise<void> {
    const told = [...this.#announcers].flatMap(([version, announcer]) =>
      announcer.stopping(this.#host.now()).map(due => this.#announce(version, announcer, due)),
    )
    await Promise.race([Promise.all(told), new Promise(resolve => setTimeout(resolve, GOODBYE_MS).unref())])
  }

  async #announce(version: InfohashVersion, announcer: Announcer, due: DueAnnounce): Promise<void> {
    const torrent = this.#torrent
    const { peerId, port, key } = this.#host.announceAs()
    const request = {
      infohash: torrent.infohashes[version]!.subarray(0, 20),
      peerId,
      port: port ?? DISCARD_PORT,
      uploaded: torrent.core.upload.total,
      downloaded: torrent.core.download.total,
      left: missingBytes(torrent.core),
      event: due.event,
      wanted: due.event === 'stopped' ? 0 : PEERS_WANTED,
      key,
      uploadOnly: torrent.core.isDone && !torrent.core.isSeed,
    }
    try {
      const isOwners = this.#owners.has(due.url)
      const response = await this.#host.trackers.announce(due.url, request, due.trackerId, isOwners)
      announcer.succeeded(due, response, this.#host.now())
      // Who goes wants nobody.
      const peers = due.event === 'stopped' ? [] : response.peers
      for (const peer of peers) torrent.core.candidates.add(peer, 'tracker', version)
      torrent.emit('announced', due.url, undefined)
    } catch (error) {
      // That we close is no failure of the tracker's; nobody is to be told of one.
      if ((error as OperationError).code === 'closing') return
      announcer.failed(due, error as OperationError, this.#host.now())
      torrent.emit('announced', due.url, error as OperationError)
    }
  }
}
