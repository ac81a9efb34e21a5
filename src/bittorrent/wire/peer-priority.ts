import { compareBytes, concatBytes } from '../../base/bytes/bytes.ts'
import { type PeerAddress, parseIpv4, parseIpv6 } from './compact-peers.ts'

/** CRC-32C, which iSCSI uses, bit by bit: a few bytes now and then. */
function crc32c(data: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0)
  }
  return (crc ^ 0xffff_ffff) >>> 0
}

function sharedPrefixBytes(a: Uint8Array, b: Uint8Array): number {
  let shared = 0
  while (shared < a.length && a[shared] === b[shared]) shared++
  return shared
}

/** BEP 40: of an address as much counts as tells networks apart, and more of it the nearer the two are. */
function masked(address: Uint8Array, whole: number): Uint8Array {
  return address.map((byte, i) => (i < whole ? byte : byte & 0x55))
}

/**
 * BEP 40: how much two peers should be connected, as both of them work it out: 32 bits, more is sooner. So that nobody can choose whom
 * to crowd out, and swarms hang together. Addresses of different families have none.
 *
 * @example
 * peerPriority({ host: '123.213.32.10', port: 1 }, { host: '98.76.54.32', port: 2 }) // 0xec2d7224
 */
export function peerPriority(a: PeerAddress, b: PeerAddress): number {
  const [first, second] = [a, b].map(({ host }) => parseIpv4(host) ?? parseIpv6(host))
  if (first === undefined || second === undefined || first.length !== second.length) return 0
  const shared = sharedPrefixBytes(first, second)
  let parts: Uint8Array[]
  if (shared === first.length) {
    parts = [a.port, b.port].map(port => Uint8Array.of(port >>> 8, port))
  } else {
    // IPv4: two bytes, three within a /16, four within a /24. IPv6: six, seven within a /48, eight within a /56, and so on.
    const least = first.length === 4 ? 2 : 6
    const whole = shared < least ? least : shared + 1
    parts = [masked(first, whole), masked(second, whole)]
  }
  return crc32c(concatBytes(...parts.sort(compareBytes)))
}
