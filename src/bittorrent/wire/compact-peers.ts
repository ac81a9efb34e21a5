/** Where a peer can be reached. `host` is an IPv4 or IPv6 address in its usual form. */
export interface PeerAddress {
  readonly host: string
  readonly port: number
}

/** BEP 23 and BEP 7: addresses of 4 or 16 bytes, each followed by a port, big-endian. Ports of zero are left out. */
export function decodeCompactPeers(bytes: Uint8Array, addressBytes: 4 | 16, countMax: number): PeerAddress[] {
  const stride = addressBytes + 2
  const peers: PeerAddress[] = []
  for (let at = 0; at + stride <= bytes.length && peers.length < countMax; at += stride) {
    const port = (bytes[at + addressBytes] << 8) | bytes[at + addressBytes + 1]
    if (port === 0) continue
    const address = bytes.subarray(at, at + addressBytes)
    peers.push({ host: addressBytes === 4 ? formatIpv4(address) : formatIpv6(address), port })
  }
  return peers
}

/** Addresses of one family in compact form; those of the other are left out. */
export function encodeCompactPeers(peers: readonly PeerAddress[], addressBytes: 4 | 16): Uint8Array {
  const parts: number[] = []
  for (const { host, port } of peers) {
    const address = addressBytes === 4 ? parseIpv4(host) : parseIpv6(host)
    if (address !== undefined) parts.push(...address, port >>> 8, port & 255)
  }
  return Uint8Array.from(parts)
}

export function formatIpv4(bytes: Uint8Array): string {
  return bytes.subarray(0, 4).join('.')
}

/** The four bytes of a dotted address; `undefined` for anything else. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (match === null) return undefined
  const bytes = match.slice(1).map(Number)
  return bytes.every(byte => byte < 256) ? Uint8Array.from(bytes) : undefined
}

/** RFC 5952: lower case, the longest run of zeros as `::`. */
export function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] << 8) | bytes[2 * i + 1]).toString(16))
  let best = { start: 0, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && groups[start + length] === '0') length++
    if (length > best.length) best = { start, length }
  }
  if (best.length < 2) return groups.join(':')
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`
}

/** @param endsAddress the last 32 bits of an address may be written in dots */
function parseGroups(text: string, endsAddress: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    const ipv4 = endsAddress && i === parts.length - 1 ? parseIpv4(part) : undefined
    if (ipv4 !== undefined) groups.push((ipv4[0] << 8) | ipv4[1], (ipv4[2] << 8) | ipv4[3])
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

/** The sixteen bytes of an IPv6 address; `undefined` for anything else. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (!text.includes(':') || halves.length > 2) return undefined
  const head = parseGroups(halves[0], halves.length === 1)
  const tail = halves.length === 2 ? parseGroups(halves[1], true) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail]
  return Uint8Array.from(groups.flatMap(group => [group >>> 8, group & 255]))
}
