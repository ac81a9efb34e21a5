import type { OperationError } from '../../base/errors.ts'
import type { Random } from '../../base/ports/random.ts'
import type { PieceLayers } from '../../bittorrent/metainfo/piece-layers.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import type { BlockPool } from '../../bittorrent/storage/block-pool.ts'
import type { Infohashes } from '../../bittorrent/swarm/metadata-transfer.ts'
import type { PeerSession } from '../../bittorrent/swarm/peer-session.ts'
import type { PeerAddress } from '../../bittorrent/wire/compact-peers.ts'
import type { OpenUrlOptions } from './fetch-url.ts'
import type { ChooseFile } from './file-selection.ts'
import type { HashPool } from './hash-pool.ts'
import type { HashQueue } from './hash-queue.ts'
import type { Limits } from './limits.ts'
import type { OpenFilesLimit } from './open-files-limit.ts'
import type { TrackerClient } from './tracker-client.ts'
import type { WebSeed } from './web-seed-connection.ts'
import type { WebSeedTiming } from './web-seeds.ts'

/** What a torrent is at: `error` waits for `resume`, and so does `paused`, unless it waits for room on the disk; nothing is lost. */
export type TorrentState =
  | 'metadata'
  | 'checking'
  | 'allocating'
  | 'downloading'
  | 'seeding'
  | 'paused'
  | 'error'
  | 'closed'

export interface SwarmTorrentOptions {
  /** Where its files go; the torrent's own folder is made in it. */
  readonly folder: string
  /** Chooses files by their path in the torrent; all of them unless given. */
  readonly only?: ChooseFile
  readonly sequential?: boolean
  /** Bytes a second of this torrent alone; those of the client hold beside them. */
  readonly uploadLimit?: number
  readonly downloadLimit?: number
  /** BEP 16: for the first seed of a crowd. */
  readonly superSeed?: boolean
  /** Take the files as they are, without hashing them first: for those who have just made the torrent. */
  readonly trustFiles?: boolean
  /** Write zeros wherever bytes will come, so that the disk cannot become full on the way; sparse files unless given. */
  readonly preallocate?: boolean
  /** Everything was there before: what is missing now is an error, and not fetched before \`resume\`. */
  readonly expectComplete?: boolean
  /** Begin paused: files are checked, and nothing else is done. */
  readonly paused?: boolean
}

/** A torrent as a file or a link tells of it, and what its owner knows besides. */
export interface TorrentSource {
  readonly hashes: Infohashes
  /** A link has none. */
  readonly info?: TorrentInfo
  readonly layers?: PieceLayers
  /** BEP 12: in tiers. */
  readonly trackers: readonly (readonly string[])[]
  /** Those of the trackers that the owner of this peer has named: they may be on private networks. */
  readonly ownersTrackers: readonly string[]
  readonly webSeeds: readonly WebSeed[]
  /** Besides those, and free to be on private networks. */
  readonly ownersWebSeeds: readonly WebSeed[]
}

/** Somebody who gives us pieces, or takes them: a peer's socket, or a web server that plays a peer. */
export interface PeerLink {
  readonly address: PeerAddress
  readonly session: PeerSession | undefined
  /** Sends what waits. */
  flush(): void
  pauseReading(): void
  resumeReading(): void
  close(code: string): void
}

export interface TorrentEvents {
  state: [state: TorrentState]
  metadata: [info: TorrentInfo]
  /** A piece is verified and on the disk. */
  piece: [piece: number]
  /** So many pieces of those that need it have been checked. */
  checked: [done: number, total: number]
  /** So many bytes have been set aside. */
  allocated: [doneBytes: number, totalBytes: number]
  /** So many files are at the place where they move to. */
  moved: [done: number, total: number]
  done: []
  ban: [identity: string, code: string]
  peer: [address: PeerAddress, change: 'joined' | 'left', code: string]
  /** It is paused until the cause is gone: the disk is full. */
  waiting: [cause: OperationError]
  /** A tracker has answered, or has not. */
  announced: [url: string, error: OperationError | undefined]
  error: [error: OperationError]
}

/** What a torrent needs of its client. */
export interface TorrentHost {
  now(): number
  readonly random: Random
  readonly hashPool: HashPool
  readonly openFiles: OpenFilesLimit
  readonly blockPool: BlockPool
  readonly hashQueue: HashQueue
  /** Of all torrents together. */
  readonly limits: Limits
  /** Limits of a torrent have changed. */
  limitsChanged(): void
  readonly trackers: TrackerClient
  /** The announces of this client: who it is and where it listens. */
  announceAs(): { readonly peerId: Uint8Array; readonly port: number | undefined; readonly key: number }
  readonly stateFolder: string
  /** How web servers are asked. */
  readonly fetchOptions: OpenUrlOptions
  readonly webSeedTiming: WebSeedTiming
}
