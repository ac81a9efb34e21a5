import { equalBytes } from '../../base/bytes/bytes.ts'

/** One failed attempt at a piece: who sent each block, and what it hashed to. */
interface FailedAttempt {
  readonly senders: readonly string[]
  readonly digests: Uint8Array
}

/** Attempts remembered for a piece. */
const ATTEMPTS_MAX = 8
/** Failed pieces remembered at once. */
const PIECES_MAX = 512

/**
 * Finds out who spoils pieces. A piece that failed with one sender has its culprit; one with several keeps the digests of its
 * blocks, and once the piece is right, whoever sent a block that differs is known.
 */
export class Suspects {
  readonly #attempts = new Map<number, FailedAttempt[]>()

  /** Whether the piece failed before. */
  has(piece: number): boolean {
    return this.#attempts.has(piece)
  }

  /**
   * A piece was wrong.
   *
   * @param senders who sent each block
   * @param digests of each block, all of one length; empty where nobody is to blame
   * @returns who is known to have lied
   */
  failed(piece: number, senders: readonly string[], digests: Uint8Array): string[] {
    if (digests.length === 0) return []
    const distinct = new Set(senders)
    if (distinct.size === 1) return senders[0] === '' ? [] : [senders[0]]
    const attempts = this.#attempts.get(piece) ?? []
    if (attempts.length < ATTEMPTS_MAX) attempts.push({ senders, digests })
    if (this.#attempts.size < PIECES_MAX) this.#attempts.set(piece, attempts)
    return []
  }

  /** A piece is right; `digests` are those of its blocks. Returns who is now known to have lied. */
  verified(piece: number, digests: Uint8Array | undefined): string[] {
    const liars = new Set<string>()
    for (const attempt of this.#attempts.get(piece) ?? []) {
      // Those of a hybrid's piece are of another kind once its layer has come.
      if (attempt.digests.length !== digests?.length) continue
      for (const liar of sendersOfOthers(attempt, digests)) liars.add(liar)
    }
    this.#attempts.delete(piece)
    return [...liars]
  }
}

/** Who sent blocks that differ from the right ones; empty text for those that came before a restart. */
function sendersOfOthers({ senders, digests }: FailedAttempt, right: Uint8Array): string[] {
  const size = digests.length / senders.length
  const differs = (at: number) => !equalBytes(digests.subarray(at, at + size), right.subarray(at, at + size))
  return senders.filter((sender, block) => sender !== '' && differs(size * block))
}
