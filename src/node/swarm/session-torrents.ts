import { OperationError } from '../../base/errors.ts'
import type { SessionRecord } from './session-record.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'

/** One torrent of a session: what is remembered of it, and what runs. */
export interface SessionTorrent {
  readonly record: SessionRecord
  /** Undefined until its turn comes after a start. */
  readonly torrent: SwarmTorrent | undefined
  /** Why it does not run: it could not be taken up, or is another one under a second infohash. */
  readonly failure: OperationError | undefined
}

export type MutableTorrent = { -readonly [Key in keyof SessionTorrent]: SessionTorrent[Key] }

/** Digits by which infohashes are told apart: those that go in handshakes, all of v1's and the beginning of v2's. */
const DIGITS = 40

/** The torrents of a session, each under all its infohashes: a hybrid has two, and is one torrent by either. */
export class SessionTorrents {
  /** In the order in which they were added. */
  readonly #all = new Set<MutableTorrent>()
  readonly #byInfohash = new Map<string, MutableTorrent>()

  get all(): readonly MutableTorrent[] {
    return [...this.#all]
  }

  get size(): number {
    return this.#all.size
  }

  has(entry: MutableTorrent): boolean {
    return this.#all.has(entry)
  }

  /** The torrent that one of these infohashes, v1's or v2's, belongs to. */
  known(infohashes: readonly string[], except?: MutableTorrent): MutableTorrent | undefined {
    return infohashes
      .map(infohash => this.#byInfohash.get(infohash.slice(0, DIGITS)))
      .find(entry => entry !== undefined && entry !== except)
  }

  /** Takes one in, or notes what its record says of its infohashes by now. */
  put(entry: MutableTorrent): void {
    this.#all.add(entry)
    for (const infohash of entry.record.infohashes) this.#byInfohash.set(infohash.slice(0, DIGITS), entry)
  }

  delete(entry: MutableTorrent): void {
    this.#all.delete(entry)
    for (const infohash of entry.record.infohashes.map(full => full.slice(0, DIGITS))) {
      if (this.#byInfohash.get(infohash) === entry) this.#byInfohash.delete(infohash)
    }
  }

  /** By an infohash, the beginning of one, or a name. Throws `torrent-unknown`, `torrent-unclear`. */
  find(text: string): MutableTorrent {
    const word = text.toLowerCase().slice(0, DIGITS)
    const exact = this.#byInfohash.get(word)
    if (exact !== undefined) return exact
    const found = new Set(this.all.filter(({ record }) => record.name === text))
    if (/^[0-9a-f]{6,40}$/.test(word)) {
      for (const [infohash, entry] of this.#byInfohash) if (infohash.startsWith(word)) found.add(entry)
    }
    const [one] = found
    if (found.size === 1) return one
    throw found.size === 0
      ? new OperationError('torrent-unknown', `there is no torrent ${text}`, { next: 'see them with: peers swarm' })
      : new OperationError('torrent-unclear', `${found.size} torrents go by ${text}`, {
          next: 'give more of its infohash',
        })
  }
}
