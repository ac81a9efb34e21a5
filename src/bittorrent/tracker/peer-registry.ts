import { toHex } from '../../base/bytes/bytes.ts'
import type { Random } from '../../base/ports/random.ts'
import { callerKey } from '../wire/address-scope.ts'
import type { PeerAddress } from '../wire/compact-peers.ts'
import type { AnnounceRequest, ScrapeEntry } from './announce.ts'

export interface RegistryOptions {
  readonly swarmsMax: number
  readonly peersPerSwarmMax: number
  /** In all swarms. */
  readonly peersMax: number
  /** Of one IPv4 address, or one IPv6 network (/64), in one swarm: more of them are answered, and not told to others. */
  readonly peersPerHostMax: number
  /** Peers given in one answer. */
  readonly answerMax: number
  /** What clients are asked to wait between announces. */
  readonly intervalMs: number
}

export const REGISTRY_OPTIONS: RegistryOptions = {
  swarmsMax: 100_000,
  peersPerSwarmMax: 5000,
  peersMax: 500_000,
  peersPerHostMax: 200,
  answerMax: 200,
  intervalMs: 1_800_000,
}

interface RegisteredPeer extends PeerAddress {
  /** What it shares with others of its place. */
  readonly place: string
  readonly seeds: boolean
  readonly seenAt: number
}

interface Swarm {
  /** Those who announced longest ago come first. */
  readonly peers: Map<string, RegisteredPeer>
  /** How many there are of each place. */
  readonly places: Map<string, number>
  seeders: number
  completed: number
}

/** Who is in which swarm: what a tracker knows. */
export class PeerRegistry {
  readonly #options: RegistryOptions
  readonly #random: Random
  /** Those that nobody announced for longest come first. */
  readonly #swarms = new Map<string, Swarm>()
  #peerCount = 0

  constructor(random: Random, options: Partial<RegistryOptions> = {}) {
    this.#random = random
    this.#options = { ...REGISTRY_OPTIONS, ...options }
  }

  get intervalSeconds(): number {
    return Math.round(this.#options.intervalMs / 1000)
  }

  get swarmCount(): number {
    return this.#swarms.size
  }

  /** Peers in all swarms. */
  get peerCount(): number {
    return this.#peerCount
  }

  /** A peer announces itself from `host`; returns others in its swarm. */
  announce(
    request: AnnounceRequest,
    host: string,
    now: number,
  ): { intervalSeconds: number; seeders: number; leechers: number; peers: PeerAddress[] } {
    const name = toHex(request.infohash)
    const key = `${host}/${request.port}`
    let swarm = this.#swarms.get(name)
    if (request.event === 'stopped') {
      if (swarm !== undefined) this.#remove(name, swarm, key)
      return { intervalSeconds: this.intervalSeconds, seeders: swarm?.seeders ?? 0, leechers: 0, peers: [] }
    }
    swarm ??= { peers: new Map(), places: new Map(), seeders: 0, completed: 0 }
    this.#swarms.delete(name)
    this.#swarms.set(name, swarm)
    if (request.event === 'completed') swarm.completed++
    const seeds = request.left === 0
    this.#remove(name, swarm, key, true)
    const place = callerKey(host)
    if ((swarm.places.get(place) ?? 0) < this.#options.peersPerHostMax) {
      this.#add(swarm, key, { host, port: request.port, place, seeds, seenAt: now })
    }
    this.#makeRoom(name, swarm)
    const peers = this.#choose(swarm, key, seeds, Math.min(request.wanted, this.#options.answerMax))
    return {
      intervalSeconds: this.intervalSeconds,
      seeders: swarm.seeders,
      leechers: swarm.peers.size - swarm.seeders,
      peers,
    }
  }

  scrape(infohash: Uint8Array): ScrapeEntry {
    const swarm = this.#swarms.get(toHex(infohash))
    if (swarm === undefined) return { seeders: 0, completed: 0, leechers: 0 }
    return { seeders: swarm.seeders, completed: swarm.completed, leechers: swarm.peers.size - swarm.seeders }
  }

  /** Forgets who has not been heard of for two intervals. */
  expire(now: number): void {
    for (const [name, swarm] of this.#swarms) {
      // The map keeps the order of announces: the oldest come first.
      for (const [key, peer] of swarm.peers) {
        if (now - peer.seenAt < 2 * this.#options.intervalMs) break
        this.#remove(name, swarm, key)
      }
    }
  }

  #add(swarm: Swarm, key: string, peer: RegisteredPeer): void {
    swarm.peers.set(key, peer)
    swarm.places.set(peer.place, (swarm.places.get(peer.place) ?? 0) + 1)
    if (peer.seeds) swarm.seeders++
    this.#peerCount++
  }

  /** Forgets whoever announced longest ago, in this swarm and in those that nobody announces. */
  #makeRoom(name: string, swarm: Swarm): void {
    const { swarmsMax, peersPerSwarmMax, peersMax } = this.#options
    while (swarm.peers.size > peersPerSwarmMax) this.#remove(name, swarm, swarm.peers.keys().next().value!, true)
    for (const [oldest, { peers }] of this.#swarms) {
      if (this.#swarms.size <= swarmsMax && this.#peerCount <= peersMax) return
      for (const key of peers.keys()) this.#remove(oldest, this.#swarms.get(oldest)!, key, true)
      this.#swarms.delete(oldest)
    }
  }

  #remove(name: string, swarm: Swarm, key: string, keepSwarm = false): void {
    const peer = swarm.peers.get(key)
    if (peer === undefined) return
    swarm.peers.delete(key)
    const ofPlace = swarm.places.get(peer.place)! - 1
    if (ofPlace === 0) swarm.places.delete(peer.place)
    else swarm.places.set(peer.place, ofPlace)
    if (peer.seeds) swarm.seeders--
    this.#peerCount--
    if (swarm.peers.size === 0 && !keepSwarm) this.#swarms.delete(name)
  }

  /** A run of peers from a random place on; a seed has no use for other seeds. */
  #choose(swarm: Swarm, own: string, forSeed: boolean, count: number): PeerAddress[] {
    const eligible = [...swarm.peers].filter(([key, peer]) => key !== own && !(forSeed && peer.seeds))
    const start = eligible.length > 0 ? this.#random.below(eligible.length) : 0
    const chosen: PeerAddress[] = []
    for (let i = 0; i < Math.min(count, eligible.length); i++) {
      const [, { host, port }] = eligible[(start + i) % eligible.length]
      chosen.push({ host, port })
    }
    return chosen
  }
}
