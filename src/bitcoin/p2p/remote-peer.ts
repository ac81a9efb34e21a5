import type { Verdict } from '../../base/verdict.ts'
import type { PreparedBlock } from '../chainstate/prepare-block.ts'
import type { PartialBlock } from '../wire/compact-block.ts'
import type { InventoryEntry } from '../wire/inventory-messages.ts'
import type { NetEndpoint } from '../wire/net-address.ts'
import { formatNetEndpoint } from '../wire/net-address-text.ts'
import { SERVICES } from '../wire/services.ts'
import type { PeerAddresses } from './addresses/peer-addresses.ts'
import type { BloomFilter } from './bloom-filter.ts'
import type { ConnectionId } from './connection-io.ts'
import type { HeadersPresync } from './headers-presync.ts'
import { FIRST_DEPTH_BLOCKS } from './limits.ts'
import { MessageQueue } from './message-queue.ts'

/** Why a connection exists; RPC shows these names. */
export type ConnectionType = 'inbound' | 'outbound-full-relay' | 'block-relay-only' | 'manual' | 'addr-fetch' | 'feeler'

/** What an owner allows a peer beyond the usual (-whitelist, -whitebind); the names are Core's. */
export type Permission = 'bloomfilter' | 'relay' | 'forcerelay' | 'noban' | 'mempool' | 'download' | 'addr'

/** A block that a peer was asked for. */
export interface BlockRequest {
  readonly peer: RemotePeer
  /** Its number in the index. */
  readonly block: number
  /** BIP152: what a compact block gave so far; `failed` once it could not be completed. */
  partial: PartialBlock | 'failed' | undefined
}

/** A block that helpers look at; `outcome` is what they found. */
export interface PreparingBlock {
  readonly ticket: BlockTicket
  outcome: Verdict<PreparedBlock> | undefined
}

/** A block on its way into the chain. */
export interface BlockTicket {
  readonly peer: RemotePeer
  readonly bytes: Uint8Array
}

export interface RemotePeerOptions {
  /** RPC's number of the peer. */
  readonly id: number
  readonly connection: ConnectionId
  readonly type: ConnectionType
  readonly endpoint: NetEndpoint
  /** As the owner wrote it, for manual connections; else the endpoint's text. */
  readonly name: string
  readonly local: NetEndpoint | undefined
  readonly connectedAtMs: number
  readonly permissions: ReadonlySet<Permission>
  readonly ourServices: bigint
  readonly localNonce: bigint
  /** Reached us through an onion service of ours, so that its address says nothing. */
  readonly isInboundOnion: boolean
  /** Its address broke rules before: it is the first to go when room is needed. */
  readonly isDiscouraged: boolean
  readonly addresses: PeerAddresses
  readonly logsAddress: boolean
}

/** Numbers of blocks are those of the index; -1 stands for none. Times are in milliseconds since 1970; 0 for never. */
export class RemotePeer {
  readonly id: number
  readonly connection: ConnectionId
  readonly type: ConnectionType
  readonly endpoint: NetEndpoint
  readonly name: string
  readonly local: NetEndpoint | undefined
  readonly connectedAtMs: number
  readonly permissions: ReadonlySet<Permission>
  readonly ourServices: bigint
  readonly localNonce: bigint
  readonly isInboundOnion: boolean
  readonly isDiscouraged: boolean
  /** What it is told, and tells, of others. */
  readonly addresses: PeerAddresses
  readonly #logsAddress: boolean

  protocol: 'detecting' | 'v1' | 'v2' = 'detecting'
  sessionId: Uint8Array | undefined

  // The handshake.
  versionSent = false
  /** The peer's protocol version; 0 before its version message. */
  version = 0
  commonVersion = 0
  handshakeDone = false
  services = 0n
  /** Whether these are all that we want of a peer. */
  offersWantedServices = false
  userAgent = ''
  startHeight = -1
  /** BIP37: whether it wants transactions to be told. */
  relaysTransactions = false
  /** BIP37: which transactions it wants to hear of; undefined for all. */
  bloomFilter: BloomFilter | undefined
  localSeenByPeer: NetEndpoint | undefined
  timeOffsetSeconds = 0
  wtxidRelay = false
  wantsAddrv2 = false

