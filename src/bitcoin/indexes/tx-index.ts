import { concatBytes, equalBytes } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { utf8 } from '../../base/bytes/utf8.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import type { Crypto } from '../../base/crypto/backend.ts'
import { SipHash } from '../../base/crypto/siphash.ts'
import { invariant } from '../../base/errors.ts'
import type { Store } from '../../base/ports/store.ts'
import type { BlockFiles } from '../chainstate/block-files.ts'
import type { BlockIndex } from '../chainstate/block-index.ts'
import { BLOCK_HAVE_DATA } from '../chainstate/block-status.ts'
import { readVarint, writeVarint } from '../chainstate/varint.ts'
import { HEADER_SIZE } from '../primitives/block.ts'
import { parseTransactions } from '../primitives/tx-table.ts'
import { BEST_BLOCK_KEY, decodeBestBlock, encodeBestBlock } from './best-block.ts'
import type { BlockSource, ChainIndex } from './chain-index.ts'
import { IndexStore } from './index-store.ts'

const TX_KEY = 0x78 // 'x'
const SEQUENCE_KEY = 0x73 // 's'
const BLOCK_KEY = 0x68 // 'h'
const LEGACY_TX_KEY = 0x74 // 't'
const NEXT_SEQUENCE_KEY = namedKey('next_block_seq')
const SALT_KEY = namedKey('txid_hash_salt')
const BEST_BLOCK_V2_KEY = namedKey('best_block_v2')
const PREFIX_BYTES = 5
const OFFSET_BYTES = 3
const NO_VALUE = new Uint8Array(0)

function namedKey(name: string): Uint8Array {
  const text = utf8(name)
  return concatBytes(Uint8Array.of(text.length), text)
}

function sequenceKey(sequence: number): Uint8Array {
  const writer = new ByteWriter(6).u8(SEQUENCE_KEY)
  writeVarint(writer, sequence)
  return writer.finish()
}

function blockKey(hash: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(BLOCK_KEY), hash)
}

/** Big-endian, so that keys order as numbers do. */
function writeBigEndian(writer: ByteWriter, value: number, bytes: number): void {
  for (let i = bytes - 1; i >= 0; i--) writer.u8(Math.floor(value / 256 ** i) & 0xff)
}

/** Where a transaction may stand: the beginning of its txid's hash agrees. */
interface Candidate {
  readonly file: number
  readonly blockPosition: number
  /** From the start of the block. */
  readonly offset: number
  readonly blockId: number
  readonly sequence: number
}

/** A transaction that was found. */
export interface FoundTransaction {
  /** With witness. */
  readonly bytes: Uint8Array
  readonly blockId: number
}

/**
 * Where each transaction stands in the block files, in Core's format (the folder indexes/txindex): five bytes of the txid's hash, the
 * number of the block in the order of indexing, and the place in the block. The genesis block is left out, for its output is no coin.
 */
export class TxIndex implements ChainIndex {
  readonly name = 'txindex'
  readonly #index: BlockIndex
  readonly #files: BlockFiles
  readonly #crypto: Crypto
  readonly #store: IndexStore
  readonly #hash: SipHash
  /** Whether rows of Core's former format may be there. */
  readonly #hasLegacy: boolean
  #best: number
  #nextSequence: number

  private constructor(store: IndexStore, index: BlockIndex, files: BlockFiles, crypto: Crypto, salt: Uint8Array) {
    this.#index = index
    this.#files = files
    this.#crypto = crypto
    this.#store = store
    const key = new ByteReader(salt)
    this.#hash = new SipHash(key.u64(), key.u64())
    const legacy = store.get(BEST_BLOCK_KEY)
    this.#hasLegacy = legacy !== undefined
    this.#best = decodeBestBlock(store.get(BEST_BLOCK_V2_KEY) ?? legacy, index, this.name)
    const next = store.get(NEXT_SEQUENCE_KEY)
    this.#nextSequence = next === undefined ? 0 : new ByteReader(next).u32()
  }

  /**
   * Opens (or begins) the index. Throws OperationError `index-damaged`.
   *
   * @param freshSalt sixteen random bytes: nobody outside can choose txids whose hashes collide
   */
  static async open(
    store: Store,
    index: BlockIndex,
    files: BlockFiles,
    crypto: Crypto,
    freshSalt: () => Uint8Array,
  ): Promise<TxIndex> {
    let salt = store.get(SALT_KEY)
    if (salt === undefined) {
      salt = freshSalt()
      await store.write([{ key: SALT_KEY, value: salt }], { sync: true })
    }
    return new TxIndex(new IndexStore(store), index, files, crypto, salt)
  }

  get best(): number {
    return this.#best
  }

  get waitingBytes(): number {
    return this.#store.waitingBytes
  }

