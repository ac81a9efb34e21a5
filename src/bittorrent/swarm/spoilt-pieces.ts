import { MERKLE_HASH_BYTES } from '../metainfo/merkle.ts'
import type { PiecePicker } from '../picker/piece-picker.ts'
import type { HashesMessage, HashRange } from '../wire/hash-messages.ts'
import type { LeafTransfer } from './leaf-transfer.ts'
import type { PeerSession } from './peer-session.ts'
import type { BlockSink, Requests } from './requests.ts'
import { differingBlocks, type FailedAttempt, Suspects, sendersOf } from './suspects.ts'

/** What comes of it. */
export interface SpoiltPiecesHost {
  ban(identity: string, code: string): void
  /** There is something to be asked for again. */
  askForMore(): void
}

/**
 * Pieces that came and were wrong: who is to blame, and what comes again. BEP 52 has each block proven by itself, where a peer gives
 * the leaves; meanwhile the piece waits, and then only its wrong blocks come again. Elsewhere it is fetched from one peer alone, and
 * the right one tells.
 */
export class SpoiltPieces {
  readonly #picker: PiecePicker
  readonly #requests: Requests
  readonly #sink: BlockSink
  readonly #leaves: LeafTransfer
  readonly #host: SpoiltPiecesHost
  readonly #suspects = new Suspects()
  /** Failed pieces whose leaves are on their way, and no others. */
  readonly #doubts = new Map<number, FailedAttempt>()

  constructor(picker: PiecePicker, requests: Requests, sink: BlockSink, leaves: LeafTransfer, host: SpoiltPiecesHost) {
    this.#picker = picker
    this.#requests = requests
    this.#sink = sink
    this.#leaves = leaves
    this.#host = host
  }

  /** A piece is right; `digests` of its blocks where it had failed before. */
  verified(piece: number, digests: Uint8Array | undefined): void {
    this.#requests.takeSenders(piece)
    this.#leaves.forget(piece)
    this.#doubts.delete(piece)
    this.#banAll(this.#suspects.verified(piece, digests))
  }

  /** A piece was wrong, or the disk failed on it (no digests). */
  failed(piece: number, digests: Uint8Array, now: number): void {
    const attempt = { senders: this.#requests.takeSenders(piece), digests }
    const liars = this.#suspects.failed(piece, attempt)
    this.#banAll(liars)
    const hasLeaves = digests.length === MERKLE_HASH_BYTES * attempt.senders.length
    if (hasLeaves && this.#leaves.proven(piece) !== undefined) this.#judge(piece, attempt)
    else if (hasLeaves && liars.length === 0 && this.#leaves.want(piece, attempt.senders, now)) {
      this.#doubts.set(piece, attempt)
    } else this.#fetchAgain(piece, digests.length > 0)
  }

  #banAll(liars: Iterable<string>): void {
    for (const liar of liars) this.#host.ban(liar, 'peer-sent-wrong-data')
  }

  /** All of it, if somebody is to blame from one peer alone. */
  #fetchAgain(piece: number, isSomebodysFault: boolean): void {
    this.#picker.pieceLost(piece)
    if (isSomebodysFault) this.#picker.setExclusive(piece)
    this.#host.askForMore()
  }

  /** The leaves are there: whoever sent another block lied, and the others' blocks are kept. */
  #judge(piece: number, attempt: FailedAttempt): void {
    const wrong = differingBlocks(attempt, this.#leaves.proven(piece)!)
    this.#banAll(sendersOf(attempt, wrong))
    const right = [...attempt.senders.keys()].filter(block => !wrong.includes(block))
    if (wrong.length === 0 || right.length === 0) {
      this.#fetchAgain(piece, true)
      return
    }
    this.#picker.pieceLost(piece)
    this.#picker.restoreBlocks(piece, right)
    this.#sink.restoreBlocks(piece, right)
    this.#host.askForMore()
  }

  /** Asks a peer for leaves that we need. */
  fill(session: PeerSession, now: number): void {
    this.#leaves.fill(session, now)
  }

  /** Hashes have come, perhaps those that were asked for here. */
  hashes(session: PeerSession, message: HashesMessage, now: number): void {
    const came = this.#leaves.received(session, message)
    if (came === 'lie') {
      this.#host.ban(session.origin.identity, 'peer-sent-wrong-hashes')
      this.review(now)
    } else if (came !== undefined) {
      const attempt = this.#doubts.get(came)!
      this.#doubts.delete(came)
      this.#judge(came, attempt)
    }
  }

  refused(session: PeerSession, range: HashRange, now: number): void {
    this.#leaves.refused(session, range, now)
    this.review(now)
  }

  gone(session: PeerSession, now: number): void {
    this.#leaves.gone(session)
    this.review(now)
  }

  /** Once a second, and where somebody will not answer: what nobody proves is fetched again. */
  review(now: number): void {
    for (const piece of this.#leaves.review(now)) {
      this.#doubts.delete(piece)
      this.#fetchAgain(piece, true)
    }
  }
}
