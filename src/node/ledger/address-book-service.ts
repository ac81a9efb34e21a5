import { invariant } from '../../base/errors.ts'
import type { AddressManager } from '../../bitcoin/p2p/addresses/address-manager.ts'
import type { AddressClass } from '../../bitcoin/wire/address-class.ts'
import type { GossipedAddress } from '../../bitcoin/wire/address-messages.ts'
import type { AddressNetwork, NetEndpoint } from '../../bitcoin/wire/net-address.ts'
import { SERVICES } from '../../bitcoin/wire/services.ts'
import { Subnet } from '../../bitcoin/wire/subnet.ts'
import type { AddressBookCalls, AddressFigures, BanInfo } from './address-book-calls.ts'
import type { PeerHost } from './peer-host.ts'

const NETWORKS: readonly AddressNetwork[] = ['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns', 'internal']

/** Answers what others ask about addresses, in the ledger's own thread. */
export class AddressBookService implements AddressBookCalls {
  readonly #host: PeerHost

  constructor(host: PeerHost) {
    this.#host = host
  }

  get #connections(): PeerHost['node']['connections'] {
    return this.#host.node.connections
  }

  get #manager(): AddressManager {
    return this.#connections.gossip.manager
  }

  #nowSeconds(): number {
    return Math.floor(this.#host.nowMs() / 1000)
  }

  #subnet(text: string): Subnet {
    const subnet = Subnet.parse(text)
    invariant(subnet !== undefined, 'a subnet that is none')
    return subnet
  }

  async ban(text: string, time: { readonly seconds: number; readonly absolute: boolean }): Promise<boolean> {
    const subnet = this.#subnet(text)
    const now = this.#nowSeconds()
    const { bans } = this.#connections
    const known = text.includes('/') ? bans.isSubnetBanned(subnet, now) : bans.isBanned(subnet.network, now)
    if (known) return false
    bans.ban(subnet, time, now)
    this.#host.run(() => this.#connections.disconnectSubnet(subnet))
    this.#host.save()
    return true
  }

  async unban(text: string): Promise<boolean> {
    const found = this.#connections.bans.unban(this.#subnet(text))
    this.#host.save()
    return found
  }

  async bans(): Promise<readonly BanInfo[]> {
    return this.#connections.bans
      .entries(this.#nowSeconds())
      .map(({ subnet, createdSeconds, untilSeconds }) => ({ subnet: subnet.text, createdSeconds, untilSeconds }))
  }

  async clearBans(): Promise<void> {
    this.#connections.bans.clear()
    this.#host.save()
  }

  async knownAddresses(max: number, network: AddressClass | undefined): Promise<readonly GossipedAddress[]> {
    const wanted = { max, ...(network !== undefined && { network }) }
    return this.#connections.gossip.relay.addresses(wanted, this.#nowSeconds())
  }

  async addAddress(endpoint: NetEndpoint, tried: boolean): Promise<'new' | 'tried' | undefined> {
    const timeSeconds = this.#nowSeconds()
    const services = SERVICES.NODE_NETWORK | SERVICES.NODE_WITNESS
    // As if the peer had told of itself.
    const added = this.#manager.add([{ timeSeconds, services, endpoint }], endpoint.address, 0, timeSeconds)
    if (added === 0) return 'new'
    return tried && !this.#manager.good(endpoint, timeSeconds) ? 'tried' : undefined
  }

  async addressFigures(): Promise<Readonly<Record<AddressNetwork | 'all', AddressFigures>>> {
    const entries = NETWORKS.map(network => [network, this.#manager.counts(network)])
    return { ...Object.fromEntries(entries), all: this.#manager.counts() }
  }

  async addressTables(): ReturnType<AddressBookCalls['addressTables']> {
    return { new: this.#manager.entries('new'), tried: this.#manager.entries('tried') }
  }
}
