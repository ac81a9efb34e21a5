import type { FileHandle } from 'node:fs/promises'
import { OperationError } from '../../base/errors.ts'
import { isDiskFull } from './disk-room.ts'
import type { LimitedFile, OpenFilesLimit } from './open-files-limit.ts'
import { openPatiently } from './open-patiently.ts'
import { WriteQueue } from './write-queue.ts'

const FLUSH_FAILED = 'flush-failed'

function flushError(cause: unknown, path: string): OperationError {
  if (isDiskFull(cause)) {
    return new OperationError('disk-full', `no room on the disk for what was written to ${path}`, {
      cause,
      next: 'make room: it goes on by itself, and fetches again what has not come to the disk',
    })
  }
  return new OperationError(FLUSH_FAILED, `what was written to the disk may be lost: ${(cause as Error).message}`, {
    cause,
    next: 'look after the disk and start again: what is there is checked then',
  })
}

/** Opens a file of the torrent, or one that belongs to none of its files. */
export type OpenPath = (path: string, writing: boolean, file: number | undefined) => Promise<FileHandle>

/** Whether bytes are lost; systems that flush only what may be written say something else of the rest. */
function isLoss(error: NodeJS.ErrnoException): boolean {
  return isDiskFull(error) || error.code === 'EIO'
}

/** A file that is open, or about to be. */
export class OpenFile implements LimitedFile {
  readonly path: string
  readonly isWritable: boolean
  /** Operations under way, and who opens it: a file in use is not closed. */
  users = 1
  /** It was put aside: whoever needs it opens it anew. */
  isClosing = false
  isDirty = false
  /** Settles when it is open, or cannot be. */
  opening: Promise<void> | undefined
  readonly #owner: FileHandles
  #handle: FileHandle | undefined
  #writes: WriteQueue | undefined
  #onIdle: (() => void) | undefined

  constructor(owner: FileHandles, path: string, isWritable: boolean) {
    this.#owner = owner
    this.path = path
    this.isWritable = isWritable
  }

  opened(handle: FileHandle): void {
    this.#handle = handle
    this.#writes = new WriteQueue(handle.fd)
  }

  get isOpen(): boolean {
    return this.#handle !== undefined
  }

  get fd(): number {
    return this.#handle!.fd
  }

  get writes(): WriteQueue {
    return this.#writes!
  }

  get isIdle(): boolean {
    return this.users === 0
  }

  /** Makes what was written durable. */
  async flush(): Promise<void> {
    if (!this.isDirty) return
    this.isDirty = false
    await this.#handle!.datasync().catch(error => {
      if (this.isWritable || isLoss(error)) throw error
    })
  }

  close(): Promise<void> {
    return this.#handle!.close()
  }

  leave(): void {
    if (--this.users === 0) this.#onIdle?.()
  }

  /** Returns once nobody uses it any more. */
  async idle(): Promise<void> {
    if (this.users > 0) {
      await new Promise<void>(resolve => {
        this.#onIdle = resolve
      })
    }
  }

  retire(): void {
    this.#owner.retire(this)
  }
}

/** The files that a torrent has open, and what of them is not durable yet. */
export class FileHandles {
  readonly #limit: OpenFilesLimit
  readonly #openPath: OpenPath
  readonly #open = new Map<string, OpenFile>()
  /** Files that are being closed, what they hold still on its way to the disk. */
  readonly #closing = new Set<Promise<void>>()
  /** The system tells of a failed flush but once; what it was to make durable stays unsure from then on, whatever reads say. */
  #flushFailure: OperationError | undefined

  constructor(limit: OpenFilesLimit, openPath: OpenPath) {
    this.#limit = limit
    this.#openPath = openPath
  }

  /** A file for its next user, who waits for `opening` unless it is open, and calls `leave` at the end in any case. */
  take(path: string, writing: boolean, index: number | undefined): OpenFile {
    const known = this.#open.get(path)
    if (known !== undefined && (known.isWritable || !writing)) {
      known.users++
      this.#limit.used(known)
      return known
    }
    if (known !== undefined) this.retire(known)
    const file = new OpenFile(this, path, writing)
    this.#open.set(path, file)
    file.opening = this.#openFile(file, index)
    return file
  }

  async #openFile(file: OpenFile, index: number | undefined): Promise<void> {
    const { path, isWritable } = file
    await this.#limit.take()
    try {
      file.opened(
        await openPatiently(
          () => this.#openPath(path, isWritable, index),
          () => this.#limit.retireOne(),
        ),
      )
    } catch (error) {
      if (this.#open.get(path) === file) this.#open.delete(path)
      this.#limit.give()
      throw error
    }
    if (file.isClosing) this.#limit.closing(file)
    else this.#limit.opened(file)
  }

  /** Closes a file once nobody uses it, what was written made durable; `sync` waits for that. */
  retire(file: OpenFile): void {
    this.#open.delete(file.path)
    file.isClosing = true
    if (file.isOpen) this.#limit.closing(file)
    const closing = this.#close(file)
    this.#closing.add(closing)
    void closing.then(() => this.#closing.delete(closing))
  }

  async #close(file: OpenFile): Promise<void> {
    await file.idle()
    if (!file.isOpen) return
    await this.#flush(file)
    await file.close().catch(() => {})
    this.#limit.closed()
  }

  async #flush(file: OpenFile): Promise<void> {
    try {
      await file.flush()
    } catch (cause) {
      // What lasts is told of rather than what passes.
      if (this.#flushFailure?.code !== FLUSH_FAILED) this.#flushFailure = flushError(cause, file.path)
    }
  }

  /**
   * Returns once all that was written is durable.
   *
   * @throws OperationError `flush-failed` where a flush has failed, now or ever before: nothing may be claimed then until all was
   *   checked anew. `disk-full` once where there was no room: what was written since the last flush has to be written again
   */
  async sync(): Promise<void> {
    for (const file of [...this.#open.values()]) {
      // Whatever is closed meanwhile is flushed by that.
      if (file.isClosing || !file.isDirty) continue
      file.users++
      await this.#flush(file)
      file.leave()
    }
    await Promise.all(this.#closing)
    const failure = this.#flushFailure
    if (failure === undefined) return
    if (failure.code !== FLUSH_FAILED) this.#flushFailure = undefined
    throw failure
  }

  /** Returns once a file is closed: whoever needs it next opens it anew. */
  async putAside(path: string): Promise<void> {
    const file = this.#open.get(path)
    if (file !== undefined) this.retire(file)
    await Promise.all(this.#closing)
  }

  /** Closes all files. */
  async close(): Promise<void> {
    for (const file of [...this.#open.values()]) this.retire(file)
    await Promise.all(this.#closing)
  }
}
