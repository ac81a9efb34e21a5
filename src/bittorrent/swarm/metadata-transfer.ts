import { equalBytes } from '../../base/bytes/bytes.ts'
import { sha1, sha256 } from '../../base/crypto/hash.ts'
import { TORRENT_LIMITS } from '../metainfo/torrent-file.ts'
import type { TorrentInfo } from '../metainfo/torrent-info.ts'
import { decodeMetadataMessage, encodeMetadataMessage, METADATA_PIECE_BYTES } from '../wire/extensions.ts'
import { MetadataAttempt } from './metadata-attempt.ts'
import type { PeerSession } from './peer-session.ts'
import { RestingPeers } from './resting-peers.ts'

/** A peer that refuses, or does not answer, is not asked again for so long. */
const REST_MS = 30_000
/** How often a peer may ask for the whole metadata, in pieces. */
const ANSWERS_FACTOR = 4
/** Refusals that are worth a word to one peer. */
const REJECTS_MAX = 1000
/** Metadata that we try to fetch; a larger info dictionary has to come as a file. */
const FETCH_BYTES_MAX = Math.min(16 * 1024 * 1024, TORRENT_LIMITS.infoBytesMax)
/** Peers may name different sizes: so many are tried at once, and as many bytes. */
const ATTEMPTS_MAX = 4
const ATTEMPTS_BYTES_MAX = 2 * FETCH_BYTES_MAX
/** A size whose turn has taken so long makes room for others that wait. */
const TURN_MS = 120_000

export interface Infohashes {
  readonly v1: Uint8Array | undefined
  readonly v2: Uint8Array | undefined
}

/** Those that are given, and those that the metadata itself has: a hybrid may have come by one of its two. */
export function knownInfohashes({ v1, v2 }: Infohashes, info: TorrentInfo | undefined): Infohashes {
  return { v1: v1 ?? info?.infohashV1, v2: v2 ?? info?.infohashV2 }
}

/** Whether these bytes are what the infohash stands for: both, where both are known. */
export function matchesInfohash(bytes: Uint8Array, hashes: Infohashes): boolean {
  if (hashes.v1 !== undefined && !equalBytes(sha1(bytes), hashes.v1)) return false
  return hashes.v2 === undefined || equalBytes(sha256(bytes), hashes.v2)
}

/** Whether a peer has not had more of the metadata than makes sense, in all and of late. */
function mayAsk(session: PeerSession, metadata: Uint8Array, now: number): boolean {
  const pieces = Math.ceil(metadata.length / METADATA_PIECE_BYTES)
  return session.metadataAnswers < ANSWERS_FACTOR * pieces && session.answers.take(METADATA_PIECE_BYTES, now)
}

/** BEP 9: the info dictionary, fetched from several peers at once and given to those who ask. */
export class MetadataTransfer {
  readonly #hashes: Infohashes
  #bytes: Uint8Array | undefined
  /** Sizes are claimed by peers, and some may lie: each is tried for itself, so that no lie stands in the way of the truth. */
  readonly #attempts = new Map<number, MetadataAttempt>()
  readonly #resting = new RestingPeers()
  #ticks = 0

  constructor(hashes: Infohashes, bytes?: Uint8Array) {
    this.#hashes = hashes
    this.#bytes = bytes
  }

  get bytes(): Uint8Array | undefined {
    return this.#bytes
  }

  /** The size that a peer claims, where it is worth asking it. */
  #claimOf(session: PeerSession, now: number): number | undefined {
    const { ids, metadataSize } = session.handshake ?? {}
    if (session.closed || ids?.ut_metadata === undefined || this.#resting.has(session.id, now)) return undefined
    return metadataSize !== undefined && metadataSize <= FETCH_BYTES_MAX ? metadataSize : undefined
  }

