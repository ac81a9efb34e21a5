import { dirname, resolve } from 'node:path'
import type { TorrentVersion } from '../../bittorrent/metainfo/create-metainfo.ts'
import { addressKey } from '../../bittorrent/swarm/candidates.ts'
import type { PeerAddress } from '../../bittorrent/wire/compact-peers.ts'
import { RECORD_DEFAULTS, type SessionRecord } from './session-record.ts'
import type { SourceSummary } from './session-source.ts'

/** How a torrent is to be fetched. */
export interface FetchOptions {
  readonly folder: string
  /** Patterns of the files that are wanted, all of them unless given. */
  readonly only?: readonly string[]
  readonly sequential?: boolean
  readonly preallocate?: boolean
  readonly paused?: boolean
  readonly trackers?: readonly string[]
  readonly peers?: readonly PeerAddress[]
  readonly uploadLimit?: number | undefined
  readonly downloadLimit?: number | undefined
}

/** How a file or folder is to be shared. */
export interface ShareOptions {
  readonly version?: TorrentVersion
  readonly pieceLength?: number
  readonly private?: boolean
  readonly superSeed?: boolean
  readonly trackers?: readonly string[]
  readonly webSeeds?: readonly string[]
  readonly peers?: readonly PeerAddress[]
  readonly uploadLimit?: number | undefined
}

type Named = Pick<SourceSummary, 'infohash' | 'infohashes' | 'name'>

/** What a session remembers of a torrent that is to be fetched. */
export function fetchRecord({ infohash, infohashes, name }: Named, options: FetchOptions): SessionRecord {
  return {
    ...RECORD_DEFAULTS,
    infohash,
    infohashes,
    name,
    folder: resolve(options.folder),
    only: options.only ?? [],
    sequential: options.sequential ?? false,
    preallocate: options.preallocate ?? false,
    isHeld: options.paused ?? false,
    trackers: (options.trackers ?? []).map(url => [url]),
    peers: (options.peers ?? []).map(addressKey),
    uploadLimit: options.uploadLimit,
    downloadLimit: options.downloadLimit,
    addedAtMs: Date.now(),
  }
}

/** What a session remembers of a file or folder that is to be given. */
export function shareRecord({ infohash, infohashes, name }: Named, path: string, options: ShareOptions): SessionRecord {
  return {
    ...RECORD_DEFAULTS,
    infohash,
    infohashes,
    name,
    folder: dirname(resolve(path)),
    superSeed: options.superSeed ?? false,
    wasComplete: true,
    trackers: (options.trackers ?? []).map(url => [url]),
    peers: (options.peers ?? []).map(addressKey),
    uploadLimit: options.uploadLimit,
    addedAtMs: Date.now(),
  }
}
