import { addressClass } from '../wire/address-class.ts'
import type { GossipedAddress } from '../wire/address-messages.ts'
import type { KnownMessage } from '../wire/messages.ts'
import { type AddressNetwork, addressKey, type NetAddress, type NetEndpoint } from '../wire/net-address.ts'
import { formatNetAddress, formatNetEndpoint } from '../wire/net-address-text.ts'
import type { AddressManager } from './addresses/address-manager.ts'
import { AddressRelay } from './addresses/address-relay.ts'
import { LocalAddresses } from './addresses/local-addresses.ts'
import type { AddressMessages } from './message-handler.ts'
import type { P2pContext } from './p2p-context.ts'
import type { P2pOptions } from './p2p-options.ts'
import type { RemotePeer } from './remote-peer.ts'

/** What peers and we tell each other of further peers, and of ourselves. */
export class AddressGossip implements AddressMessages {
  readonly manager: AddressManager
  readonly local: LocalAddresses
  readonly relay: AddressRelay
  readonly #context: P2pContext
  readonly #options: P2pOptions
  readonly #reachable: Set<AddressNetwork>

  constructor(
    context: P2pContext,
    options: P2pOptions,
    manager: AddressManager,
    shuns: (address: NetAddress, nowSeconds: number) => boolean,
  ) {
    this.#context = context
    this.#options = options
    this.manager = manager
    this.#reachable = new Set(options.reachableNetworks)
    const { random } = context
    const isReachable = (address: NetAddress): boolean => this.isReachable(address)
    this.local = new LocalAddresses({ random, isReachable, discover: options.discover, port: options.listenPort })
    this.relay = new AddressRelay({ manager, random, shuns, isReachable })
  }

  /** Whether addresses of its network are connected to. */
  isReachable(address: NetAddress): boolean {
    return address.network !== 'internal' && this.#reachable.has(address.network)
  }

  /** Something leads to a network now. */
  addReachable(network: AddressNetwork): void {
    this.#reachable.add(network)
  }

  get reachableNetworks(): ReadonlySet<AddressNetwork> {
    return this.#reachable
  }

  /** An outbound peer has introduced itself. */
  onOutbound(peer: RemotePeer): void {
    if (this.relay.onOutboundVersion(peer)) this.#context.send(peer, 'getaddr', {})
    this.manager.good(peer.endpoint, this.#context.nowSeconds)
  }

  onSeenLocal(endpoint: NetEndpoint): void {
    this.local.seen(endpoint)
  }

  onAddresses(peer: RemotePeer, { command, value }: KnownMessage & { command: 'addr' | 'addrv2' }): void {
    const context = this.#context
    const { addresses } = value
    const outcome = this.relay.onAddresses(peer, addresses, [...context.peers.values()], context.nowMs)
    if (outcome === undefined) {
      context.debug(() => `ignoring ${command} message from ${peer.type} peer=${peer.id}`)
      return
    }
    const { processed, rateLimited, offered, added, fetched } = outcome
    if (added > 0) this.#logAdded(offered, added, peer.endpoint.address)
    context.debug(
      () =>
        `Received addr: ${addresses.length} addresses (${processed} processed, ${rateLimited} rate-limited) from peer=${peer.id}`,
    )
    if (fetched) context.disconnect(peer, () => 'addrfetch connection completed')
  }

  #logAdded(offered: readonly GossipedAddress[], added: number, source: NetAddress): void {
    const { log } = this.#context
    const { manager } = this
    for (const { endpoint } of offered) {
      log.debug('addrman', () => {
        const entry = manager.find(endpoint)
        const place = entry === undefined ? 'none' : `${entry.table}[${entry.bucket}][${entry.position}]`
        return `Added ${formatNetEndpoint(endpoint)} to ${place}`
      })
    }
    log.debug('addrman', () => {
      const counts = manager.counts()
      const from = formatNetAddress(source)
      return `Added ${added} addresses (of ${offered.length}) from ${from}: ${counts.tried} tried, ${counts.new} new`
    })
  }

  onGetaddr(peer: RemotePeer): void {
    const context = this.#context
    const network = peer.isInboundOnion ? 'onion' : addressClass(peer.endpoint.address)
    const local = peer.local === undefined ? '' : `${addressKey(peer.local.address)}:${peer.local.port}`
    if (this.relay.onGetaddr(peer, `${network} ${local}`, context.nowMs)) return
    if (peer.isInbound) context.debug(() => `Ignoring repeated "getaddr". peer=${peer.id}`)
    else context.debug(() => `Ignoring "getaddr" from ${peer.type} connection. peer=${peer.id}`)
  }

  /** Sends a peer what it is to be told now. */
  maybeSend(peer: RemotePeer): void {
    const context = this.#context
    const announces = this.#options.listeners.length > 0 && !context.access.isDownloading
    const self = {
      announces,
      address: () => {
        const endpoint = this.local.addressFor(peer)
        if (endpoint === undefined) return undefined
        context.debug(() => `Advertising address ${formatNetEndpoint(endpoint)} to peer=${peer.id}`)
        return { timeSeconds: context.nowSeconds, services: peer.ourServices, endpoint }
      },
    }
    for (const addresses of this.relay.due(peer, self, context.nowMs)) {
      context.send(peer, peer.wantsAddrv2 ? 'addrv2' : 'addr', { addresses })
    }
  }

  /** A peer has gone. */
  removePeer(peer: RemotePeer): void {
    if (!peer.handshakeDone || peer.isInbound || peer.type === 'block-relay-only') return
    this.manager.connected(peer.endpoint, this.#context.nowSeconds)
  }

  /** For RPC. */
  figuresOf({ addresses }: RemotePeer): { enabled: boolean; processed: number; rateLimited: number } {
    return { enabled: addresses.isEnabled, processed: addresses.processed, rateLimited: addresses.rateLimited }
  }
}
