import type { PiecePicker } from '../picker/piece-picker.ts'
import { Bitfield } from '../wire/bitfield.ts'
import type { PeerSession } from './peer-session.ts'

/** What all peers together may tell of their pieces while nobody knows how many there are, in bytes of memory. */
const EARLY_BYTES_MAX = 16 * 1024 * 1024
/** What a number in a set costs. */
const EARLY_HAVE_BYTES = 40
/** How often a peer may have all pieces anew, or not all any more: each time costs a look at all of them. */
const SEED_TURNS_MAX = 10

/** What a peer says it has: the bits of a bitfield, or BEP 6's short words. */
export type PiecesSaid = Uint8Array | 'all' | 'none'

/**
 * Keeps what a peer says of its pieces until it is known how many there are. Returns why the peer must go, if it must.
 *
 * @param sessions all peers of the torrent
 */
export function rememberPieces(
  session: PeerSession,
  pieces: PiecesSaid | number,
  sessions: Iterable<PeerSession>,
): string | undefined {
  const { early } = session
  if (pieces === 'all') early.all = true
  else if (typeof pieces === 'number') early.haves.add(pieces)
  else if (pieces !== 'none') early.bits = pieces.slice()
  let [bytes, count] = [0, 0]
  for (const other of sessions) {
    bytes += earlyBytes(other)
    count++
  }
  // Who says no more than its share may stay, whatever others say.
  if (bytes <= EARLY_BYTES_MAX || earlyBytes(session) <= EARLY_BYTES_MAX / count) return undefined
  forgetEarly(session)
  return 'peer-too-many-haves'
}

function earlyBytes({ early }: PeerSession): number {
  return (early.bits?.length ?? 0) + EARLY_HAVE_BYTES * early.haves.size
}

function forgetEarly(session: PeerSession): void {
  session.early.bits = undefined
  session.early.haves.clear()
}

/** Which pieces peers have, and whether that makes them interesting. */
export class PeerPieces {
  readonly #picker: PiecePicker
  readonly #onSeed: (session: PeerSession) => void

  /** @param onSeed told when a peer turns out to have everything */
  constructor(picker: PiecePicker, onSeed: (session: PeerSession) => void) {
    this.#picker = picker
    this.#onSeed = onSeed
  }

  /** A peer says what it has. Returns why it must go, if it must. */
  said(session: PeerSession, pieces: PiecesSaid): string | undefined {
    const known = session.bits!
    if ((pieces === 'none' && known.count === 0) || (pieces === 'all' && known.isFull)) return undefined
    if (typeof pieces === 'string' && ++session.seedTurns > SEED_TURNS_MAX) return 'peer-pieces-flood'
    const size = this.#picker.pieceCount
    let bits: Bitfield | undefined = new Bitfield(size)
    if (pieces === 'all') bits.fill()
    else if (pieces !== 'none') bits = Bitfield.fromBytes(pieces, size)
    if (bits === undefined) return 'peer-bad-bitfield'
    if (known.count > 0) return this.#addAll(session, bits)
    session.bits = bits
    this.#picker.peerBitfield(bits)
    this.#count(session)
    if (bits.isFull) this.#onSeed(session)
    return undefined
  }

  /**
   * BEP 3 knows one bitfield, as the first message; aria2 sends more in place of many `have`s. None may take a piece back, so
   * that what they can cost us has an end.
   */
  #addAll(session: PeerSession, bits: Bitfield): string | undefined {
    const known = session.bits!.bytes
    for (let i = 0; i < known.length; i++) if ((known[i] & ~bits.bytes[i]) !== 0) return 'peer-pieces-taken-back'
    for (let i = 0; i < known.length; i++) {
      if (known[i] === bits.bytes[i]) continue
      for (let piece = 8 * i; piece < 8 * i + 8; piece++)
        if (piece < bits.size && bits.has(piece)) this.has(session, piece)
    }
    return undefined
  }

  /** A peer has a piece. Returns why it must go, if it must. */
  has(session: PeerSession, piece: number): string | undefined {
    if (piece >= this.#picker.pieceCount) return 'peer-bad-have'
    if (!session.bits!.add(piece)) return undefined
    this.#picker.peerHas(piece)
    if (session.bits!.isFull) {
      this.#picker.peerBecameSeed()
      this.#onSeed(session)
    }
    if (this.#picker.isMissing(piece)) {
      session.wantedCount++
      this.#updateInterest(session)
    }
    return undefined
  }

  /** BEP 54: a peer does not have a piece any more. Returns why it must go, if it must. */
  lost(session: PeerSession, piece: number): string | undefined {
    if (piece >= this.#picker.pieceCount || !session.has(piece)) return undefined
    if (session.bits!.isFull) {
      if (++session.seedTurns > SEED_TURNS_MAX) return 'peer-pieces-flood'
      this.#picker.peerNoSeedAnyMore()
    }
    session.bits!.remove(piece)
    this.#picker.peerLost(piece)
    if (this.#picker.isMissing(piece)) session.wantedCount--
    this.#updateInterest(session)
    return undefined
  }

  /** Takes in what a peer said before it was known how many pieces there are. */
  applyEarly(session: PeerSession): string | undefined {
    const { bits, all, haves } = session.early
    session.bits = new Bitfield(this.#picker.pieceCount)
    if (bits !== undefined || all) {
      const code = this.said(session, all ? 'all' : bits!)
      if (code !== undefined) return code
    }
    for (const piece of haves) {
      const code = this.has(session, piece)
      if (code !== undefined) return code
    }
    forgetEarly(session)
    return undefined
  }

  /** A peer is gone. */
  gone(session: PeerSession): void {
    if (session.bits !== undefined) this.#picker.peerGone(session.bits)
  }

  /** We have a piece that we lacked, or lack one that we had. */
  changed(session: PeerSession, piece: number, change: 1 | -1): void {
    if (!session.has(piece)) return
    session.wantedCount += change
    this.#updateInterest(session)
  }

  /** What we want has changed altogether. */
  recount(sessions: Iterable<PeerSession>): void {
    for (const session of sessions) this.#count(session)
  }

  #count(session: PeerSession): void {
    session.wantedCount = 0
    for (let piece = 0; piece < this.#picker.pieceCount; piece++) {
      if (session.has(piece) && this.#picker.isMissing(piece)) session.wantedCount++
    }
    this.#updateInterest(session)
  }

  #updateInterest(session: PeerSession): void {
    const interested = session.wantedCount > 0
    if (interested === session.amInterested) return
    session.amInterested = interested
    if (interested) session.out.interested()
    else session.out.notInterested()
  }
}
