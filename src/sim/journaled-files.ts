import { OperationError } from '../base/errors.ts'
import type { Files, OpenFile } from '../base/ports/files.ts'
import type { Random } from '../base/ports/random.ts'
import { MemoryFiles } from './memory-files.ts'

/** A change of a file that is not durable yet, and how to take it back. */
interface Change {
  readonly position: number
  /** What was written; undefined where the file was cut off at `position`. */
  readonly data: Uint8Array | undefined
  /** The bytes that stood there. */
  readonly before: Uint8Array
  readonly sizeBefore: number
}

/** A disk, as what is on it sees it. */
export interface DiskRoom {
  /** Throws OperationError `disk-full` where there is not so much room. */
  take(bytes: number): void
  /** A folder, or a file, is removed. */
  removed(path: string): void
}

class JournaledFile implements OpenFile {
  readonly #file: OpenFile
  readonly #journal: Change[]
  readonly #room: DiskRoom

  constructor(file: OpenFile, journal: Change[], room: DiskRoom) {
    this.#file = file
    this.#journal = journal
    this.#room = room
  }

  size(): number {
    return this.#file.size()
  }

  readAt(into: Uint8Array, position: number): number {
    return this.#file.readAt(into, position)
  }

  #bytesAt(position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(length, 0))
    return bytes.subarray(0, this.#file.readAt(bytes, position))
  }

  writeAt(data: Uint8Array, position: number): void {
    const sizeBefore = this.#file.size()
    this.#room.take(position + data.length - sizeBefore)
    const before = this.#bytesAt(position, data.length)
    this.#file.writeAt(data, position)
    this.#journal.push({ position, data: data.slice(), before, sizeBefore })
  }

  truncate(size: number): void {
    const sizeBefore = this.#file.size()
    this.#room.take(size - sizeBefore)
    const before = this.#bytesAt(size, sizeBefore - size)
    this.#file.truncate(size)
    this.#journal.push({ position: size, data: undefined, before, sizeBefore })
  }

  sync(): void {
    this.#file.sync()
    this.#journal.length = 0
  }

  close(): void {
    this.#file.close()
  }
}

function undo(file: OpenFile, change: Change): void {
  file.writeAt(change.before, change.position)
  file.truncate(change.sizeBefore)
}

/** Applies a change that reached the disk, or the part of it that did. */
function redo(file: OpenFile, { position, data }: Change, random: Random): void {
  if (data === undefined) file.truncate(position)
  else file.writeAt(data.subarray(0, random.below(2) === 0 ? data.length : random.below(data.length + 1)), position)
}

/**
 * Files in memory that know what of them would survive a loss of power: of what was written since a file was last synced, any part may
 * be missing or torn. What changes whole files or their names (`replace`, `rename`, `remove`) is durable at once.
 */
export class JournaledFiles implements Files {
  readonly #files = new MemoryFiles()
  readonly #journals = new Map<string, Change[]>()
  readonly #room: DiskRoom

  constructor(room: DiskRoom) {
    this.#room = room
  }

  exists(path: string): boolean {
    return this.#files.exists(path)
  }

  list(path: string): string[] {
    return this.#files.list(path)
  }

  makeFolder(path: string): void {
    this.#files.makeFolder(path)
  }

  open(path: string, options: { create?: boolean; readOnly?: boolean } = {}): OpenFile {
    const file = this.#files.open(path, options)
    let journal = this.#journals.get(path)
    if (journal === undefined) {
      journal = []
      this.#journals.set(path, journal)
    }
    return new JournaledFile(file, journal, this.#room)
  }

  read(path: string): Uint8Array {
    return this.#files.read(path)
  }

  replace(path: string, data: Uint8Array): void {
    this.#room.take(data.length)
    this.#files.replace(path, data)
    this.#journals.delete(path)
  }

  remove(path: string): void {
    this.#files.remove(path)
    this.#room.removed(path)
    for (const known of [...this.#journals.keys()]) {
      if (known === path || known.startsWith(`${path}/`)) this.#journals.delete(known)
    }
  }

  rename(from: string, to: string): void {
    if (!this.#files.exists(from)) throw new OperationError('file-missing', `${from} is missing`)
    this.#files.rename(from, to)
    const journal = this.#journals.get(from)
    this.#journals.delete(from)
    if (journal === undefined) this.#journals.delete(to)
    else this.#journals.set(to, journal)
  }

  /**
   * A copy as a new start of the machine finds it.
   *
   * @param random draws what is lost; undefined where only the program ended, which loses nothing
   */
  survivors(random: Random | undefined, room: DiskRoom): JournaledFiles {
    const after = new JournaledFiles(room)
    for (const path of this.#files.allFolders()) after.#files.makeFolder(path)
    for (const path of this.#files.allFiles()) {
      after.#files.replace(path, this.#files.read(path))
      const journal = this.#journals.get(path) ?? []
      if (random === undefined) after.#journals.set(path, journal.slice())
      else losePart(after.#files, path, journal, random)
    }
    return after
  }
}

function losePart(files: Files, path: string, journal: readonly Change[], random: Random): void {
  if (journal.length === 0) return
  const file = files.open(path)
  for (const change of journal.toReversed()) undo(file, change)
  for (const change of journal) if (random.below(2) === 0) redo(file, change, random)
  file.close()
}
