import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { OperationError } from '../base/errors.ts'
import type { Files, OpenFile } from '../base/ports/files.ts'

/** Runs a call to the system; its failures become OperationErrors that name the file. */
function attempt<T>(path: string, call: () => T): T {
  try {
    return call()
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new OperationError('disk-full', `No room left on the disk for ${path}`, { cause, next: 'free some space' })
    }
    if (code === 'ENOENT') throw new OperationError('file-missing', `${path} is missing`, { cause })
    throw new OperationError('file-error', `${path}: ${(cause as Error).message}`, { cause })
  }
}

class NodeFile implements OpenFile {
  readonly #fd: number
  readonly #path: string

  constructor(fd: number, path: string) {
    this.#fd = fd
    this.#path = path
  }

  size(): number {
    return attempt(this.#path, () => fstatSync(this.#fd).size)
  }

  readAt(into: Uint8Array, position: number): number {
    return attempt(this.#path, () => {
      let done = 0
      while (done < into.length) {
        const count = readSync(this.#fd, into, done, into.length - done, position + done)
        if (count === 0) break
        done += count
      }
      return done
    })
  }

  writeAt(data: Uint8Array, position: number): void {
    attempt(this.#path, () => {
      let done = 0
      while (done < data.length) done += writeSync(this.#fd, data, done, data.length - done, position + done)
    })
  }

  truncate(size: number): void {
    attempt(this.#path, () => ftruncateSync(this.#fd, size))
  }

  sync(): void {
    attempt(this.#path, () => fdatasyncSync(this.#fd))
  }

  close(): void {
    attempt(this.#path, () => closeSync(this.#fd))
  }
}

/** A folder of the real disk. */
export class NodeFiles implements Files {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  exists(path: string): boolean {
    return existsSync(join(this.#folder, path))
  }

  list(path: string): string[] {
    const full = join(this.#folder, path)
    return existsSync(full) ? attempt(full, () => readdirSync(full).sort()) : []
  }

  makeFolder(path: string): void {
    const full = join(this.#folder, path)
    attempt(full, () => mkdirSync(full, { recursive: true }))
  }

  open(path: string, options: { create?: boolean; readOnly?: boolean } = {}): OpenFile {
    const full = join(this.#folder, path)
    return attempt(full, () => {
      const flags = options.readOnly ? 'r' : options.create && !existsSync(full) ? 'w+' : 'r+'
      return new NodeFile(openSync(full, flags, 0o600), full)
    })
  }

  read(path: string): Uint8Array {
    const full = join(this.#folder, path)
    return attempt(full, () => new Uint8Array(readFileSync(full)))
  }

  replace(path: string, data: Uint8Array, options: { mode?: number } = {}): void {
    const full = join(this.#folder, path)
    const draft = `${full}.new`
    attempt(full, () => {
      const fd = openSync(draft, 'w', options.mode ?? 0o600)
      try {
        let done = 0
        while (done < data.length) done += writeSync(fd, data, done)
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
      renameSync(draft, full)
      syncFolder(dirname(full))
    })
  }

  remove(path: string): void {
    const full = join(this.#folder, path)
    attempt(full, () => rmSync(full, { recursive: true, force: true }))
  }

  rename(from: string, to: string): void {
    const full = join(this.#folder, from)
    attempt(full, () => renameSync(full, join(this.#folder, to)))
  }
}

/** Makes a rename durable; where folders cannot be opened (Windows) there is nothing to do. */
function syncFolder(folder: string): void {
  let fd: number
  try {
    fd = openSync(folder, 'r')
  } catch {
    return
  }
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
