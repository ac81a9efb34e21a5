import type { OperationError } from '../../base/errors.ts'
import { Announcer, type DueAnnounce, type TrackerStatus } from '../../bittorrent/tracker/announcer.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'
import type { TorrentHost } from './torrent-host.ts'

/** BEP 3 knows no word for a client that listens nowhere; what is sent to this port is discarded. */
const DISCARD_PORT = 9
const PEERS_WANTED = 80
/** How long trackers may take to hear that we go: one that does not answer must not hold anybody up. */
const GOODBYE_MS = 1000

/** Announces a torrent to its trackers. */
export class TorrentAnnounces {
  readonly #torrent: SwarmTorrent
  readonly #host: TorrentHost
  readonly #announcer: Announcer

  constructor(torrent: SwarmTorrent, host: TorrentHost, trackers: readonly (readonly string[])[]) {
    this.#torrent = torrent
    this.#host = host
    this.#announcer = new Announcer(trackers, host.random)
  }

  get status(): readonly TrackerStatus[] {
    return this.#announcer.status
  }

  /** All is there: each tracker is told once. */
  completed(): void {
    this.#announcer.completed()
  }

  /** Asks the trackers whose time it is. */
  tick(now: number): void {
    for (const due of this.#announcer.due(now, this.#torrent.info?.private)) void this.#announce(due)
  }

  /** Tells the trackers that we go. */
  async goodbye(): Promise<void> {
    const told = Promise.all(this.#announcer.stopping().map(due => this.#announce(due)))
    await Promise.race([told, new Promise(resolve => setTimeout(resolve, GOODBYE_MS).unref())])
  }

  async #announce(due: DueAnnounce): Promise<void> {
    const torrent = this.#torrent
    const { peerId, port, key } = this.#host.announceAs()
    const request = {
      infohash: torrent.core.wireInfohash,
      peerId,
      port: port ?? DISCARD_PORT,
      uploaded: torrent.core.upload.total,
      downloaded: torrent.core.download.total,
      left: torrent.leftBytes,
      event: due.event,
      wanted: due.event === 'stopped' ? 0 : PEERS_WANTED,
      key,
      uploadOnly: torrent.core.isDone && !torrent.core.isSeed,
    }
    try {
      const response = await this.#host.trackers.announce(due.url, request, due.trackerId)
      this.#announcer.succeeded(due, response, this.#host.now())
      for (const peer of response.peers) torrent.core.candidates.add(peer, 'tracker')
      torrent.emit('announced', due.url, undefined)
    } catch (error) {
      this.#announcer.failed(due, (error as Error).message, this.#host.now())
      torrent.emit('announced', due.url, error as OperationError)
    }
  }
}
