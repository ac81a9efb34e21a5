import type { KnownPeer } from '../../bittorrent/swarm/candidates.ts'
import type { ConnectionPlaces } from './connection-places.ts'
import type { PeerConnection } from './peer-connection.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'

/** Calls that may be waiting for an answer. */
const DIALLING_MAX = 30
/** Addresses looked at for one torrent before the next has its turn: of hosts that have all their places, there may be thousands. */
const PASSED_OVER_MAX = 10
/** How often a torrent that has more than its share parts from a peer for one that has less. */
const ROOM_MS = 2000

type Dial = (torrent: SwarmTorrent, peer: KnownPeer) => PeerConnection
type Places = ConnectionPlaces<PeerConnection, SwarmTorrent>

/** Decides which torrent may call a peer next: each has its share of the connections before anyone has more. */
export class Dialler {
  readonly #places: Places
  readonly #dial: Dial
  /** When each torrent called last, in calls. */
  readonly #lastCalls = new WeakMap<SwarmTorrent, number>()
  #calls = 0
  #isRunning = false
  #roomMadeAt = Number.NEGATIVE_INFINITY

  constructor(places: Places, dial: Dial) {
    this.#places = places
    this.#dial = dial
  }

  /** Calls peers, as far as there is room. */
  run(torrents: Iterable<SwarmTorrent>, now: number): void {
    // Making room closes a connection, and whoever closes one wants to call others.
    if (this.#isRunning) return
    this.#isRunning = true
    let room = DIALLING_MAX
    for (const { incoming, session } of this.#places.connections()) if (!incoming && session === undefined) room--
    if (room > 0) this.#call(waiting(torrents), room, now)
    this.#isRunning = false
  }

  #call(waiting: SwarmTorrent[], room: number, now: number): void {
    const places = this.#places
    const share = places.fairShare(waiting.filter(torrent => places.countOf(torrent) === 0).length)
    const hasLess = (torrent: SwarmTorrent) => places.countOf(torrent) < share
    // Who was left out the last time comes first now.
    waiting.sort((a, b) => (this.#lastCalls.get(a) ?? 0) - (this.#lastCalls.get(b) ?? 0))
    let left = room
    for (const mayCall of [hasLess, () => true]) {
      let turn = waiting
      while (turn.length > 0) {
        const again: SwarmTorrent[] = []
        for (const torrent of turn) {
          if (!mayCall(torrent) || places.isTorrentFull(torrent)) continue
          const giver = places.isFull ? this.#whoGivesWay(torrent, share, now) : undefined
          if (left === 0 || (places.isFull && giver === undefined)) return
          if (!this.#callFor(torrent, giver, now)) continue
          left--
          again.push(torrent)
        }
        turn = again
      }
    }
  }

  /** Calls the torrent's next peer, if need be in the place of another; false where there is none to call now. */
  #callFor(torrent: SwarmTorrent, giver: PeerConnection | undefined, now: number): boolean {
    const { candidates } = torrent.core
    for (let passedOver = 0; passedOver < PASSED_OVER_MAX; passedOver++) {
      const peer = candidates.next(now)
      if (peer === undefined) return false
      if (this.#places.isHostFull(peer.host)) {
        candidates.postpone(peer, now)
        continue
      }
      if (giver !== undefined) {
        this.#roomMadeAt = now
        giver.close('peer-gives-way')
      }
      this.#places.take(this.#dial(torrent, peer), peer.host, torrent)
      this.#lastCalls.set(torrent, ++this.#calls)
      return true
    }
    return false
  }

  /** For a torrent with less than its share: of the torrent with most connections, the one over which least moves. */
  #whoGivesWay(torrent: SwarmTorrent, share: number, now: number): PeerConnection | undefined {
    if (now - this.#roomMadeAt < ROOM_MS || this.#places.countOf(torrent) >= share) return undefined
    let least: { connection: PeerConnection; count: number; rate: number } | undefined
    for (const connection of this.#places.connections()) {
      const { torrent, session } = connection
      if (torrent === undefined || session === undefined) continue
      const count = this.#places.countOf(torrent)
      if (count <= share || count < (least?.count ?? 0)) continue
      const rate = session.download.rate(now) + session.upload.rate(now)
      if (least === undefined || count > least.count || rate <= least.rate) least = { connection, count, rate }
    }
    return least?.connection
  }
}

/** The torrents that know somebody to call. */
function waiting(torrents: Iterable<SwarmTorrent>): SwarmTorrent[] {
  const found: SwarmTorrent[] = []
  for (const torrent of torrents) if (torrent.core.candidates.size > 0 && torrent.wantsPeers) found.push(torrent)
  return found
}
