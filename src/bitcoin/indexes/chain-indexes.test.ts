import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { MemoryChain } from '../../../test/memory-chain.ts'
import { readSharedBytes, readSharedJson, skipWithout } from '../../../test/shared-data.ts'
import { equalBytes, hexReversed, toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { portableCrypto } from '../../base/crypto/portable.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import { loadCrypto } from '../../platform/crypto.ts'
import { MemoryFiles } from '../../sim/memory-files.ts'
import { MemoryStore } from '../../sim/memory-store.ts'
import { SpentCoins } from '../chainstate/spent-coins.ts'
import { builtInNetwork } from '../params/networks.ts'
import { encodeBasicFilter, filterHash, filterHeader } from './block-filter.ts'
import { BlockFilterIndex } from './block-filter-index.ts'
import type { BlockSource, ChainIndex } from './chain-index.ts'
import { unspendableSats } from './coin-stats.ts'
import { CoinStatsIndex } from './coin-stats-index.ts'
import { TxIndex } from './tx-index.ts'

const crypto = await loadCrypto({ portable: false })
const regtest = builtInNetwork('regtest')!

interface Expected {
  heights: {
    height: number
    hash: string
    gettxoutsetinfo: { txouts: number; bogosize: number; muhash: string; total_amount: number }
    getblockfilter: { filter: string; header: string }
  }[]
}

/** A disk for all three indexes, and what is open on it. */
class Indexes {
  readonly stores = [new MemoryStore(), new MemoryStore(), new MemoryStore()]
  readonly files = new MemoryFiles()
  readonly #memory: MemoryChain
  filters!: BlockFilterIndex
  stats!: CoinStatsIndex
  transactions!: TxIndex
  readonly source: BlockSource

  constructor(memory: MemoryChain) {
    this.#memory = memory
    const { chain } = memory
    this.source = {
      block: id => chain.readBlock(id),
      spent: id => (chain.index.height(id) === 0 ? new SpentCoins(1) : chain.readSpent(id, chain.readBlock(id))),
    }
  }

  /** Opens them anew: what was not written is lost, as at a crash. */
  async open(): Promise<void> {
    const { index, files } = this.#memory.chain
    this.filters = BlockFilterIndex.open(this.stores[0], this.files, index)
    this.stats = CoinStatsIndex.open(this.stores[1], index, regtest, crypto)
    this.transactions = await TxIndex.open(this.stores[2], index, files, crypto, () => new Uint8Array(16).fill(7))
  }

  get all(): ChainIndex[] {
    return [this.filters, this.stats, this.transactions]
  }

  /** One block on or back; whether there was one. */
  step(index: ChainIndex): boolean {
    const { chain } = this.#memory
    if (index.best === chain.tip) return false
    if (index.best >= 0 && !chain.isActive(index.best)) index.disconnect(this.source)
    else index.connect(chain.at(index.best < 0 ? 0 : chain.index.height(index.best) + 1), this.source)
    return true
  }

  follow(): void {
    for (const index of this.all) while (this.step(index));
  }
}

function framedBlocks(): Uint8Array[] {
  const reader = new ByteReader(readSharedBytes('fixtures', 'chain-mixed', 'blocks.dat'))
  const blocks: Uint8Array[] = []
  while (reader.remaining > 0) {
    reader.skip(4)
    blocks.push(reader.bytes(reader.u32()))
  }
  return blocks
}

describe('indexes over chain-mixed', { skip: skipWithout('fixtures', 'chain-mixed') }, () => {
  const blocks = skipWithout('fixtures', 'chain-mixed') ? [] : framedBlocks()
  let memory: MemoryChain
  let indexes: Indexes
  before(async () => {
    memory = await MemoryChain.open(regtest, crypto)
    indexes = new Indexes(memory)
    await indexes.open()
    indexes.follow()
    for (const block of blocks) {
      memory.submit(block)
      indexes.follow()
    }
    for (const index of indexes.all) await index.commit()
  })

  test("filters, headers and statistics at every listed height are Bitcoin Core's", () => {
    const { heights } = readSharedJson<Expected>('fixtures', 'chain-mixed', 'expected.json')
    assert.equal(heights.length, 14)
    for (const { hash, gettxoutsetinfo, getblockfilter } of heights) {
      const id = memory.chain.index.find(hexReversed(hash))
      const stats = indexes.stats.stats(id)!
      assert.equal(toHexReversed(stats.muhash), gettxoutsetinfo.muhash)
      assert.equal(stats.txouts, gettxoutsetinfo.txouts)
      assert.equal(stats.bogoSize, gettxoutsetinfo.bogosize)
      assert.equal(stats.totalAmountSats, Math.round(gettxoutsetinfo.total_amount * 1e8))
      assert.equal(stats.totalAmountSats + unspendableSats(stats), stats.subsidySats)
      assert.equal(toHex(indexes.filters.filter(id)!), getblockfilter.filter)
      assert.equal(toHexReversed(indexes.filters.filterHeader(id)!), getblockfilter.header)
    }
  })

  test('every block that was ever connected has its filter, the blocks of branches that were left too', () => {
    const { index } = memory.chain
    const { filters, source } = indexes
    let stale = 0
    for (let id = 1; id < index.count; id++) {
      const filter = filters.filter(id)
      if (filter === undefined) {
        assert.ok(!memory.chain.isActive(id))
        continue
      }
      if (!memory.chain.isActive(id)) stale++
      const block = source.block(id)
      assert.deepEqual(filter, encodeBasicFilter(block.hash, block.txs, source.spent(id).prevouts()))
      assert.deepEqual(filters.filterHash(id), filterHash(filter))
      const previous = filters.filterHeader(index.previous(id))!
      assert.deepEqual(filters.filterHeader(id), filterHeader(filterHash(filter), previous))
      assert.ok(indexes.stats.stats(id) !== undefined)
    }
    assert.ok(stale > 5, `${stale}`)
  })

  test('every transaction of the chain is found, and nothing else', async () => {
    const { chain } = memory
    const isActive = (id: number): boolean => chain.isActive(id)
    let found = 0
    for (let height = 1; height <= chain.height; height += 7) {
      const { txs, txids } = indexes.source.block(chain.at(height))
      for (let tx = 0; tx < txs.txCount; tx++) {
        const txid = txids.subarray(32 * tx, 32 * tx + 32)
        const answer = await indexes.transactions.find(txid, isActive)
        assert.equal(answer?.blockId, chain.at(height))
        assert.ok(equalBytes(answer!.bytes, txs.txBytes(tx)))
        found++
      }
    }
    assert.ok(found > 200, `${found}`)
    assert.equal(await indexes.transactions.find(new Uint8Array(32), isActive), undefined)
    const genesis = indexes.source.block(chain.at(0)).txids
    assert.equal(await indexes.transactions.find(genesis, isActive), undefined)
  })

  test('whatever a crash leaves, the indexes go on to the same end', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const random = seededRandom(seed)
      const other = await MemoryChain.open(regtest, crypto)
      const crashing = new Indexes(other)
      await crashing.open()
      for (const block of blocks) {
        other.submit(block)
        const steps = random.below(3)
        for (const index of crashing.all) for (let i = 0; i < steps && crashing.step(index); i++);
        if (random.below(12) > 0) continue
        for (const index of crashing.all) {
          if (random.below(2) > 0) await index.flush()
          if (random.below(3) === 0) await index.commit()
        }
        if (random.below(2) === 0) await crashing.open()
      }
      await crashing.open()
      crashing.follow()
      const { chain } = other
      for (let height = 0; height <= chain.height; height++) {
        const [id, known] = [chain.at(height), memory.chain.at(height)]
        assert.deepEqual(crashing.stats.stats(id), indexes.stats.stats(known), `seed ${seed}, height ${height}`)
        assert.deepEqual(crashing.filters.filter(id), indexes.filters.filter(known), `seed ${seed}, height ${height}`)
        assert.deepEqual(crashing.filters.filterHeader(id), indexes.filters.filterHeader(known))
      }
      const { txids } = crashing.source.block(chain.tip)
      const found = await crashing.transactions.find(txids.subarray(0, 32), id => chain.isActive(id))
      assert.equal(found?.blockId, chain.tip)
    }
  })

  test('an index whose state does not fit is refused by name', async () => {
    const damaged = (open: () => unknown): void => assert.throws(open, { code: 'index-damaged' })
    const { index } = memory.chain
    const [filterStore, statsStore] = [new MemoryStore(), new MemoryStore()]
    const unknownBest = [{ key: Uint8Array.of(0x42), value: new Uint8Array(37).fill(1, 4) }]
    await filterStore.write(unknownBest)
    damaged(() => BlockFilterIndex.open(filterStore, new MemoryFiles(), index))
    const best = indexes.stores[1].get(Uint8Array.of(0x42))!
    await statsStore.write([{ key: Uint8Array.of(0x42), value: best }])
    damaged(() => CoinStatsIndex.open(statsStore, index, regtest, portableCrypto))
  })
})
