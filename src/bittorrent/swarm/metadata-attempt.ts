import { METADATA_PIECE_BYTES } from '../wire/extensions.ts'

/** How long a peer may take for one piece of metadata before another is asked. */
const ANSWER_MS = 10_000
/** Metadata pieces asked of one peer at once. */
const PER_PEER_MAX = 4

interface AskedPiece {
  readonly session: number
  readonly at: number
}

/** Whole metadata, which may be wrong, and who sent it. */
export interface GatheredMetadata {
  readonly bytes: Uint8Array
  readonly senders: ReadonlySet<number>
}

/** BEP 9: an info dictionary of the size that some peers say it has, on its way from them. */
export class MetadataAttempt {
  readonly size: number
  /** When its turn began. */
  readonly since: number
  #pieces: (Uint8Array | undefined)[] = []
  #senders: number[] = []
  readonly #asked = new Map<number, AskedPiece>()
  /** What several peers sent was wrong: from now on all of it comes from one, so that it is known who lies. */
  #isSolo = false
  #soloist: number | undefined

  constructor(size: number, since: number) {
    this.size = size
    this.since = since
    this.#clear()
  }

  #clear(): void {
    const count = Math.ceil(this.size / METADATA_PIECE_BYTES)
    this.#pieces = new Array<Uint8Array | undefined>(count).fill(undefined)
    this.#senders = new Array<number>(count).fill(-1)
    this.#asked.clear()
    this.#soloist = undefined
  }

  /** What a peer is to be asked for now. */
  ask(session: number, now: number): number[] {
    if (this.#isSolo) this.#soloist ??= session
    if (this.#isSolo && this.#soloist !== session) return []
    let busy = 0
    for (const asked of this.#asked.values()) if (asked.session === session) busy++
    const wanted: number[] = []
    for (let piece = 0; piece < this.#pieces.length && busy + wanted.length < PER_PEER_MAX; piece++) {
      if (this.#pieces[piece] !== undefined || this.#asked.has(piece)) continue
      this.#asked.set(piece, { session, at: now })
      wanted.push(piece)
    }
    return wanted
  }

  isAsked(session: number, piece: number): boolean {
    return this.#asked.get(piece)?.session === session
  }

  /** A peer has sent a piece that it was asked for. False where it is not as long as it must be. */
  received(session: number, piece: number, bytes: Uint8Array): boolean {
    if (bytes.length !== Math.min(METADATA_PIECE_BYTES, this.size - piece * METADATA_PIECE_BYTES)) return false
    this.#asked.delete(piece)
    this.#pieces[piece] = bytes.slice()
    this.#senders[piece] = session
    return true
  }

  /** All of it, once it is there; it begins anew then. */
  takeWhole(): GatheredMetadata | undefined {
    if (this.#pieces.some(piece => piece === undefined)) return undefined
    const bytes = new Uint8Array(this.size)
    for (const [i, piece] of this.#pieces.entries()) bytes.set(piece!, i * METADATA_PIECE_BYTES)
    const senders = new Set(this.#senders)
    this.#isSolo = true
    this.#clear()
    return { bytes, senders }
  }

  /** Nothing more is expected of a peer. */
  release(session: number): void {
    for (const [piece, asked] of this.#asked) if (asked.session === session) this.#asked.delete(piece)
    if (this.#soloist === session) this.#clear()
  }

  /** The peers that have let their time pass. */
  silent(now: number): Set<number> {
    const silent = new Set<number>()
    for (const { session, at } of this.#asked.values()) if (now - at >= ANSWER_MS) silent.add(session)
    return silent
  }
}
