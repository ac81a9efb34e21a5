import { OperationError } from '../../../base/errors.ts'
import type { Store } from '../../../base/ports/store.ts'
import type { BlockFiles } from '../../../bitcoin/chainstate/block-files.ts'
import type { BlockIndex } from '../../../bitcoin/chainstate/block-index.ts'
import { BLOCK_HAVE_DATA, BLOCK_HAVE_UNDO } from '../../../bitcoin/chainstate/block-status.ts'
import type { Chainstate } from '../../../bitcoin/chainstate/chainstate.ts'
import { BlockFilterIndex } from '../../../bitcoin/indexes/block-filter-index.ts'
import type { ChainIndex } from '../../../bitcoin/indexes/chain-index.ts'
import { CoinStatsIndex } from '../../../bitcoin/indexes/coin-stats-index.ts'
import { TxIndex } from '../../../bitcoin/indexes/tx-index.ts'
import type { LedgerOptions } from '../ledger-options.ts'
import type { LedgerPorts } from '../ledger-ports.ts'

/** Shares of -dbcache that the stores of transactions and of filters take at the most, as Core has it. */
const TX_CACHE_SHARE = 0.1
const FILTER_CACHE_SHARE = 0.05
const CACHE_BYTES_MAX = 64 << 20

/** The indexes that a ledger keeps. */
export interface OpenIndexes {
  readonly transactions: TxIndex | undefined
  readonly coinStats: CoinStatsIndex | undefined
  readonly blockFilters: BlockFilterIndex | undefined
}

/** Those that are kept, in the order in which `getindexinfo` lists them. */
export function listIndexes({ transactions, coinStats, blockFilters }: OpenIndexes): ChainIndex[] {
  return [transactions, coinStats, blockFilters].filter(index => index !== undefined)
}

/** The lowest block of the best chain from which on all have these bits of status. */
function firstWith(chain: Chainstate, bits: number): number {
  const { index } = chain
  const hasAll = (height: number): boolean => (index.status(chain.at(height)) & bits) === bits
  let height = chain.height + 1
  while (height > 1 && hasAll(height - 1)) height--
  return height
}

/** Throws OperationError `index-pruned` where blocks that an index still has to take in are not here any more. */
export function checkIndexData(indexes: OpenIndexes, chain: Chainstate): void {
  if (chain.height <= 0) return
  const { index, tip } = chain
  const nextHeight = ({ best }: ChainIndex): number => (best < 0 ? 1 : index.height(index.fork(best, tip)) + 1)
  const check = (kept: (ChainIndex | undefined)[], bits: number, what: string): void => {
    const behind = kept.filter(one => one !== undefined && one.best !== tip) as ChainIndex[]
    if (behind.length === 0) return
    const first = behind.reduce((a, b) => (nextHeight(b) < nextHeight(a) ? b : a))
    if (nextHeight(first) >= firstWith(chain, bits)) return
    throw new OperationError(
      'index-pruned',
      `${first.name} best block of the index goes beyond pruned data${what}. Please disable the index or reindex (which will ` +
        'download the whole blockchain again)\n' +
        'Error: A fatal internal error occurred, see debug.log for details: Failed to start indexes, shutting down…',
    )
  }
  check([indexes.blockFilters, indexes.coinStats], BLOCK_HAVE_DATA | BLOCK_HAVE_UNDO, ' (including undo data)')
  check([indexes.transactions], BLOCK_HAVE_DATA, '')
}

/** What the indexes are built over. */
export interface IndexParts {
  readonly options: LedgerOptions
  readonly index: BlockIndex
  readonly files: BlockFiles
  readonly ports: LedgerPorts
}

/**
 * Opens the indexes that the options ask for, in Core's folders; a reindex begins them anew. Throws OperationErrors of the stores, and
 * `index-damaged`.
 */
export async function openIndexes({ options, index, files, ports }: IndexParts): Promise<OpenIndexes> {
  const { crypto, disk, random } = ports
  if (options.reindex) disk.folder('').remove('indexes')
  const opened: Store[] = []
  const openStore = async (path: string, name: string, cacheShare: number): Promise<Store> => {
    disk.folder('').makeFolder(`indexes/${path}`)
    const store = await disk.openStore(`indexes/${path}`, {
      cacheBytes: Math.min(options.dbCacheBytes * cacheShare, CACHE_BYTES_MAX),
      name: `${name} (indexes/${path})`,
      mend: `remove indexes/${path.split('/')[0]} and start again, which builds it anew`,
    })
    opened.push(store)
    return store
  }
  const { indexes } = options
  try {
    const transactions = indexes.transactions
      ? await TxIndex.open(await openStore('txindex', 'transaction index', TX_CACHE_SHARE), index, files, crypto, () =>
          random.bytes(16),
        )
      : undefined
    const coinStats = indexes.coinStats
      ? CoinStatsIndex.open(
          await openStore('coinstatsindex/db', 'index of coin statistics', 0),
          index,
          options.params,
          crypto,
        )
      : undefined
    const blockFilters = indexes.blockFilters
      ? BlockFilterIndex.open(
          await openStore('blockfilter/basic/db', 'index of block filters', FILTER_CACHE_SHARE),
          disk.folder('indexes/blockfilter/basic'),
          index,
        )
      : undefined
    return { transactions, coinStats, blockFilters }
  } catch (error) {
    for (const store of opened) await store.close()
    throw error
  }
}
