import type { Random } from '../../../base/ports/random.ts'
import { isRoutable, REACHABILITY, reachabilityFrom } from '../../wire/address-class.ts'
import { addressKey, type NetAddress, type NetEndpoint, UNSPECIFIED_ADDRESS } from '../../wire/net-address.ts'
import type { LocalAddressSource } from '../connection-io.ts'

/** Addresses of our own that are remembered; more are not to be found out in earnest. */
export const LOCAL_ADDRESSES_MAX = 64

/** Core's scores: how far a source is to be believed. */
const SCORES: Readonly<Record<LocalAddressSource, number>> = { interface: 1, bind: 2, mapped: 3, service: 4, manual: 4 }

/** An address of our own. */
export interface LocalAddress {
  readonly endpoint: NetEndpoint
  /** Grows with each peer that sees us there. */
  readonly score: number
}

/** What is to be known of a peer that is told an address of ours. */
export interface LocalAddressAudience {
  readonly endpoint: NetEndpoint
  readonly isInbound: boolean
  /** Where the peer sees us. */
  readonly localSeenByPeer: NetEndpoint | undefined
}

/** The addresses at which we may be reached, and which of them a peer is told. */
export class LocalAddresses {
  readonly #random: Random
  readonly #isReachable: (address: NetAddress) => boolean
  readonly #discover: boolean
  readonly #port: number
  readonly #known = new Map<string, LocalAddress>()

  /**
   * @param discover -discover: whether what peers tell of us is believed
   * @param port where we listen
   */
  constructor(options: {
    random: Random
    isReachable: (address: NetAddress) => boolean
    discover: boolean
    port: number
  }) {
    this.#random = options.random
    this.#isReachable = options.isReachable
    this.#discover = options.discover
    this.#port = options.port
  }

  get all(): readonly LocalAddress[] {
    return [...this.#known.values()]
  }

  has(address: NetAddress): boolean {
    return this.#known.has(addressKey(address))
  }

  /** Whether it is one that others could use. */
  add(endpoint: NetEndpoint, source: LocalAddressSource): boolean {
    const score = SCORES[source]
    const { address } = endpoint
    if (!isRoutable(address)) return false
    if (!this.#discover && score < SCORES.manual) return false
    // What the user names is told, whichever networks we reach ourselves.
    if (source !== 'manual' && !this.#isReachable(address)) return false
    const key = addressKey(address)
    const known = this.#known.get(key)
    if (known === undefined && this.#known.size >= LOCAL_ADDRESSES_MAX) return false
    if (known === undefined || score >= known.score) {
      this.#known.set(key, { endpoint, score: score + (known === undefined ? 0 : 1) })
    }
    return true
  }

  remove(endpoint: NetEndpoint): void {
    this.#known.delete(addressKey(endpoint.address))
  }

  /** A peer sees us at an address: one that we know of is the better for it. */
  seen(endpoint: NetEndpoint): void {
    const key = addressKey(endpoint.address)
    const known = this.#known.get(key)
    if (known !== undefined) this.#known.set(key, { ...known, score: known.score + 1 })
  }

  #best(theirs: NetAddress): LocalAddress | undefined {
    let best: LocalAddress | undefined
    let bestReach: number = REACHABILITY.unreachable
    for (const local of this.#known.values()) {
      const { network } = local.endpoint.address
      // On networks that hide who speaks, no other address of ours may be told.
      const isHidden = network === 'onion' || network === 'i2p'
      const areHidden = theirs.network === 'onion' || theirs.network === 'i2p'
      if (isHidden !== areHidden || (isHidden && network !== theirs.network)) continue
      const reach = reachabilityFrom(local.endpoint.address, theirs)
      if (reach > bestReach || (reach === bestReach && best !== undefined && local.score > best.score)) {
        best = local
        bestReach = reach
      }
    }
    return best
  }

  /** What a peer is told of where we are; undefined for nothing. */
  addressFor(peer: LocalAddressAudience): NetEndpoint | undefined {
    const best = this.#best(peer.endpoint.address)
    let told: NetEndpoint = best?.endpoint ?? { address: UNSPECIFIED_ADDRESS, port: this.#port }
    const seen = peer.localSeenByPeer
    const isSeenGood =
      this.#discover &&
      seen !== undefined &&
      isRoutable(peer.endpoint.address) &&
      isRoutable(seen.address) &&
      this.#isReachable(seen.address)
    if (isSeenGood) {
      const doubt = (best?.score ?? 0) > SCORES.manual ? 8 : 2
      if (!isRoutable(told.address) || this.#random.below(doubt) === 0) {
        // Whoever connected to us knows the port; others see only where our connection came from.
        told = peer.isInbound ? seen : { address: seen.address, port: told.port }
      }
    }
    return isRoutable(told.address) ? told : undefined
  }
}
