import { lookup as dnsLookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { OperationError } from '../../base/errors.ts'

/** Addresses that belong to this machine, this network, or nobody: a torrent has no business there. */
const PRIVATE = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv4')
  // The same addresses in IPv6's clothes: mapped, and by the translator's prefix.
  PRIVATE.addSubnet(`::ffff:${network}`, 96 + prefix, 'ipv6')
  PRIVATE.addSubnet(`64:ff9b::${network}`, 96 + prefix, 'ipv6')
}
for (const [network, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
  // Tunnels that carry an IPv4 address within: Teredo, 6to4, the translator's local prefix.
  ['2001::', 32],
  ['2002::', 16],
  ['64:ff9b:1::', 48],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv6')
}

/** Whether an address is one that strangers may send us to. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  return family !== 0 && !PRIVATE.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

function refusal(host: string): OperationError {
  return new OperationError('private-address', `${host} is an address of a private network`, {
    next: 'if you trust this torrent, allow private addresses for it',
  })
}

/** Throws where a host is written as a private address. Names are judged by {@link guardedLookup}. */
export function assertPublicHost(host: string): void {
  const bare = host.replace(/^\[|\]$/g, '')
  if (isIP(bare) !== 0 && !isPublicAddress(bare)) throw refusal(host)
}

/**
 * Looks names up and leaves out private addresses. It is given to the connection itself, so that the address that was judged is the
 * one that is called, whatever the name says a moment later.
 *
 * @param lookup who knows names; the system
 */
export function guardLookup(lookup: typeof dnsLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '', 0)
        return
      }
      const allowed = addresses.filter(({ address }) => isPublicAddress(address))
      if (allowed.length === 0) callback(refusal(hostname), '', 0)
      else if (options.all) callback(null, allowed)
      else callback(null, allowed[0].address, allowed[0].family)
    })
  }
}

export const guardedLookup: LookupFunction = guardLookup(dnsLookup)
