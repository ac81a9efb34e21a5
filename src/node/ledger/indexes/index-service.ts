import { OperationError } from '../../../base/errors.ts'
import { BLOCK_VALID_SCRIPTS } from '../../../bitcoin/chainstate/block-status.ts'
import type { ChainIndex } from '../../../bitcoin/indexes/chain-index.ts'
import { NO_COINS } from '../../../bitcoin/indexes/coin-stats.ts'
import type { Ledger } from '../ledger.ts'
import { CoinScan } from './coin-scan.ts'
import { FilterScan } from './filter-scan.ts'
import type {
  BlockFilterAnswer,
  CoinScanResult,
  CoinStatsAnswer,
  FilterScanRange,
  FilterScanResult,
  FilterScanStatus,
  IndexCalls,
  TransactionAnswer,
} from './index-calls.ts'
import type { IndexSummary } from './index-runner.ts'

function required<T extends ChainIndex>(index: T | undefined): T {
  if (index === undefined) throw new OperationError('index-missing', 'The index is not kept')
  return index
}

/** Answers what others ask of a ledger's indexes, in the ledger's own thread. */
export class IndexService implements IndexCalls {
  readonly #ledger: Ledger
  readonly #coinScan: CoinScan
  readonly #filterScan: FilterScan

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    this.#coinScan = new CoinScan(ledger)
    this.#filterScan = new FilterScan(ledger)
  }

  async indexSummaries(): Promise<readonly IndexSummary[]> {
    return this.#ledger.indexRunner.summaries()
  }

  async blockFilter(hash: Uint8Array): Promise<BlockFilterAnswer | undefined> {
    const { chain, indexRunner, indexes } = this.#ledger
    const filters = required(indexes.blockFilters)
    const id = chain.index.find(hash)
    if (id < 0) return undefined
    const wasConnected = chain.index.isValid(id, BLOCK_VALID_SCRIPTS)
    const ready = await indexRunner.catchUp(filters)
    return { ready, wasConnected, filter: filters.filter(id)?.slice(), header: filters.filterHeader(id)?.slice() }
  }

  async coinStats(hash: Uint8Array | undefined): Promise<CoinStatsAnswer> {
    const { chain, indexRunner, indexes } = this.#ledger
    const { index } = chain
    const coinStats = required(indexes.coinStats)
    const ready = await indexRunner.catchUp(coinStats)
    const id = hash === undefined ? chain.tip : index.find(hash)
    const height = index.height(id)
    return {
      ready,
      bestHeight: coinStats.best < 0 ? 0 : index.height(coinStats.best),
      height,
      hash: index.hash(id).slice(),
      stats: coinStats.stats(id),
      before: height === 0 ? NO_COINS : coinStats.stats(index.previous(id)),
    }
  }

  async indexedTransaction(txid: Uint8Array): Promise<TransactionAnswer> {
    const { chain, indexRunner, indexes } = this.#ledger
    const transactions = required(indexes.transactions)
    const ready = await indexRunner.catchUp(transactions)
    const found = await transactions.find(txid, id => chain.isActive(id))
    return {
      ready,
      found: found && { bytes: found.bytes.slice(), blockHash: chain.index.hash(found.blockId).slice() },
    }
  }

  unspentHeight(txid: Uint8Array): Promise<number | undefined> {
    const { chain, coinsStore, exclusive } = this.#ledger
    return exclusive.run(async () => {
      chain.settle()
      await this.#ledger.flush({ sync: false })
      return (await coinsStore.anyCoinOf(txid))?.coin.height
    })
  }

  scanCoins(scripts: readonly Uint8Array[]): Promise<CoinScanResult | undefined> {
    return this.#coinScan.run(scripts)
  }

  async coinScanStatus(): Promise<number | undefined> {
    return this.#coinScan.percent
  }

  async abortCoinScan(): Promise<boolean> {
    return this.#coinScan.abort()
  }

  async scanFilters(scripts: readonly Uint8Array[], range: FilterScanRange): Promise<FilterScanResult | undefined> {
    const filters = required(this.#ledger.indexes.blockFilters)
    await this.#ledger.indexRunner.catchUp(filters)
    return this.#filterScan.run(filters, scripts, range)
  }

  async filterScanStatus(): Promise<FilterScanStatus | undefined> {
    return this.#filterScan.status
  }

  async abortFilterScan(): Promise<boolean> {
    return this.#filterScan.abort()
  }
}
