import { equalBytes } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { invariant } from '../../base/errors.ts'
import type { Files } from '../../base/ports/files.ts'
import type { Store } from '../../base/ports/store.ts'
import type { BlockIndex } from '../chainstate/block-index.ts'
import { readVarint, writeVarint } from '../chainstate/varint.ts'
import { BEST_BLOCK_KEY, damagedIndex, decodeBestBlock, encodeBestBlock } from './best-block.ts'
import { encodeBasicFilter, filterHash, filterHeader } from './block-filter.ts'
import { BlockRows } from './block-rows.ts'
import type { BlockSource, ChainIndex } from './chain-index.ts'
import { FilterFiles, type FilterPosition } from './filter-files.ts'
import { IndexStore } from './index-store.ts'

const POSITION_KEY = Uint8Array.of(0x50) // 'P'

/** What the store holds of a filter. */
interface FilterRow {
  readonly hash: Uint8Array
  readonly header: Uint8Array
  readonly position: FilterPosition
}

function writePosition(writer: ByteWriter, { file, offset }: FilterPosition): ByteWriter {
  writeVarint(writer, file)
  writeVarint(writer, offset)
  return writer
}

function readPosition(reader: ByteReader): FilterPosition {
  return { file: readVarint(reader), offset: readVarint(reader) }
}

/**
 * BIP158's basic filter of every block, with BIP157's chain of filter headers: hashes and headers in a store, filters in flat files, all
 * in Core's format (the folder indexes/blockfilter/basic).
 */
export class BlockFilterIndex implements ChainIndex {
  readonly name = 'basic block filter index'
  readonly #index: BlockIndex
  readonly #store: IndexStore
  readonly #rows: BlockRows
  readonly #files: FilterFiles
  #best = -1
  #lastHeader = new Uint8Array(32)
  #next: FilterPosition = { file: 0, offset: 0 }

  private constructor(store: IndexStore, files: FilterFiles, index: BlockIndex) {
    this.#index = index
    this.#store = store
    this.#rows = new BlockRows(store, index)
    this.#files = files
  }

  /**
   * Opens (or begins) the index. Throws OperationError `index-damaged`.
   *
   * @param files the folder of the filters' flat files
   */
  static open(store: Store, files: Files, index: BlockIndex): BlockFilterIndex {
    const opened = new BlockFilterIndex(new IndexStore(store), new FilterFiles(files), index)
    opened.#restore()
    return opened
  }

  #restore(): void {
    const stored = this.#store.get(POSITION_KEY)
    if (stored !== undefined) {
      const reader = new ByteReader(stored)
      this.#next = readPosition(reader)
      if (reader.failure !== undefined) throw damagedIndex(this.name)
    }
    this.#best = decodeBestBlock(this.#store.get(BEST_BLOCK_KEY), this.#index, this.name)
    this.#lastHeader = this.#headerBehind(this.#best)
  }

  /** The header of a block's filter, which the index must have; zeros before the first block. */
  #headerBehind(id: number): Uint8Array<ArrayBuffer> {
    if (id < 0) return new Uint8Array(32)
    const header = this.filterHeader(id)
    if (header === undefined) throw damagedIndex(this.name)
    return header.slice() as Uint8Array<ArrayBuffer>
  }

  get best(): number {
    return this.#best
  }

  get waitingBytes(): number {
    return this.#store.waitingBytes
  }

  connect(id: number, source: BlockSource): void {
    invariant(this.#index.previous(id) === this.#best, 'a filter out of turn')
    const { txs, hash: blockHash } = source.block(id)
    const filter = encodeBasicFilter(blockHash, txs, source.spent(id).prevouts())
    const hash = filterHash(filter)
    const header = filterHeader(hash, this.#lastHeader)
    const { at, next } = this.#files.write(this.#next, blockHash, filter)
    this.#rows.put(id, writePosition(new ByteWriter(80).bytes(hash).bytes(header), at).finish())
    this.#next = next
    this.#lastHeader = header as Uint8Array<ArrayBuffer>
    this.#best = id
  }

  disconnect(): void {
    this.#rows.keep(this.#best)
    // What is kept must not be overwritten by filters that come after a crash.
    this.#putPosition()
    this.#best = this.#index.previous(this.#best)
    this.#lastHeader = this.#headerBehind(this.#best)
  }

  #putPosition(): void {
    this.#store.put(POSITION_KEY, writePosition(new ByteWriter(16), this.#next).finish())
  }

  async flush(): Promise<void> {
    await this.#store.flush()
  }

  async commit(): Promise<void> {
    this.#files.sync()
    if (this.#best >= 0) {
      this.#putPosition()
      this.#store.put(BEST_BLOCK_KEY, encodeBestBlock(this.#index, this.#best))
    }
    await this.#store.flush()
  }

  #row(id: number): FilterRow | undefined {
    const value = this.#rows.get(id)
    if (value === undefined) return undefined
    const reader = new ByteReader(value)
    const row = { hash: reader.bytes(32), header: reader.bytes(32), position: readPosition(reader) }
    return reader.failure === undefined ? row : undefined
  }

  /** BIP157: SHA256d of a block's filter; undefined where it is not here (yet). Blocks of branches that were left are here too. */
  filterHash(id: number): Uint8Array | undefined {
    return this.#row(id)?.hash
  }

  /** BIP157: the filter header of a block. */
  filterHeader(id: number): Uint8Array | undefined {
    return this.#row(id)?.header
  }

  /** BIP158: the encoded filter of a block, held against its hash. */
  filter(id: number): Uint8Array | undefined {
    const row = this.#row(id)
    const filter = row && this.#files.read(row.position, this.#index.hash(id))
    return filter && equalBytes(filterHash(filter), row.hash) ? filter : undefined
  }

  async close(): Promise<void> {
    this.#files.close()
    await this.#store.store.close()
  }
}
