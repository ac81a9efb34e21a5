import { toHex } from '../../base/bytes/bytes.ts'
import { parseIpv4, parseIpv6 } from './compact-peers.ts'

/**
 * Where an address can be called from: `public` from everywhere, `tunnel` by an IPv4 address within it, `private` from its own
 * network, `loopback` from its own machine; at `nobody` there is nobody to call.
 */
export type AddressScope = 'public' | 'tunnel' | 'private' | 'loopback' | 'nobody'

interface Network {
  readonly start: Uint8Array
  readonly prefix: number
  /** `embedded`: what the IPv4 address in the last four bytes says. */
  readonly scope: AddressScope | 'embedded'
}

function networks(table: readonly (readonly [network: string, scope: Network['scope']])[]): Network[] {
  return table.map(([network, scope]) => {
    const [address, prefix] = network.split('/')
    return { start: (parseIpv4(address) ?? parseIpv6(address))!, prefix: Number(prefix), scope }
  })
}

const IPV4 = networks([
  ['0.0.0.0/8', 'nobody'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'private'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'private'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'private'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'private'],
  ['224.0.0.0/4', 'nobody'],
  ['240.0.0.0/4', 'nobody'],
])

const IPV6 = networks([
  ['::/128', 'nobody'],
  ['::1/128', 'loopback'],
  // IPv4 in IPv6's clothes: compatible, mapped, translated (RFC 2765, RFC 6052).
  ['::/96', 'embedded'],
  ['::ffff:0:0/96', 'embedded'],
  ['::ffff:0:0:0/96', 'embedded'],
  ['64:ff9b::/96', 'embedded'],
  ['64:ff9b:1::/48', 'private'],
  // Teredo and 6to4.
  ['2001::/32', 'tunnel'],
  ['2002::/16', 'tunnel'],
  ['100::/64', 'nobody'],
  ['fc00::/7', 'private'],
  ['fe80::/10', 'private'],
  ['fec0::/10', 'private'],
  ['ff00::/8', 'nobody'],
])

function isIn(address: Uint8Array, { start, prefix }: Network): boolean {
  const whole = prefix >>> 3
  for (let i = 0; i < whole; i++) if (address[i] !== start[i]) return false
  const rest = prefix & 7
  return rest === 0 || (address[whole] ^ start[whole]) >>> (8 - rest) === 0
}

function scopeOf(address: Uint8Array): AddressScope {
  const network = (address.length === 4 ? IPV4 : IPV6).find(candidate => isIn(address, candidate))
  if (network?.scope === 'embedded') return scopeOf(address.subarray(12))
  return network?.scope ?? 'public'
}

/**
 * The scope of an IPv4 or IPv6 address; `undefined` for a name, and for whatever else is none.
 *
 * @example
 * addressScope('192.168.1.1') // 'private'
 * addressScope('::ffff:127.0.0.1') // 'loopback'
 */
export function addressScope(text: string): AddressScope | undefined {
  const address = parseIpv4(text) ?? parseIpv6(text)
  return address && scopeOf(address)
}

/** Whether somebody may tell of an address: what can be called from his own network alone, only somebody in it may know. */
export function mayTellOf(teller: string, address: string): boolean {
  const told = addressScope(address)
  if (told === 'public' || told === 'tunnel') return true
  return told === 'private' ? isNeighbour(teller) : told === 'loopback' && addressScope(teller) === 'loopback'
}

/** Whether an address is of this machine or of a private network, which many peers may share. */
export function isNeighbour(address: string): boolean {
  const scope = addressScope(address)
  return scope === 'private' || scope === 'loopback'
}

/** What one caller has at his will: one IPv4 address, or the 64 bits that name his IPv6 network. Names stand for themselves. */
export function callerKey(host: string): string {
  const address = parseIpv6(host)
  return address === undefined ? host : toHex(address.subarray(0, 8))
}
