import { readFile } from 'node:fs/promises'
import { toHex } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import { parseMagnet } from '../../bittorrent/metainfo/magnet.ts'
import { METAINFO_LIMITS, parseMetainfo } from '../../bittorrent/metainfo/metainfo.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import { nodeBulkHash } from '../../platform/bulk-hash.ts'
import { chooseByPatterns } from './file-selection.ts'
import { parseAddress } from './parse-address.ts'
import type { SessionRecord } from './session-record.ts'
import type { AddOptions } from './swarm-client.ts'

type KnownInfohashes = Partial<Pick<TorrentInfo, 'infohashV1' | 'infohashV2'>>

/** What is known of a torrent before it is added. */
export interface SourceSummary {
  /** By which it will go in handshakes, in hex. */
  readonly infohash: string
  /** v1's and v2's, as far as they are known, in full and in hex. */
  readonly infohashes: readonly string[]
  readonly name: string | undefined
  readonly trackers: readonly (readonly string[])[]
  readonly webSeeds: readonly string[]
}

/** Of a torrent, v1's before v2's, in full and in hex. */
export function infohashesOf({ infohashV1, infohashV2 }: KnownInfohashes): string[] {
  return [infohashV1, infohashV2].filter(infohash => infohash !== undefined).map(toHex)
}

function summaryOf(known: KnownInfohashes): Pick<SourceSummary, 'infohash' | 'infohashes'> {
  const infohashes = infohashesOf(known)
  return { infohash: infohashes[0].slice(0, 40), infohashes }
}

function noMagnet(code: string): OperationError {
  return new OperationError(code, 'this is no magnet link that can be followed', {
    next: 'copy the whole link again, and put it in quotes: it has characters that a shell takes for its own',
  })
}

/** Throws OperationError with the verdict's code where it is no magnet link. */
export function readMagnet(link: string): SourceSummary {
  const magnet = parseMagnet(link)
  if (!magnet.ok) throw noMagnet(magnet.code)
  const { displayName: name, trackers, webSeeds } = magnet.value
  return { ...summaryOf(magnet.value), name, trackers: trackers.map(url => [url]), webSeeds }
}

/** Throws OperationError with the verdict's code where it is no torrent. */
export function readMetainfo(bytes: Uint8Array): SourceSummary {
  const parsed = parseMetainfo(bytes, nodeBulkHash)
  if (!parsed.ok)
    throw new OperationError(parsed.code, parsed.detail ?? 'this is no torrent that can be used', {
      next: 'give a .torrent file or a magnet link',
    })
  const { info } = parsed.value
  // The file itself says where its trackers and web seeds are.
  return { ...summaryOf(info), name: info.name, trackers: [], webSeeds: [] }
}

export async function readTorrentFile(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch(cause => {
    throw new OperationError('file-missing', `${path} cannot be read`, {
      cause,
      next: 'give a .torrent file or a magnet link',
    })
  })
  if (bytes.length <= METAINFO_LIMITS.bytesMax) return new Uint8Array(bytes)
  throw new OperationError('torrent-too-large', `${path} is too large for a .torrent file`)
}

/** What a record says, as the client takes it. */
export function addOptions(record: SessionRecord): AddOptions {
  const { folder, only, sequential, preallocate, superSeed, trackers, uploadLimit, downloadLimit } = record
  return {
    folder,
    sequential,
    preallocate,
    superSeed,
    trackers,
    paused: record.isHeld,
    expectComplete: record.wasComplete,
    peers: record.peers.map(parseAddress).filter(peer => peer !== undefined),
    ...(only.length > 0 && { only: chooseByPatterns(only) }),
    ...(uploadLimit !== undefined && { uploadLimit }),
    ...(downloadLimit !== undefined && { downloadLimit }),
  }
}

/**
 * What a torrent is taken up from after a start: its own .torrent file, and nobody need be asked for what it says; else its magnet link.
 *
 * @param file the bytes of its .torrent file, if there is one
 * @throws OperationError `torrent-lost` where there is neither
 */
export function resumeSource(
  { infohash, magnet }: SessionRecord,
  file: Uint8Array | undefined,
): { readonly source: string | Uint8Array; readonly options: Pick<AddOptions, 'byV2'> } {
  const parsed = file && parseMetainfo(file, nodeBulkHash)
  const infohashes = parsed?.ok ? infohashesOf(parsed.value.info) : []
  const place = infohashes.findIndex(known => known.startsWith(infohash))
  // A hybrid that came by a v2-only magnet link goes by its second infohash, and so do its files of this folder.
  if (place >= 0) return { source: file!, options: { byV2: place > 0 } }
  if (magnet !== undefined) return { source: magnet, options: {} }
  throw new OperationError('torrent-lost', 'its .torrent file is gone or damaged', {
    next: 'remove it, and add it again',
  })
}
