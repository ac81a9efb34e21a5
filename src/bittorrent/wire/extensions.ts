import { concatBytes } from '../../base/bytes/bytes.ts'
import { lenientUtf8 } from '../../base/bytes/lenient-utf8.ts'
import { decodeBencode } from '../bencode/decode.ts'
import { type Bencodable, encodeBencode } from '../bencode/encode.ts'
import { asDict, bytesField, dictField, integerField } from '../bencode/fields.ts'
import {
  decodeCompactPeers,
  encodeCompactPeers,
  formatIpv4,
  formatIpv6,
  type PeerAddress,
  parseIpv4,
  parseIpv6,
} from './compact-peers.ts'

/** The numbers under which we take extension messages (BEP 10: each side chooses its own). */
export const OUR_EXTENSION_IDS = { ut_metadata: 1, ut_pex: 2, lt_donthave: 3, upload_only: 4 } as const

export type ExtensionName = keyof typeof OUR_EXTENSION_IDS

/** BEP 9: metadata travels in pieces of this many bytes. */
export const METADATA_PIECE_BYTES = 16_384

const EXTENSION_BENCODE = { depthMax: 8, tokenMax: 4000, allowUnsorted: true } as const
const CLIENT_NAME_MAX = 64

/** BEP 10: what a peer says of itself after the handshake. */
export interface ExtensionHandshake {
  /** The peer's numbers for the extensions that we know; 0 for one that it has switched off. */
  readonly ids: Partial<Record<ExtensionName, number>>
  readonly client: string | undefined
  /** Port on which it listens. */
  readonly port: number | undefined
  /** BEP 9: bytes of the info dictionary, if it has it. */
  readonly metadataSize: number | undefined
  /** Requests that it will queue for us. */
  readonly requestQueue: number | undefined
  /** BEP 21: it only gives. */
  readonly uploadOnly: boolean | undefined
  /** Our address as it sees it. */
  readonly yourIp: string | undefined
}

function port(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 && value < 65_536 ? value : undefined
}

function readIds(names: ReturnType<typeof dictField>): Partial<Record<ExtensionName, number>> {
  const ids: Partial<Record<ExtensionName, number>> = {}
  if (names === undefined) return ids
  for (const name of Object.keys(OUR_EXTENSION_IDS) as ExtensionName[]) {
    const id = integerField(names, name)
    if (id !== undefined && id >= 0 && id < 256) ids[name] = id
  }
  return ids
}

/** Reads it; `undefined` where it is not a dictionary at all. */
export function decodeExtensionHandshake(payload: Uint8Array): ExtensionHandshake | undefined {
  const decoded = decodeBencode(payload, EXTENSION_BENCODE)
  const dict = decoded.ok ? asDict(decoded.value.value) : undefined
  if (dict === undefined) return undefined
  const client = bytesField(dict, 'v')
  const yourIp = bytesField(dict, 'yourip')
  const metadataSize = integerField(dict, 'metadata_size')
  const requestQueue = integerField(dict, 'reqq')
  const uploadOnly = integerField(dict, 'upload_only')
  return {
    ids: readIds(dictField(dict, 'm')),
    client: client === undefined ? undefined : lenientUtf8(client).slice(0, CLIENT_NAME_MAX),
    port: port(integerField(dict, 'p')),
    metadataSize: metadataSize !== undefined && metadataSize > 0 ? metadataSize : undefined,
    requestQueue: requestQueue !== undefined && requestQueue > 0 ? requestQueue : undefined,
    uploadOnly: uploadOnly === undefined ? undefined : uploadOnly === 1,
    yourIp: yourIp?.length === 4 ? formatIpv4(yourIp) : yourIp?.length === 16 ? formatIpv6(yourIp) : undefined,
  }
}

/** BEP 10: what holds once a peer has said something again: extensions may be switched on and off, and the rest stays as it was. */
export function updateExtensionHandshake(
  before: ExtensionHandshake | undefined,
  said: ExtensionHandshake,
): ExtensionHandshake {
  const ids = { ...before?.ids, ...said.ids }
  for (const name of Object.keys(ids) as ExtensionName[]) if (ids[name] === 0) delete ids[name]
  return {
    ids,
    client: said.client ?? before?.client,
    port: said.port ?? before?.port,
    metadataSize: said.metadataSize ?? before?.metadataSize,
    requestQueue: said.requestQueue ?? before?.requestQueue,
    uploadOnly: said.uploadOnly ?? before?.uploadOnly,
    yourIp: said.yourIp ?? before?.yourIp,
  }
}

/** What we say of ourselves. */
export interface OwnHandshake {
  readonly client: string
  readonly port: number | undefined
  readonly metadataSize: number | undefined
  readonly requestQueue: number
  readonly uploadOnly: boolean
  readonly peerHost: string | undefined
  /** BEP 27: private torrents exchange no peers. */
  readonly private: boolean
}

