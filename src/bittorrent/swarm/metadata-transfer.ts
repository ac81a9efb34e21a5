import { equalBytes } from '../../base/bytes/bytes.ts'
import { sha1, sha256 } from '../../base/crypto/hash.ts'
import { TORRENT_LIMITS } from '../metainfo/torrent-file.ts'
import { decodeMetadataMessage, encodeMetadataMessage, METADATA_PIECE_BYTES } from '../wire/extensions.ts'
import type { PeerSession } from './peer-session.ts'

/** How long a peer may take for one piece of metadata before another is asked. */
const ANSWER_MS = 10_000
/** Metadata pieces asked of one peer at once. */
const PER_PEER_MAX = 4
/** How often a peer may ask for the whole metadata, in pieces. */
const ANSWERS_FACTOR = 4
/** Metadata that we try to fetch; a larger info dictionary has to come as a file. */
const FETCH_BYTES_MAX = 16 * 1024 * 1024

interface AskedPiece {
  readonly session: number
  readonly at: number
}

export interface Infohashes {
  readonly v1: Uint8Array | undefined
  readonly v2: Uint8Array | undefined
}

/** Whether these bytes are what the infohash stands for: both, where both are known. */
export function matchesInfohash(bytes: Uint8Array, hashes: Infohashes): boolean {
  if (hashes.v1 !== undefined && !equalBytes(sha1(bytes), hashes.v1)) return false
  return hashes.v2 === undefined || equalBytes(sha256(bytes), hashes.v2)
}

/** BEP 9: the info dictionary, fetched from several peers at once and given to those who ask. */
export class MetadataTransfer {
  readonly #hashes: Infohashes
  #bytes: Uint8Array | undefined
  /** Sizes are claimed by peers, and one may lie: an attempt belongs to one size. */
  #size = 0
  #pieces: (Uint8Array | undefined)[] = []
  #senders: number[] = []
  readonly #asked = new Map<number, AskedPiece>()
  /** Peers that refused, or whose size or bytes were wrong. */
  readonly #useless = new Set<number>()

  constructor(hashes: Infohashes, bytes?: Uint8Array) {
    this.#hashes = hashes
    this.#bytes = bytes
  }

  get bytes(): Uint8Array | undefined {
    return this.#bytes
  }

  #begin(size: number): void {
    this.#size = size
    this.#pieces = new Array<Uint8Array | undefined>(Math.ceil(size / METADATA_PIECE_BYTES)).fill(undefined)
    this.#senders = new Array<number>(this.#pieces.length).fill(-1)
    this.#asked.clear()
  }

  /** Asks a peer for pieces, if it has what we miss. */
  fill(session: PeerSession, now: number): void {
    const id = session.handshake?.ids.ut_metadata
    const size = session.handshake?.metadataSize
    if (this.#bytes !== undefined || id === undefined || size === undefined || this.#useless.has(session.id)) return
    if (size > Math.min(FETCH_BYTES_MAX, TORRENT_LIMITS.infoBytesMax)) return
    if (this.#size === 0) this.#begin(size)
    if (size !== this.#size) return
    let busy = 0
    for (const asked of this.#asked.values()) if (asked.session === session.id) busy++
    for (let piece = 0; piece < this.#pieces.length && busy < PER_PEER_MAX; piece++) {
      const asked = this.#asked.get(piece)
      if (this.#pieces[piece] !== undefined || (asked !== undefined && now - asked.at < ANSWER_MS)) continue
      this.#asked.set(piece, { session: session.id, at: now })
      session.out.extended(id, encodeMetadataMessage({ type: 'request', piece }))
      busy++
    }
  }

  /** A metadata message has come. Returns the info dictionary once it is whole and right. */
  received(session: PeerSession, payload: Uint8Array): Uint8Array | undefined {
    const message = decodeMetadataMessage(payload)
    if (message === undefined) return undefined
    if (message.type === 'request') {
      this.#answer(session, message.piece)
      return undefined
    }
    const asked = this.#asked.get(message.piece)
    if (this.#bytes !== undefined || asked?.session !== session.id) return undefined
    this.#asked.delete(message.piece)
    const expected = Math.min(METADATA_PIECE_BYTES, this.#size - message.piece * METADATA_PIECE_BYTES)
    if (message.type === 'reject' || message.bytes.length !== expected) {
      this.#useless.add(session.id)
      // A wrong length says that the answer is a lie, or the size is; either way the next peer's word is taken.
      if (message.type !== 'reject') this.#size = 0
      return undefined
    }
    this.#pieces[message.piece] = message.bytes.slice()
    this.#senders[message.piece] = session.id
    return this.#finish()
  }

  #answer(session: PeerSession, piece: number): void {
    const id = session.handshake?.ids.ut_metadata
    if (id === undefined) return
    const start = piece * METADATA_PIECE_BYTES
    const bytes = this.#bytes
    const mayAsk =
      bytes !== undefined && session.metadataAnswers < ANSWERS_FACTOR * Math.ceil(bytes.length / METADATA_PIECE_BYTES)
    if (bytes === undefined || start >= bytes.length || !mayAsk) {
      if (session.metadataAnswers++ < 1000) session.out.extended(id, encodeMetadataMessage({ type: 'reject', piece }))
      return
    }
    session.metadataAnswers++
    const part = bytes.subarray(start, start + METADATA_PIECE_BYTES)
    session.out.extended(id, encodeMetadataMessage({ type: 'data', piece, totalSize: bytes.length, bytes: part }))
  }

  #finish(): Uint8Array | undefined {
    if (this.#pieces.some(piece => piece === undefined)) return undefined
    const whole = new Uint8Array(this.#size)
    for (let i = 0; i < this.#pieces.length; i++) whole.set(this.#pieces[i]!, i * METADATA_PIECE_BYTES)
    if (matchesInfohash(whole, this.#hashes)) {
      this.#bytes = whole
      this.#pieces = []
      return whole
    }
    // One sender: it lied. Several: begin again with the first of them alone.
    const senders = new Set(this.#senders)
    if (senders.size === 1) this.#useless.add(this.#senders[0])
    else for (const sender of [...senders].slice(1)) this.#useless.add(sender)
    this.#size = 0
    return undefined
  }

  /** A peer is gone: what it was asked for is free again, and its claim of a size dies with it. */
  gone(session: PeerSession): void {
    for (const [piece, asked] of this.#asked) if (asked.session === session.id) this.#asked.delete(piece)
    this.#useless.delete(session.id)
  }

  /** Once a second: gives up a size that nobody delivers. */
  tick(sessions: Iterable<PeerSession>, now: number): void {
    if (this.#bytes !== undefined || this.#size === 0) return
    const able = [...sessions].filter(session => !this.#useless.has(session.id))
    if (!able.some(session => session.handshake?.metadataSize === this.#size)) this.#size = 0
    for (const session of able) this.fill(session, now)
  }
}
