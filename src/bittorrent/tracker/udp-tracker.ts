import { lenientUtf8 } from '../../base/bytes/lenient-utf8.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { decodeCompactPeers, encodeCompactPeers, type PeerAddress } from '../wire/compact-peers.ts'
import {
  type AnnounceEvent,
  type AnnounceRequest,
  type AnnounceResponse,
  type ScrapeEntry,
  saneIntervalMs,
  TRACKER_LIMITS,
} from './announce.ts'

/** BEP 15: the number that says "this is the UDP tracker protocol". */
const PROTOCOL_ID = 0x41727101980n

export const UDP_ACTION = { connect: 0, announce: 1, scrape: 2, error: 3 } as const

/** BEP 15: a connection id is good for a minute on the client's side, two on the tracker's. */
export const CONNECTION_ID_MS = 60_000

/** Infohashes in one scrape. */
export const SCRAPE_MAX = 74

const EVENT_CODES: Record<AnnounceEvent, number> = { completed: 1, started: 2, stopped: 3 }

function u64be(writer: ByteWriter, value: bigint): ByteWriter {
  return writer.u32be(Number((value >> 32n) & 0xffff_ffffn)).u32be(Number(value & 0xffff_ffffn))
}

function readU64(reader: ByteReader): bigint {
  return (BigInt(reader.u32be()) << 32n) | BigInt(reader.u32be())
}

export function encodeConnectRequest(transaction: number): Uint8Array {
  return u64be(new ByteWriter(16), PROTOCOL_ID).u32be(UDP_ACTION.connect).u32be(transaction).finish()
}

/** BEP 41: the path and query of the tracker's address, in runs of at most 255 bytes. */
function writeUrlData(writer: ByteWriter, path: Uint8Array): void {
  for (let at = 0; at < path.length; at += 255) {
    const run = path.subarray(at, at + 255)
    writer.u8(2).u8(run.length).bytes(run)
  }
  if (path.length > 0) writer.u8(0)
}

/** @param path BEP 41: path and query of the address, if there is more than `/announce` to it */
export function encodeUdpAnnounce(
  connectionId: bigint,
  transaction: number,
  request: AnnounceRequest,
  path: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const writer = u64be(new ByteWriter(110), connectionId).u32be(UDP_ACTION.announce).u32be(transaction)
  writer.bytes(request.infohash).bytes(request.peerId)
  for (const count of [request.downloaded, request.left, request.uploaded]) u64be(writer, BigInt(count))
  writer.u32be(request.event === undefined ? 0 : EVENT_CODES[request.event])
  writer.u32be(0).u32be(request.key).u32be(request.wanted).u16be(request.port)
  writeUrlData(writer, path)
  return writer.finish()
}

export function encodeUdpScrape(
  connectionId: bigint,
  transaction: number,
  infohashes: readonly Uint8Array[],
): Uint8Array {
  const writer = u64be(new ByteWriter(16 + 20 * infohashes.length), connectionId)
  writer.u32be(UDP_ACTION.scrape).u32be(transaction)
  for (const infohash of infohashes.slice(0, SCRAPE_MAX)) writer.bytes(infohash)
  return writer.finish()
}

export type UdpAnswer =
  | { readonly action: 'connect'; readonly connectionId: bigint }
  | { readonly action: 'announce'; readonly response: AnnounceResponse }
  | { readonly action: 'scrape'; readonly entries: readonly ScrapeEntry[] }

/** The transaction that a packet answers; `undefined` where it is too short to say. */
export function udpTransaction(packet: Uint8Array): number | undefined {
  const reader = new ByteReader(packet, 4)
  const transaction = reader.u32be()
  return reader.failure === undefined && packet.length >= 8 ? transaction : undefined
}

/**
 * Judges an answer.
 *
 * @param addressBytes 16 where the tracker was asked over IPv6
 */
