import { closeSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs'
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

/** What was found at start. */
export interface FoundResume {
  readonly snapshot: ResumeSnapshot | undefined
  readonly journal: readonly JournalEntry[]
}

/** Resume data on the disk: a snapshot that is replaced in one step, and a journal that grows beside it. */
export class ResumeStore {
  readonly #path: string
  readonly #journalPath: string
  #journal: number | undefined

  /** @param path of the snapshot; the journal stands beside it */
  constructor(path: string) {
    this.#path = path
    this.#journalPath = `${path}.journal`
  }

  async load(map: PieceMap, fileCount: number): Promise<FoundResume> {
    const bytes = await readFile(this.#path).catch(() => undefined)
    const decoded = bytes && decodeResume(bytes, map.pieceCount, fileCount)
    const journal = await readFile(this.#journalPath).catch(() => undefined)
    return {
      snapshot: decoded?.ok ? decoded.value : undefined,
      journal: journal ? decodeJournal(journal, piece => map.blockCount(piece), map.pieceCount) : [],
    }
  }

  /** Replaces the snapshot; the bytes that it claims must be durable. */
  async save(snapshot: ResumeSnapshot): Promise<void> {
    await writeDurably(this.#path, encodeResume(snapshot))
  }

  /** Notes writes that are done. In the page cache at once, so that the notes outlive this process. */
  note(entries: readonly JournalEntry[]): void {
    if (this.#journal === undefined) {
      mkdirSync(dirname(this.#path), { recursive: true })
      this.#journal = openSync(this.#journalPath, 'a')
    }
    writeSync(this.#journal, concatBytes(...entries.map(encodeJournalEntry)))
  }

  /** Begins the journal anew with what a snapshot does not claim; at once, so that no note falls in between. */
  restartJournal(entries: readonly JournalEntry[]): void {
    this.close()
    const temporary = `${this.#journalPath}.new`
    writeFileSync(temporary, concatBytes(...entries.map(encodeJournalEntry)))
    renameSync(temporary, this.#journalPath)
  }

  close(): void {
    if (this.#journal !== undefined) closeSync(this.#journal)
    this.#journal = undefined
  }

  async remove(): Promise<void> {
    this.close()
    await unlink(this.#path).catch(() => {})
    await unlink(this.#journalPath).catch(() => {})
  }
}
