import { concatBytes, equalBytes, hex, toHex } from '../../base/bytes/bytes.ts'
import type { ByteReader } from '../../base/bytes/reader.ts'
import { utf8 } from '../../base/bytes/utf8.ts'
import type { ByteWriter } from '../../base/bytes/writer.ts'
import { sha256 } from '../../base/crypto/hash.ts'

/** A network that peers are reached through, by Core's name; `internal` stands for the name of a seed, and never travels. */
export type AddressNetwork = 'ipv4' | 'ipv6' | 'onion' | 'i2p' | 'cjdns' | 'internal'

/** Where a host is, without a port. */
export interface NetAddress {
  readonly network: AddressNetwork
  /** 4 bytes for IPv4, 16 for IPv6 and CJDNS, 32 for onion services (the key alone) and I2P, 10 for internal ones. */
  readonly bytes: Uint8Array
  /** RFC 4007: the zone of a link-local IPv6 address, where it has one. */
  readonly scopeId?: number
}

/** A host and the port that it listens on. */
export interface NetEndpoint {
  readonly address: NetAddress
  readonly port: number
}

/** Bytes of an address of each network. */
export const ADDRESS_SIZES: Readonly<Record<AddressNetwork, number>> = {
  ipv4: 4,
  ipv6: 16,
  onion: 32,
  i2p: 32,
  cjdns: 16,
  internal: 10,
}

/** BIP155: no address, of whatever network, is longer. */
export const ADDRV2_ADDRESS_SIZE_MAX = 512

/** Bytes of an address in the form that `addr` and `version` carry. */
export const LEGACY_ADDRESS_SIZE = 16

const IPV4_PREFIX = hex('00000000000000000000ffff')
const TORV2_PREFIX = hex('fd87d87eeb43')
/** 0xfd and the beginning of the SHA-256 of "bitcoin". */
const INTERNAL_PREFIX = hex('fd6b88c08724')
const CJDNS_FIRST_BYTE = 0xfc

/** The address that is none, `::`; what cannot be understood is read as it. */
export const UNSPECIFIED_ADDRESS: NetAddress = { network: 'ipv6', bytes: new Uint8Array(16) }

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return equalBytes(bytes.subarray(0, prefix.length), prefix)
}

/** Whether two addresses are the same; zones do not count. */
export function sameAddress(a: NetAddress, b: NetAddress): boolean {
  return a.network === b.network && equalBytes(a.bytes, b.bytes)
}

/** A text that tells addresses apart, for keys of maps. */
export function addressKey(address: NetAddress): string {
  return `${address.network}:${toHex(address.bytes)}`
}

/** Likewise with the port. */
export function endpointKey(endpoint: NetEndpoint): string {
  return `${addressKey(endpoint.address)}:${endpoint.port}`
}

/** The address that stands for the name of a seed. */
export function internalAddress(name: string): NetAddress {
  return { network: 'internal', bytes: sha256(utf8(name)).slice(0, ADDRESS_SIZES.internal) }
}

/** An address of fc00::/8 as one of CJDNS, which uses those; for peers that are in CJDNS. Others stay as they are. */
export function asCjdns(address: NetAddress): NetAddress {
  const fits = address.network === 'ipv6' && hasCjdnsPrefix(address.bytes)
  return fits ? { network: 'cjdns', bytes: address.bytes } : address
}

export function hasCjdnsPrefix(bytes: Uint8Array): boolean {
  return bytes[0] === CJDNS_FIRST_BYTE
}

/** Whether the address can be told in 16 bytes: to peers that know no BIP155. */
export function isLegacyCompatible(address: NetAddress): boolean {
  return address.network === 'ipv4' || address.network === 'ipv6' || address.network === 'internal'
}

/** The address in 16 bytes, IPv4 inside IPv6; zeros for what does not fit. */
export function encodeLegacyAddress(address: NetAddress): Uint8Array {
  if (address.network === 'ipv6') return address.bytes
  if (address.network === 'ipv4') return concatBytes(IPV4_PREFIX, address.bytes)
  if (address.network === 'internal') return concatBytes(INTERNAL_PREFIX, address.bytes)
  return UNSPECIFIED_ADDRESS.bytes
}

/** What 16 bytes stand for. Onion addresses of the second version, which are gone, read as `::`. */
export function decodeLegacyAddress(bytes: Uint8Array): NetAddress {
  if (startsWith(bytes, IPV4_PREFIX)) return { network: 'ipv4', bytes: bytes.slice(IPV4_PREFIX.length) }
  if (startsWith(bytes, TORV2_PREFIX)) return UNSPECIFIED_ADDRESS
  if (startsWith(bytes, INTERNAL_PREFIX)) return { network: 'internal', bytes: bytes.slice(INTERNAL_PREFIX.length) }
  return { network: 'ipv6', bytes: bytes.slice() }
}

/** BIP155: networks by their number. The third, onion services of the second version, is gone. */
const BIP155_NETWORKS: ReadonlyMap<number, readonly [network: AddressNetwork, label: string]> = new Map([
  [1, ['ipv4', 'IPv4']],
  [2, ['ipv6', 'IPv6']],
  [4, ['onion', 'TORv3']],
  [5, ['i2p', 'I2P']],
  [6, ['cjdns', 'CJDNS']],
])

const BIP155_IDS: Readonly<Record<AddressNetwork, number>> = {
  ipv4: 1,
  ipv6: 2,
  onion: 4,
  i2p: 5,
  cjdns: 6,
  internal: 2,
}

/** BIP155: network, length, address. Internal addresses go as IPv6 ones, for files of our own. */
export function writeAddressV2(writer: ByteWriter, address: NetAddress): void {
  const bytes = address.network === 'internal' ? encodeLegacyAddress(address) : address.bytes
  writer.u8(BIP155_IDS[address.network]).sizedBytes(bytes)
}

/**
 * BIP155: what {@link writeAddressV2} wrote. Networks that nobody knows yet, and IPv6 that hides another network, read as `::`; a
 * wrong length fails the reader, in Core's words.
 */
export function readAddressV2(reader: ByteReader): NetAddress {
  const id = reader.u8()
  const length = reader.compactSize()
  if (length > ADDRV2_ADDRESS_SIZE_MAX) reader.fail(`Address too long: ${length} > ${ADDRV2_ADDRESS_SIZE_MAX}`)
  const known = BIP155_NETWORKS.get(id)
  if (known === undefined) {
    reader.skip(length)
    return UNSPECIFIED_ADDRESS
  }
  const [network, label] = known
  const size = ADDRESS_SIZES[network]
  if (reader.failure === undefined && length !== size) {
    reader.fail(`BIP155 ${label} address with length ${length} (should be ${size})`)
  }
  const bytes = reader.bytes(length).slice()
  if (reader.failure !== undefined) return UNSPECIFIED_ADDRESS
  if (network !== 'ipv6') return { network, bytes }
  const plain = decodeLegacyAddress(bytes)
  return plain.network === 'ipv4' ? UNSPECIFIED_ADDRESS : plain
}
