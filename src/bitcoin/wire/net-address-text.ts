import { concatBytes, equalBytes } from '../../base/bytes/bytes.ts'
import { utf8 } from '../../base/bytes/utf8.ts'
import { sha3 } from '../../base/crypto/sha3.ts'
import { decodeBase32, encodeBase32 } from '../../base/encoding/base32.ts'
import { ADDRESS_SIZES, decodeLegacyAddress, type NetAddress, type NetEndpoint } from './net-address.ts'

const ONION_SUFFIX = '.onion'
const ONION_VERSION = 3
const ONION_CHECKSUM_SIZE = 2
const I2P_SUFFIX = '.b32.i2p'
const I2P_NAME_LENGTH = 52
const IPV6_GROUPS = 8

/** The longest text that is tried as an address. */
export const ADDRESS_TEXT_LENGTH_MAX = 256

/** Tor rend-spec-v3: the part of an onion name that guards against typing errors. */
function onionChecksum(key: Uint8Array): Uint8Array {
  return sha3(concatBytes(utf8('.onion checksum'), key, Uint8Array.of(ONION_VERSION))).subarray(0, ONION_CHECKSUM_SIZE)
}

function parseOnion(text: string): NetAddress | undefined {
  if (!text.endsWith(ONION_SUFFIX)) return undefined
  const data = decodeBase32(text.slice(0, -ONION_SUFFIX.length))
  if (data?.length !== ADDRESS_SIZES.onion + ONION_CHECKSUM_SIZE + 1) return undefined
  const key = data.slice(0, ADDRESS_SIZES.onion)
  const checksum = data.subarray(ADDRESS_SIZES.onion, -1)
  if (data[data.length - 1] !== ONION_VERSION || !equalBytes(checksum, onionChecksum(key))) return undefined
  return { network: 'onion', bytes: key }
}

function parseI2p(text: string): NetAddress | undefined {
  if (text.length !== I2P_NAME_LENGTH + I2P_SUFFIX.length) return undefined
  if (text.slice(I2P_NAME_LENGTH).toLowerCase() !== I2P_SUFFIX) return undefined
  const bytes = decodeBase32(text.slice(0, I2P_NAME_LENGTH))
  return bytes?.length === ADDRESS_SIZES.i2p ? { network: 'i2p', bytes } : undefined
}

/** Four decimal numbers; forms that some systems read as octal are refused. */
function parseIpv4Bytes(text: string): number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  if (!parts.every(part => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255)) return undefined
  return parts.map(Number)
}

/** The 16-bit groups of a colon-separated text, a dotted IPv4 tail counting as two. */
function parseGroups(text: string): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    const dotted = i === parts.length - 1 && part.includes('.') ? parseIpv4Bytes(part) : undefined
    if (dotted !== undefined) groups.push((dotted[0] << 8) | dotted[1], (dotted[2] << 8) | dotted[3])
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

function parseIpv6Bytes(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = parseGroups(halves[0])
  const tail = halves.length === 2 ? parseGroups(halves[1]) : []
  if (head === undefined || tail === undefined) return undefined
  // A dotted tail may stand at the very end only.
  if (halves.length === 2 && halves[0].includes('.')) return undefined
  const missing = IPV6_GROUPS - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail]
  return Uint8Array.from(groups.flatMap(group => [group >>> 8, group & 255]))
}

function parseIpv6(text: string): NetAddress | undefined {
  const [plain, zone, ...rest] = text.split('%')
  if (rest.length > 0 || (zone !== undefined && !/^[0-9]{1,9}$/.test(zone))) return undefined
  const bytes = parseIpv6Bytes(plain)
  if (bytes === undefined) return undefined
  const address = decodeLegacyAddress(bytes)
  if (address.network === 'internal') return undefined
  // What was read as another network (an old onion address) is none.
  if (address.network === 'ipv6' && !equalBytes(address.bytes, bytes)) return undefined
  const scopeId = Number(zone ?? 0)
  return scopeId === 0 || address.network !== 'ipv6' ? address : { ...address, scopeId }
}

