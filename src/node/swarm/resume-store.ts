import { closeSync, existsSync, mkdirSync, openSync, renameSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { readFile, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { concatBytes } from '../../base/bytes/bytes.ts'
import type { PieceMap } from '../../bittorrent/metainfo/piece-map.ts'
import {
  decodeJournal,
  decodeResume,
  encodeJournalEntry,
  encodeResume,
  type JournalEntry,
  type ResumeSnapshot,
} from '../../bittorrent/storage/resume-data.ts'
import { writeDurably } from './durable-file.ts'
import type { LimitedFile, OpenFilesLimit } from './open-files-limit.ts'
import { isTooManyOpen, openPatiently } from './open-patiently.ts'

/** What was found at start. */
export interface FoundResume {
  readonly snapshot: ResumeSnapshot | undefined
  readonly journal: readonly JournalEntry[]
}

function journalOf(path: string): string {
  return `${path}.journal`
}

/** Resume data on the disk: a snapshot that is replaced in one step, and a journal that grows beside it. */
export class ResumeStore implements LimitedFile {
  readonly #path: string
  readonly #journalPath: string
  readonly #limit: OpenFilesLimit
  #journal: number | undefined

  /** @param path of the snapshot; the journal stands beside it */
  constructor(path: string, limit: OpenFilesLimit) {
    this.#path = path
    this.#journalPath = journalOf(path)
    this.#limit = limit
  }

  async load(map: PieceMap, fileCount: number): Promise<FoundResume> {
    const bytes = await this.#read(this.#path)
    const decoded = bytes && decodeResume(bytes, map.pieceCount, fileCount)
    const journal = await this.#read(this.#journalPath)
    return {
      snapshot: decoded?.ok ? decoded.value : undefined,
      journal: journal ? decodeJournal(journal, piece => map.blockCount(piece), map.pieceCount) : [],
    }
  }

  #read(path: string): Promise<Buffer | undefined> {
    const reading = this.#limit.briefly(() => openPatiently(() => readFile(path)))
    return reading.catch(error => {
      if (isTooManyOpen(error)) throw error
      return undefined
    })
  }

  /** Replaces the snapshot; the bytes that it claims must be durable. */
  async save(snapshot: ResumeSnapshot): Promise<void> {
    await this.#limit.briefly(() => writeDurably(this.#path, encodeResume(snapshot)))
  }

  /** Notes writes that are done. In the page cache at once, so that the notes outlive this process. */
  note(entries: readonly JournalEntry[]): void {
    const bytes = concatBytes(...entries.map(encodeJournalEntry))
    if (this.#journal !== undefined) {
      writeSync(this.#journal, bytes)
      this.#limit.used(this)
      return
    }
    mkdirSync(dirname(this.#path), { recursive: true })
    this.#journal = openSync(this.#journalPath, 'a')
    this.#limit.takeAtOnce()
    try {
      writeSync(this.#journal, bytes)
    } finally {
      // Not before: it may be closed at once to make room.
      this.#limit.opened(this)
    }
  }

  /** Begins the journal anew with what a snapshot does not claim; at once, so that no note falls in between. */
  restartJournal(entries: readonly JournalEntry[]): void {
    this.close()
    const temporary = `${this.#journalPath}.new`
    writeFileSync(temporary, concatBytes(...entries.map(encodeJournalEntry)))
    renameSync(temporary, this.#journalPath)
  }

  /** What was noted is not there any more. */
  emptyJournal(): void {
    this.close()
    if (existsSync(this.#journalPath)) truncateSync(this.#journalPath)
  }

  /** The journal is in use but for the moment of a note. */
  get isIdle(): boolean {
    return true
  }

  retire(): void {
    this.close()
  }

  /** The next note opens the journal again. */
  close(): void {
    const journal = this.#journal
    if (journal === undefined) return
    // First: whatever closing says, the number may be another file's from then on.
    this.#journal = undefined
    this.#limit.closing(this)
    try {
      closeSync(journal)
    } catch {
      // On a network's disk notes may be lost only here; what they told of is fetched again.
    } finally {
      this.#limit.closed()
    }
  }
}

/** Forgets how far a torrent was. */
export async function forgetResume(path: string): Promise<void> {
  await unlink(path).catch(() => {})
  await unlink(journalOf(path)).catch(() => {})
}
