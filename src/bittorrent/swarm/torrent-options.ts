import type { TorrentInfo } from '../metainfo/torrent-info.ts'
import type { Bitfield } from '../wire/bitfield.ts'
import type { HashRange } from '../wire/hash-messages.ts'
import type { LeafSpan } from './hash-answers.ts'
import type { PeerSession } from './peer-session.ts'
import { REQUEST_OPTIONS, type RequestOptions } from './requests.ts'
import { UPLOAD_OPTIONS, type UploadOptions } from './uploads.ts'

export interface TorrentOptions {
  /** How we introduce ourselves (BEP 10's `v`). */
  readonly client: string
  /** 20 bytes. */
  readonly peerId: Uint8Array
  /** Where we listen; `undefined` if nowhere. */
  readonly listenPort: number | undefined
  readonly requests: RequestOptions
  readonly uploads: UploadOptions
  /** A peer that is silent for so long is gone. */
  readonly silenceMs: number
  /** We say something at least so often. */
  readonly keepAliveMs: number
  /** BEP 16: while nobody else has everything, give each piece once and let the crowd pass it on. */
  readonly superSeed: boolean
}

export const TORRENT_OPTIONS: Omit<TorrentOptions, 'peerId' | 'listenPort'> = {
  client: 'Peers',
  requests: REQUEST_OPTIONS,
  uploads: UPLOAD_OPTIONS,
  silenceMs: 180_000,
  keepAliveMs: 100_000,
  superSeed: false,
}

/** What the shell should do or tell. */
export type TorrentEffect =
  | { readonly type: 'disconnect'; readonly session: PeerSession; readonly code: string }
  /** Never talk to this peer again. */
  | { readonly type: 'ban'; readonly identity: string; readonly code: string }
  /** The info dictionary came from peers and is right: `start` is expected once the files are looked at. */
  | { readonly type: 'metadata'; readonly info: TorrentInfo }
  /** The info dictionary came from peers and makes no sense; its hash is right, so that no other will ever do. */
  | { readonly type: 'invalid'; readonly code: string }
  /** Every piece can be judged now (v2 magnets: the piece layers have come). */
  | { readonly type: 'layers' }
  /** A peer asks for leaves of a file's tree (BEP 52): `leavesHashed` is expected. */
  | { readonly type: 'leaves'; readonly session: PeerSession; readonly range: HashRange; readonly span: LeafSpan }
  | { readonly type: 'piece'; readonly piece: number }
  /** All that is wanted is there. */
  | { readonly type: 'done' }

/** Where the storage stands when a torrent starts. */
export interface StoredPieces {
  readonly have: Bitfield
  /** Unverified blocks of unfinished pieces. */
  readonly partial: ReadonlyMap<number, readonly number[]>
}