  // Its end.
  disconnecting = false
  shouldDiscourage = false

  // Messages.
  readonly queue = new MessageQueue()
  /** Blocks that were handed on and whose fate is not known: nothing but further blocks is read meanwhile. */
  blocksUnderway = 0
  /** Those that are being prepared, in the order in which they came. */
  readonly preparing: PreparingBlock[] = []
  congested = false

  // Pings.
  pingNonce = 0n
  pingStartMs = 0
  pingQueued = false
  pingTimeMs: number | undefined
  minPingMs: number | undefined

  // Headers.
  syncStarted = false
  headersPresync: HeadersPresync | undefined
  lastGetheadersMs = 0
  headersSyncDeadlineMs = 0
  invTriggeredGetheaders = false
  sentSendheaders = false
  prefersHeaders = false
  lastBlockAnnouncementMs = 0

  // What it has.
  bestKnownBlock = -1
  /** A hash that it announced and nobody knows yet. */
  lastUnknownBlock: Uint8Array | undefined
  lastCommonBlock = -1
  bestHeaderSent = -1

  // Downloads.
  preferredDownload = false
  readonly requests: BlockRequest[] = []
  downloadingSinceMs = 0
  stallingSinceMs = 0
  /** How many blocks it may owe, since when, and how many it has given since. */
  depth = FIRST_DEPTH_BLOCKS
  depthSinceMs = 0
  arrivals = 0
  /** Mean time between blocks that it was asked for. */
  blockIntervalMs = 0
  lastBlockMs = 0
  lastTransactionMs = 0
  /** BIP133: satoshi per 1000 virtual bytes. */
  feeFilterSats = 0

  // BIP152.
  providesCompactBlocks = false
  /** It wants ours unasked. */
  highBandwidthFrom = false
  /** We want its unasked. */
  highBandwidthTo = false

  // What it is to be told.
  readonly getdataRequests: InventoryEntry[] = []
  readonly blocksForHeaders: number[] = []
  readonly blocksForInv: Uint8Array[] = []
  continuationBlock: Uint8Array | undefined

  /** Core's chain sync state: a peer behind us must catch up in time. */
  readonly chainSync = { deadlineMs: 0, workHeader: -1, sentGetheaders: false, protect: false }

  constructor(options: RemotePeerOptions) {
    this.id = options.id
    this.connection = options.connection
    this.type = options.type
    this.endpoint = options.endpoint
    this.name = options.name
    this.local = options.local
    this.connectedAtMs = options.connectedAtMs
    this.permissions = options.permissions
    this.ourServices = options.ourServices
    this.localNonce = options.localNonce
    this.isInboundOnion = options.isInboundOnion
    this.isDiscouraged = options.isDiscouraged
    this.addresses = options.addresses
    this.#logsAddress = options.logsAddress
  }

  get isInbound(): boolean {
    return this.type === 'inbound'
  }

  /** Chosen by us, by ourselves: those that must prove useful. */
  get isAutomaticOutbound(): boolean {
    return this.type === 'outbound-full-relay' || this.type === 'block-relay-only'
  }

  has(permission: Permission): boolean {
    return this.permissions.has(permission)
  }

  offers(services: bigint): boolean {
    return (this.services & services) === services
  }

  /** Whether blocks can be had from it at all. */
  get servesBlocks(): boolean {
    return (this.services & (SERVICES.NODE_NETWORK | SERVICES.NODE_NETWORK_LIMITED)) !== 0n
  }

  /** BIP159: only the last blocks can be had from it. */
  get isLimited(): boolean {
    return !this.offers(SERVICES.NODE_NETWORK) && this.offers(SERVICES.NODE_NETWORK_LIMITED)
  }

  get servesWitnesses(): boolean {
    return this.offers(SERVICES.NODE_WITNESS)
  }

  /** How the log names it. */
  get label(): string {
    return this.#logsAddress ? `peer=${this.id}, peeraddr=${formatNetEndpoint(this.endpoint)}` : `peer=${this.id}`
  }

  get farewell(): string {
    return `disconnecting ${this.label}`
  }
}
