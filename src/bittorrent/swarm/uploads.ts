import { byReturn, type ChokerPeer, chooseUnchoked } from '../choker/choose-unchoked.ts'
import type { PieceMap } from '../metainfo/piece-map.ts'
import type { Bitfield } from '../wire/bitfield.ts'
import type { PeerSession } from './peer-session.ts'

export interface UploadOptions {
  /** Peers served at once. */
  readonly slots: number
  /** Requests that a peer may queue with us. */
  readonly queueMax: number
  /** Requests refused to one peer before it is thought hostile. */
  readonly rejectedMax: number
  /** How often the choice whom to serve is made anew. */
  readonly rechokeMs: number
  /** Peers unchoked at once at most: those who ask for nothing for the moment leave their places to others. */
  readonly unchokedMax: number
}

export const UPLOAD_OPTIONS: UploadOptions = {
  slots: 8,
  queueMax: 500,
  rejectedMax: 20_000,
  rechokeMs: 10_000,
  unchokedMax: 32,
}

/** A place is unused after so long without a request. */
const UNUSED_MS = 1000

/** Longest block that we serve. BEP 3 warns of more than 16 KiB; some old clients ask for more. */
const REQUEST_BYTES_MAX = 128 * 1024

/** Blocks of one piece, one after the other, to be sent in one go. */
export interface UploadRun {
  readonly piece: number
  readonly begin: number
  /** Length of each block. */
  readonly lengths: readonly number[]
}

/** Answers for blocks that were to be sent and are not there any more. */
export function refuseUpload(session: PeerSession, { piece, begin, lengths }: UploadRun): void {
  let at = begin
  for (const length of lengths) {
    // BEP 6: every request is answered.
    if (session.fast) session.out.reject(piece, at, length)
    at += length
  }
}

/** What peers ask of us, and whom we serve. */
export class Uploads {
  readonly #map: PieceMap
  readonly #have: Bitfield
  readonly #sessions: ReadonlyMap<number, PeerSession>
  readonly #options: UploadOptions
  /** Peers served at once. */
  slots: number
  #optimistic: number | undefined
  #optimisticSince = 0
  #nextRechoke = 0

  constructor(map: PieceMap, have: Bitfield, sessions: ReadonlyMap<number, PeerSession>, options: UploadOptions) {
    this.#map = map
    this.#have = have
    this.#sessions = sessions
    this.#options = options
    this.slots = options.slots
  }

  /** A peer asks for a block. Returns why it must go, if it must. */
  requested(session: PeerSession, piece: number, begin: number, length: number): string | undefined {
    if (piece >= this.#map.pieceCount || length === 0 || length > REQUEST_BYTES_MAX) return 'peer-bad-request'
    if (begin + length > this.#map.size(piece)) return 'peer-bad-request'
    const mayAsk = !session.amChoking || session.grantedFast.has(piece)
    if (!mayAsk || !this.#have.has(piece) || session.uploads.length >= this.#options.queueMax) {
      return this.#reject(session, piece, begin, length)
    }
    session.uploads.push({ piece, begin, length })
    return undefined
  }

  #reject(session: PeerSession, piece: number, begin: number, length: number): string | undefined {
    if (++session.rejected > this.#options.rejectedMax) return 'peer-request-flood'
    // BEP 6: every request is answered; without it a refused one is silently dropped.
    if (session.fast) session.out.reject(piece, begin, length)
    return undefined
  }

  cancelled(session: PeerSession, piece: number, begin: number, length: number): void {
    const index = session.uploads.findIndex(r => r.piece === piece && r.begin === begin && r.length === length)
    if (index < 0) return
    session.uploads.splice(index, 1)
    if (session.fast) session.out.reject(piece, begin, length)
  }

  /** The next blocks to send to a peer, at most `bytesMax` in all unless the first one alone is longer. */
  take(session: PeerSession, bytesMax: number): UploadRun | undefined {
    const { uploads } = session
    if (uploads.length === 0) return undefined
    const { piece, begin } = uploads[0]
    const lengths: number[] = []
    let end = begin
    for (const next of uploads) {
      if (next.piece !== piece || next.begin !== end) break
      if (lengths.length > 0 && end - begin + next.length > bytesMax) break
      lengths.push(next.length)
      end += next.length
    }
    uploads.splice(0, lengths.length)
    return { piece, begin, lengths }
  }

  /** Bytes have gone to a peer. */
  sent(session: PeerSession, bytes: number, now: number): void {
    session.upload.add(bytes, now)
  }

  #unchoke(session: PeerSession, now: number): void {
    session.amChoking = false
    session.chokedSince = now
    session.leavesPlaceUnused = false
    session.out.unchoke()
  }

  #choke(session: PeerSession, now: number): void {
    session.amChoking = true
    session.chokedSince = now
    session.out.choke()
    for (const request of session.uploads.splice(0)) {
      if (session.grantedFast.has(request.piece)) session.uploads.push(request)
      else if (session.fast) session.out.reject(request.piece, request.begin, request.length)
    }
  }

