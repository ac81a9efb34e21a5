import { encodeLegacyAddress, isLegacyCompatible, type NetEndpoint } from '../../wire/net-address.ts'

/** The bytes that stand for an endpoint in hashes: the address, in 16 bytes if it fits, and the port big-endian. As Core's. */
export function endpointBytes({ address, port }: NetEndpoint): Uint8Array {
  const plain = isLegacyCompatible(address) ? encodeLegacyAddress(address) : address.bytes
  const bytes = new Uint8Array(plain.length + 2)
  bytes.set(plain)
  bytes[plain.length] = port >>> 8
  bytes[plain.length + 1] = port
  return bytes
}
