import { equalBytes, toHexReversed } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import type { HashBackend } from '../../base/crypto/backend.ts'
import { MuHash, type MuHashState, muhashDigests } from '../../base/crypto/muhash.ts'
import { MUHASH_BYTES } from '../../base/crypto/muhash-number.ts'
import { invariant } from '../../base/errors.ts'
import type { Store } from '../../base/ports/store.ts'
import { isUnspendable } from '../chainstate/apply-block.ts'
import type { BlockIndex } from '../chainstate/block-index.ts'
import type { SpentCoins } from '../chainstate/spent-coins.ts'
import type { HashedBlock } from '../consensus/check-block.ts'
import { blockSubsidySats } from '../consensus/subsidy.ts'
import type { NetworkParams } from '../params/network-params.ts'
import { coinCode } from '../primitives/coin.ts'
import { BEST_BLOCK_KEY, damagedIndex, decodeBestBlock, encodeBestBlock } from './best-block.ts'
import { BlockRows } from './block-rows.ts'
import type { BlockSource, ChainIndex } from './chain-index.ts'
import { type CoinStats, decodeCoinStats, encodeCoinStats, NO_COINS, unspendableSats } from './coin-stats.ts'
import { IndexStore } from './index-store.ts'

const MUHASH_KEY = Uint8Array.of(0x4d) // 'M'
/** What a coin counts in the measure of size that does not depend on storage, besides its script. */
const BOGO_COIN_BYTES = 50
/** Blocks whose digests may be outstanding: they are made together. */
const UNSEALED_BLOCKS_MAX = 64
/** Coins that are hashed in a row, about a millisecond's worth. */
const PART_COINS = 256

/** BIP30: main's two coinbases that a later one of the same txid overwrote unspent. */
const OVERWRITTEN_COINBASES: ReadonlyMap<number, string> = new Map([
  [91722, '00000000000271a2dc26e7667f8419f2e15416dc6955e5a6c6cdf3f2574dd08e'],
  [91812, '00000000000af0aed4792b1acee3d966af36cf5def14935db8de83d6f9306f2f'],
])

/** A row whose digest is still to be made. */
interface Unsealed {
  readonly id: number
  readonly stats: CoinStats
  readonly state: MuHashState
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * For every block, the MuHash of all coins behind it and sums over them and over the blocks, in Core's format (the folder
 * indexes/coinstatsindex/db).
 */
export class CoinStatsIndex implements ChainIndex {
  readonly name = 'coinstatsindex'
  readonly #index: BlockIndex
  readonly #params: NetworkParams
  readonly #crypto: HashBackend
  readonly #store: IndexStore
  readonly #rows: BlockRows
  #best = -1
  #muhash: MuHash
  #stats: CoinStats = NO_COINS
  #unsealed: Unsealed[] = []
  readonly #coin = new ByteWriter(256)

  private constructor(store: IndexStore, index: BlockIndex, params: NetworkParams, crypto: HashBackend) {
    this.#index = index
    this.#params = params
    this.#crypto = crypto
    this.#store = store
    this.#rows = new BlockRows(store, index)
    this.#muhash = new MuHash(crypto)
  }

  /** Opens (or begins) the index. Throws OperationError `index-damaged`. */
  static open(store: Store, index: BlockIndex, params: NetworkParams, crypto: HashBackend): CoinStatsIndex {
    const opened = new CoinStatsIndex(new IndexStore(store), index, params, crypto)
    opened.#restore()
    return opened
  }