  connect(id: number, source: BlockSource): void {
    invariant(this.#index.previous(id) === this.#best, 'transactions out of turn')
    this.#best = id
    const hash = this.#index.hash(id).slice()
    // A block that comes back after a reorganisation, or after a crash, has its rows already.
    if (this.#index.height(id) === 0 || this.#store.get(blockKey(hash)) !== undefined) return
    const sequence = this.#nextSequence++
    this.#store.put(blockKey(hash), new ByteWriter(4).u32(sequence).finish())
    this.#store.put(sequenceKey(sequence), hash)
    this.#store.put(NEXT_SEQUENCE_KEY, new ByteWriter(4).u32(sequence + 1).finish())
    const { txs, txids } = source.block(id)
    const keys = new ByteWriter(16 * txs.txCount)
    for (let tx = 0; tx < txs.txCount; tx++) {
      const start = keys.length
      keys.u8(TX_KEY)
      writeBigEndian(keys, this.#hash.hash256OneRoundHigh40(txids, 32 * tx), PREFIX_BYTES)
      writeVarint(keys, sequence)
      writeBigEndian(keys, txs.txOffset[tx], OFFSET_BYTES)
      this.#store.append(keys.written(start, keys.length), NO_VALUE)
    }
  }

  /** Rows stay: a transaction of a block that was left is still where it was. */
  disconnect(): void {
    this.#best = this.#index.previous(this.#best)
  }

  async flush(): Promise<void> {
    await this.#store.flush()
  }

  async commit(): Promise<void> {
    if (this.#best >= 0) this.#store.put(BEST_BLOCK_V2_KEY, encodeBestBlock(this.#index, this.#best))
    await this.#store.flush()
  }

  async #candidates(txid: Uint8Array): Promise<Candidate[]> {
    // Rows that wait cannot be ranged over.
    await this.#store.flush()
    const prefix = this.#hash.hash256OneRoundHigh40(txid)
    const bound = (value: number): Uint8Array => {
      const writer = new ByteWriter(8).u8(TX_KEY)
      if (value === 256 ** PREFIX_BYTES) return Uint8Array.of(TX_KEY + 1)
      writeBigEndian(writer, value, PREFIX_BYTES)
      return writer.finish()
    }
    const found: Candidate[] = []
    for await (const batch of this.#store.store.entries(bound(prefix), bound(prefix + 1))) {
      for (const [key] of batch) {
        const reader = new ByteReader(key, 1 + PREFIX_BYTES)
        const sequence = readVarint(reader)
        const offset = (reader.u8() << 16) | (reader.u8() << 8) | reader.u8()
        const hash = this.#store.get(sequenceKey(sequence))
        const blockId = reader.failure !== undefined || hash?.length !== 32 ? -1 : this.#index.find(hash)
        if (blockId < 0 || !this.#index.hasStatus(blockId, BLOCK_HAVE_DATA)) continue
        const [file, blockPosition] = [this.#index.file(blockId), this.#index.dataPosition(blockId)]
        found.push({ file, blockPosition, offset, blockId, sequence })
      }
    }
    return found
  }

  /**
   * A transaction of a block; one on the active chain if there are several, else that of the block indexed last. Undefined where the
   * index has none.
   *
   * @param isActive whether a block is on the active chain
   */
  async find(txid: Uint8Array, isActive: (id: number) => boolean): Promise<FoundTransaction | undefined> {
    const candidates = await this.#candidates(txid)
    const rank = ({ blockId, sequence }: Candidate): number => sequence + (isActive(blockId) ? 2 ** 40 : 0)
    candidates.sort((a, b) => rank(b) - rank(a))
    for (const { file, blockPosition, offset, blockId } of candidates) {
      const bytes = this.#read(txid, file, blockPosition, offset)
      if (bytes !== undefined) return { bytes: bytes.transaction, blockId }
    }
    return this.#hasLegacy ? this.#findLegacy(txid) : undefined
  }

  /** The transaction at a place, if it is the one. */
  #read(
    txid: Uint8Array,
    file: number,
    blockPosition: number,
    offset: number,
  ): { transaction: Uint8Array; block: Uint8Array } | undefined {
    const block = this.#files.readBlock(file, blockPosition)
    if (block === undefined || offset >= block.length) return undefined
    const parsed = parseTransactions(block, offset, 1)
    if (!parsed.ok || !equalBytes(parsed.value.table.txids(this.#crypto), txid)) return undefined
    return { transaction: parsed.value.table.txBytes(0), block }
  }

  /** Core's rows of former versions: the whole txid, and the place in the files. */
  #findLegacy(txid: Uint8Array): FoundTransaction | undefined {
    const row = this.#store.get(concatBytes(Uint8Array.of(LEGACY_TX_KEY), txid))
    if (row === undefined) return undefined
    const reader = new ByteReader(row)
    const [file, blockPosition, offset] = [readVarint(reader), readVarint(reader), readVarint(reader)]
    if (reader.failure !== undefined) return undefined
    const found = this.#read(txid, file, blockPosition, HEADER_SIZE + offset)
    const blockId = found && this.#index.find(this.#crypto.sha256d(found.block.subarray(0, HEADER_SIZE)))
    return blockId === undefined || blockId < 0 ? undefined : { bytes: found!.transaction, blockId }
  }

  async close(): Promise<void> {
    await this.#store.store.close()
  }
}
