import { fromHex, toHex } from '../../base/bytes/bytes.ts'
import { utf8 } from '../../base/bytes/utf8.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'

/** A magnet link: enough to find peers, who bring the info dictionary (BEP 9). */
export interface Magnet {
  /** 20 bytes. At least one of the two is there. */
  readonly infohashV1: Uint8Array | undefined
  /** 32 bytes. */
  readonly infohashV2: Uint8Array | undefined
  readonly displayName: string | undefined
  readonly trackers: readonly string[]
  /** BEP 19 addresses (`ws`). */
  readonly webSeeds: readonly string[]
  /** `x.pe`: peers to try at once, as `host:port`. */
  readonly peers: readonly string[]
  /** BEP 53: indices of the files to fetch; all of them where there are none. */
  readonly selectOnly: readonly number[]
}

export const MAGNET_LIMITS = {
  lengthMax: 65_536,
  parametersMax: 500,
  addressesMax: 200,
  selectedFilesMax: 100_000,
} as const

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** BEP 9: the older form of an infohash, 32 characters of base 32. */
function fromBase32(text: string): Uint8Array | undefined {
  const bytes: number[] = []
  let bits = 0
  let value = 0
  for (const letter of text.toLowerCase()) {
    const digit = BASE32.indexOf(letter)
    if (digit < 0) return undefined
    value = ((value << 5) | digit) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push((value >>> bits) & 0xff)
    }
  }
  return Uint8Array.from(bytes)
}

function decodeComponent(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

interface Topics {
  v1?: Uint8Array
  v2?: Uint8Array
}

function readTopic(topic: string, topics: Topics): Verdict {
  const lower = topic.toLowerCase()
  if (lower.startsWith('urn:btih:')) {
    const text = topic.slice('urn:btih:'.length)
    const hash = text.length === 40 ? fromHex(text) : text.length === 32 ? fromBase32(text) : undefined
    if (hash === undefined) return reject('magnet-infohash-invalid')
    topics.v1 ??= hash
  } else if (lower.startsWith('urn:btmh:')) {
    // A multihash: 0x12 for SHA-256, 0x20 for its length.
    const multihash = fromHex(topic.slice('urn:btmh:'.length))
    if (multihash === undefined || multihash.length !== 34 || multihash[0] !== 0x12 || multihash[1] !== 0x20) {
      return reject('magnet-infohash-invalid')
    }
    topics.v2 ??= multihash.slice(2)
  }
  return accept()
}

/** BEP 53: `0,2,4-6`. */
function readSelection(text: string): number[] | undefined {
  const selected = new Set<number>()
  for (const part of text.split(',')) {
    const range = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part.trim())
    if (range === null) return undefined
    const last = Number(range[2] ?? range[1])
    if (last - Number(range[1]) + selected.size >= MAGNET_LIMITS.selectedFilesMax) return undefined
    for (let index = Number(range[1]); index <= last; index++) selected.add(index)
  }
  return [...selected].sort((a, b) => a - b)
}

/**
 * Judges a magnet link.
 *
 * @example
 * parseMagnet('magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a&dn=album')
 */
export function parseMagnet(link: string): Verdict<Magnet> {
  if (link.length > MAGNET_LIMITS.lengthMax) return reject('magnet-too-long')
  const trimmed = link.trim()
  if (!trimmed.toLowerCase().startsWith('magnet:?')) return reject('magnet-scheme')
  const topics: Topics = {}
  const trackers = new Set<string>()
  const webSeeds = new Set<string>()
  const peers = new Set<string>()
  let displayName: string | undefined
  let selectOnly: number[] = []
  for (const parameter of trimmed.slice('magnet:?'.length).split('&').slice(0, MAGNET_LIMITS.parametersMax)) {
    const equals = parameter.indexOf('=')
    if (equals <= 0) continue
    const value = decodeComponent(parameter.slice(equals + 1))
    if (value === undefined || value === '') continue
    // Several of a kind may be numbered: `tr.1=…&tr.2=…`.
    const key = parameter
      .slice(0, equals)
      .toLowerCase()
      .replace(/\.\d+$/, '')
    if (key === 'xt') {
      const topic = readTopic(value, topics)
      if (!topic.ok) return topic
    } else if (key === 'dn') displayName ??= value
    else if (key === 'tr' && trackers.size < MAGNET_LIMITS.addressesMax) trackers.add(value)
    else if (key === 'ws' && webSeeds.size < MAGNET_LIMITS.addressesMax) webSeeds.add(value)
    else if (key === 'x.pe' && peers.size < MAGNET_LIMITS.addressesMax) peers.add(value)
    else if (key === 'so') {
      const selection = readSelection(value)
      if (selection === undefined) return reject('magnet-selection-invalid')
      selectOnly = selection
    }
  }
  if (topics.v1 === undefined && topics.v2 === undefined) return reject('magnet-infohash-missing')
  return accept({
    infohashV1: topics.v1,
    infohashV2: topics.v2,
    displayName,
    trackers: [...trackers],
    webSeeds: [...webSeeds],
    peers: [...peers],
    selectOnly,
  })
}

function encodeComponent(text: string): string {
  let encoded = ''
  for (const byte of utf8(text)) {
    const character = String.fromCharCode(byte)
    encoded += /[A-Za-z0-9\-_.~:]/.test(character) ? character : `%${toHex(Uint8Array.of(byte)).toUpperCase()}`
  }
  return encoded
}

/** The link that {@link parseMagnet} reads. */
export function formatMagnet(magnet: Partial<Magnet>): string {
  const parameters: string[] = []
  if (magnet.infohashV2) parameters.push(`xt=urn:btmh:1220${toHex(magnet.infohashV2)}`)
  if (magnet.infohashV1) parameters.push(`xt=urn:btih:${toHex(magnet.infohashV1)}`)
  if (magnet.displayName) parameters.push(`dn=${encodeComponent(magnet.displayName)}`)
  for (const tracker of magnet.trackers ?? []) parameters.push(`tr=${encodeComponent(tracker)}`)
  for (const webSeed of magnet.webSeeds ?? []) parameters.push(`ws=${encodeComponent(webSeed)}`)
  for (const peer of magnet.peers ?? []) parameters.push(`x.pe=${encodeComponent(peer)}`)
  if (magnet.selectOnly && magnet.selectOnly.length > 0) parameters.push(`so=${formatSelection(magnet.selectOnly)}`)
  return `magnet:?${parameters.join('&')}`
}

function formatSelection(indices: readonly number[]): string {
  const runs: [number, number][] = []
  for (const index of indices) {
    const run = runs.at(-1)
    if (run !== undefined && index === run[1] + 1) run[1] = index
    else runs.push([index, index])
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',')
}
