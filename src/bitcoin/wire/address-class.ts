import { hex } from '../../base/bytes/bytes.ts'
import { ADDRESS_SIZES, type AddressNetwork, hasCjdnsPrefix, type NetAddress } from './net-address.ts'

/** What kind of network an address is reached through, if at all; the names are those that RPC shows. */
export type AddressClass = AddressNetwork | 'not_publicly_routable'

/** A range of addresses: those that begin with the same bits. */
interface Prefix {
  readonly bytes: Uint8Array
  readonly bits: number
}

function prefix(text: string, bits = text.length * 4): Prefix {
  return { bytes: hex(text), bits }
}

function within(bytes: Uint8Array, { bytes: start, bits }: Prefix): boolean {
  for (let i = 0; i < start.length; i++) {
    const mask = 0xff << Math.max(0, 8 * (i + 1) - bits)
    if (((bytes[i] ^ start[i]) & mask & 0xff) !== 0) return false
  }
  return true
}

/** Ranges of IPv4 that are not on the public internet. */
const IPV4_PRIVATE: readonly Prefix[] = [
  prefix('0a'), // RFC 1918
  prefix('c0a8'),
  prefix('ac10', 12),
  prefix('c612', 15), // RFC 2544, measurements
  prefix('a9fe'), // RFC 3927, configured by itself
  prefix('6440', 10), // RFC 6598, carriers
  prefix('c00002'), // RFC 5737, documentation
  prefix('c63364'),
  prefix('cb0071'),
]

/** Likewise of IPv6. */
const IPV6_PRIVATE: readonly Prefix[] = [
  prefix('fe80000000000000'), // RFC 4862, link-local
  prefix('fc', 7), // RFC 4193, unique local
  prefix('20010010', 28), // RFC 4843, ORCHID
  prefix('20010020', 28), // RFC 7343
]

const IPV4_LOCAL: readonly Prefix[] = [prefix('7f'), prefix('00')]
const IPV6_LOOPBACK = prefix('00000000000000000000000000000001')
const IPV6_DOCUMENTATION = prefix('20010db8') // RFC 3849
const TEREDO = prefix('20010000') // RFC 4380
const SIX_TO_FOUR = prefix('2002') // RFC 3964
const NAT64 = prefix('0064ff9b0000000000000000') // RFC 6052
const SIIT = prefix('0000000000000000ffff0000') // RFC 6145
/** Hurricane Electric gives a whole /36 to whoever asks. */
const HE_NET = prefix('20010470')

function inIpv6(address: NetAddress, range: Prefix): boolean {
  return address.network === 'ipv6' && within(address.bytes, range)
}

/** Whether the address is this very machine. */
export function isLocalAddress(address: NetAddress): boolean {
  if (address.network === 'ipv4') return IPV4_LOCAL.some(range => within(address.bytes, range))
  return inIpv6(address, IPV6_LOOPBACK)
}

/** Whether the address is that of "every interface". */
export function isBindAny(address: NetAddress): boolean {
  return (address.network === 'ipv4' || address.network === 'ipv6') && address.bytes.every(byte => byte === 0)
}

/** Whether the address could be that of some host, public or not. */
export function isValidAddress(address: NetAddress): boolean {
  const { network, bytes } = address
  if (network === 'internal' || isBindAny(address)) return false
  if (network === 'ipv4') return !bytes.every(byte => byte === 255)
  if (network === 'cjdns') return hasCjdnsPrefix(bytes)
  return !inIpv6(address, IPV6_DOCUMENTATION)
}

/** Whether the address is reached from anywhere on its network. */
export function isRoutable(address: NetAddress): boolean {
  if (!isValidAddress(address) || isLocalAddress(address)) return false
  const ranges = address.network === 'ipv4' ? IPV4_PRIVATE : address.network === 'ipv6' ? IPV6_PRIVATE : []
  return !ranges.some(range => within(address.bytes, range))
}

/** The IPv4 address behind a routable address: its own, or that which tunnels and translators put into IPv6. */
export function linkedIpv4(address: NetAddress): Uint8Array | undefined {
  if (!isRoutable(address)) return undefined
  if (address.network === 'ipv4') return address.bytes
  const { bytes } = address
  if (inIpv6(address, NAT64) || inIpv6(address, SIIT)) return bytes.slice(12)
  if (inIpv6(address, SIX_TO_FOUR)) return bytes.slice(2, 6)
  if (inIpv6(address, TEREDO)) return bytes.slice(12).map(byte => ~byte)
  return undefined
}

