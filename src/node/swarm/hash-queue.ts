import type { BulkHash, PieceWork } from '../../base/ports/bulk-hash.ts'

/** So much is worth waking a thread for. */
const BATCH_BYTES_MIN = 1024 * 1024
/** How long a piece waits for others to be hashed beside it. */
const WAIT_MS = 25
/** Batches under way at once: files need threads, too. */
const BATCHES_MAX = 2

interface Waiting {
  readonly work: PieceWork
  onDone(): void
}

/**
 * Hashes the pieces of all torrents as they come in, several side by side: one alone takes the processor twice as long. Where there is
 * but the main thread and no such gain, each is hashed at once.
 */
export class HashQueue {
  readonly #hash: BulkHash
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #batches = 0
  #timer: NodeJS.Timeout | undefined
  /** Whether something has waited long enough. */
  #isDue = false

  constructor(hash: BulkHash) {
    this.#hash = hash
  }

  /** The work's bytes must stay as they are until `onDone` is called, which may be before this returns. */
  add(work: PieceWork, onDone: () => void): void {
    if (this.#hash.hashPiecesAside === undefined) {
      this.#hash.hashPieces([work])
      onDone()
      return
    }
    this.#waiting.push({ work, onDone })
    for (const part of work.parts) this.#waitingBytes += part.length
    this.#timer ??= setTimeout(() => {
      this.#isDue = true
      this.#start()
    }, WAIT_MS)
    this.#start()
  }

  /** Hashes what waits, once it is worth it or has waited long enough. */
  #start(): void {
    const isWorthIt = this.#waiting.length >= this.#hash.lanes && this.#waitingBytes >= BATCH_BYTES_MIN
    if (this.#batches >= BATCHES_MAX || !(isWorthIt || this.#isDue)) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isDue = false
    const batch = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    this.#batches++
    void this.#hash.hashPiecesAside!(batch.map(({ work }) => work)).then(() => {
      this.#batches--
      for (const { onDone } of batch) onDone()
      this.#start()
    })
  }
}
