import { readFile } from 'node:fs/promises'
import { toHex } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import { parseMagnet } from '../../bittorrent/metainfo/magnet.ts'
import { METAINFO_LIMITS, parseMetainfo } from '../../bittorrent/metainfo/metainfo.ts'
import { fitsGlob } from './glob.ts'
import { nodeBulkHash } from './node-bulk-hash.ts'
import type { SessionRecord } from './session-record.ts'
import { type AddOptions, parseAddress } from './swarm-client.ts'

/** What is known of a torrent before it is added. */
interface SourceSummary {
  /** By which it will go in handshakes, in hex. */
  readonly infohash: string
  readonly name: string | undefined
  readonly trackers: readonly (readonly string[])[]
  readonly webSeeds: readonly string[]
}

function infohashOf(v1: Uint8Array | undefined, v2: Uint8Array | undefined): string {
  return toHex(v1 ?? v2!.subarray(0, 20))
}

/** Throws OperationError with the verdict's code where it is no magnet link. */
export function readMagnet(link: string): SourceSummary {
  const magnet = parseMagnet(link)
  if (!magnet.ok) throw new OperationError(magnet.code, 'this is no magnet link that can be followed')
  const { infohashV1, infohashV2, displayName: name, trackers, webSeeds } = magnet.value
  return { infohash: infohashOf(infohashV1, infohashV2), name, trackers: trackers.map(url => [url]), webSeeds }
}

/** Throws OperationError with the verdict's code where it is no torrent. */
export function readMetainfo(bytes: Uint8Array): SourceSummary {
  const parsed = parseMetainfo(bytes, nodeBulkHash.sha256)
  if (!parsed.ok) throw new OperationError(parsed.code, parsed.detail ?? 'this is no torrent that can be used')
  const { infohashV1, infohashV2, name } = parsed.value.info
  // The file itself says where its trackers and web seeds are.
  return { infohash: infohashOf(infohashV1, infohashV2), name, trackers: [], webSeeds: [] }
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
    ...(only.length > 0 && { only: (path: string) => only.some(pattern => fitsGlob(path, pattern)) }),
    ...(uploadLimit !== undefined && { uploadLimit }),
    ...(downloadLimit !== undefined && { downloadLimit }),
  }
}
