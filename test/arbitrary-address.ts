import fc from 'fast-check'
import {
  ADDRESS_SIZES,
  type AddressNetwork,
  decodeLegacyAddress,
  type NetAddress,
} from '../src/bitcoin/wire/net-address.ts'

/** Addresses of all networks that are gossiped, each in the one form that it is told in. */
export const ARBITRARY_ADDRESS: fc.Arbitrary<NetAddress> = fc
  .constantFrom<AddressNetwork>('ipv4', 'ipv6', 'onion', 'i2p', 'cjdns')
  .chain(network =>
    fc
      .uint8Array({ minLength: ADDRESS_SIZES[network], maxLength: ADDRESS_SIZES[network] })
      .map(bytes => ({ network, bytes: network === 'cjdns' ? Uint8Array.of(0xfc, ...bytes.subarray(1)) : bytes })),
  )
  // IPv6 that stands for something else does not come back as itself.
  .filter(({ network, bytes }) => network !== 'ipv6' || decodeLegacyAddress(bytes).network === 'ipv6')
