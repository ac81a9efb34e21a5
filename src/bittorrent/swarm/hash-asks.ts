import { equalBytes } from '../../base/bytes/bytes.ts'
import { sha256 } from '../../base/crypto/hash.ts'
import { MERKLE_HASH_BYTES, merkleClimb, merkleLevels, merkleRoot } from '../metainfo/merkle.ts'
import { type HashesMessage, type HashRange, hashRangeKey } from '../wire/hash-messages.ts'
import type { PeerSession } from './peer-session.ts'
import { RestingPeers } from './resting-peers.ts'

export interface HashAskOptions {
  /** An answer that does not come within so long is not waited for. */
  readonly answerMs: number
  /** A peer that refuses, or does not answer, is not asked again for so long. */
  readonly restMs: number
  /** Ranges that a peer is asked for at once. */
  readonly perPeerMax: number
}

interface HashAsk<Purpose> {
  readonly range: HashRange
  readonly purpose: Purpose
  askedOf: number | undefined
  askedAt: number
}

/** BEP 52: ranges of hashes that we want, each asked of one peer after the other until one gives it. */
export class HashAsks<Purpose> {
  readonly #options: HashAskOptions
  readonly #asks = new Map<string, HashAsk<Purpose>>()
  readonly #resting = new RestingPeers()

  constructor(options: HashAskOptions) {
    this.#options = options
  }

  /** @param purpose what the range is wanted for */
  add(range: HashRange, purpose: Purpose): void {
    this.#asks.set(hashRangeKey(range), { range, purpose, askedOf: undefined, askedAt: 0 })
  }

  has(range: HashRange): boolean {
    return this.#asks.has(hashRangeKey(range))
  }

  /** The range has come, or is not wanted any more. */
  remove(range: HashRange): void {
    this.#asks.delete(hashRangeKey(range))
  }

  /** Whether a peer could be asked, if not for what it owes us. */
  mayAsk(session: PeerSession, now: number): boolean {
    return session.v2 && !session.closed && !this.#resting.has(session.id, now)
  }

  /** Asks a peer for what suits it and nobody else was asked for. */
  fill(session: PeerSession, now: number, suits: (purpose: Purpose) => boolean = () => true): void {
    if (this.#asks.size === 0 || !this.mayAsk(session, now)) return
    let owed = 0
    for (const ask of this.#asks.values()) {
      if (ask.askedOf === session.id) owed++
      if (ask.askedOf !== undefined || owed >= this.#options.perPeerMax || !suits(ask.purpose)) continue
      ask.askedOf = session.id
      ask.askedAt = now
      owed++
      session.out.hashRequest(ask.range)
    }
  }

  /** Once a second: gives up on peers that do not answer. */
  tick(now: number): void {
    for (const { askedOf, askedAt } of this.#asks.values()) {
      if (askedOf !== undefined && now - askedAt >= this.#options.answerMs)
        this.#leave(askedOf, now + this.#options.restMs)
    }
  }

  /** An answer has come. Returns what it was wanted for; `undefined` where the peer was not asked for it. */
  answered(session: PeerSession, range: HashRange): Purpose | undefined {
    const ask = this.#asks.get(hashRangeKey(range))
    if (ask?.askedOf !== session.id) return undefined
    ask.askedOf = undefined
    return ask.purpose
  }

  /** A peer refuses. False where it was not asked. */
  refused(session: PeerSession, range: HashRange, now: number): boolean {
    if (this.#asks.get(hashRangeKey(range))?.askedOf !== session.id) return false
    this.#leave(session.id, now + this.#options.restMs)
    return true
  }

  /** A peer has answered with what is not true: it is never asked again. */
  lied(session: PeerSession): void {
    this.#leave(session.id, Number.POSITIVE_INFINITY)
  }

  gone(session: PeerSession): void {
    this.#resting.gone(session.id)
    this.#release(session.id)
  }

  #leave(session: number, until: number): void {
    this.#resting.rest(session, until)
    this.#release(session)
  }

  #release(session: number): void {
    for (const ask of this.#asks.values()) if (ask.askedOf === session) ask.askedOf = undefined
  }
}

/** Whether the hashes of an answer lead to a root that stands `levels` above their layer. */
export function leadsToRoot(message: HashesMessage, root: Uint8Array, levels: number): boolean {
  const own = message.hashes.subarray(0, MERKLE_HASH_BYTES * message.length)
  const proof = message.hashes.subarray(own.length)
  const ownLevels = merkleLevels(message.length)
  // With fewer uncles, hashes of a higher layer would pass for those of this one.
  if (proof.length !== MERKLE_HASH_BYTES * (levels - ownLevels)) return false
  const nothingMissing = new Uint8Array(MERKLE_HASH_BYTES)
  const top = merkleRoot(own, ownLevels, nothingMissing, sha256)
  return equalBytes(merkleClimb(top, message.index / message.length, proof, sha256), root)
}
