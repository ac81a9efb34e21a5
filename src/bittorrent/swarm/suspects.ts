import { equalBytes } from '../../base/bytes/bytes.ts'

/** One failed attempt at a piece: who sent each block, and what it hashed to. */
export interface FailedAttempt {
  /** Empty text for a block that came before a restart, or is known to be right. */
  readonly senders: readonly string[]
  /** One for each block, all of one length; empty where nobody is to blame. */
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

  /** A piece was wrong. Returns who is known to have lied. */
  failed(piece: number, attempt: FailedAttempt): string[] {
    const { senders, digests } = attempt
    if (digests.length === 0) return []
    const distinct = new Set(senders)
    if (distinct.size === 1) return senders[0] === '' ? [] : [senders[0]]
    const attempts = this.#attempts.get(piece) ?? []
    if (attempts.length < ATTEMPTS_MAX) attempts.push(attempt)
    if (this.#attempts.size < PIECES_MAX) this.#attempts.set(piece, attempts)
    return []
  }

  /** A piece is right; `digests` are those of its blocks. Returns who is now known to have lied. */
  verified(piece: number, digests: Uint8Array | undefined): string[] {
    const liars = new Set<string>()
    for (const attempt of this.#attempts.get(piece) ?? []) {
      // Those of a hybrid's piece are of another kind once its layer has come.
      if (attempt.digests.length !== digests?.length) continue
      for (const liar of sendersOf(attempt, differingBlocks(attempt, digests))) liars.add(liar)
    }
    this.#attempts.delete(piece)
    return [...liars]
  }
}

/** The blocks that are not what they should be, by the digests of the right ones. */
export function differingBlocks({ senders, digests }: FailedAttempt, right: Uint8Array): number[] {
  const size = digests.length / senders.length
  const differs = (at: number) => !equalBytes(digests.subarray(at, at + size), right.subarray(at, at + size))
  return [...senders.keys()].filter(block => differs(size * block))
}

/** Who sent these blocks, each once. */
export function sendersOf({ senders }: FailedAttempt, blocks: readonly number[]): ReadonlySet<string> {
  return new Set(blocks.map(block => senders[block]).filter(sender => sender !== ''))
}