  #attemptAt(size: number, now: number): MetadataAttempt | undefined {
    const known = this.#attempts.get(size)
    if (known !== undefined) return known
    let bytes = size
    for (const attempt of this.#attempts.values()) bytes += attempt.size
    if (this.#attempts.size >= ATTEMPTS_MAX || bytes > ATTEMPTS_BYTES_MAX) return undefined
    const attempt = new MetadataAttempt(size, now)
    this.#attempts.set(size, attempt)
    return attempt
  }

  /** Asks a peer for pieces, if it has what we miss. */
  fill(session: PeerSession, now: number): void {
    const size = this.#bytes === undefined ? this.#claimOf(session, now) : undefined
    if (size === undefined) return
    for (const piece of this.#attemptAt(size, now)?.ask(session.id, now) ?? []) {
      session.out.extended(session.handshake!.ids.ut_metadata!, encodeMetadataMessage({ type: 'request', piece }))
    }
  }

  /** A metadata message has come. Returns the info dictionary once it is whole and right. */
  received(session: PeerSession, payload: Uint8Array, now: number): Uint8Array | undefined {
    const message = decodeMetadataMessage(payload)
    if (message === undefined) return undefined
    if (message.type === 'request') {
      this.#answer(session, message.piece, now)
      return undefined
    }
    for (const attempt of this.#attempts.values()) {
      if (!attempt.isAsked(session.id, message.piece)) continue
      if (message.type === 'reject') this.#leave(session.id, now + REST_MS)
      else if (attempt.received(session.id, message.piece, message.bytes)) return this.#finish(attempt)
      else this.#leave(session.id, Number.POSITIVE_INFINITY)
      return undefined
    }
    return undefined
  }

  #leave(session: number, until: number): void {
    this.#resting.rest(session, until)
    for (const attempt of this.#attempts.values()) attempt.release(session)
  }

  #answer(session: PeerSession, piece: number, now: number): void {
    const id = session.handshake?.ids.ut_metadata
    if (id === undefined) return
    const bytes = this.#bytes
    const start = piece * METADATA_PIECE_BYTES
    const part = bytes?.subarray(start, start + METADATA_PIECE_BYTES)
    if (bytes === undefined || part === undefined || part.length === 0 || !mayAsk(session, bytes, now)) {
      if (session.metadataAnswers++ < REJECTS_MAX) {
        session.out.extended(id, encodeMetadataMessage({ type: 'reject', piece }))
      }
      return
    }
    session.metadataAnswers++
    session.out.extended(id, encodeMetadataMessage({ type: 'data', piece, totalSize: bytes.length, bytes: part }))
  }

  #finish(attempt: MetadataAttempt): Uint8Array | undefined {
    const whole = attempt.takeWhole()
    if (whole === undefined) return undefined
    if (!matchesInfohash(whole.bytes, this.#hashes)) {
      // One sender has lied. Who of several did is found out one by one.
      if (whole.senders.size === 1) for (const liar of whole.senders) this.#leave(liar, Number.POSITIVE_INFINITY)
      return undefined
    }
    this.#bytes = whole.bytes
    this.#attempts.clear()
    return whole.bytes
  }

  /** A peer is gone: what it was asked for is free again. */
  gone(session: PeerSession): void {
    for (const attempt of this.#attempts.values()) attempt.release(session.id)
    this.#resting.gone(session.id)
  }

  /** Once a second: gives up on peers that do not answer, and on sizes that nobody stands for or that keep others waiting. */
  tick(sessions: Iterable<PeerSession>, now: number): void {
    if (this.#bytes !== undefined) return
    for (const attempt of this.#attempts.values()) {
      for (const silent of attempt.silent(now)) this.#leave(silent, now + REST_MS)
    }
    const all = [...sessions]
    const sizesOf = (at: number) => new Set(all.map(session => this.#claimOf(session, at)))
    const [claimed, awake] = [sizesOf(Number.MAX_VALUE), sizesOf(now)]
    const isWaiting = [...awake].some(size => size !== undefined && !this.#attempts.has(size))
    for (const { size, since } of [...this.#attempts.values()]) {
      const givesWay = isWaiting && (!awake.has(size) || now - since > TURN_MS)
      if (!claimed.has(size) || givesWay) this.#attempts.delete(size)
    }
    // Not always the same comes first: there may be more sizes than turns.
    this.#ticks++
    for (let i = 0; i < all.length; i++) this.fill(all[(this.#ticks + i) % all.length], now)
  }
}
