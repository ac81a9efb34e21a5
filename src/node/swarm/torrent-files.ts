import { constants, fstatSync } from 'node:fs'
import { type FileHandle, lstat, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { OperationError } from '../../base/errors.ts'
import type { PieceMap } from '../../bittorrent/metainfo/piece-map.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import type { FileState } from '../../bittorrent/storage/resume-data.ts'
import { isDiskFull } from './disk-room.ts'
import { makeFolders } from './durable-file.ts'
import { FileGate } from './file-gate.ts'
import { FileHandles, type OpenFile } from './file-handles.ts'
import type { FilePlaces } from './file-places.ts'
import { ABSENT_FILE, isSameState, stateFrom, stateOf } from './file-state.ts'
import type { OpenFilesLimit } from './open-files-limit.ts'
import { isTooManyOpen } from './open-patiently.ts'
import { readFully } from './positioned-io.ts'
import type { MoveGate } from './relocate.ts'

/**
 * The files of one torrent below its folder. Files are created when their first byte is written; those that nobody asked for
 * never are: bytes of theirs that share a piece with a wanted file go to a parts file.
 */
export class TorrentFiles {
  readonly #info: TorrentInfo
  readonly #map: PieceMap
  readonly #places: FilePlaces
  readonly #partsPath: string
  #inParts: ReadonlySet<number> = new Set()
  readonly #limit: OpenFilesLimit
  /** Made when it is needed: thousands of torrents never open a file. */
  #handles: FileHandles | undefined
  readonly #checkedFolders = new Set<string>()
  readonly #gate = new FileGate()
  /** What files were when their bytes were last known to be right; whatever changes them since is found before they are served. */
  readonly #known = new Map<number, FileState>()
  /** Files to be flushed before anything of them is claimed. */
  readonly #unsure = new Set<number>()
  /** Files that were written to, since their states were last asked for. */
  readonly #written = new Set<number>()

  constructor(info: TorrentInfo, map: PieceMap, places: FilePlaces, partsPath: string, limit: OpenFilesLimit) {
    this.#info = info
    this.#map = map
    this.#places = places
    this.#partsPath = partsPath
    this.#limit = limit
  }

  get places(): FilePlaces {
    return this.#places
  }

  path(file: number): string {
    return this.#places.path(file)
  }

  /** Files whose bytes go to the parts file: nobody has asked for them. */
  set inParts(files: ReadonlySet<number>) {
    this.#inParts = files
  }

  state(file: number): Promise<FileState> {
    return stateOf(this.path(file))
  }

  /**
   * How all files are, or were when they were right; those that nobody writes to are held against it from now on whenever they are
   * read.
   */
  async states(): Promise<FileState[]> {
    this.#written.clear()
    return Promise.all(
      this.#info.files.map(async ({ padding }, index) => {
        if (padding) return ABSENT_FILE
        const known = this.#known.get(index)
        if (known !== undefined) return known
        const state = await this.state(index)
        if (!this.#written.has(index) && !this.#gate.isWritten(index)) this.#known.set(index, state)
        return state
      }),
    )
  }

  /** A file is right as it was found, unless it was written to since. */
  know(file: number, state: FileState): void {
    if (this.#known.has(file)) this.#known.set(file, state)
  }

  /** Whether a file is what it was when it was right. */
  isKnown(file: number, state: FileState): boolean {
    const known = this.#known.get(file)
    return known !== undefined && isSameState(state, known)
  }

  /** Writes bytes at their place in the torrent. Padding is dropped. */
  async write(position: number, views: readonly Uint8Array[]): Promise<void> {
    const length = views.reduce((sum, view) => sum + view.length, 0)
    const slices = this.#map.slices(position, length)
    let done = 0
    for (const slice of slices) {
      if (!this.#info.files[slice.file].padding) {
        const part = slices.length === 1 ? views : cut(views, done, slice.length)
        const at = this.#inParts.has(slice.file) ? position + done : slice.fileOffset
        await this.#use(slice.file, true, async file => {
          try {
            await file.writes.write(at, part)
          } finally {
            // Not before: a flush that began meanwhile may have been too early for it.
            file.isDirty = true
          }
        })
      }
      done += slice.length
    }
  }

  /**
   * Reads bytes from their place in the torrent into the views; false where some are missing. Throws OperationError `file-changed`
   * where somebody else has changed a file.
   */
  async read(position: number, views: readonly Uint8Array[]): Promise<boolean> {
    const length = views.reduce((sum, view) => sum + view.length, 0)
    const slices = this.#map.slices(position, length)
    let done = 0
    for (const slice of slices) {
      const part = slices.length === 1 ? views : cut(views, done, slice.length)
      if (this.#info.files[slice.file].padding) for (const view of part) view.fill(0)
      else {
        const at = this.#inParts.has(slice.file) ? position + done : slice.fileOffset
        const got = await this.#use(slice.file, false, async file => {
          const bytesRead = await readFully(file.fd, part, at)
          if (bytesRead === slice.length) this.#checkUnchanged(slice.file, file)
          return bytesRead
        }).catch(error => {
          if ((error as OperationError).code === 'file-missing') return 0
          throw error
        })
        if (got !== slice.length) return false
      }
      done += slice.length
    }
    return true
  }

  /** Throws where a file is not what it was when it was right: after it was read, so that no change comes in between. */
  #checkUnchanged(index: number, { fd }: OpenFile): void {
    const known = this.#inParts.has(index) ? undefined : this.#known.get(index)
    if (known === undefined) return
    if (!isSameState(stateFrom(fstatSync(fd)), known)) {
      throw new OperationError('file-changed', `${this.path(index)} was changed by somebody else`)
    }
  }

  /** These files hold bytes that a process before this one wrote, and that may be in memory alone. */
  flushLater(files: Iterable<number>): void {
    for (const file of files) this.#unsure.add(file)
  }

  async #takeUnsure(): Promise<void> {
    for (const file of this.#unsure) {
      await this.#use(file, false, async open => {
        open.isDirty = true
      }).catch(error => {
        if (error.code !== 'file-missing') throw error
      })
      this.#unsure.delete(file)
    }
  }

  /** {@link FileHandles.sync}. */
  async sync(): Promise<void> {
    await this.#takeUnsure()
    await this.#handles?.sync()
  }

  async close(): Promise<void> {
    await this.#handles?.close()
  }

  /**
   * Creates the empty files, which no byte will ever create.
   *
   * @param mayCut whether those that have bytes are made empty: they may be what their owner wrote there
   */
  async createEmpty(mayCut: boolean): Promise<void> {
    for (const [index, file] of this.#info.files.entries()) {
      if (file.length > 0 || file.padding || file.symlink !== undefined || this.#inParts.has(index)) continue
      const found = await lstat(this.path(index)).catch(() => undefined)
      if (found === undefined || (mayCut && found.size > 0)) await this.#use(index, true, async () => {})
    }
  }

  async #use<T>(index: number, writing: boolean, work: (file: OpenFile) => Promise<T>): Promise<T> {
    const isParts = this.#inParts.has(index)
    if (!isParts) {
      while (this.#gate.isHeld(index, writing)) await this.#gate.change(index)
      this.#gate.enter(index, writing)
    }
    const path = isParts ? this.#partsPath : this.path(index)
    if (writing) this.#noteChange(index)
    this.#handles ??= new FileHandles(this.#limit, (...place) => this.#open(...place))
    const file = this.#handles.take(path, writing, isParts ? undefined : index)
    try {
      if (!file.isOpen) await file.opening
      return await work(file)
    } catch (error) {
      throw diskError(error, path)
    } finally {
      file.leave()
      if (writing) this.#noteChange(index)
      if (!isParts) this.#gate.leave(index, writing)
    }
  }

  #noteChange(index: number): void {
    this.#known.delete(index)
    this.#written.add(index)
  }

  /** What the move of a file goes through. */
  gateOf(file: number): MoveGate {
    let wasRight = false
    return {
      holdWrites: () => this.#gate.hold(file, 'writes'),
      holdAll: async () => {
        await this.#gate.hold(file, 'all')
        await this.letGo(file)
        wasRight = this.isKnown(file, await this.state(file))
      },
      makeFolders: () => {
        const { folder, path } = this.#places.targetOf(file)
        return this.#checkFolders(folder, path, true)
      },
      switched: async () => {
        this.#places.arrived(file)
        this.#checkedFolders.clear()
        // To the system a move is a change.
        if (wasRight) this.#known.set(file, await this.state(file))
        this.#gate.open(file)
      },
    }
  }

  /** Whoever needs a file next opens it anew: another may stand in its place. */
  async letGo(file: number): Promise<void> {
    await this.#handles?.putAside(this.path(file))
  }

  /** A move that failed leaves its file where it was. */
  openGate(file: number): void {
    this.#gate.open(file)
  }

  async #open(path: string, writing: boolean, index: number | undefined): Promise<FileHandle> {
    // A link in place of a file could lead anywhere.
    const access = (writing ? constants.O_RDWR | constants.O_CREAT : constants.O_RDONLY) | (constants.O_NOFOLLOW ?? 0)
    const executable = index !== undefined && this.#info.files[index].executable
    const openThere = async () => {
      if (index !== undefined) {
        const { folder, path: names } = this.#places.placeOf(index)
        await this.#checkFolders(folder, names, writing)
      } else if (writing) await makeFolders(dirname(path))
      return open(path, access, executable ? 0o777 : 0o666)
    }
    const handle = await openThere().catch(error => {
      if (!writing || error.code !== 'ENOENT') throw error
      // A folder that was there may be gone.
      this.#checkedFolders.clear()
      return openThere()
    })
    if (!writing || index === undefined) return handle
    try {
      // Sparse from the beginning, so that writes in any order never move the end.
      const { size } = await handle.stat()
      if (size !== this.#info.files[index].length) await handle.truncate(this.#info.files[index].length)
      return handle
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** The folders above a file must be folders, not links to elsewhere; missing ones are made. */
  async #checkFolders(root: string, path: readonly string[], create: boolean): Promise<void> {
    if (create && !this.#checkedFolders.has(root)) {
      await makeFolders(root)
      this.#checkedFolders.add(root)
    }
    let folder = root
    for (const name of path.slice(0, -1)) {
      folder = join(folder, name)
      if (this.#checkedFolders.has(folder)) continue
      if (create) {
        await mkdir(folder).catch(error => {
          if (error.code !== 'EEXIST') throw error
        })
      }
      const found = await lstat(folder)
      if (!found.isDirectory()) {
        throw new OperationError('path-not-a-folder', `${folder} is not a folder of its own`, {
          next: 'choose another download folder, or move what stands in the way',
        })
      }
      this.#checkedFolders.add(folder)
    }
  }
}

function cut(views: readonly Uint8Array[], start: number, length: number): Uint8Array[] {
  const part: Uint8Array[] = []
  let at = 0
  for (const view of views) {
    const from = Math.max(start - at, 0)
    const to = Math.min(start + length - at, view.length)
    if (from < to) part.push(view.subarray(from, to))
    at += view.length
  }
  return part
}

/** What went wrong with a file, in words that help. */
export function diskError(error: unknown, path: string): OperationError {
  if (error instanceof OperationError) return error
  if (isDiskFull(error)) {
    return new OperationError('disk-full', `no room on the disk for ${path}`, {
      cause: error,
      next: 'make room: it goes on by itself, or at once when it is resumed',
    })
  }
  if (isTooManyOpen(error)) {
    return new OperationError('too-many-open-files', `${path} cannot be opened: too many files are open`, {
      cause: error,
      next: 'raise the limit of open files (ulimit -n), or close other programs, and resume: nothing is lost',
    })
  }
  if ((error as NodeJS.ErrnoException).code === 'ENOENT')
    return new OperationError('file-missing', `${path} is missing`, { cause: error })
  return new OperationError('file-error', `${path}: ${(error as Error).message}`, { cause: error })
}
