import { concatBytes } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { utf8 } from '../../base/bytes/utf8.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import type { HashBackend } from '../../base/crypto/backend.ts'
import { OperationError } from '../../base/errors.ts'
import type { Store, StoreChange } from '../../base/ports/store.ts'
import type { NetworkParams } from '../params/network-params.ts'
import { type BlockHeader, decodeHeader, HEADER_SIZE } from '../primitives/block.ts'
import { type BlockFileInfo, type BlockFiles, decodeFileInfo, encodeFileInfo } from './block-files.ts'
import type { BlockIndex } from './block-index.ts'
import { BLOCK_FAILED_CHILD, BLOCK_FAILED_VALID, BLOCK_HAVE_DATA, BLOCK_HAVE_UNDO } from './block-status.ts'
import { readVarint, writeVarint } from './varint.ts'

const BLOCK_KEY = 0x62 // 'b'
const FILE_KEY = 0x66 // 'f'
const LAST_FILE_KEY = Uint8Array.of(0x6c) // 'l'
const REINDEX_KEY = Uint8Array.of(0x52) // 'R'
const FLAG_KEY = 0x46 // 'F'
/** What Core writes in front of each entry: a client version that nobody reads. */
const ENTRY_VERSION = 259900

interface StoredEntry {
  readonly header: BlockHeader
  readonly headerBytes: Uint8Array
  readonly height: number
  readonly status: number
  readonly txCount: number
  readonly file: number
  readonly dataPosition: number
  readonly undoPosition: number
}

function encodeEntry(index: BlockIndex, id: number): Uint8Array {
  const writer = new ByteWriter(128)
  const status = index.status(id)
  writeVarint(writer, ENTRY_VERSION)
  writeVarint(writer, index.height(id))
  writeVarint(writer, status)
  writeVarint(writer, index.txCount(id))
  if (status & (BLOCK_HAVE_DATA | BLOCK_HAVE_UNDO)) writeVarint(writer, index.file(id))
  if (status & BLOCK_HAVE_DATA) writeVarint(writer, index.dataPosition(id))
  if (status & BLOCK_HAVE_UNDO) writeVarint(writer, index.undoPosition(id))
  return writer.bytes(index.headerBytes(id)).finish()
}

function decodeEntry(bytes: Uint8Array): StoredEntry | undefined {
  const reader = new ByteReader(bytes)
  readVarint(reader)
  const height = readVarint(reader)
  const status = readVarint(reader)
  const txCount = readVarint(reader)
  const file = status & (BLOCK_HAVE_DATA | BLOCK_HAVE_UNDO) ? readVarint(reader) : -1
  const dataPosition = status & BLOCK_HAVE_DATA ? readVarint(reader) : 0
  const undoPosition = status & BLOCK_HAVE_UNDO ? readVarint(reader) : 0
  const headerBytes = reader.bytes(HEADER_SIZE)
  if (reader.failure !== undefined) return undefined
  return { header: decodeHeader(headerBytes), headerBytes, height, status, txCount, file, dataPosition, undoPosition }
}

function fileKey(file: number): Uint8Array {
  return new ByteWriter(5).u8(FILE_KEY).u32(file).finish()
}

function flagKey(name: string): Uint8Array {
  const text = utf8(name)
  return concatBytes(Uint8Array.of(FLAG_KEY, text.length), text)
}

function damaged(what: string): OperationError {
  return new OperationError('block-index-damaged', `Error loading block database: ${what}`, {
    next: 'start again with -reindex, which rebuilds it from the block files',
  })
}

/** The block index and the block files' infos on disk, in Core's format (the folder blocks/index). */
export class BlockIndexStore {
  readonly #store: Store
  readonly #crypto: HashBackend

  constructor(store: Store, crypto: HashBackend) {
    this.#store = store
    this.#crypto = crypto
  }

  /** Fills an empty index; whether anything was stored. Throws OperationError `block-index-damaged`. */
  async load(index: BlockIndex, files: BlockFiles): Promise<boolean> {
    const byHeight: StoredEntry[] = []
    const from = Uint8Array.of(BLOCK_KEY)
    for await (const batch of this.#store.entries(from, Uint8Array.of(BLOCK_KEY + 1))) {
      for (const [key, value] of batch) {
        const entry = decodeEntry(value)
        if (entry === undefined || key.length !== 33) throw damaged('an entry cannot be read')
        byHeight.push(entry)
      }
    }
    byHeight.sort((a, b) => a.height - b.height)
    for (const entry of byHeight) this.#adopt(index, entry)
    this.#loadFileInfos(files)
    return byHeight.length > 0
  }

