import type { OperationError } from '../../base/errors.ts'
import type { JournalEntry } from '../../bittorrent/storage/resume-data.ts'
import { Bitfield } from '../../bittorrent/wire/bitfield.ts'
import { describeFiles, type OpenedFiles } from './open-files.ts'
import { isTooManyOpen } from './open-patiently.ts'
import type { ResumeStore } from './resume-store.ts'

/** Keeps what survives a restart: notes of writes at once, claims of pieces once their bytes are durable. */
export class TorrentProgress {
  readonly #resume: ResumeStore
  readonly #onFailure: (error: unknown) => void
  /** Writes that no snapshot claims yet, by piece. */
  readonly #unclaimed = new Map<number, JournalEntry[]>()
  #unnoted: JournalEntry[] = []
  #saving: Promise<void> | undefined
  /** The save that follows it: what has come since is none of its business. */
  #next: Promise<void> | undefined
  #closed = false
  /** Told which pieces no snapshot claims, where what was written of them has not become durable. */
  onNotDurable: ((pieces: readonly number[]) => void) | undefined

  /** @param onFailure told why notes or claims could not be written; the next `save` makes up for it */
  constructor(resume: ResumeStore, onFailure: (error: unknown) => void) {
    this.#resume = resume
    this.#onFailure = error => {
      // That passes by itself.
      if (!isTooManyOpen(error)) onFailure(error)
    }
  }

  /** Whether a save would claim, or note, anything new. */
  get isBehind(): boolean {
    return this.#unclaimed.size > 0
  }

  /** Blocks from before a restart that are there and not verified. */
  restore(partial: ReadonlyMap<number, readonly number[]>): void {
    for (const [piece, blocks] of partial) {
      this.#unclaimed.set(
        piece,
        blocks.map(block => ({ piece, firstBlock: block, blockCount: 1 })),
      )
    }
  }

  /** A write is done. */
  note(entry: JournalEntry): void {
    const entries = this.#unclaimed.get(entry.piece)
    if (entries === undefined) this.#unclaimed.set(entry.piece, [entry])
    else entries.push(entry)
    // Many writes end in one turn; one note for all of them will do.
    if (this.#unnoted.push(entry) === 1) setImmediate(() => this.#writeNotes())
  }

  #writeNotes(): void {
    if (this.#unnoted.length === 0 || this.#closed) return
    try {
      this.#resume.note(this.#unnoted.splice(0))
    } catch (error) {
      this.#onFailure(error)
    }
  }

  /** A piece was wrong: its bytes are worth nothing. */
  drop(piece: number): void {
    this.#unclaimed.delete(piece)
  }

  /** Syncs the files, then claims the pieces that were complete before this was called. */
  save(have: Bitfield, opened: OpenedFiles): Promise<void> {
    if (this.#saving === undefined) return this.#begin(have, opened)
    this.#next ??= this.#saving.then(() => {
      this.#next = undefined
      return this.#begin(have, opened)
    })
    return this.#next
  }

  #begin(have: Bitfield, opened: OpenedFiles): Promise<void> {
    this.#saving = this.#save(have, opened)
      .catch(this.#onFailure)
      .finally(() => {
        this.#saving = undefined
      })
    return this.#saving
  }

  async #save(current: Bitfield, opened: OpenedFiles): Promise<void> {
    const complete = () => Bitfield.fromBytes(current.bytes, current.size)!
    let have = complete()
    try {
      await opened.files.sync()
    } catch (error) {
      if ((error as OperationError).code !== 'disk-full') throw error
      // It stops first: what is given up is asked for at once.
      this.#onFailure(error)
      this.#giveUp()
      // The snapshot may find no room either; to empty the journal needs none.
      this.#resume.emptyJournal()
      // What was claimed before still is, and nobody is to find the rest in memory at the next start and believe it.
      have = complete()
    }
    await this.#resume.save({ have, ...(await describeFiles(opened)) })
    for (const piece of this.#unclaimed.keys()) if (have.has(piece)) this.#unclaimed.delete(piece)
    this.#unnoted = []
    this.#resume.restartJournal([...this.#unclaimed.values()].flat())
  }

  #giveUp(): void {
    this.onNotDurable?.([...this.#unclaimed.keys()])
    this.#unclaimed.clear()
  }

  close(): void {
    this.#closed = true
    this.#resume.close()
  }
}
