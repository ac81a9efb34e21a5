import { ByteWriter } from '../../../base/bytes/writer.ts'
import { SipHash } from '../../../base/crypto/siphash.ts'
import type { Random } from '../../../base/ports/random.ts'
import { isRoutable } from '../../wire/address-class.ts'
import type { GossipedAddress } from '../../wire/address-messages.ts'
import { isLegacyCompatible, type NetAddress, type NetEndpoint } from '../../wire/net-address.ts'
import { randomDelayMs } from '../random-delay.ts'
import type { ConnectionType, Permission } from '../remote-peer.ts'
import type { AddressesWanted, AddressManager } from './address-manager.ts'
import { endpointBytes } from './endpoint-bytes.ts'
import { ADDRESSES_TO_SEND_MAX, type PeerAddresses } from './peer-addresses.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_SECONDS = 24 * 60 * 60

/** Mean times between messages with addresses, and between tellings of our own. */
const SEND_INTERVAL_MS = 30_000
const SELF_INTERVAL_MS = 24 * HOUR_MS
/** Messages of more addresses, and addresses that were last seen longer ago, are no news that is to spread. */
const NEWS_ADDRESSES_MAX = 10
const NEWS_AGE_SECONDS = 10 * 60
/** What others tell is taken to be so much older than they say. */
const HEARSAY_PENALTY_SECONDS = 2 * 60 * 60

/** Of all addresses that we know, nobody is told more in one answer. */
const ANSWER_PERCENT_MAX = 23
/** An answer is given again for so long, and up to six hours longer: asking often shows little. */
const ANSWER_KEPT_MS = 21 * HOUR_MS
const ANSWER_KEPT_SPREAD_MS = 6 * HOUR_MS
/** Answers that are kept: one for each network and address of ours that questions come in by. */
const ANSWERS_MAX = 64

/** What gossip needs to know of a peer. */
export interface GossipPeer {
  readonly id: number
  readonly type: ConnectionType
  readonly endpoint: NetEndpoint
  /** BIP155 */
  readonly wantsAddrv2: boolean
  readonly addresses: PeerAddresses
  has(permission: Permission): boolean
}

export interface AddressRelayOptions {
  readonly manager: AddressManager
  readonly random: Random
  /** Whether there is anything against an address (see BanList). */
  readonly shuns: (address: NetAddress, nowSeconds: number) => boolean
  /** Whether we connect to addresses of its network. */
  readonly isReachable: (address: NetAddress) => boolean
}

export interface AddressesOutcome {
  readonly processed: number
  readonly rateLimited: number
  /** What the address manager was offered, and how many found a place. */
  readonly offered: readonly GossipedAddress[]
  readonly added: number
  /** An address fetch has got what it was for: the connection may end. */
  readonly fetched: boolean
}

/**
 * Whether we talk about addresses on such a connection. Those for blocks only are to stay unknown to others, and feelers end before
 * an answer comes.
 */
export function gossipsAddresses(type: ConnectionType): boolean {
  return type !== 'block-relay-only' && type !== 'feeler'
}

/**
 * How addresses spread: what peers tell goes to the address manager and, if it is news, to one or two other peers; who asks is
 * answered once. As Core does it.
 */
export class AddressRelay {
  readonly #options: AddressRelayOptions
  readonly #random: Random
  readonly #addressHash = new SipHash(0n, 0n)
  readonly #destinationHash: SipHash
  readonly #answers = new Map<string, { readonly untilMs: number; readonly addresses: readonly GossipedAddress[] }>()

  constructor(options: AddressRelayOptions) {
    this.#options = options
    this.#random = options.random
    this.#destinationHash = new SipHash(options.random.u64(), options.random.u64())
  }

  /**
   * An outbound peer's version message is there.
   *
   * @returns whether it is to be sent `getaddr`
   */
  onOutboundVersion(peer: GossipPeer): boolean {
    if (!gossipsAddresses(peer.type)) return false
    peer.addresses.enable()
    peer.addresses.asked()
    return true
  }

  /**
   * A peer tells addresses (at most 1000; the codec rejects more).
   *
   * @param peers everyone we are connected to, among them `from`
   * @returns undefined where its connection is not there for that
   */
  onAddresses(
    from: GossipPeer,
    told: readonly GossipedAddress[],
    peers: readonly GossipPeer[],
    nowMs: number,
  ): AddressesOutcome | undefined {
    if (!gossipsAddresses(from.type)) return undefined
    const { manager, shuns, isReachable } = this.#options
    const nowSeconds = Math.floor(nowMs / 1000)
    from.addresses.enable()
    const { addresses, rateLimited, isNews } = from.addresses.receive(told, from.has('addr'), nowMs)
    const welcome = addresses.filter(({ endpoint }) => !shuns(endpoint.address, nowSeconds))
    from.addresses.processed += welcome.length
    if (isNews && told.length <= NEWS_ADDRESSES_MAX) {
      for (const address of welcome) {
        const isFresh = address.timeSeconds > nowSeconds - NEWS_AGE_SECONDS
        if (isFresh && isRoutable(address.endpoint.address)) this.relay(address, peers, from, nowSeconds)
      }
    }
    const reachable = welcome.filter(({ endpoint }) => isReachable(endpoint.address))
    const added = manager.add(reachable, from.endpoint.address, HEARSAY_PENALTY_SECONDS, nowSeconds)
    const fetched = from.type === 'addr-fetch' && told.length > 1
    return { processed: welcome.length, rateLimited, offered: reachable, added, fetched }
  }

