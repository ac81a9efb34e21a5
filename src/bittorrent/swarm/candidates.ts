import { addressScope } from '../wire/address-scope.ts'
import type { PeerAddress } from '../wire/compact-peers.ts'
import { peerPriority } from '../wire/peer-priority.ts'

/** Where an address came from; those we heard of more directly are tried first. */
export type CandidateSource = 'user' | 'tracker' | 'pex' | 'dht' | 'local' | 'resume'

const SOURCE_RANK: Record<CandidateSource, number> = { user: 0, local: 1, tracker: 2, resume: 3, dht: 4, pex: 5 }

/** BEP 52: a hybrid torrent has two swarms. */
export type InfohashVersion = 'v1' | 'v2'

/** Where to find a peer. */
export interface KnownPeer extends PeerAddress {
  /** Under which infohash it is to be called, for it may know no other; `undefined` where that is not known. */
  readonly foundBy: InfohashVersion | undefined
}

interface Candidate extends KnownPeer {
  readonly key: string
  foundBy: InfohashVersion | undefined
  rank: number
  failures: number
  /** Not to be tried before. */
  nextTry: number
  connected: boolean
  /** Never to be tried. */
  forbidden: boolean
  /** BEP 40; worked out when it is first asked for. */
  priority: number | undefined
}

/** Whom to try first: those heard of more directly, then by BEP 40. */
function isBefore(a: Candidate, b: Candidate): boolean {
  const [first, second] = [a.rank + a.failures, b.rank + b.failures]
  return first < second || (first === second && (a.priority ?? 0) > (b.priority ?? 0))
}

export interface CandidateOptions {
  readonly countMax: number
  /** Waiting time after the first failure; it doubles with each. */
  readonly retryMs: number
  /** The longest wait: who was away for a day may be back. */
  readonly retryMaxMs: number
  /** The same for the few that the user named, who may be the only ones there are. */
  readonly retryNamedMaxMs: number
}

export const CANDIDATE_OPTIONS: CandidateOptions = {
  countMax: 2000,
  retryMs: 15_000,
  retryMaxMs: 3_600_000,
  retryNamedMaxMs: 60_000,
}

/**
 * How a connection ended: after a handshake, or without; `idle` where nothing is to be had at that address for a long time, and
 * `forbidden` where it is our own, or its peer was banned.
 */
export type ConnectionEnd = 'spoke' | 'failed' | 'idle' | 'forbidden'

export function addressKey({ host, port }: PeerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Addresses at which peers may be found, and when to try which. */
export class Candidates {
  readonly #options: CandidateOptions
  readonly #all = new Map<string, Candidate>()
  #own: PeerAddress | undefined

  constructor(options: CandidateOptions = CANDIDATE_OPTIONS) {
    this.#options = options
  }

  get size(): number {
    return this.#all.size
  }

  /** Where others see us: BEP 40 ranks addresses by it. */
  set ownAddress(own: PeerAddress) {
    if (own.host === this.#own?.host && own.port === this.#own.port) return
    this.#own = own
    for (const candidate of this.#all.values()) candidate.priority = undefined
  }

  /**
   * Notes an address, if somebody can be there and there is room for it.
   *
   * @param foundBy the infohash that it was found by, where that is known
   */
  add(address: PeerAddress, source: CandidateSource, foundBy?: InfohashVersion): void {
    if (source !== 'user' && addressScope(address.host) === 'nobody') return
    const key = addressKey(address)
    const known = this.#all.get(key)
    if (known !== undefined) {
      known.rank = Math.min(known.rank, SOURCE_RANK[source])
      // Who is in both swarms would rather speak v2.
      if (known.foundBy !== 'v2') known.foundBy = foundBy ?? known.foundBy
      // Whoever names an address anew believes in it.
      if (source === 'user') [known.failures, known.nextTry] = [0, 0]
      return
    }
    const { host, port } = address
    const rank = SOURCE_RANK[source]
    if (this.#all.size >= this.#options.countMax && !this.#evict(rank)) return
    const fresh = { failures: 0, nextTry: 0, connected: false, forbidden: false, priority: undefined }
    this.#all.set(key, { key, host, port, foundBy, rank, ...fresh })
  }

  /** Forgets the address with the least hope, if it has less than one of this rank that never failed. */
  #evict(rank: number): boolean {
    let worst: Candidate | undefined
    for (const candidate of this.#all.values()) {
      if (candidate.connected || candidate.forbidden) continue
      if (worst === undefined || candidate.rank + candidate.failures > worst.rank + worst.failures) worst = candidate
    }
    const hasLess = worst !== undefined && (worst.failures > 0 || worst.rank > rank)
    return hasLess && this.#all.delete(worst!.key)
  }

  /** The address to try now, marked as connected; `undefined` if none is due. */
  next(now: number): KnownPeer | undefined {
    let best: Candidate | undefined
    for (const candidate of this.#all.values()) {
      if (candidate.connected || candidate.forbidden || candidate.nextTry > now) continue
      if (this.#own !== undefined) candidate.priority ??= peerPriority(this.#own, candidate)
      if (best === undefined || isBefore(candidate, best)) best = candidate
    }
    if (best !== undefined) best.connected = true
    return best
  }

  /** A peer that came to us listens at this address. */
  connected(address: PeerAddress): void {
    const candidate = this.#all.get(addressKey(address))
    if (candidate !== undefined) candidate.connected = true
  }

  /** A connection ended; if its peer called us, the address is where it listens. */
  ended(address: PeerAddress, how: ConnectionEnd, now: number): void {
    if (how === 'forbidden') this.add(address, 'pex')
    const candidate = this.#all.get(addressKey(address))
    if (candidate === undefined) return
    candidate.connected = false
    candidate.forbidden ||= how === 'forbidden'
    if (how === 'failed') candidate.failures++
    else candidate.failures = 0
    const { retryMs, retryMaxMs, retryNamedMaxMs } = this.#options
    const maxMs = candidate.rank === SOURCE_RANK.user ? retryNamedMaxMs : retryMaxMs
    const waitMs = how === 'idle' ? maxMs : retryMs * 2 ** Math.max(0, candidate.failures - 1)
    candidate.nextTry = now + Math.min(waitMs, maxMs)
  }

  /** An address that was to be tried has to wait, for no fault of its own. */
  postpone(address: PeerAddress, now: number): void {
    const candidate = this.#all.get(addressKey(address))
    if (candidate === undefined) return
    candidate.connected = false
    candidate.nextTry = now + this.#options.retryMs
  }

  /** Nothing speaks against trying all of them now. */
  retry(): void {
    for (const candidate of this.#all.values()) candidate.nextTry = 0
  }
}
