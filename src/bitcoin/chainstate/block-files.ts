import { equalBytes } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import type { HashBackend } from '../../base/crypto/backend.ts'
import { OperationError } from '../../base/errors.ts'
import type { Files, OpenFile } from '../../base/ports/files.ts'
import type { Allocate } from './spent-coins.ts'
import { readVarint, writeVarint } from './varint.ts'

/** Magic and size in front of each record. */
export const RECORD_HEADER_SIZE = 8
const CHECKSUM_SIZE = 32
/** Size after which a new file is begun, as Core has it. */
const FILE_SIZE_MAX = 0x800_0000
const FAST_PRUNE_FILE_SIZE_MAX = 0x1_0000
const XOR_KEY_SIZE = 8
/** Files kept open at once. */
const OPEN_FILES_MAX = 8

/** What one pair of files holds. */
export interface BlockFileInfo {
  blocks: number
  size: number
  undoSize: number
  heightFirst: number
  heightLast: number
  timeFirst: number
  timeLast: number
}

function emptyInfo(): BlockFileInfo {
  return { blocks: 0, size: 0, undoSize: 0, heightFirst: 0, heightLast: 0, timeFirst: 0, timeLast: 0 }
}

/** The form of the block index's store. */
export function encodeFileInfo(info: BlockFileInfo): Uint8Array {
  const writer = new ByteWriter()
  const { blocks, size, undoSize, heightFirst, heightLast, timeFirst, timeLast } = info
  for (const value of [blocks, size, undoSize, heightFirst, heightLast, timeFirst, timeLast]) writeVarint(writer, value)
  return writer.finish()
}

export function decodeFileInfo(bytes: Uint8Array): BlockFileInfo | undefined {
  const reader = new ByteReader(bytes)
  const [blocks, size, undoSize, heightFirst, heightLast, timeFirst, timeLast] = Array.from({ length: 7 }, () =>
    readVarint(reader),
  )
  if (reader.failure !== undefined) return undefined
  return { blocks, size, undoSize, heightFirst, heightLast, timeFirst, timeLast }
}

/** Combines `data` with the repeating key, whose first byte falls on position 0 of the file. */
export function xorInPlace(data: Uint8Array, key: Uint8Array, position: number): void {
  if (key.every(byte => byte === 0)) return
  const turned = new Uint8Array(XOR_KEY_SIZE)
  for (let i = 0; i < XOR_KEY_SIZE; i++) turned[i] = key[(position + i) % XOR_KEY_SIZE]
  const [low, high] = new Int32Array(turned.buffer)
  const words = data.byteOffset % 4 === 0 ? data.length >> 3 : 0
  const view = new Int32Array(data.buffer, words === 0 ? 0 : data.byteOffset, 2 * words)
  for (let i = 0; i < 2 * words; i += 2) {
    view[i] ^= low
    view[i + 1] ^= high
  }
  for (let i = 8 * words; i < data.length; i++) data[i] ^= turned[i % XOR_KEY_SIZE]
}

export function blockFileName(file: number, kind: 'blk' | 'rev' = 'blk'): string {
  return `${kind}${String(file).padStart(5, '0')}.dat`
}

export interface BlockFilesOptions {
  /** Eight bytes that all files are combined with; zeros for none. */
  readonly xorKey: Uint8Array
  /** -fastprune: tiny files, for tests of pruning. */
  readonly fastPrune?: boolean
}

/**
 * Blocks and undo data in flat files of Core's format: a bitcoind can read ours and we its. A record is the network's magic, the
 * size, and the bytes; undo data has a checksum behind it. Positions are those of the bytes, behind the record's header.
 */
export class BlockFiles {
  readonly #files: Files
  readonly #magic: Uint8Array
  readonly #crypto: HashBackend
  readonly #options: BlockFilesOptions
  readonly #open = new Map<string, OpenFile>()
  readonly #unsynced = new Set<string>()
  readonly info: BlockFileInfo[] = []
  /** Files whose info has changed since it was last stored. */
  readonly dirtyInfo = new Set<number>()
  current = 0
  /** Written since {@link sync}, roughly. */
  unsyncedBytes = 0