  /** Sets an address aside for one or two peers: for a day the same ones, however often it is told, and nobody can tell which. */
  relay(address: GossipedAddress, peers: readonly GossipPeer[], from: GossipPeer, nowSeconds: number): void {
    const addressHash = this.#addressHash.hash(endpointBytes(address.endpoint))
    const day = BigInt.asUintN(64, BigInt(nowSeconds) + addressHash) / BigInt(DAY_SECONDS)
    const rank = (id: number): bigint =>
      this.#destinationHash.hash(new ByteWriter(24).u64(addressHash).u64(day).u64(BigInt(id)).finish())
    const isReachable = this.#options.isReachable(address.endpoint.address)
    const both =
      isReachable || (this.#destinationHash.hash(new ByteWriter(16).u64(addressHash).u64(day).finish()) & 1n) === 1n
    const best: { readonly rank: bigint; readonly peer: GossipPeer }[] = []
    for (const peer of peers) {
      if (peer === from || !peer.addresses.isEnabled || !canBeTold(peer, address)) continue
      best.push({ rank: rank(peer.id), peer })
      best.sort((a, b) => (a.rank > b.rank ? -1 : 1))
      best.length = Math.min(best.length, both ? 2 : 1)
    }
    for (const { peer } of best) peer.addresses.push(address)
  }

  /**
   * A peer asks for addresses.
   *
   * @param way tells the networks, and the addresses of ours, apart that questions come in by
   * @returns whether it is answered; outbound peers are not, nor a second time
   */
  onGetaddr(peer: GossipPeer, way: string, nowMs: number): boolean {
    if (peer.type !== 'inbound') return false
    peer.addresses.enable()
    if (peer.addresses.answered) return false
    peer.addresses.answered = true
    peer.addresses.dropWaiting()
    const answer = peer.has('addr') ? this.#freshAnswer(nowMs) : this.#keptAnswer(way, nowMs)
    for (const address of answer) if (canBeTold(peer, address)) peer.addresses.push(address)
    return true
  }

  #freshAnswer(nowMs: number): GossipedAddress[] {
    return this.addresses({ max: ADDRESSES_TO_SEND_MAX, maxPercent: ANSWER_PERCENT_MAX }, Math.floor(nowMs / 1000))
  }

  #keptAnswer(way: string, nowMs: number): readonly GossipedAddress[] {
    const kept = this.#answers.get(way)
    if (kept !== undefined && kept.untilMs >= nowMs) return kept.addresses
    this.#answers.delete(way)
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size < ANSWERS_MAX) break
      this.#answers.delete(oldest)
    }
    const addresses = this.#freshAnswer(nowMs)
    const untilMs = nowMs + ANSWER_KEPT_MS + this.#random.below(ANSWER_KEPT_SPREAD_MS)
    this.#answers.set(way, { untilMs, addresses })
    return addresses
  }

  /** Random addresses that there is nothing against, for others and for `getnodeaddresses`. */
  addresses(wanted: AddressesWanted, nowSeconds: number): GossipedAddress[] {
    const { manager, shuns } = this.#options
    return manager.getAddresses(wanted, nowSeconds).filter(({ endpoint }) => !shuns(endpoint.address, nowSeconds))
  }

  /**
   * What is to be sent to a peer now: each item a message, `addrv2` to those that want it, else `addr`.
   *
   * @param self our own address as this peer should know it; undefined where we have none, or do not tell it (not listening, or the
   *   chain is still being downloaded: then `announces` is false)
   */
  due(
    peer: GossipPeer,
    self: { readonly announces: boolean; readonly address: () => GossipedAddress | undefined },
    nowMs: number,
  ): GossipedAddress[][] {
    const { addresses } = peer
    if (!addresses.isEnabled) return []
    const messages: GossipedAddress[][] = []
    if (self.announces && addresses.nextSelfMs < nowMs) {
      const own = self.address()
      const isFirst = addresses.nextSelfMs === 0
      if (!isFirst) addresses.forget()
      // The first by itself: a peer that listens to few addresses at first shall hear it.
      if (own !== undefined && canBeTold(peer, own)) {
        if (isFirst) messages.push([own])
        else addresses.push(own)
      }
      addresses.nextSelfMs = nowMs + randomDelayMs(this.#random, SELF_INTERVAL_MS)
    }
    if (nowMs <= addresses.nextSendMs) return messages
    addresses.nextSendMs = nowMs + randomDelayMs(this.#random, SEND_INTERVAL_MS)
    const waiting = addresses.take()
    if (waiting.length > 0) messages.push(waiting)
    return messages
  }

  /** When {@link AddressRelay.due} has something to say again, at the latest. */
  nextWake(peer: GossipPeer, announces: boolean): number | undefined {
    const { addresses } = peer
    if (!addresses.isEnabled) return undefined
    const wakes = [
      ...(announces ? [addresses.nextSelfMs] : []),
      ...(addresses.waiting > 0 ? [addresses.nextSendMs] : []),
    ]
    return wakes.length === 0 ? undefined : Math.min(...wakes) + 1
  }
}

/** Whether a peer understands the form that an address has. */
function canBeTold(peer: GossipPeer, { endpoint }: GossipedAddress): boolean {
  return peer.wantsAddrv2 || isLegacyCompatible(endpoint.address)
}