  /** A peer has become interested: it is served at once if there is a free place. */
  interested(session: PeerSession, now: number): void {
    if (session.amChoking && this.#freePlaces() > 0) this.#unchoke(session, now)
  }

  #freePlaces(): number {
    let [unchoked, used] = [0, 0]
    for (const { amChoking, leavesPlaceUnused } of this.#sessions.values()) {
      if (amChoking) continue
      unchoked++
      if (!leavesPlaceUnused) used++
    }
    return Math.min(this.slots - used, Math.max(this.slots, this.#options.unchokedMax) - unchoked)
  }

  /** A peer makes room: whoever gives us most, or waits longest, has its place. */
  placeIsFree(now: number): void {
    const free = this.#freePlaces()
    if (free <= 0) return
    const waiting = [...this.#sessions.values()].filter(session => session.peerInterested && session.amChoking)
    const ranked = waiting.map(session => this.#asChokerPeer(session, now)).sort(byReturn)
    for (const { id } of ranked.slice(0, free)) this.#unchoke(this.#sessions.get(id)!, now)
  }

  /** Whoever wants nothing makes room. */
  notInterested(session: PeerSession, now: number): void {
    if (session.amChoking) return
    this.#choke(session, now)
    this.placeIsFree(now)
  }

  #asChokerPeer(session: PeerSession, now: number): ChokerPeer {
    return {
      id: session.id,
      downloadRate: session.download.rate(now),
      uploadRate: session.upload.rate(now),
      unchoked: !session.amChoking,
      since: session.chokedSince,
      snubbed: session.snubbed,
    }
  }

  /** Notes who makes no use of its place. */
  #lookAtPlaces(now: number): number {
    let unused = 0
    for (const session of this.#sessions.values()) {
      const { total } = session.upload
      const isIdle = session.uploads.length === 0 && total === session.uploadSeenBytes
      session.uploadSeenBytes = total
      session.leavesPlaceUnused = !session.amChoking && isIdle && now - session.chokedSince >= UNUSED_MS
      if (session.leavesPlaceUnused) unused++
    }
    return unused
  }

  /** Once a second: gives away what places are not used, and chooses anew whom to serve, when it is time. */
  tick(seeding: boolean, now: number): void {
    const unused = this.#lookAtPlaces(now)
    if (now < this.#nextRechoke) {
      this.placeIsFree(now)
      return
    }
    this.#nextRechoke = now + this.#options.rechokeMs
    const peers: ChokerPeer[] = []
    for (const session of this.#sessions.values()) {
      if (!session.peerInterested) continue
      peers.push(this.#asChokerPeer(session, now))
    }
    const choice = chooseUnchoked(peers, {
      now,
      slots: Math.min(this.slots + unused, Math.max(this.slots, this.#options.unchokedMax)),
      seeding,
      optimistic: this.#optimistic,
      optimisticSince: this.#optimisticSince,
    })
    this.#optimistic = choice.optimistic
    this.#optimisticSince = choice.optimisticSince
    for (const session of this.#sessions.values()) {
      const serve = choice.unchoked.has(session.id)
      if (serve && session.amChoking) this.#unchoke(session, now)
      else if (!serve && !session.amChoking) this.#choke(session, now)
    }
  }
}
