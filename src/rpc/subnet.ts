import { BlockList, isIP } from 'node:net'

/** The address families that BlockList knows. */
type Family = 'ipv4' | 'ipv6'

function familyOf(address: string): Family | undefined {
  const version = isIP(address)
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6'
}

/** Bits that a netmask such as 255.255.255.0 leaves to the network; undefined where they are not contiguous. */
function maskBits(mask: string): number | undefined {
  if (isIP(mask) !== 4) return undefined
  const bits = mask
    .split('.')
    .map(part => Number(part).toString(2).padStart(8, '0'))
    .join('')
  return /^1*0*$/.test(bits) ? bits.indexOf('0') + (bits.includes('0') ? 0 : 33) : undefined
}

/** Which addresses may connect: those of this machine, and the subnets that are added. */
export class AllowedAddresses {
  readonly #list = new BlockList()

  constructor() {
    this.#list.addSubnet('127.0.0.0', 8, 'ipv4')
    this.#list.addAddress('::1', 'ipv6')
  }

  /** Adds an address, a network/CIDR or an IPv4 network/netmask; false where the text is none of them. */
  add(subnet: string): boolean {
    const [written, suffix, ...more] = subnet.split('/')
    const address = written.replace(/^\[(.*)\]$/, '$1')
    const family = familyOf(address)
    if (family === undefined || more.length > 0) return false
    if (suffix === undefined) {
      this.#list.addAddress(address, family)
      return true
    }
    const bits = /^[0-9]{1,3}$/.test(suffix) ? Number(suffix) : family === 'ipv4' ? maskBits(suffix) : undefined
    if (bits === undefined || bits > (family === 'ipv4' ? 32 : 128)) return false
    this.#list.addSubnet(address, bits, family)
    return true
  }

  allows(address: string): boolean {
    // An IPv4 peer of a socket that takes both families.
    const plain = address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
    const family = familyOf(plain)
    return family !== undefined && this.#list.check(plain, family)
  }
}
