import { lenientUtf8 } from '../../base/bytes/lenient-utf8.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { decodeBencode } from '../bencode/decode.ts'
import { type Bencodable, encodeBencode } from '../bencode/encode.ts'
import { asDict, bytesField, dictField, integerField, listField } from '../bencode/fields.ts'
import { type BencodeDict, byteKey } from '../bencode/value.ts'
import {
  decodeCompactPeers,
  encodeCompactPeers,
  formatIpv4,
  formatIpv6,
  type PeerAddress,
} from '../wire/compact-peers.ts'
import {
  type AnnounceEvent,
  type AnnounceRequest,
  type AnnounceResponse,
  type ScrapeEntry,
  saneIntervalMs,
  TRACKER_LIMITS,
} from './announce.ts'

const BENCODE = { depthMax: 8, tokenMax: 20_000, allowUnsorted: true, allowTrailing: true } as const

/** BEP 3: bytes in a query, all but the plainest as `%xx`. */
export function escapeBytes(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    const character = String.fromCharCode(byte)
    text += /[0-9A-Za-z\-._~]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`
  }
  return text
}

/** The bytes of an escaped query value; `undefined` where the escapes are broken. */
export function unescapeBytes(text: string): Uint8Array | undefined {
  const bytes: number[] = []
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '%') {
      const code = Number.parseInt(text.slice(i + 1, i + 3), 16)
      if (!/^[0-9a-fA-F]{2}$/.test(text.slice(i + 1, i + 3))) return undefined
      bytes.push(code)
      i += 2
    } else {
      const code = text.charCodeAt(i)
      if (code > 127) return undefined
      bytes.push(text[i] === '+' ? 32 : code)
    }
  }
  return Uint8Array.from(bytes)
}

/** The address to fetch for an announce. */
export function announceUrl(tracker: string, request: AnnounceRequest, trackerId?: Uint8Array): string {
  const query = [
    `info_hash=${escapeBytes(request.infohash)}`,
    `peer_id=${escapeBytes(request.peerId)}`,
    `port=${request.port}`,
    `uploaded=${request.uploaded}`,
    `downloaded=${request.downloaded}`,
    `left=${request.left}`,
    // BEP 23; BEP 7's addresses come along.
    'compact=1',
    'no_peer_id=1',
    `numwant=${request.wanted}`,
    `key=${request.key.toString(16)}`,
  ]
  // BEP 21.
  const event = request.event ?? (request.uploadOnly ? 'paused' : undefined)
  if (event !== undefined) query.push(`event=${event}`)
  if (trackerId !== undefined) query.push(`trackerid=${escapeBytes(trackerId)}`)
  return `${tracker}${tracker.includes('?') ? '&' : '?'}${query.join('&')}`
}

/** BEP 48: where to scrape, by the address to announce to; `undefined` where the tracker has no such place. */
export function scrapeUrl(tracker: string, infohashes: readonly Uint8Array[]): string | undefined {
  const [path, ...query] = tracker.split('?')
  const slash = path.lastIndexOf('/')
  if (!path.startsWith('announce', slash + 1)) return undefined
  const scrape = `${path.slice(0, slash + 1)}scrape${path.slice(slash + 1 + 'announce'.length)}`
  const parameters = [...query, ...infohashes.map(infohash => `info_hash=${escapeBytes(infohash)}`)]
  return `${scrape}?${parameters.join('&')}`
}

function decode(bytes: Uint8Array): Verdict<BencodeDict> {
  if (bytes.length > TRACKER_LIMITS.responseBytesMax) return reject('tracker-answer-too-long')
  const decoded = decodeBencode(bytes, BENCODE)
  const dict = decoded.ok ? asDict(decoded.value.value) : undefined
  if (dict === undefined) return reject('tracker-answer-invalid')
  const failure = bytesField(dict, 'failure reason')
  if (failure === undefined) return accept(dict)
  return reject('tracker-refused', lenientUtf8(failure).slice(0, TRACKER_LIMITS.textMax))
}

function readPeers(dict: BencodeDict): PeerAddress[] {
  const { peersMax } = TRACKER_LIMITS
  const peers: PeerAddress[] = []
  const compact = bytesField(dict, 'peers')
  if (compact !== undefined) peers.push(...decodeCompactPeers(compact, 4, peersMax))
  for (const value of (listField(dict, 'peers') ?? []).slice(0, peersMax)) {
    const peer = asDict(value)
    const ip = peer && bytesField(peer, 'ip')
    const port = peer && integerField(peer, 'port')
    if (ip !== undefined && ip.length <= 253 && port !== undefined && port > 0 && port < 65_536) {
      peers.push({ host: lenientUtf8(ip), port })
    }
  }
  const compact6 = bytesField(dict, 'peers6')
  if (compact6 !== undefined) peers.push(...decodeCompactPeers(compact6, 16, peersMax))
  return peers.slice(0, peersMax)
}

/** Judges an answer to an announce. */
export function decodeAnnounceResponse(bytes: Uint8Array): Verdict<AnnounceResponse> {
  const decoded = decode(bytes)
  if (!decoded.ok) return decoded
  const dict = decoded.value
  const minInterval = integerField(dict, 'min interval')
  const ip = bytesField(dict, 'external ip')
  const warning = bytesField(dict, 'warning message')
  return accept({
    intervalMs: saneIntervalMs(integerField(dict, 'interval')),
    minIntervalMs: minInterval === undefined ? undefined : saneIntervalMs(minInterval),
    seeders: integerField(dict, 'complete'),
    leechers: integerField(dict, 'incomplete'),
    peers: readPeers(dict),
    externalIp: ip?.length === 4 ? formatIpv4(ip) : ip?.length === 16 ? formatIpv6(ip) : undefined,
    warning: warning && lenientUtf8(warning).slice(0, TRACKER_LIMITS.textMax),
    trackerId: bytesField(dict, 'tracker id')?.slice(0, TRACKER_LIMITS.textMax),
  })
}

/** Judges an answer to a scrape; in the order in which the infohashes were asked for. */
export function decodeScrapeResponse(
  bytes: Uint8Array,
  infohashes: readonly Uint8Array[],
): Verdict<(ScrapeEntry | undefined)[]> {
  const decoded = decode(bytes)
  if (!decoded.ok) return decoded
  const files = dictField(decoded.value, 'files')
  if (files === undefined) return reject('tracker-answer-invalid')
  return accept(
    infohashes.map(infohash => {
      const entry = asDict(files.get(byteKey(infohash)))
      if (entry === undefined) return undefined
      return {
        seeders: integerField(entry, 'complete') ?? 0,
        completed: integerField(entry, 'downloaded') ?? 0,
        leechers: integerField(entry, 'incomplete') ?? 0,
      }
    }),
  )
}

// ── the tracker's side ───────────────────────────────────────────────────────────────────────────────────────────────

/** What a query asks; every value in its raw form, the first of each name. */
export function parseQuery(query: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const part of query.split('&').slice(0, 200)) {
    const equals = part.indexOf('=')
    if (equals > 0 && !fields.has(part.slice(0, equals))) fields.set(part.slice(0, equals), part.slice(equals + 1))
  }
  return fields
}

const EVENTS: ReadonlySet<string> = new Set(['started', 'stopped', 'completed'])

/** Judges the query of an announce. */
export function parseAnnounceQuery(query: string): Verdict<AnnounceRequest & { readonly compact: boolean }> {
  const fields = parseQuery(query)
  const infohash = unescapeBytes(fields.get('info_hash') ?? '')
  const peerId = unescapeBytes(fields.get('peer_id') ?? '')
  const number = (name: string) => (/^\d{1,15}$/.test(fields.get(name) ?? '') ? Number(fields.get(name)) : undefined)
  const port = number('port')
  if (infohash?.length !== 20) return reject('tracker-bad-infohash', 'info_hash must be 20 bytes')
  if (peerId?.length !== 20) return reject('tracker-bad-peer-id', 'peer_id must be 20 bytes')
  if (port === undefined || port < 1 || port > 65_535) return reject('tracker-bad-port', 'port must be 1 to 65535')
  const event = fields.get('event')
  return accept({
    infohash,
    peerId,
    port,
    uploaded: number('uploaded') ?? 0,
    downloaded: number('downloaded') ?? 0,
    left: number('left') ?? 1,
    event: event !== undefined && EVENTS.has(event) ? (event as AnnounceEvent) : undefined,
    wanted: number('numwant') ?? 50,
    key: Number.parseInt(fields.get('key') ?? '0', 16) >>> 0,
    uploadOnly: event === 'paused',
    compact: fields.get('compact') !== '0',
  })
}

export interface TrackerAnswer {
  readonly intervalSeconds: number
  readonly seeders: number
  readonly leechers: number
  readonly peers: readonly PeerAddress[]
}

export function encodeAnnounceResponse(answer: TrackerAnswer, compact: boolean): Uint8Array {
  const listed = answer.peers.map(({ host, port }): Bencodable => ({ ip: host, port }))
  return encodeBencode({
    complete: answer.seeders,
    incomplete: answer.leechers,
    interval: answer.intervalSeconds,
    'min interval': Math.min(60, answer.intervalSeconds),
    peers: compact ? encodeCompactPeers(answer.peers, 4) : listed,
    peers6: compact ? encodeCompactPeers(answer.peers, 16) : undefined,
  })
}

export function encodeScrapeResponse(
  entries: readonly (readonly [infohash: Uint8Array, entry: ScrapeEntry])[],
): Uint8Array {
  const files = new Map<string, Bencodable>()
  for (const [infohash, { seeders, completed, leechers }] of entries) {
    files.set(byteKey(infohash), { complete: seeders, downloaded: completed, incomplete: leechers })
  }
  return encodeBencode({ files })
}

export function encodeTrackerFailure(reason: string): Uint8Array {
  return encodeBencode({ 'failure reason': reason })
}

/** The infohashes that a scrape's query asks for. */
export function parseScrapeQuery(query: string): Uint8Array[] {
  return query
    .split('&')
    .filter(part => part.startsWith('info_hash='))
    .slice(0, 100)
    .map(part => unescapeBytes(part.slice('info_hash='.length)))
    .filter(bytes => bytes?.length === 20) as Uint8Array[]
}