/**
 * The address that a text is: numbers of IPv4 or IPv6 (with or without brackets), an onion name of the third version, a base32
 * name of I2P. Names that would have to be looked up are none of these. An address of CJDNS reads as IPv6 (see asCjdns).
 */
export function parseNetAddress(text: string): NetAddress | undefined {
  if (text.length > ADDRESS_TEXT_LENGTH_MAX) return undefined
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  const ipv4 = parseIpv4Bytes(bare)
  if (ipv4 !== undefined) return { network: 'ipv4', bytes: Uint8Array.from(ipv4) }
  return parseOnion(bare) ?? parseI2p(bare) ?? (bare.includes(':') ? parseIpv6(bare) : undefined)
}

/** A host's name and the port behind it, as Core splits them: `host`, `host:port`, `[host]:port`, or bare IPv6. */
export interface HostPort {
  readonly host: string
  /** Undefined where none was given. */
  readonly port: number | undefined
}

/** Splits text into host and port; `undefined` where what stands for the port is none between 1 and 65535. */
export function splitHostPort(text: string): HostPort | undefined {
  const colon = text.lastIndexOf(':')
  const bracketed = colon > 0 && text.startsWith('[') && text[colon - 1] === ']'
  const several = colon > 0 && text.lastIndexOf(':', colon - 1) >= 0
  const bare = (host: string): string => (host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host)
  if (colon < 0 || (colon > 0 && several && !bracketed)) return { host: bare(text), port: undefined }
  const digits = text.slice(colon + 1)
  const port = /^[0-9]{1,9}$/.test(digits) ? Number(digits) : 0
  return port === 0 || port > 0xffff ? undefined : { host: bare(text.slice(0, colon)), port }
}

/** An address and its port; `undefined` where the text is none, or is a name that would have to be looked up. */
export function parseNetEndpoint(text: string, defaultPort: number): NetEndpoint | undefined {
  const split = splitHostPort(text)
  const address = split === undefined ? undefined : parseNetAddress(split.host)
  return address === undefined ? undefined : { address, port: split?.port ?? defaultPort }
}

/** RFC 5952: the longest run of zeros (the first of equals, two groups at least) becomes `::`. */
function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: IPV6_GROUPS }, (_, i) => (bytes[2 * i] << 8) | bytes[2 * i + 1])
  let best = 0
  let bestLength = 1
  for (let start = 0; start < IPV6_GROUPS; start++) {
    let length = 0
    while (start + length < IPV6_GROUPS && groups[start + length] === 0) length++
    if (length > bestLength) {
      best = start
      bestLength = length
    }
  }
  const text = (part: number[]): string => part.map(group => group.toString(16)).join(':')
  if (bestLength < 2) return text(groups)
  return `${text(groups.slice(0, best))}::${text(groups.slice(best + bestLength))}`
}

/** The address as people write it, and as Core prints it. */
export function formatNetAddress(address: NetAddress): string {
  const { network, bytes } = address
  switch (network) {
    case 'ipv4':
      return bytes.join('.')
    case 'onion':
      return encodeBase32(concatBytes(bytes, onionChecksum(bytes), Uint8Array.of(ONION_VERSION))) + ONION_SUFFIX
    case 'i2p':
      return encodeBase32(bytes) + I2P_SUFFIX
    case 'internal':
      return `${encodeBase32(bytes)}.internal`
    default:
      return formatIpv6(bytes) + (address.scopeId ? `%${address.scopeId}` : '')
  }
}

/** Address and port as Core prints them, IPv6 in brackets. */
export function formatNetEndpoint(endpoint: NetEndpoint): string {
  const { network } = endpoint.address
  const text = formatNetAddress(endpoint.address)
  return network === 'ipv6' || network === 'cjdns' ? `[${text}]:${endpoint.port}` : `${text}:${endpoint.port}`
}
