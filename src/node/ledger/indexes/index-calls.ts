import type { StoredCoin } from '../../../bitcoin/chainstate/coins-store.ts'
import type { CoinStats } from '../../../bitcoin/indexes/coin-stats.ts'
import type { IndexSummary } from './index-runner.ts'

/** A block's filter as the index has it. */
export interface BlockFilterAnswer {
  /** Whether the index has reached the tip. */
  readonly ready: boolean
  /** Whether the block was ever part of the active chain. */
  readonly wasConnected: boolean
  readonly filter: Uint8Array | undefined
  readonly header: Uint8Array | undefined
}

/** Statistics behind a block, and those behind its parent; undefined where the index does not have them. */
export interface CoinStatsAnswer {
  readonly ready: boolean
  /** How far the index has come. */
  readonly bestHeight: number
  readonly height: number
  readonly hash: Uint8Array
  readonly stats: CoinStats | undefined
  readonly before: CoinStats | undefined
}

export interface TransactionAnswer {
  readonly ready: boolean
  readonly found: { readonly bytes: Uint8Array; readonly blockHash: Uint8Array } | undefined
}

/** What was found among all coins. */
export interface CoinScanResult {
  /** False where it was broken off. */
  readonly completed: boolean
  /** Coins that were looked at. */
  readonly txouts: number
  readonly height: number
  readonly bestBlock: Uint8Array
  /** In the order of outpoints; with each the hash of the block that made it. */
  readonly coins: readonly (StoredCoin & { readonly blockHash: Uint8Array })[]
}

/** Which blocks to look through. */
export interface FilterScanRange {
  readonly startHeight: number
  readonly stopHeight: number
  /** Whether each match is looked up in the block itself. */
  readonly checkBlocks: boolean
}

export interface FilterScanResult {
  readonly completed: boolean
  /** The last height that was looked at. */
  readonly toHeight: number
  readonly blocks: readonly Uint8Array[]
}

export interface FilterScanStatus {
  readonly percent: number
  readonly height: number
}

/** What others ask of the indexes, and of what is searched. Hashes are in internal byte order. */
export interface IndexCalls {
  indexSummaries(): Promise<readonly IndexSummary[]>
  /** Undefined for an unknown block. */
  blockFilter(hash: Uint8Array): Promise<BlockFilterAnswer | undefined>
  /** Behind a known block, or behind the tip. */
  coinStats(hash: Uint8Array | undefined): Promise<CoinStatsAnswer>
  indexedTransaction(txid: Uint8Array): Promise<TransactionAnswer>
  /** The height of a transaction of which some output is unspent. */
  unspentHeight(txid: Uint8Array): Promise<number | undefined>
  /** Looks for coins that pay to the scripts; undefined while another such scan is under way. */
  scanCoins(scripts: readonly Uint8Array[]): Promise<CoinScanResult | undefined>
  /** Percent done; undefined where no scan is under way. */
  coinScanStatus(): Promise<number | undefined>
  /** Whether there was one to be broken off. */
  abortCoinScan(): Promise<boolean>
  /**
   * Looks for blocks that pay to the scripts or spend from them, by their filters; undefined while another such scan is under way.
   * Rejects with OperationError `block-pruned`.
   */
  scanFilters(scripts: readonly Uint8Array[], range: FilterScanRange): Promise<FilterScanResult | undefined>
  filterScanStatus(): Promise<FilterScanStatus | undefined>
  abortFilterScan(): Promise<boolean>
}
