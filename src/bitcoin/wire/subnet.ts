import { compareBytes, equalBytes } from '../../base/bytes/bytes.ts'
import { isValidAddress } from './address-class.ts'
import { type AddressNetwork, asCjdns, type NetAddress, sameAddress } from './net-address.ts'
import { formatNetAddress, parseNetAddress } from './net-address-text.ts'

/** The order of networks in which Core lists subnets. */
const NETWORK_ORDER: readonly AddressNetwork[] = ['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns', 'internal']

function hasBits({ network }: NetAddress): boolean {
  return network === 'ipv4' || network === 'ipv6'
}

/** Leading ones of a netmask; undefined where ones follow zeros. */
function maskBits(mask: Uint8Array): number | undefined {
  let bits = 0
  while (bits < 8 * mask.length && (mask[bits >> 3] & (0x80 >> (bits & 7))) !== 0) bits++
  return equalBytes(mask, leadingOnes(mask.length, bits)) ? bits : undefined
}

function leadingOnes(length: number, bits: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => 0xff << Math.max(0, Math.min(8, 8 * (i + 1) - bits)))
}

/** What stands behind the slash: a number of bits, or a netmask of the address's own network. */
function parseBits(text: string, address: NetAddress): number | undefined {
  if (/^[0-9]+$/.test(text) && Number(text) <= 255) {
    return Number(text) <= 8 * address.bytes.length ? Number(text) : undefined
  }
  const mask = parseNetAddress(text)
  return mask?.network === address.network ? maskBits(mask.bytes) : undefined
}

/**
 * Addresses that begin with the same bits; of networks whose addresses are keys, one address only.
 *
 * @example
 * Subnet.parse('192.168.1.7/255.255.0.0')?.text // '192.168.0.0/16'
 */
export class Subnet {
  /** The first address. */
  readonly network: NetAddress
  /** Leading bits that addresses of it share; undefined for networks that have single hosts only. */
  readonly bits: number | undefined

  private constructor(network: NetAddress, bits: number | undefined) {
    this.network = network
    this.bits = bits
  }

  /** The subnet of one address. */
  static ofHost(address: NetAddress): Subnet {
    return new Subnet(address, hasBits(address) ? 8 * address.bytes.length : undefined)
  }

  /**
   * The subnet that the text is: an address of any network, `address/bits` or `address/netmask`; undefined where it is none.
   *
   * @param cjdns whether addresses of fc00::/8 are those of CJDNS
   */
  static parse(text: string, { cjdns = false }: { readonly cjdns?: boolean } = {}): Subnet | undefined {
    const slash = text.lastIndexOf('/')
    const parsed = parseNetAddress(slash < 0 ? text : text.slice(0, slash))
    if (parsed === undefined) return undefined
    const address = cjdns ? asCjdns(parsed) : parsed
    if (slash < 0) return Subnet.ofHost(address)
    const bits = hasBits(address) ? parseBits(text.slice(slash + 1), address) : undefined
    if (bits === undefined) return undefined
    const mask = leadingOnes(address.bytes.length, bits)
    return new Subnet({ ...address, bytes: address.bytes.map((byte, i) => byte & mask[i]) }, bits)
  }

  /** Whether a valid address lies in it. */
  contains(address: NetAddress): boolean {
    if (address.network !== this.network.network || !isValidAddress(address)) return false
    if (this.bits === undefined) return sameAddress(address, this.network)
    for (let i = 0; 8 * i < this.bits; i++) {
      const mask = 0xff << Math.max(0, 8 * (i + 1) - this.bits)
      if (((address.bytes[i] ^ this.network.bytes[i]) & mask & 0xff) !== 0) return false
    }
    return true
  }

  /** The first address and, for IP, the number of bits: Core's form. */
  get text(): string {
    const address = formatNetAddress(this.network)
    return this.bits === undefined ? address : `${address}/${this.bits}`
  }

  /** Core's order: by network, address, and bits. */
  static compare(a: Subnet, b: Subnet): number {
    const networks = NETWORK_ORDER.indexOf(a.network.network) - NETWORK_ORDER.indexOf(b.network.network)
    return networks || compareBytes(a.network.bytes, b.network.bytes) || (a.bits ?? 0) - (b.bits ?? 0)
  }
}