  #adopt(index: BlockIndex, entry: StoredEntry): void {
    const hash = this.#crypto.sha256d(entry.headerBytes)
    const parent = index.count === 0 ? -1 : index.find(entry.header.previous)
    if (parent < 0 !== (entry.height === 0) || (parent >= 0 && index.height(parent) + 1 !== entry.height)) {
      throw damaged(`block at height ${entry.height} does not follow its parent`)
    }
    let status = entry.status
    if (status & BLOCK_FAILED_CHILD) status = (status & ~BLOCK_FAILED_CHILD) | BLOCK_FAILED_VALID
    if (parent >= 0) status |= index.status(parent) & BLOCK_FAILED_VALID
    const id = index.add(entry.header, hash, status)
    if (status & (BLOCK_HAVE_DATA | BLOCK_HAVE_UNDO)) {
      index.setPosition(id, entry.file, entry.dataPosition)
      index.setUndoPosition(id, entry.undoPosition)
    }
    index.setTxCount(id, entry.txCount)
    if (entry.txCount > 0 && (parent < 0 || index.chainTxCount(parent) > 0)) index.linkTxCount(id)
    if (status === entry.status) index.dirty.delete(id)
  }

  #loadFileInfos(files: BlockFiles): void {
    const last = this.#store.get(LAST_FILE_KEY)
    if (last === undefined) return
    files.current = new ByteReader(last).u32()
    for (let file = 0; file <= files.current; file++) {
      const stored = this.#store.get(fileKey(file))
      const info: BlockFileInfo | undefined = stored && decodeFileInfo(stored)
      if (stored !== undefined && info === undefined) throw damaged(`the record of block file ${file} cannot be read`)
      files.info[file] = info ?? {
        blocks: 0,
        size: 0,
        undoSize: 0,
        heightFirst: 0,
        heightLast: 0,
        timeFirst: 0,
        timeLast: 0,
      }
    }
  }

  /** Writes what has changed. Call after the block files' bytes that it points to were written. */
  async save(index: BlockIndex, files: BlockFiles, options: { sync: boolean }): Promise<void> {
    if (index.dirty.size === 0 && files.dirtyInfo.size === 0 && !options.sync) return
    const changes: StoreChange[] = []
    for (const file of files.dirtyInfo) changes.push({ key: fileKey(file), value: encodeFileInfo(files.info[file]) })
    if (files.dirtyInfo.size > 0)
      changes.push({ key: LAST_FILE_KEY, value: new ByteWriter(4).u32(files.current).finish() })
    for (const id of index.dirty) {
      changes.push({ key: concatBytes(Uint8Array.of(BLOCK_KEY), index.hash(id)), value: encodeEntry(index, id) })
    }
    files.dirtyInfo.clear()
    index.dirty.clear()
    await this.#store.write(changes, options)
  }

  /** Whether blocks were ever pruned, and other lasting notes. */
  flag(name: string): boolean {
    return this.#store.get(flagKey(name))?.[0] === 0x31
  }

  async setFlag(name: string, value: boolean): Promise<void> {
    await this.#store.write([{ key: flagKey(name), value: Uint8Array.of(value ? 0x31 : 0x30) }])
  }

  /** Whether a reindex was begun and not finished. */
  get reindexing(): boolean {
    return this.#store.get(REINDEX_KEY) !== undefined
  }

  async setReindexing(value: boolean): Promise<void> {
    await this.#store.write([{ key: REINDEX_KEY, value: value ? Uint8Array.of(0x31) : undefined }], { sync: true })
  }

  /** Names the network that the store belongs to, or checks that it is this one. */
  async checkNetwork(params: NetworkParams): Promise<void> {
    const genesis = concatBytes(Uint8Array.of(BLOCK_KEY), params.genesisHash)
    for await (const batch of this.#store.entries(Uint8Array.of(BLOCK_KEY), Uint8Array.of(BLOCK_KEY + 1))) {
      if (batch.length > 0 && this.#store.get(genesis) === undefined) {
        throw new OperationError('wrong-network', 'Incorrect or no genesis block found. Wrong datadir for network?')
      }
      return
    }
  }
}