  #restore(): void {
    this.#best = decodeBestBlock(this.#store.get(BEST_BLOCK_KEY), this.#index, this.name)
    if (this.#best < 0) return
    const stored = this.#store.get(MUHASH_KEY)
    const stats = this.stats(this.#best)
    if (stored?.length !== 2 * MUHASH_BYTES || stats === undefined) throw damagedIndex(this.name)
    const reader = new ByteReader(stored)
    this.#muhash = new MuHash(this.#crypto, {
      numerator: reader.bytes(MUHASH_BYTES),
      denominator: reader.bytes(MUHASH_BYTES),
    })
    if (!equalBytes(this.#muhash.digest(), stats.muhash)) throw damagedIndex(this.name)
    this.#stats = stats
  }

  get best(): number {
    return this.#best
  }

  get waitingBytes(): number {
    return this.#store.waitingBytes
  }

  connect(id: number, source: BlockSource): void {
    const parts = this.connectInParts(id, source)
    while (!parts.next().done);
  }

  *connectInParts(id: number, source: BlockSource): Generator<undefined, void> {
    invariant(this.#index.previous(id) === this.#best, 'coin statistics out of turn')
    const height = this.#index.height(id)
    const subsidySats = blockSubsidySats(height, this.#params)
    const stats: Mutable<CoinStats> = { ...this.#stats }
    stats.subsidySats += subsidySats
    // The genesis block's output was never a coin.
    if (height === 0) stats.unspendableGenesisSats += subsidySats
    else yield* this.#add(source.block(id), source.spent(id), height, subsidySats, stats)
    const unclaimed =
      stats.prevoutSpentSats +
      BigInt(stats.subsidySats) -
      stats.newOutputsExCoinbaseSats -
      stats.coinbaseSats -
      BigInt(unspendableSats(stats))
    stats.unclaimedRewardsSats += Number(unclaimed)
    this.#stats = stats
    this.#best = id
    this.#unsealed.push({ id, stats, state: this.#muhash.state })
    if (this.#unsealed.length >= UNSEALED_BLOCKS_MAX) this.#seal()
  }

  #isOverwritten(height: number, hash: Uint8Array): boolean {
    return OVERWRITTEN_COINBASES.get(height) === toHexReversed(hash)
  }

  /** Sums of a block's outputs and inputs; their hashes go into the set and out of it. */
  *#add(
    block: HashedBlock,
    spent: SpentCoins,
    height: number,
    subsidySats: number,
    stats: Mutable<CoinStats>,
  ): Generator<undefined, void> {
    const { txs } = block
    const first = this.#isOverwritten(height, block.hash) ? 1 : 0
    if (first === 1) stats.unspendableBip30Sats += subsidySats
    let [newOutputs, coinbase, prevouts, coins] = [0, 0, 0, 0]
    for (let tx = first; tx < txs.txCount; tx++) {
      for (let output = txs.outputFirst[tx]; output < txs.outputFirst[tx + 1]; output++) {
        const value = txs.outputValue(output)
        const length = txs.outputScriptLength[output]
        if (isUnspendable(txs.bytes, txs.outputScriptOffset[output], length)) {
          stats.unspendableScriptsSats += value
          continue
        }
        this.#muhash.insert(this.#created(block, tx, output, height))
        if (++coins % PART_COINS === 0) yield
        if (tx === 0) coinbase += value
        else newOutputs += value
        stats.txouts++
        stats.totalAmountSats += value
        stats.bogoSize += BOGO_COIN_BYTES + length
      }
      if (tx === 0) continue
      for (let input = txs.inputFirst[tx]; input < txs.inputFirst[tx + 1]; input++) {
        this.#muhash.remove(this.#spent(block, spent, input))
        if (++coins % PART_COINS === 0) yield
        prevouts += spent.values[input]
        stats.txouts--
        stats.totalAmountSats -= spent.values[input]
        stats.bogoSize -= BOGO_COIN_BYTES + spent.scriptLength[input]
      }
    }
    stats.newOutputsExCoinbaseSats += BigInt(newOutputs)
    stats.coinbaseSats += BigInt(coinbase)
    stats.prevoutSpentSats += BigInt(prevouts)
  }

  /** A coin that a block makes, as it is hashed: outpoint, code, value, script. */
  #created({ txs, txids }: HashedBlock, tx: number, output: number, height: number): Uint8Array {
    const start = txs.outputScriptOffset[output]
    const length = txs.outputScriptLength[output]
    return this.#coin
      .reset()
      .range(txids, 32 * tx, 32 * tx + 32)
      .u32(output - txs.outputFirst[tx])
      .u32(coinCode(height, tx === 0))
      .u64Number(txs.outputValue(output))
      .compactSize(length)
      .range(txs.bytes, start, start + length)
      .view()
  }

  #spent({ txs }: HashedBlock, spent: SpentCoins, input: number): Uint8Array {
    const at = txs.inputOffset[input]
    const start = spent.scriptOffset[input]
    const length = spent.scriptLength[input]
    return this.#coin
      .reset()
      .range(txs.bytes, at, at + 36)
      .u32(spent.codes[input])
      .u64Number(spent.values[input])
      .compactSize(length)
      .range(spent.scriptBytes, start, start + length)
      .view()
  }

  /** Makes the digests that are outstanding. */
  #seal(): void {
    const unsealed = this.#unsealed
    this.#unsealed = []
    const digests = muhashDigests(unsealed.map(({ state }) => state))
    for (const [i, { id, stats }] of unsealed.entries()) {
      this.#rows.put(id, encodeCoinStats({ ...stats, muhash: digests[i] }))
    }
  }

  disconnect(source: BlockSource): void {
    this.#seal()
    const id = this.#best
    const previous = this.#index.previous(id)
    const stats = this.stats(previous)
    if (stats === undefined) throw damagedIndex(this.name)
    this.#rows.keep(id)
    this.#revert(source.block(id), source.spent(id), this.#index.height(id))
    this.#stats = stats
    this.#best = previous
  }

  /** Takes back what {@link CoinStatsIndex.connect} did to the set; the sums stand in the row before. */
  #revert(block: HashedBlock, spent: SpentCoins, height: number): void {
    const { txs } = block
    for (let tx = this.#isOverwritten(height, block.hash) ? 1 : 0; tx < txs.txCount; tx++) {
      for (let output = txs.outputFirst[tx]; output < txs.outputFirst[tx + 1]; output++) {
        if (isUnspendable(txs.bytes, txs.outputScriptOffset[output], txs.outputScriptLength[output])) continue
        this.#muhash.remove(this.#created(block, tx, output, height))
      }
      if (tx === 0) continue
      for (let input = txs.inputFirst[tx]; input < txs.inputFirst[tx + 1]; input++) {
        this.#muhash.insert(this.#spent(block, spent, input))
      }
    }
  }

  async flush(): Promise<void> {
    this.#seal()
    await this.#store.flush()
  }

  async commit(): Promise<void> {
    this.#seal()
    if (this.#best >= 0) {
      // One batch: a set that does not belong to its best block would be wrong for good.
      const { numerator, denominator } = this.#muhash.state
      this.#store.put(MUHASH_KEY, new ByteWriter(2 * MUHASH_BYTES).bytes(numerator).bytes(denominator).finish())
      this.#store.put(BEST_BLOCK_KEY, encodeBestBlock(this.#index, this.#best))
    }
    await this.#store.flush()
  }

  /** The statistics behind a block of any branch that the index has been on; undefined where it has not. */
  stats(id: number): CoinStats | undefined {
    if (this.#unsealed.length > 0) this.#seal()
    const value = this.#rows.get(id)
    return value && decodeCoinStats(value)
  }

  async close(): Promise<void> {
    await this.#store.store.close()
  }
}