/** The network that an address is routed on, for limits and for RPC. */
export function networkOf(address: NetAddress): AddressClass {
  if (address.network === 'internal') return 'internal'
  return isRoutable(address) ? address.network : 'not_publicly_routable'
}

/** Likewise, where IPv4 inside IPv6 counts as IPv4. */
export function addressClass(address: NetAddress): AddressClass {
  return linkedIpv4(address) === undefined ? networkOf(address) : 'ipv4'
}

const CLASS_IDS: Readonly<Record<AddressClass, number>> = {
  not_publicly_routable: 0,
  ipv4: 1,
  ipv6: 2,
  onion: 3,
  i2p: 4,
  cjdns: 5,
  internal: 6,
}

/** Leading bits of an address that tell one owner's addresses from another's. */
function groupBits(address: NetAddress): number {
  if (address.network === 'internal') return 8 * ADDRESS_SIZES.internal
  if (!isRoutable(address)) return 0
  if (address.network === 'onion' || address.network === 'i2p') return 4
  // The first byte of CJDNS is the same for all.
  if (address.network === 'cjdns') return 12
  return inIpv6(address, HE_NET) ? 36 : 32
}

/**
 * The group of addresses that one owner is likely to have many of, so that peers are chosen from different ones: the class, and
 * the /16 of IPv4, the /32 of IPv6 (36 for he.net), four bits of networks whose addresses are keys. As Core has them without a
 * map of autonomous systems.
 */
export function netGroup(address: NetAddress): Uint8Array {
  const ipv4 = linkedIpv4(address)
  if (ipv4 !== undefined) return Uint8Array.of(CLASS_IDS.ipv4, ipv4[0], ipv4[1])
  const id = CLASS_IDS[networkOf(address)]
  const bits = groupBits(address)
  const { bytes } = address
  const group = [id, ...bytes.subarray(0, bits >> 3)]
  if (bits % 8 > 0) group.push(bytes[bits >> 3] | ((1 << (8 - (bits % 8))) - 1))
  return Uint8Array.from(group)
}

/** How well one address is reached from another; the greater, the better. Core's order. */
export const REACHABILITY = {
  unreachable: 0,
  default: 1,
  teredo: 2,
  ipv6Weak: 3,
  ipv4: 4,
  ipv6Strong: 5,
  private: 6,
} as const

type Reach = keyof typeof REACHABILITY

function extendedClass(address: NetAddress): AddressClass | 'teredo' {
  return inIpv6(address, TEREDO) ? 'teredo' : networkOf(address)
}

function isTunnelled(address: NetAddress): boolean {
  return inIpv6(address, SIX_TO_FOUR) || inIpv6(address, NAT64) || inIpv6(address, SIIT)
}

/** For each kind of partner, what the kinds of our addresses are worth; what is not named is worth `default`. */
const REACH_FROM: Readonly<Partial<Record<AddressClass | 'teredo', Readonly<Record<string, Reach>>>>> = {
  ipv4: { ipv4: 'ipv4' },
  ipv6: { teredo: 'teredo', ipv4: 'ipv4', ipv6: 'ipv6Strong' },
  onion: { ipv4: 'ipv4', onion: 'private' },
  i2p: { i2p: 'private' },
  cjdns: { cjdns: 'private' },
  teredo: { teredo: 'teredo', ipv6: 'ipv6Weak', ipv4: 'ipv4' },
}

const REACH_FROM_ELSEWHERE: Readonly<Record<string, Reach>> = {
  teredo: 'teredo',
  ipv6: 'ipv6Weak',
  ipv4: 'ipv4',
  onion: 'private',
}

/** What our address `ours` is worth to a partner at `theirs`: which of several of our own addresses a peer is told. */
export function reachabilityFrom(ours: NetAddress, theirs: NetAddress): number {
  if (!isRoutable(ours)) return REACHABILITY.unreachable
  const partner = extendedClass(theirs)
  const worth = (REACH_FROM[partner] ?? REACH_FROM_ELSEWHERE)[extendedClass(ours)] ?? 'default'
  const weak = worth === 'ipv6Strong' && isTunnelled(ours)
  return REACHABILITY[weak ? 'ipv6Weak' : worth]
}
