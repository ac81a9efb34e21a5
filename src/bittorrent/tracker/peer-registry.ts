import { toHex } from '../../base/bytes/bytes.ts'
import type { Random } from '../../base/ports/random.ts'
import type { PeerAddress } from '../wire/compact-peers.ts'
import type { AnnounceRequest, ScrapeEntry } from './announce.ts'

export interface RegistryOptions {
  readonly swarmsMax: number
  readonly peersPerSwarmMax: number
  /** Peers given in one answer. */
  readonly answerMax: number
  /** What clients are asked to wait between announces. */
  readonly intervalMs: number
}

export const REGISTRY_OPTIONS: RegistryOptions = {
  swarmsMax: 100_000,
  peersPerSwarmMax: 5000,
  answerMax: 200,
  intervalMs: 1_800_000,
}

interface RegisteredPeer extends PeerAddress {
  readonly peerId: string
  seeds: boolean
  seenAt: number
}

interface Swarm {
  readonly peers: Map<string, RegisteredPeer>
  seeders: number
  completed: number
}

/** Who is in which swarm: what a tracker knows. */
export class PeerRegistry {
  readonly #options: RegistryOptions
  readonly #random: Random
  readonly #swarms = new Map<string, Swarm>()

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
    if (swarm === undefined) {
      if (this.#swarms.size >= this.#options.swarmsMax) this.#swarms.delete(this.#swarms.keys().next().value!)
      swarm = { peers: new Map(), seeders: 0, completed: 0 }
      this.#swarms.set(name, swarm)
    }
    if (request.event === 'completed') swarm.completed++
    const known = swarm.peers.get(key)
    if (known !== undefined) this.#remove(name, swarm, key, true)
    else if (swarm.peers.size >= this.#options.peersPerSwarmMax)
      this.#remove(name, swarm, swarm.peers.keys().next().value!, true)
    const seeds = request.left === 0
    swarm.peers.set(key, { host, port: request.port, peerId: toHex(request.peerId), seeds, seenAt: now })
    if (seeds) swarm.seeders++
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

  #remove(name: string, swarm: Swarm, key: string, keepSwarm = false): void {
    const peer = swarm.peers.get(key)
    if (peer === undefined) return
    swarm.peers.delete(key)
    if (peer.seeds) swarm.seeders--
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
