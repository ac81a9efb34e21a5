import { toHex } from '../../base/bytes/bytes.ts'
import { fromUtf8 } from '../../base/bytes/utf8.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { decodeBencode } from '../bencode/decode.ts'
import { asDict, bytesField, dictField, integerField, listField } from '../bencode/fields.ts'
import { type BencodeDict, type BencodeValue, keyBytes } from '../bencode/value.ts'
import type { Sha256 } from './merkle.ts'
import { isPieceLayer, needsPieceLayer, type PieceLayers } from './piece-layers.ts'
import { PORTABLE_HASHES, parseTorrentInfo, type TorrentInfo } from './torrent-info.ts'

/** A .torrent file: the info dictionary, and what may be said around it. */
export interface Metainfo {
  readonly info: TorrentInfo
  /** v2: those that the file brought, all of them checked; others can be asked of peers. */
  readonly pieceLayers: PieceLayers
  /** BEP 12: tiers of tracker addresses, as given. */
  readonly trackers: readonly (readonly string[])[]
  /** BEP 19: addresses of web seeds. */
  readonly webSeeds: readonly string[]
  /** BEP 17: addresses of web seeds of the older kind. */
  readonly httpSeeds: readonly string[]
  /** BEP 5: contacts of the DHT. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  readonly comment: string | undefined
  readonly createdBy: string | undefined
  /** Seconds since 1970. */
  readonly creationDate: number | undefined
}

export const METAINFO_LIMITS = {
  bytesMax: 128 * 1024 * 1024,
  trackersMax: 200,
  webSeedsMax: 200,
  nodesMax: 200,
  addressBytesMax: 2048,
  textBytesMax: 64 * 1024,
} as const

function texts(value: BencodeValue | undefined): string[] {
  const values = Array.isArray(value) ? value : value === undefined ? [] : [value]
  const found: string[] = []
  for (const item of values) {
    if (!(item instanceof Uint8Array) || item.length > METAINFO_LIMITS.addressBytesMax) continue
    const text = fromUtf8(item)?.trim()
    if (text) found.push(text)
  }
  return found
}

function readTrackers(root: BencodeDict): string[][] {
  const tiers: string[][] = []
  let left: number = METAINFO_LIMITS.trackersMax
  // BEP 12: the list, where there is one, makes the single address void.
  for (const tier of listField(root, 'announce-list') ?? []) {
    const addresses = [...new Set(texts(tier))].slice(0, left)
    left -= addresses.length
    if (addresses.length > 0) tiers.push(addresses)
  }
  return tiers.length > 0 ? tiers : texts(root.get('announce')).map(address => [address])
}

function readNodes(root: BencodeDict): { host: string; port: number }[] {
  const nodes: { host: string; port: number }[] = []
  for (const value of (listField(root, 'nodes') ?? []).slice(0, METAINFO_LIMITS.nodesMax)) {
    if (!Array.isArray(value) || !(value[0] instanceof Uint8Array)) continue
    const host = fromUtf8(value[0].subarray(0, METAINFO_LIMITS.addressBytesMax))
    const port = value[1]
    if (host && typeof port === 'number' && port > 0 && port < 65_536) nodes.push({ host, port })
  }
  return nodes
}

/** What people wrote; longer texts are as good as none. */
function readText(root: BencodeDict, key: string): string | undefined {
  const bytes = bytesField(root, key)
  return bytes === undefined || bytes.length > METAINFO_LIMITS.textBytesMax ? undefined : fromUtf8(bytes)
}

function readPieceLayers(root: BencodeDict, info: TorrentInfo, hash: Sha256): Verdict<Map<string, Uint8Array>> {
  const layers = new Map<string, Uint8Array>()
  if (info.infohashV2 === undefined) return accept(layers)
  const given = dictField(root, 'piece layers')
  if (given === undefined) return accept(layers)
  const byRoot = new Map<string, Uint8Array>()
  for (const [key, layer] of given) {
    if (key.length !== 32 || !(layer instanceof Uint8Array)) return reject('torrent-piece-layer-invalid')
    byRoot.set(toHex(keyBytes(key)), layer)
  }
  for (const file of info.files) {
    if (!needsPieceLayer(file, info.pieceLength)) continue
    const root = toHex(file.piecesRoot!)
    const layer = byRoot.get(root)
    if (layer === undefined || layers.has(root)) continue
    if (!isPieceLayer(file, info.pieceLength, layer, hash)) return reject('torrent-piece-layer-invalid')
    layers.set(root, layer)
  }
  return accept(layers)
}

/**
 * Judges a .torrent file.
 *
 * @param hashes for infohashes and piece layers; portable ones unless faster ones are at hand
 * @example
 * const parsed = parseMetainfo(await readFile('ubuntu.torrent'))
 * if (parsed.ok) parsed.value.info.files.map(file => file.path.join('/'))
 */
export function parseMetainfo(bytes: Uint8Array, hashes = PORTABLE_HASHES): Verdict<Metainfo> {
  if (bytes.length > METAINFO_LIMITS.bytesMax) return reject('torrent-too-large')
  // Real files end in a line break now and then, and name keys in any order; only the info section's bytes are hashed.
  const decoded = decodeBencode(bytes, { allowUnsorted: true, allowTrailing: true })
  if (!decoded.ok) return decoded
  const root = asDict(decoded.value.value)
  if (root === undefined) return reject('torrent-not-a-dictionary')
  const span = decoded.value.spans.get('info')
  if (span === undefined) return reject('torrent-info-missing')
  const info = parseTorrentInfo(bytes.slice(span[0], span[1]), hashes)
  if (!info.ok) return info
  const pieceLayers = readPieceLayers(root, info.value, hashes.sha256)
  if (!pieceLayers.ok) return pieceLayers
  return accept({
    info: info.value,
    pieceLayers: pieceLayers.value,
    trackers: readTrackers(root),
    webSeeds: [...new Set(texts(root.get('url-list')))].slice(0, METAINFO_LIMITS.webSeedsMax),
    httpSeeds: [...new Set(texts(root.get('httpseeds')))].slice(0, METAINFO_LIMITS.webSeedsMax),
    nodes: readNodes(root),
    comment: readText(root, 'comment'),
    createdBy: readText(root, 'created by'),
    creationDate: integerField(root, 'creation date'),
  })
}
