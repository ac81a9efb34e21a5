import type { PiecePicker } from '../picker/piece-picker.ts'
import type { PeerSession } from './peer-session.ts'

/** Pieces that a peer is offered at once: one to fetch while the other is passed on. */
const OFFERS_PER_PEER = 2
/** A piece that nobody takes from its first holder for so long is no reason to wait: they may not reach each other. */
const PATIENCE_MS = 15_000

interface Offer {
  readonly holder: PeerSession
  /** Since when the holder has the piece. */
  hasSince: number | undefined
}

/**
 * BEP 16: the first seed of a swarm pretends to have nothing and offers each peer a few pieces that nobody else has; a peer gets the
 * next offer once others have its last one. So every piece goes out about once, and the crowd does the rest.
 */
export class SuperSeeding {
  readonly #picker: PiecePicker
  /** Open offers by piece. */
  readonly #offers = new Map<number, Offer>()
  #next = 0
  /** A piece that nobody had when it was last asked. */
  #lastUnseen = 0
  #isOver = false

  constructor(picker: PiecePicker) {
    this.#picker = picker
  }

  /** Whether every piece has been seen elsewhere, so that pretending is of no more use. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Makes a peer as many offers as it should have. */
  offer(session: PeerSession): void {
    if (this.#isOver || session.isSeed) return
    let open = 0
    for (const { holder } of this.#offers.values()) if (holder === session) open++
    while (open < OFFERS_PER_PEER) {
      const piece = this.#unseenPiece()
      if (piece === undefined) return
      this.#offers.set(piece, { holder: session, hasSince: undefined })
      session.out.have(piece)
      open++
    }
  }

  /** The next piece that nobody has and nobody was offered. */
  #unseenPiece(): number | undefined {
    const { pieceCount } = this.#picker
    for (let i = 0; i < pieceCount; i++) {
      const piece = (this.#next + i) % pieceCount
      if (this.#picker.availability(piece) > 0 || this.#offers.has(piece)) continue
      this.#next = piece + 1
      return piece
    }
    return undefined
  }

  /** A peer has told of pieces: an offer that another than its holder has taken up has done its work. */
  peerHas(session: PeerSession, sessions: Iterable<PeerSession>, now: number): void {
    if (this.#isOver) return
    const freed: PeerSession[] = []
    for (const [piece, offer] of this.#offers) {
      if (!session.has(piece)) continue
      if (offer.holder === session) offer.hasSince ??= now
      if (offer.holder === session && !isAlone(session, sessions)) continue
      this.#offers.delete(piece)
      freed.push(offer.holder)
    }
    for (const holder of freed) this.offer(holder)
    this.#isOver = this.#isEverywhere()
  }

  /** Once a second: those whose pieces nobody takes get others to fetch. */
  tick(now: number): void {
    if (this.#isOver) return
    for (const [piece, { holder, hasSince }] of [...this.#offers]) {
      if (hasSince === undefined || now - hasSince < PATIENCE_MS) continue
      this.#offers.delete(piece)
      this.offer(holder)
    }
  }

  #isEverywhere(): boolean {
    const { pieceCount } = this.#picker
    for (let i = 0; i < pieceCount; i++) {
      const piece = (this.#lastUnseen + i) % pieceCount
      if (this.#picker.availability(piece) > 0) continue
      this.#lastUnseen = piece
      return false
    }
    return true
  }

  /** A peer is gone, and what it was offered may be gone with it. */
  left(session: PeerSession, sessions: Iterable<PeerSession>): void {
    for (const [piece, { holder }] of this.#offers) if (holder === session) this.#offers.delete(piece)
    for (const other of sessions) this.offer(other)
  }
}

/** Whether nobody else is there who could take a piece from a peer. */
function isAlone(session: PeerSession, sessions: Iterable<PeerSession>): boolean {
  for (const other of sessions) if (other !== session && !other.isSeed) return false
  return true
}
