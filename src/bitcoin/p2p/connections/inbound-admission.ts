import { SipHash } from '../../../base/crypto/siphash.ts'
import { addressClass, isLocalAddress, netGroup } from '../../wire/address-class.ts'
import type { NetAddress } from '../../wire/net-address.ts'
import type { P2pContext } from '../p2p-context.ts'
import type { RemotePeer } from '../remote-peer.ts'
import type { BanList } from './ban-list.ts'
import { type EvictionCandidate, selectNodeToEvict } from './eviction.ts'
import type { ConnectionSlots } from './slots.ts'

/** Decides who may come in, and who must go for it. */
export class InboundAdmission {
  readonly #context: P2pContext
  readonly #bans: BanList
  readonly #slots: ConnectionSlots
  /** Net groups are told apart by a hash that nobody else can compute. */
  readonly #groupHash: SipHash

  constructor(context: P2pContext, bans: BanList, slots: ConnectionSlots) {
    this.#context = context
    this.#bans = bans
    this.#slots = slots
    this.#groupHash = new SipHash(context.random.u64(), context.random.u64())
  }

  #inbound(): RemotePeer[] {
    return [...this.#context.peers.values()].filter(peer => peer.isInbound)
  }

  /** Why an address may not come in, in the words of the log; undefined where it may. */
  refusal(address: NetAddress, name: string, noBan: boolean): string | undefined {
    const context = this.#context
    if (!noBan && this.#bans.isBanned(address, context.nowSeconds)) return `connection from ${name} dropped (banned)`
    const inbound = this.#inbound().length
    if (!noBan && inbound + 1 >= this.#slots.inbound && this.#bans.isDiscouraged(address)) {
      return `connection from ${name} dropped (discouraged)`
    }
    if (inbound < this.#slots.inbound || this.#evict(() => true)) return undefined
    return 'failed to find an eviction candidate - connection dropped (full)'
  }

  /**
   * Makes room among inbound peers that are told of transactions; whether there is room now.
   *
   * @param newcomer not to be chosen
   */
  makeRelayRoom(newcomer: RemotePeer | undefined): boolean {
    const relaying = this.#inbound().filter(peer => !peer.disconnecting && peer.relaysTransactions)
    if (relaying.length <= this.#slots.inboundFullRelay) return true
    return this.#evict(peer => peer !== newcomer && peer.relaysTransactions)
  }

  #evict(mayGo: (peer: RemotePeer) => boolean): boolean {
    const context = this.#context
    const candidates: EvictionCandidate[] = []
    for (const peer of context.peers.values()) {
      if (!peer.disconnecting && mayGo(peer)) candidates.push(this.#candidate(peer))
    }
    const id = selectNodeToEvict(candidates)
    const peer = id === undefined ? undefined : context.peers.get(id)
    if (peer === undefined) return false
    context.disconnect(peer, () => `selected ${peer.type} connection for eviction`)
    return true
  }

  #candidate(peer: RemotePeer): EvictionCandidate {
    const { address } = peer.endpoint
    return {
      id: peer.id,
      type: peer.type,
      connectedAtMs: peer.connectedAtMs,
      minPingMs: peer.minPingMs ?? Number.POSITIVE_INFINITY,
      lastBlockMs: peer.lastBlockMs,
      lastTransactionMs: peer.lastTransactionMs,
      offersWantedServices: peer.offersWantedServices,
      relaysTransactions: peer.relaysTransactions,
      hasBloomFilter: peer.bloomFilter !== undefined,
      keyedNetGroup: this.#groupHash.hash(netGroup(address)),
      preferEvict: peer.isDiscouraged,
      isLocal: isLocalAddress(address),
      network: peer.isInboundOnion ? 'onion' : addressClass(address),
      noBan: peer.has('noban'),
    }
  }
}
