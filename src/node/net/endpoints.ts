import type { SocketAddress } from '../../base/ports/net.ts'
import { asCjdns, type NetAddress, type NetEndpoint, UNSPECIFIED_ADDRESS } from '../../bitcoin/wire/net-address.ts'
import { formatNetAddress, formatNetEndpoint, parseNetAddress } from '../../bitcoin/wire/net-address-text.ts'

/** Stands for an address that nobody here knows: that of a name which a proxy looks up. */
export const UNKNOWN_ENDPOINT: NetEndpoint = { address: UNSPECIFIED_ADDRESS, port: 0 }

/** What a socket calls an address, as the protocol has it; `::` where it is none. */
export function endpointOf(at: SocketAddress, cjdnsReachable: boolean): NetEndpoint {
  const address = parseNetAddress(at.host)
  if (address === undefined) return { address: UNSPECIFIED_ADDRESS, port: at.port }
  return { address: cjdnsReachable ? asCjdns(address) : address, port: at.port }
}

/** What a socket is to be opened to; for addresses of IP alone. */
export function socketAddressOf(endpoint: NetEndpoint): SocketAddress {
  return { host: formatNetAddress(endpoint.address), port: endpoint.port }
}

/** Whether sockets reach the network of an address by themselves. */
export function isDirect(address: NetAddress): boolean {
  return address.network === 'ipv4' || address.network === 'ipv6' || address.network === 'cjdns'
}

export function targetText(target: NetEndpoint | { readonly name: string; readonly port: number }): string {
  return 'name' in target ? target.name : formatNetEndpoint(target)
}