export function decodeUdpAnswer(packet: Uint8Array, addressBytes: 4 | 16): Verdict<UdpAnswer> {
  const reader = new ByteReader(packet)
  const action = reader.u32be()
  reader.u32be()
  if (action === UDP_ACTION.error) {
    return reject('tracker-refused', lenientUtf8(packet.subarray(8)).slice(0, TRACKER_LIMITS.textMax))
  }
  if (action === UDP_ACTION.connect) {
    const connectionId = readU64(reader)
    return reader.failure ? reject('tracker-answer-invalid') : accept({ action: 'connect', connectionId })
  }
  if (action === UDP_ACTION.announce) {
    const intervalMs = saneIntervalMs(reader.u32be())
    const leechers = reader.u32be()
    const seeders = reader.u32be()
    if (reader.failure) return reject('tracker-answer-invalid')
    const peers = decodeCompactPeers(reader.bytes(reader.remaining), addressBytes, TRACKER_LIMITS.peersMax)
    const unknown = { minIntervalMs: undefined, externalIp: undefined, warning: undefined, trackerId: undefined }
    return accept({ action: 'announce', response: { intervalMs, seeders, leechers, peers, ...unknown } })
  }
  if (action !== UDP_ACTION.scrape || reader.failure) return reject('tracker-answer-invalid')
  const entries: ScrapeEntry[] = []
  while (reader.remaining >= 12 && entries.length < SCRAPE_MAX) {
    entries.push({ seeders: reader.u32be(), completed: reader.u32be(), leechers: reader.u32be() })
  }
  return accept({ action: 'scrape', entries })
}

// ── the tracker's side ───────────────────────────────────────────────────────────────────────────────────────────────

export type UdpRequest =
  | { readonly action: 'connect'; readonly transaction: number }
  | {
      readonly action: 'announce'
      readonly transaction: number
      readonly connectionId: bigint
      readonly request: AnnounceRequest
    }
  | {
      readonly action: 'scrape'
      readonly transaction: number
      readonly connectionId: bigint
      readonly infohashes: readonly Uint8Array[]
    }

/** Judges a packet that a client sent; what makes no sense is not worth an answer. */
export function decodeUdpRequest(packet: Uint8Array): UdpRequest | undefined {
  const reader = new ByteReader(packet)
  const connectionId = readU64(reader)
  const action = reader.u32be()
  const transaction = reader.u32be()
  if (reader.failure) return undefined
  if (action === UDP_ACTION.connect)
    return connectionId === PROTOCOL_ID ? { action: 'connect', transaction } : undefined
  if (action === UDP_ACTION.scrape) {
    const infohashes: Uint8Array[] = []
    while (reader.remaining >= 20 && infohashes.length < SCRAPE_MAX) infohashes.push(reader.bytes(20))
    return { action: 'scrape', transaction, connectionId, infohashes }
  }
  if (action !== UDP_ACTION.announce) return undefined
  const infohash = reader.bytes(20)
  const peerId = reader.bytes(20)
  const [downloaded, left, uploaded] = [readU64(reader), readU64(reader), readU64(reader)].map(Number)
  const eventCode = reader.u32be()
  // BEP 15: an address of the client's choosing, which we do not believe.
  reader.skip(4)
  const key = reader.u32be()
  const wanted = reader.u32be()
  const port = reader.u16be()
  if (reader.failure || port === 0) return undefined
  const event = (Object.keys(EVENT_CODES) as AnnounceEvent[]).find(name => EVENT_CODES[name] === eventCode)
  const request = {
    infohash,
    peerId,
    port,
    uploaded,
    downloaded,
    left,
    event,
    key,
    wanted: wanted > 1000 ? 50 : wanted,
  }
  return { action: 'announce', transaction, connectionId, request }
}

export function encodeConnectAnswer(transaction: number, connectionId: bigint): Uint8Array {
  return u64be(new ByteWriter(16).u32be(UDP_ACTION.connect).u32be(transaction), connectionId).finish()
}

export function encodeUdpAnnounceAnswer(
  transaction: number,
  answer: {
    readonly intervalSeconds: number
    readonly seeders: number
    readonly leechers: number
    readonly peers: readonly PeerAddress[]
  },
  addressBytes: 4 | 16,
): Uint8Array {
  return new ByteWriter(20)
    .u32be(UDP_ACTION.announce)
    .u32be(transaction)
    .u32be(answer.intervalSeconds)
    .u32be(answer.leechers)
    .u32be(answer.seeders)
    .bytes(encodeCompactPeers(answer.peers, addressBytes))
    .finish()
}

export function encodeUdpScrapeAnswer(transaction: number, entries: readonly ScrapeEntry[]): Uint8Array {
  const writer = new ByteWriter(8 + 12 * entries.length).u32be(UDP_ACTION.scrape).u32be(transaction)
  for (const { seeders, completed, leechers } of entries) writer.u32be(seeders).u32be(completed).u32be(leechers)
  return writer.finish()
}

export function encodeUdpError(transaction: number, reason: Uint8Array): Uint8Array {
  return new ByteWriter(64).u32be(UDP_ACTION.error).u32be(transaction).bytes(reason).finish()
}
