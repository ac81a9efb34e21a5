import { RollingFilter } from '../../../base/collections/rolling-filter.ts'
import { shuffled } from '../../../base/collections/shuffled.ts'
import type { Random } from '../../../base/ports/random.ts'
import { isValidAddress } from '../../wire/address-class.ts'
import type { GossipedAddress } from '../../wire/address-messages.ts'
import type { NetEndpoint } from '../../wire/net-address.ts'
import { SERVICES } from '../../wire/services.ts'
import { endpointBytes } from './endpoint-bytes.ts'

/** Addresses of one message; Core's limit, and that of what waits to be sent. */
export const ADDRESSES_TO_SEND_MAX = 1000

/** Addresses that a peer may tell us each second, and in one go. */
const ADDRESSES_PER_SECOND = 0.1
const TOKENS_MAX = ADDRESSES_TO_SEND_MAX

/** Addresses that a peer knows, as far as we remember. */
const KNOWN_MAX = 5000
const KNOWN_FALSE_POSITIVE_RATE = 0.001

/** An address that is told with a time outside of reason is taken to be so old. */
const UNREASONABLE_AGE_SECONDS = 5 * 24 * 60 * 60
const REASONABLE_SECONDS_MIN = 100_000_000
const FUTURE_SECONDS_MAX = 10 * 60

/** What {@link PeerAddresses.receive} makes of a message. */
export interface ReceivedAddresses {
  /** Those that are worth looking at. */
  readonly addresses: readonly GossipedAddress[]
  /** How many a peer has told beyond what it may. */
  readonly rateLimited: number
  /** Whether the message may hold news, and is no answer to a question of ours. */
  readonly isNews: boolean
}

/** What passes between us and one peer about other peers. Times are in milliseconds since 1970. */
export class PeerAddresses {
  readonly #random: Random
  /** Undefined until we take part in gossip with the peer. */
  #known: RollingFilter | undefined
  #toSend: GossipedAddress[] = []
  #tokens = 1
  #tokensAtMs: number
  #asked = false

  /** Addresses that were dealt with, and those that were not because there were too many; RPC shows them. */
  processed = 0
  rateLimited = 0
  /** Whether the peer has asked for addresses. */
  answered = false
  /** When addresses, and our own, are to be told next; 0 before the first time. */
  nextSendMs = 0
  nextSelfMs = 0

  constructor(random: Random, nowMs: number) {
    this.#random = random
    this.#tokensAtMs = nowMs
  }

  /** Whether we take part in gossip with the peer. */
  get isEnabled(): boolean {
    return this.#known !== undefined
  }

  /** Addresses that wait to be sent. */
  get waiting(): number {
    return this.#toSend.length
  }

  enable(): void {
    this.#known ??= new RollingFilter(KNOWN_MAX, KNOWN_FALSE_POSITIVE_RATE, this.#random)
  }

  /** The peer was asked for addresses: an answer may hold many. */
  asked(): void {
    this.#asked = true
    this.#tokens += ADDRESSES_TO_SEND_MAX
  }

  /**
   * Looks through a message of the peer's.
   *
   * @param unlimited whether the peer may tell as much as it likes
   */
  receive(told: readonly GossipedAddress[], unlimited: boolean, nowMs: number): ReceivedAddresses {
    if (this.#tokens < TOKENS_MAX) {
      const earned = (Math.max(0, nowMs - this.#tokensAtMs) / 1000) * ADDRESSES_PER_SECOND
      this.#tokens = Math.min(this.#tokens + earned, TOKENS_MAX)
    }
    this.#tokensAtMs = nowMs
    const isNews = !this.#asked
    if (told.length < ADDRESSES_TO_SEND_MAX) this.#asked = false
    const addresses: GossipedAddress[] = []
    let rateLimited = 0
    // In no order, so that nobody chooses which of too many are heard.
    for (const address of shuffled(told, this.#random)) {
      if (this.#tokens >= 1) this.#tokens--
      else if (!unlimited) {
        rateLimited++
        continue
      }
      if (!mayKnowOthers(address.services)) continue
      this.#known?.insert(endpointBytes(address.endpoint))
      addresses.push(withReasonableTime(address, nowMs / 1000))
    }
    this.rateLimited += rateLimited
    return { addresses, rateLimited, isNews }
  }

  knows(endpoint: NetEndpoint): boolean {
    return this.#known?.has(endpointBytes(endpoint)) ?? false
  }

  /** Sets an address aside to be sent, unless the peer knows it; where too many wait, instead of any one of them. */
  push(address: GossipedAddress): void {
    if (!isValidAddress(address.endpoint.address) || this.knows(address.endpoint)) return
    if (this.#toSend.length < ADDRESSES_TO_SEND_MAX) this.#toSend.push(address)
    else this.#toSend[this.#random.below(ADDRESSES_TO_SEND_MAX)] = address
  }

  /** Takes what is to be sent, without what the peer knows meanwhile; it knows all of it now. */
  take(): GossipedAddress[] {
    const waiting = this.#toSend
    this.#toSend = []
    return waiting.filter(({ endpoint }) => {
      if (this.knows(endpoint)) return false
      this.#known?.insert(endpointBytes(endpoint))
      return true
    })
  }

  /** Drops what waits to be sent. */
  dropWaiting(): void {
    this.#toSend = []
  }

  /** Forgets what the peer knows, so that it is told again. */
  forget(): void {
    this.#known?.clear()
  }
}

/** Whether a peer with such services keeps addresses of others: a light client hardly does. */
export function mayKnowOthers(services: bigint): boolean {
  return (services & (SERVICES.NODE_NETWORK | SERVICES.NODE_NETWORK_LIMITED)) !== 0n
}

function withReasonableTime(address: GossipedAddress, nowSeconds: number): GossipedAddress {
  const { timeSeconds } = address
  if (timeSeconds > REASONABLE_SECONDS_MIN && timeSeconds <= nowSeconds + FUTURE_SECONDS_MAX) return address
  return { ...address, timeSeconds: Math.floor(nowSeconds) - UNREASONABLE_AGE_SECONDS }
}
