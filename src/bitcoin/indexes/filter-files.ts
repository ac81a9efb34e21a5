import { equalBytes } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter, compactSizeLength } from '../../base/bytes/writer.ts'
import type { Files, OpenFile } from '../../base/ports/files.ts'

/** Size after which a new file is begun, as Core has it. */
const FILTER_FILE_SIZE_MAX = 16 << 20
/** Files kept open for reading. */
const OPEN_FILES_MAX = 4
/** Read at once: most filters whole. */
const FIRST_READ_BYTES = 8 << 10

/** Where a filter stands. */
export interface FilterPosition {
  readonly file: number
  readonly offset: number
}

function nameOf(file: number): string {
  return `fltr${String(file).padStart(5, '0')}.dat`
}

/** Filters one after the other in flat files of Core's format: the block's hash, the filter's size, the filter. */
export class FilterFiles {
  readonly #files: Files
  readonly #open = new Map<number, OpenFile>()
  readonly #unsynced = new Set<number>()

  constructor(files: Files) {
    this.#files = files
  }

  #file(file: number, create: boolean): OpenFile | undefined {
    const known = this.#open.get(file)
    if (known !== undefined) return known
    if (!create && !this.#files.exists(nameOf(file))) return undefined
    if (this.#open.size >= OPEN_FILES_MAX) this.#closeFile(this.#open.keys().next().value!)
    const opened = this.#files.open(nameOf(file), { create })
    this.#open.set(file, opened)
    return opened
  }

  #closeFile(file: number): void {
    const open = this.#open.get(file)!
    if (this.#unsynced.delete(file)) open.sync()
    open.close()
    this.#open.delete(file)
  }

  /** Writes a filter at `next` or at the start of the file behind it; where it went, and where the next one goes. */
  write(next: FilterPosition, blockHash: Uint8Array, filter: Uint8Array): { at: FilterPosition; next: FilterPosition } {
    const size = 32 + compactSizeLength(filter.length) + filter.length
    const at = next.offset + size > FILTER_FILE_SIZE_MAX ? { file: next.file + 1, offset: 0 } : next
    const record = new ByteWriter(size).bytes(blockHash).sizedBytes(filter).finish()
    this.#file(at.file, true)!.writeAt(record, at.offset)
    this.#unsynced.add(at.file)
    return { at, next: { file: at.file, offset: at.offset + size } }
  }

  /** The filter at a position; undefined where there is none of that block. */
  read({ file, offset }: FilterPosition, blockHash: Uint8Array): Uint8Array | undefined {
    const open = this.#file(file, false)
    if (open === undefined) return undefined
    const first = new Uint8Array(FIRST_READ_BYTES)
    const reader = new ByteReader(first, 0, open.readAt(first, offset))
    const isOwn = equalBytes(reader.bytes(32), blockHash)
    const length = reader.compactSize(FILTER_FILE_SIZE_MAX)
    if (reader.failure !== undefined || !isOwn) return undefined
    if (length <= reader.remaining) return reader.bytes(length)
    const filter = new Uint8Array(length)
    return open.readAt(filter, offset + reader.position) === length ? filter : undefined
  }

  /** Makes durable all that was written. */
  sync(): void {
    for (const file of this.#unsynced) this.#open.get(file)?.sync()
    this.#unsynced.clear()
  }

  close(): void {
    for (const file of [...this.#open.keys()]) this.#closeFile(file)
  }
}
