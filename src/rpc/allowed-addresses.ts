import { parseNetAddress } from '../bitcoin/wire/net-address-text.ts'
import { Subnet } from '../bitcoin/wire/subnet.ts'

const THIS_MACHINE = ['127.0.0.0/8', '::1']

/** Which addresses may connect: those of this machine, and the subnets that are added. */
export class AllowedAddresses {
  readonly #subnets: Subnet[] = []

  constructor() {
    for (const subnet of THIS_MACHINE) this.add(subnet)
  }

  /** Adds an address, a network/CIDR or a network/netmask; false where the text is none of them. */
  add(text: string): boolean {
    const subnet = Subnet.parse(text)
    if (subnet === undefined) return false
    this.#subnets.push(subnet)
    return true
  }

  /** Whether an address, as a socket tells it, is among them. */
  allows(text: string): boolean {
    // Systems name the zone of a link-local address, which no subnet looks at.
    const address = parseNetAddress(text.split('%')[0])
    return address !== undefined && this.#subnets.some(subnet => subnet.contains(address))
  }
}