export function encodeExtensionHandshake(own: OwnHandshake): Uint8Array {
  const { ut_pex, ...others } = OUR_EXTENSION_IDS
  return encodeBencode({
    m: own.private ? others : { ...others, ut_pex },
    metadata_size: own.metadataSize,
    p: own.port,
    reqq: own.requestQueue,
    upload_only: own.uploadOnly ? 1 : undefined,
    v: own.client,
    yourip: own.peerHost === undefined ? undefined : (parseIpv4(own.peerHost) ?? parseIpv6(own.peerHost)),
  })
}

/** BEP 9. */
export type MetadataMessage =
  | { readonly type: 'request'; readonly piece: number }
  | { readonly type: 'data'; readonly piece: number; readonly totalSize: number; readonly bytes: Uint8Array }
  | { readonly type: 'reject'; readonly piece: number }

/** Reads a metadata message; unknown types and broken ones are `undefined`, to be ignored. */
export function decodeMetadataMessage(payload: Uint8Array): MetadataMessage | undefined {
  const decoded = decodeBencode(payload, { ...EXTENSION_BENCODE, allowTrailing: true })
  const dict = decoded.ok ? asDict(decoded.value.value) : undefined
  if (dict === undefined || !decoded.ok) return undefined
  const piece = integerField(dict, 'piece')
  if (piece === undefined || piece < 0) return undefined
  switch (integerField(dict, 'msg_type')) {
    case 0:
      return { type: 'request', piece }
    case 1: {
      const bytes = payload.subarray(decoded.value.end)
      return { type: 'data', piece, totalSize: integerField(dict, 'total_size') ?? 0, bytes }
    }
    case 2:
      return { type: 'reject', piece }
    default:
      return undefined
  }
}

export function encodeMetadataMessage(message: MetadataMessage): Uint8Array {
  const { type, piece } = message
  if (type === 'request') return encodeBencode({ msg_type: 0, piece })
  if (type === 'reject') return encodeBencode({ msg_type: 2, piece })
  return concatBytes(encodeBencode({ msg_type: 1, piece, total_size: message.totalSize }), message.bytes)
}

/** BEP 11: the flags of a peer that is passed on. */
export const PEX_FLAG = { encryption: 1, uploadOnly: 2, utp: 4, holepunch: 8, reachable: 16 } as const

export interface PexPeer extends PeerAddress {
  readonly flags: number
}

/** BEP 11: who came and who went since the last message. */
export interface PexMessage {
  readonly added: readonly PexPeer[]
  readonly dropped: readonly PeerAddress[]
}

/** BEP 11: so many of a kind in one message, after the first. */
export const PEX_PEERS_MAX = 100

function readAdded(dict: ReadonlyMap<string, unknown>, suffix: '' | '6'): PexPeer[] {
  const bytes = dict.get(`added${suffix}`)
  if (!(bytes instanceof Uint8Array)) return []
  const flags = dict.get(`added${suffix}.f`)
  const peers = decodeCompactPeers(bytes, suffix === '' ? 4 : 16, PEX_PEERS_MAX)
  return peers.map((peer, i) => ({ ...peer, flags: flags instanceof Uint8Array ? (flags[i] ?? 0) : 0 }))
}

function readDropped(dict: ReadonlyMap<string, unknown>, suffix: '' | '6'): PeerAddress[] {
  const bytes = dict.get(`dropped${suffix}`)
  return bytes instanceof Uint8Array ? decodeCompactPeers(bytes, suffix === '' ? 4 : 16, PEX_PEERS_MAX) : []
}

export function decodePex(payload: Uint8Array): PexMessage | undefined {
  const decoded = decodeBencode(payload, EXTENSION_BENCODE)
  const dict = decoded.ok ? asDict(decoded.value.value) : undefined
  if (dict === undefined) return undefined
  return {
    added: [...readAdded(dict, ''), ...readAdded(dict, '6')],
    dropped: [...readDropped(dict, ''), ...readDropped(dict, '6')],
  }
}

export function encodePex(message: PexMessage): Uint8Array {
  const fields: Record<string, Bencodable> = {}
  for (const [suffix, addressBytes] of [
    ['', 4],
    ['6', 16],
  ] as const) {
    const ofFamily = message.added.filter(({ host }) => host.includes(':') === (suffix === '6'))
    fields[`added${suffix}`] = encodeCompactPeers(ofFamily, addressBytes)
    fields[`added${suffix}.f`] = Uint8Array.from(ofFamily, peer => peer.flags)
    fields[`dropped${suffix}`] = encodeCompactPeers(message.dropped, addressBytes)
  }
  return encodeBencode(fields)
}
