import type { NetworkParams } from '../../bitcoin/params/network-params.ts'
import { type IndexOptions, NO_INDEXES } from './indexes/index-options.ts'

/** How a ledger is to be kept; plain data that crosses threads. */
export interface LedgerOptions {
  readonly params: NetworkParams
  /** The network's data folder: holds blocks/ and chainstate/. */
  readonly folder: string
  /** -blocksdir: where block files lie, if not in the data folder; the index stays. */
  readonly blocksFolder: string
  /** -dbcache in bytes: memory for coins and the stores' own caches. */
  readonly dbCacheBytes: number
  /** -par: threads that check scripts, the ledger's own included. */
  readonly scriptThreads: number
  /** -assumevalid: a block hash as people write it; undefined for checking everything. */
  readonly assumeValid: string | undefined
  readonly minimumChainWork: bigint
  /** -prune: undefined keeps everything; a target of undefined prunes by command only. */
  readonly prune: { readonly targetBytes: number | undefined } | undefined
  readonly indexes: IndexOptions
  readonly blocksXor: boolean
  readonly fastPrune: boolean
  /** -maxtipage: a tip older than this means that the chain is still being fetched. */
  readonly maxTipAgeSeconds: number
  /** -blockversion: the version of blocks made here, on networks whose time may be mocked; undefined for what is signalled. */
  readonly blockVersion: number | undefined
  readonly checkBlocks: number
  readonly checkLevel: number
  readonly reindex: boolean
  readonly reindexChainstate: boolean
  /** -loadblock: files of framed blocks to take in at start. */
  readonly loadBlocks: readonly string[]
  /** Whether portable cryptography is wanted where native is there. */
  readonly portableCrypto: boolean
}

export const DEFAULT_DB_CACHE_BYTES = 450 << 20
const INDEX_CACHE_BYTES = 2 << 20
const COINS_STORE_CACHE_BYTES_MAX = 8 << 20
const COINS_CACHE_BYTES_MIN = 1 << 20

/** Shares of -dbcache, in bytes. */
export interface CacheShares {
  /** The block index's store. */
  readonly index: number
  /** The coins' store. */
  readonly coinsStore: number
  /** The coins in front of it. */
  readonly coins: number
}

export function cacheShares({ dbCacheBytes }: LedgerOptions): CacheShares {
  const coinsStore = Math.min(dbCacheBytes / 4, COINS_STORE_CACHE_BYTES_MAX)
  const coins = Math.max(dbCacheBytes - coinsStore - INDEX_CACHE_BYTES, COINS_CACHE_BYTES_MIN)
  return { index: INDEX_CACHE_BYTES, coinsStore, coins }
}

/** Options of a ledger with everything as a new owner would have it. */
export function ledgerOptions(params: NetworkParams, folder: string): LedgerOptions {
  return {
    params,
    folder,
    blocksFolder: `${folder}/blocks`,
    dbCacheBytes: DEFAULT_DB_CACHE_BYTES,
    scriptThreads: 1,
    assumeValid: params.assumeValid,
    minimumChainWork: params.minimumChainWork,
    prune: undefined,
    indexes: NO_INDEXES,
    blocksXor: true,
    fastPrune: false,
    maxTipAgeSeconds: 24 * 60 * 60,
    blockVersion: undefined,
    checkBlocks: 6,
    checkLevel: 3,
    reindex: false,
    reindexChainstate: false,
    loadBlocks: [],
    portableCrypto: false,
  }
}
