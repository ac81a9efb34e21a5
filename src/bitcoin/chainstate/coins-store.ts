import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { invariant, OperationError } from '../../base/errors.ts'
import type { Store, StoreChange } from '../../base/ports/store.ts'
import type { Coin } from '../primitives/coin.ts'
import { coinCode, heightOfCode, isCoinbaseCode } from '../primitives/coin.ts'
import { readAmount, readScript, writeAmount, writeScript } from './coin-codec.ts'
import type { CoinsCache, CoinsSource } from './coins-cache.ts'
import { readVarint, writeVarint } from './varint.ts'

const COIN_KEY = 0x43 // 'C'
const BEST_BLOCK_KEY = Uint8Array.of(0x42) // 'B'
const HEAD_BLOCKS_KEY = Uint8Array.of(0x48) // 'H'
/** Core's name of the value-hiding key, behind its length. */
const OBFUSCATION_KEY = Uint8Array.from([14, 0, ...Array.from('obfuscate_key', c => c.charCodeAt(0))])
const OBFUSCATION_SIZE = 8
/** Bytes of changes written at a time (Core's -dbbatchsize is 16 MiB; smaller batches let others in between). */
const BATCH_BYTES_MAX = 2 << 20

/** Where the stored coins stand: at one block, or somewhere between two while a flush is under way. */
export interface CoinsPosition {
  /** The block whose coins these are; undefined in an empty store and during a flush. */
  readonly best: Uint8Array | undefined
  /** A flush was cut off: the block it went to and the one it came from (all zero for the beginning). */
  readonly between: { readonly to: Uint8Array; readonly from: Uint8Array } | undefined
}

/** An unspent coin with its outpoint, as iteration yields it. */
export interface StoredCoin {
  /** 32 bytes, internal order; a view that the caller may keep. */
  readonly txid: Uint8Array
  readonly index: number
  readonly coin: Coin
}

function damaged(): OperationError {
  return new OperationError('chainstate-damaged', 'Error reading from database: a coin cannot be read', {
    next: 'start again with -reindex-chainstate, which rebuilds the coins from the block files',
  })
}

/** The coins on disk, in Core's format (the folder chainstate). */
export class CoinsStore implements CoinsSource {
  readonly #store: Store
  #obfuscation: Uint8Array

  private constructor(store: Store, obfuscation: Uint8Array) {
    this.#store = store
    this.#obfuscation = obfuscation
  }

  /** Opens the coins; a new store gets a key that hides values from virus scanners, as Core's has. */
  static async open(store: Store, freshKey: () => Uint8Array): Promise<CoinsStore> {
    const stored = store.get(OBFUSCATION_KEY)
    if (stored !== undefined) return new CoinsStore(store, stored.slice(1))
    const isNew = store.get(BEST_BLOCK_KEY) === undefined && store.get(HEAD_BLOCKS_KEY) === undefined
    if (!isNew) return new CoinsStore(store, new Uint8Array(0))
    const key = freshKey()
    const value = new ByteWriter(1 + OBFUSCATION_SIZE).sizedBytes(key).finish()
    await store.write([{ key: OBFUSCATION_KEY, value }], { sync: true })
    return new CoinsStore(store, key)
  }

