import { OperationError } from '../base/errors.ts'
import type { Files, OpenFile } from '../base/ports/files.ts'

/** A file's bytes, in a buffer that grows by doubling. */
class MemoryContent {
  #buffer = new Uint8Array(0)
  #size = 0

  get size(): number {
    return this.#size
  }

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#size)
  }

  resize(size: number): void {
    if (size > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(size, 2 * this.#buffer.length))
      grown.set(this.bytes)
      this.#buffer = grown
    }
    // What a truncation cut off must not come back when the file grows again.
    if (size < this.#size) this.#buffer.fill(0, size, this.#size)
    this.#size = size
  }

  write(data: Uint8Array, position: number): void {
    if (position + data.length > this.#size) this.resize(position + data.length)
    this.#buffer.set(data, position)
  }
}

class MemoryFile implements OpenFile {
  readonly #content: MemoryContent
  readonly #path: string
  readonly #readOnly: boolean
  #closed = false

  constructor(content: MemoryContent, path: string, readOnly: boolean) {
    this.#content = content
    this.#path = path
    this.#readOnly = readOnly
  }

  #check(writing: boolean): void {
    if (this.#closed) throw new OperationError('file-error', `${this.#path}: the file is closed`)
    if (writing && this.#readOnly) throw new OperationError('file-error', `${this.#path}: opened for reading alone`)
  }

  size(): number {
    this.#check(false)
    return this.#content.size
  }

  readAt(into: Uint8Array, position: number): number {
    this.#check(false)
    const part = this.#content.bytes.subarray(position, position + into.length)
    into.set(part)
    return part.length
  }

  writeAt(data: Uint8Array, position: number): void {
    this.#check(true)
    this.#content.write(data, position)
  }

  truncate(size: number): void {
    this.#check(true)
    this.#content.resize(size)
  }

  sync(): void {
    this.#check(false)
  }

  close(): void {
    this.#check(false)
    this.#closed = true
  }
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}

/** A folder of files in memory, as a disk that never fails has it. */
export class MemoryFiles implements Files {
  readonly #contents = new Map<string, MemoryContent>()
  readonly #folders = new Set<string>([''])

  exists(path: string): boolean {
    return this.#contents.has(path) || this.#folders.has(path)
  }

  list(path: string): string[] {
    const names: string[] = []
    for (const known of [...this.#contents.keys(), ...this.#folders]) {
      if (known !== '' && parentOf(known) === path) names.push(known.slice(path === '' ? 0 : path.length + 1))
    }
    return names.sort()
  }

  /** The paths of all files. */
  allFiles(): string[] {
    return [...this.#contents.keys()].sort()
  }

  /** The paths of all folders. */
  allFolders(): string[] {
    return [...this.#folders].sort()
  }

  makeFolder(path: string): void {
    for (let at = path; !this.#folders.has(at); at = parentOf(at)) this.#folders.add(at)
  }

  #missing(path: string): OperationError {
    return new OperationError('file-missing', `${path} is missing`)
  }

  #create(path: string): MemoryContent {
    if (!this.#folders.has(parentOf(path))) throw this.#missing(path)
    const content = new MemoryContent()
    this.#contents.set(path, content)
    return content
  }

  #content(path: string): MemoryContent {
    const content = this.#contents.get(path)
    if (content === undefined) throw this.#missing(path)
    return content
  }

  open(path: string, options: { create?: boolean; readOnly?: boolean } = {}): OpenFile {
    const known = this.#contents.get(path)
    const readOnly = options.readOnly ?? false
    const content = known ?? (options.create && !readOnly ? this.#create(path) : this.#content(path))
    return new MemoryFile(content, path, readOnly)
  }

  read(path: string): Uint8Array {
    return this.#content(path).bytes.slice()
  }

  replace(path: string, data: Uint8Array): void {
    this.#create(path).write(data, 0)
  }

  remove(path: string): void {
    const inside = (known: string): boolean => known === path || known.startsWith(`${path}/`)
    for (const known of [...this.#contents.keys()]) if (inside(known)) this.#contents.delete(known)
    for (const known of [...this.#folders]) if (inside(known)) this.#folders.delete(known)
  }

  /** Moves one file; folders stay where they are. */
  rename(from: string, to: string): void {
    const content = this.#content(from)
    if (!this.#folders.has(parentOf(to))) throw this.#missing(to)
    this.#contents.delete(from)
    this.#contents.set(to, content)
  }
}
