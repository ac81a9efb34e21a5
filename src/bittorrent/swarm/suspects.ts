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
   * @param digests SHA-1 of each block; empty where nobody is to blame
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
      attempt.senders.forEach((sender, block) => {
        if (sender !== '' && digests !== undefined && differs(attempt.digests, digests, block)) liars.add(sender)
      })
    }
    this.#attempts.delete(piece)
    return [...liars]
  }
}

function differs(a: Uint8Array, b: Uint8Array, block: number): boolean {
  for (let i = 20 * block; i < 20 * block + 20; i++) if (a[i] !== b[i]) return true
  return false
}