  #obfuscate(value: Uint8Array): Uint8Array {
    const key = this.#obfuscation
    if (key.length > 0) for (let i = 0; i < value.length; i++) value[i] ^= key[i % key.length]
    return value
  }

  #value(key: Uint8Array): Uint8Array | undefined {
    const stored = this.#store.get(key)
    return stored === undefined ? undefined : this.#obfuscate(stored.slice())
  }

  #writeCoinKey(writer: ByteWriter, outpoint: Uint8Array, at: number): void {
    writer.u8(COIN_KEY).range(outpoint, at, at + 32)
    writeVarint(writer, new ByteReader(outpoint, at + 32).u32())
  }

  #coinKey(outpoint: Uint8Array, at: number): Uint8Array {
    const writer = new ByteWriter(40)
    this.#writeCoinKey(writer, outpoint, at)
    return writer.finish()
  }

  getCoin(bytes: Uint8Array, at: number): Coin | undefined {
    const value = this.#value(this.#coinKey(bytes, at))
    return value === undefined ? undefined : this.#decodeCoin(value)
  }

  #decodeCoin(value: Uint8Array): Coin {
    const reader = new ByteReader(value)
    const code = readVarint(reader)
    const valueSats = readAmount(reader)
    const script = readScript(reader)
    if (reader.failure !== undefined) throw damaged()
    return { valueSats, script, height: heightOfCode(code), coinbase: isCoinbaseCode(code) }
  }

  #writeCoin(writer: ByteWriter, coin: Coin): void {
    writeVarint(writer, coinCode(coin.height, coin.coinbase))
    writeAmount(writer, coin.valueSats)
    writeScript(writer, coin.script)
  }

  position(): CoinsPosition {
    const heads = this.#value(HEAD_BLOCKS_KEY)
    if (heads !== undefined) {
      if (heads.length !== 65 || heads[0] !== 2) throw damaged()
      return { best: undefined, between: { to: heads.slice(1, 33), from: heads.slice(33, 65) } }
    }
    return { best: this.#value(BEST_BLOCK_KEY), between: undefined }
  }

  /**
   * Writes all changes of the cache, which must not change meanwhile. Batches are bounded; a marker names the two blocks that the
   * store lies between until the last one is in, so that the end of the process at any instant can be mended.
   *
   * @param from the block whose coins the store held, all zero for none
   * @param to the block whose coins the cache holds
   * @param pause awaited between batches
   */
  async flush(
    cache: CoinsCache,
    from: Uint8Array,
    to: Uint8Array,
    options: { sync: boolean; pause?: () => Promise<void> },
  ): Promise<void> {
    const changeCount = cache.changeCount
    const heads = new ByteWriter(65).u8(2).bytes(to).bytes(from).finish()
    let changes: StoreChange[] = [
      { key: BEST_BLOCK_KEY, value: undefined },
      { key: HEAD_BLOCKS_KEY, value: this.#obfuscate(heads) },
    ]
    // All keys and values of a batch stand in one buffer: two small arrays a coin would keep the collector busy.
    let arena = new ByteWriter(BATCH_BYTES_MAX + (64 << 10))
    for (const { outpoint, coin } of cache.changes()) {
      const start = arena.length
      this.#writeCoinKey(arena, outpoint, 0)
      const middle = arena.length
      if (coin !== undefined) this.#writeCoin(arena, coin)
      changes.push({
        key: arena.written(start, middle),
        value: coin === undefined ? undefined : this.#obfuscate(arena.written(middle, arena.length)),
      })
      if (arena.length >= BATCH_BYTES_MAX) {
        await this.#store.write(changes)
        await options.pause?.()
        changes = []
        arena = new ByteWriter(BATCH_BYTES_MAX + (64 << 10))
      }
    }
    invariant(cache.changeCount === changeCount, 'coins changed while they were being flushed')
    changes.push({ key: HEAD_BLOCKS_KEY, value: undefined })
    changes.push({ key: BEST_BLOCK_KEY, value: this.#obfuscate(to.slice()) })
    await this.#store.write(changes, { sync: options.sync })
    invariant(cache.changeCount === changeCount, 'coins changed while they were being flushed')
  }

  /** All coins in the order of their txids, in batches; the store as it is at the first batch. */
  coins(): AsyncGenerator<readonly StoredCoin[], undefined> {
    return this.#range(Uint8Array.of(COIN_KEY), Uint8Array.of(COIN_KEY + 1))
  }

  async *#range(from: Uint8Array, to: Uint8Array): AsyncGenerator<readonly StoredCoin[], undefined> {
    for await (const batch of this.#store.entries(from, to)) {
      yield batch.map(([key, value]) => {
        const reader = new ByteReader(key, 33)
        const index = readVarint(reader)
        if (reader.failure !== undefined) throw damaged()
        return { txid: key.subarray(1, 33), index, coin: this.#decodeCoin(this.#obfuscate(value.slice())) }
      })
    }
    return undefined
  }

  /** Some stored coin of a transaction. */
  async anyCoinOf(txid: Uint8Array): Promise<StoredCoin | undefined> {
    const from = new ByteWriter(33).u8(COIN_KEY).bytes(txid).finish()
    // No index of an output is as large as this.
    const to = new ByteWriter(43).bytes(from).bytes(new Uint8Array(10).fill(0xff)).finish()
    for await (const [first] of this.#range(from, to)) return first
    return undefined
  }

  /** Bytes that the coins take on disk, roughly. */
  async sizeOnDisk(): Promise<number> {
    return this.#store.approximateSize(Uint8Array.of(COIN_KEY), Uint8Array.of(COIN_KEY + 1))
  }
}
