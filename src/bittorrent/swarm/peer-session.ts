import type { Bitfield } from '../wire/bitfield.ts'
import type { ExtensionHandshake } from '../wire/extensions.ts'
import type { Handshake } from '../wire/handshake.ts'
import { MessageWriter } from '../wire/message-writer.ts'
import { RateMeter } from './rate-meter.ts'
import { SecondBudget } from './second-budget.ts'

/** What one peer is told in a second of metadata and hashes: a few bytes are enough to ask for a thousand times as many. */
const ANSWER_BYTES_PER_SECOND = 1024 * 1024

/** A block that a peer wants of us. */
export interface UploadRequest {
  readonly piece: number
  readonly begin: number
  readonly length: number
}

/** A block on its way to us: where its bytes go, or nowhere if we do not want it. */
export interface ArrivingBlock {
  readonly piece: number
  readonly block: number
  readonly buffer: Uint8Array | undefined
  filled: number
}

/** What a peer said it has before we knew how many pieces there are. */
export interface EarlyPieces {
  bits: Uint8Array | undefined
  all: boolean
  readonly haves: Set<number>
}

export interface SessionOrigin {
  readonly host: string
  /** Where it listens, if that is known. */
  readonly port: number | undefined
  readonly incoming: boolean
  /** What it is known by when it misbehaves: usually its host. */
  readonly identity: string
}

/** What is known of a connected peer. Its parts belong to the modules named beside them. */
export class PeerSession {
  readonly id: number
  readonly origin: SessionOrigin
  readonly peerId: Uint8Array
  /** BEP 6 and BEP 10 as it announced them. */
  readonly fast: boolean
  readonly extensions: boolean
  /** Whether both sides speak v2 (BEP 52's hash messages). */
  readonly v2: boolean
  readonly connectedAt: number
  /** Messages that wait to be sent. */
  readonly out = new MessageWriter()
  closed = false

  // Its pieces (torrent.ts).
  bits: Bitfield | undefined
  early: EarlyPieces = { bits: undefined, all: false, haves: new Set() }
  /** How often it said that it has all pieces, or not all any more. */
  seedTurns = 0
  /** Pieces that it has and we want and lack. */
  wantedCount = 0
  amInterested = false
  peerInterested = false
  uploadOnly = false

  // What we ask of it (requests.ts).
  peerChoking = true
  readonly allowedFast = new Set<number>()
  /** Blocks asked for and not answered, with the time when they were asked for. */
  readonly outstanding = new Map<number, number>()
  arriving: ArrivingBlock | undefined
  /** How many blocks it may owe us. */
  window: number
  slowStart = true
  /** The shortest time that a block has taken. */
  latencyMinMs = Number.POSITIVE_INFINITY
  snubbed = false
  /** Requests that it has refused since its last block, while it did not choke us. */
  rejects = 0
  /** It is asked nothing before. */
  restsUntil = Number.NEGATIVE_INFINITY
  /** When it last sent a block, or was first asked after owing nothing. */
  lastBlockAt = 0
  blocksAsked = 0
  blocksReceived = 0
  readonly download = new RateMeter()

  // What it asks of us (uploads.ts).
  amChoking = true
  chokedSince: number
  readonly uploads: UploadRequest[] = []
  readonly grantedFast = new Set<number>()
  rejected = 0
  readonly upload = new RateMeter()
  /** Served, and yet it asked for nothing of late. */
  leavesPlaceUnused = false
  /** What it had been sent at the last look at its place. */
  uploadSeenBytes = 0

  // Extensions.
  handshake: ExtensionHandshake | undefined
  metadataAnswers = 0
  /** Bytes of metadata and hashes that it may be told now. */
  readonly answers = new SecondBudget(ANSWER_BYTES_PER_SECOND)
  /** Hashes that it waits for and that are being worked out. */
  leafAnswers = 0
  lastPexAt = Number.NEGATIVE_INFINITY
  pexSentAt = Number.NEGATIVE_INFINITY
  extensionHandshakes = 0
  pexMessages = 0
  readonly pexSent = new Set<string>()

  lastHeardAt: number
  lastSaidAt: number

  constructor(id: number, origin: SessionOrigin, handshake: Handshake, v2: boolean, window: number, now: number) {
    this.id = id
    this.origin = origin
    this.peerId = handshake.peerId
    this.fast = handshake.fast
    this.extensions = handshake.extensions
    this.v2 = v2
    this.window = window
    this.connectedAt = this.chokedSince = this.lastHeardAt = this.lastSaidAt = now
  }

  has(piece: number): boolean {
    return this.bits?.has(piece) ?? false
  }

  get isSeed(): boolean {
    return this.bits?.isFull ?? this.early.all
  }
}