  constructor(files: Files, magic: Uint8Array, crypto: HashBackend, options: BlockFilesOptions) {
    this.#files = files
    this.#magic = magic
    this.#crypto = crypto
    this.#options = options
  }

  get #fileSizeMax(): number {
    return this.#options.fastPrune ? FAST_PRUNE_FILE_SIZE_MAX : FILE_SIZE_MAX
  }

  #file(name: string, create: boolean): OpenFile {
    const known = this.#open.get(name)
    if (known !== undefined) {
      // Last used, last closed.
      this.#open.delete(name)
      this.#open.set(name, known)
      return known
    }
    if (this.#open.size >= OPEN_FILES_MAX) {
      const [oldest] = this.#open.keys()
      this.#closeFile(oldest)
    }
    const opened = this.#files.open(name, { create })
    this.#open.set(name, opened)
    return opened
  }

  #closeFile(name: string): void {
    const file = this.#open.get(name)
    if (file === undefined) return
    if (this.#unsynced.delete(name)) file.sync()
    file.close()
    this.#open.delete(name)
  }

  #infoOf(file: number): BlockFileInfo {
    while (this.info.length <= file) this.info.push(emptyInfo())
    return this.info[file]
  }

  #write(name: string, at: number, parts: readonly Uint8Array[]): void {
    const record = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
    let to = 0
    for (const part of parts) {
      record.set(part, to)
      to += part.length
    }
    xorInPlace(record, this.#options.xorKey, at)
    this.#file(name, true).writeAt(record, at)
    this.#unsynced.add(name)
    this.unsyncedBytes += record.length
  }

  #recordHeader(size: number): Uint8Array {
    return new ByteWriter(RECORD_HEADER_SIZE).bytes(this.#magic).u32(size).finish()
  }

  /** Counts a block as lying in a file, up to `end`. */
  noteBlock(file: number, end: number, height: number, time: number): void {
    const info = this.#infoOf(file)
    if (info.blocks === 0 || height < info.heightFirst) info.heightFirst = height
    if (info.blocks === 0 || time < info.timeFirst) info.timeFirst = time
    info.heightLast = Math.max(info.heightLast, height)
    info.timeLast = Math.max(info.timeLast, time)
    info.blocks++
    info.size = Math.max(info.size, end)
    this.current = Math.max(this.current, file)
    this.dirtyInfo.add(file)
  }

  /** Appends a block; where it went. */
  writeBlock(block: Uint8Array, height: number, time: number): { file: number; position: number } {
    const needed = block.length + RECORD_HEADER_SIZE
    if (this.#infoOf(this.current).size > 0 && this.#infoOf(this.current).size + needed >= this.#fileSizeMax)
      this.current++
    const file = this.current
    const position = this.#infoOf(file).size + RECORD_HEADER_SIZE
    this.#write(blockFileName(file), position - RECORD_HEADER_SIZE, [this.#recordHeader(block.length), block])
    this.noteBlock(file, position + block.length, height, time)
    return { file, position }
  }

  /** Reads the record at a position; undefined where no whole record of at most `sizeMax` bytes stands there. */
  #read(name: string, position: number, sizeMax: number, extra: number, allocate: Allocate): Uint8Array | undefined {
    if (position < RECORD_HEADER_SIZE || !this.#files.exists(name)) return undefined
    const file = this.#file(name, false)
    const header = new Uint8Array(RECORD_HEADER_SIZE)
    const start = position - RECORD_HEADER_SIZE
    if (file.readAt(header, start) < RECORD_HEADER_SIZE) return undefined
    xorInPlace(header, this.#options.xorKey, start)
    if (!equalBytes(header.subarray(0, 4), this.#magic)) return undefined
    const size = new ByteReader(header, 4).u32() + extra
    if (size > sizeMax) return undefined
    const record = new Uint8Array(allocate(size), 0, size)
    if (file.readAt(record, position) < size) return undefined
    xorInPlace(record, this.#options.xorKey, position)
    return record
  }

  /** The bytes of a block; undefined where the file is damaged or missing. */
  readBlock(file: number, position: number, allocate: Allocate = n => new ArrayBuffer(n)): Uint8Array | undefined {
    return this.#read(blockFileName(file), position, 0x0200_0000, 0, allocate)
  }

  /** Appends the undo data of a block that lies in `file`; its position. `parent` is the hash of the block before. */
  writeUndo(file: number, undo: Uint8Array, parent: Uint8Array): number {
    const info = this.#infoOf(file)
    const position = info.undoSize + RECORD_HEADER_SIZE
    const parts = [this.#recordHeader(undo.length), undo, this.#undoChecksum(undo, parent)]
    this.#write(blockFileName(file, 'rev'), position - RECORD_HEADER_SIZE, parts)
    info.undoSize = position + undo.length + CHECKSUM_SIZE
    this.dirtyInfo.add(file)
    return position
  }

  #undoChecksum(undo: Uint8Array, parent: Uint8Array): Uint8Array {
    return this.#crypto.sha256d(new ByteWriter(32 + undo.length).bytes(parent).bytes(undo).finish())
  }

  /** Undo data, if it is there and its checksum holds. */
  readUndo(file: number, position: number, parent: Uint8Array): Uint8Array | undefined {
    const name = blockFileName(file, 'rev')
    const record = this.#read(name, position, 0x1000_0000, CHECKSUM_SIZE, n => new ArrayBuffer(n))
    if (record === undefined) return undefined
    const undo = record.subarray(0, record.length - CHECKSUM_SIZE)
    return equalBytes(this.#undoChecksum(undo, parent), record.subarray(undo.length)) ? undo : undefined
  }

  /** Makes durable all that was written so far. */
  sync(): void {
    for (const name of this.#unsynced) this.#open.get(name)?.sync()
    this.#unsynced.clear()
    this.unsyncedBytes = 0
  }

  /** Removes both files of a number. */
  prune(file: number): void {
    for (const kind of ['blk', 'rev'] as const) {
      const name = blockFileName(file, kind)
      this.#unsynced.delete(name)
      this.#closeFile(name)
      if (this.#files.exists(name)) this.#files.remove(name)
    }
    this.info[file] = emptyInfo()
    this.dirtyInfo.add(file)
  }

  /** Bytes of all files together. */
  get totalBytes(): number {
    return this.info.reduce((sum, info) => sum + info.size + info.undoSize, 0)
  }

  close(): void {
    for (const name of [...this.#open.keys()]) this.#closeFile(name)
  }
}

/** Name of the file that holds the key, in the folder of the block files. */
export const XOR_KEY_FILE = 'xor.dat'

/**
 * The key that a folder of block files is combined with: its key file's, else a new one where the folder is new and `wanted`, else
 * none. Throws OperationError `block-xor` where the file contradicts the wish.
 */
export function blockXorKey(files: Files, wanted: boolean, fresh: () => Uint8Array): Uint8Array {
  const none = new Uint8Array(XOR_KEY_SIZE)
  if (files.exists(XOR_KEY_FILE)) {
    const key = files.read(XOR_KEY_FILE)
    if (key.length !== XOR_KEY_SIZE)
      throw new OperationError('block-xor', `${XOR_KEY_FILE} must have ${XOR_KEY_SIZE} bytes`)
    if (!wanted && key.some(byte => byte !== 0)) {
      throw new OperationError(
        'block-xor',
        'The blocksdir XOR-key can not be disabled when a random key was already stored!',
      )
    }
    return key
  }
  const key = wanted && !files.exists(blockFileName(0)) ? fresh() : none
  files.replace(XOR_KEY_FILE, key)
  return key
}
