import type { UtxoHashType, UtxoSetTotals } from '../../bitcoin/chainstate/utxo-set-info.ts'
import type { DeploymentState, DeploymentStatistics } from '../../bitcoin/consensus/deployments.ts'
import type { BlockHeader } from '../../bitcoin/primitives/block.ts'
import type { Coin } from '../../bitcoin/primitives/coin.ts'
import type { IndexCalls } from './indexes/index-calls.ts'
import type { IndexOptions } from './indexes/index-options.ts'
import type { CacheShares } from './ledger-options.ts'

/** A block of the index: header and place, whether or not its data is here. Hashes are in internal byte order. */
export interface BlockEntry {
  readonly hash: Uint8Array
  readonly header: BlockHeader
  readonly height: number
  /** Work of the chain up to it. */
  readonly chainWork: bigint
  /** BIP113: seconds since 1970. */
  readonly medianTime: number
  /** 0 while the block has not been seen. */
  readonly txCount: number
  /** Transactions of the chain up to it; 0 while some block of it is missing. */
  readonly chainTxCount: number
  /** Blocks on the best chain from it on, itself included; -1 off that chain. */
  readonly confirmations: number
  /** The block behind it on the best chain. */
  readonly next: Uint8Array | undefined
  readonly hasData: boolean
  readonly hasUndo: boolean
  /** Whether it, or what it descends from, breaks a rule. */
  readonly failed: boolean
}

/** The best block as the main thread knows it at any moment. */
export interface TipSnapshot extends BlockEntry {
  /** Height of the header with the most work. */
  readonly headers: number
  readonly initialBlockDownload: boolean
  /** The share of the chain's transactions that are checked, from 0 to 1, as far as it can be guessed. */
  readonly progress: number
}

/** The coins that a block's inputs spent, as columns in the order of its inputs; entries of the coinbase are empty. */
export interface BlockPrevouts {
  readonly values: Float64Array
  /** Height times two, and one where the coin came from a coinbase. */
  readonly codes: Uint32Array
  readonly scriptOffset: Uint32Array
  readonly scriptLength: Uint32Array
  readonly scripts: Uint8Array
}

export type ChainTipStatus = 'active' | 'valid-fork' | 'valid-headers' | 'headers-only' | 'invalid'

export interface ChainTip {
  readonly height: number
  readonly hash: Uint8Array
  readonly branchLength: number
  readonly status: ChainTipStatus
}

export interface UtxoSetInfo extends UtxoSetTotals {
  readonly height: number
  readonly bestBlock: Uint8Array
  readonly diskSizeBytes: number
}

/** BIP9: where a deployment stands for a block, and for the block after it. */
export interface DeploymentInfo {
  readonly name: string
  readonly bit: number
  readonly startTime: number
  readonly timeout: number
  readonly minActivationHeight: number
  readonly status: DeploymentState
  /** Height of the first block with that status. */
  readonly since: number
  readonly statusNext: DeploymentState
  /** While it is started or locked in: counts of the current period. */
  readonly statistics: DeploymentStatistics | undefined
}

/** What a miner needs to know to build on the best block. */
export interface TemplateBase {
  readonly previous: BlockEntry
  readonly version: number
  readonly bits: number
  /** Earliest time that the block may have. */
  readonly minTime: number
  readonly time: number
  readonly subsidySats: number
  readonly deployments: readonly DeploymentInfo[]
}

/** Sizes and state of the files and caches, for memory and storage reports. */
export interface LedgerStorage {
  readonly blockBytes: number
  readonly coinsCacheBytes: number
  readonly coinsCacheCount: number
  readonly cacheShares: CacheShares
  /** Lowest height from which all blocks are stored. */
  readonly firstStoredHeight: number
  readonly everPruned: boolean
}

/**
 * What others ask of the ledger; every call may cross a thread, so arguments and results are plain data. Hashes are in internal byte
 * order.
 */
export interface LedgerCalls extends IndexCalls {
  entry(hash: Uint8Array): Promise<BlockEntry | undefined>
  entryAtHeight(height: number): Promise<BlockEntry | undefined>
  /** The header with the most work. */
  bestHeader(): Promise<BlockEntry>
  /** The block's bytes; undefined where they are not here (any more). */
  block(hash: Uint8Array): Promise<Uint8Array | undefined>
  prevouts(hash: Uint8Array): Promise<BlockPrevouts | undefined>
  chainTips(): Promise<readonly ChainTip[]>
  coin(txid: Uint8Array, index: number): Promise<Coin | undefined>
  utxoSetInfo(hashType: UtxoHashType): Promise<UtxoSetInfo>
  deployments(hash: Uint8Array): Promise<readonly DeploymentInfo[]>
  /** Names of the script rules that hold for a block, sorted. */
  scriptFlagNames(hash: Uint8Array): Promise<readonly string[]>
  storage(): Promise<LedgerStorage>
  /** Removes stored blocks up to a height at the most; the lowest height from which all are stored then. */
  pruneTo(height: number): Promise<number>
  /** verifychain: what was wrong, undefined for nothing. */
  verify(level: number, blockCount: number): Promise<string | undefined>
  invalidate(hash: Uint8Array): Promise<void>
  reconsider(hash: Uint8Array): Promise<void>
  precious(hash: Uint8Array): Promise<void>
  /** The answer of `submitblock`: undefined where accepted, else its reason. Rejects with OperationError `block-decode`. */
  submitBlock(block: Uint8Array): Promise<string | undefined>
  /** Undefined where the header is known or accepted, else its reject reason. */
  submitHeader(header: Uint8Array): Promise<string | undefined>
  template(): Promise<TemplateBase>
  /**
   * BIP23: whether a block would be valid but for its work; undefined, or its reason. Rejects with OperationError `block-decode`.
   */
  testBlock(block: Uint8Array): Promise<string | undefined>
  /** Mines blocks that pay to a script; their hashes, fewer where the tries ran out. */
  generate(count: number, script: Uint8Array, triesMax: number): Promise<Uint8Array[]>
  /**
   * Mines one block with those transactions. Rejects with OperationError `block-invalid`, its message the reason, or `block-unsolved`.
   */
  generateBlock(
    script: Uint8Array,
    transactions: readonly Uint8Array[],
    submit: boolean,
  ): Promise<{ hash: Uint8Array; bytes: Uint8Array }>
  /** Resolves once all that was asked before has been done. */
  settled(): Promise<void>
  /** Seconds since 1970 that the clock stands at; 0 lets it go again. */
  setMockTime(seconds: number): Promise<void>
}

/** The ledger as the rest of the node sees it. */
export interface LedgerApi extends LedgerCalls {
  /** Never crosses a thread. */
  readonly tip: TipSnapshot
  /** Whether all that was to be taken in at the start is in. */
  readonly isStarted: boolean
  /** Undefined where pruning is off; a target of undefined prunes by command only. */
  readonly prune: { readonly targetBytes: number | undefined } | undefined
  /** Which indexes are kept. */
  readonly indexes: IndexOptions
  /** Calls back on every change of the tip; returns what ends that. */
  onTip(listener: (tip: TipSnapshot) => void): () => void
  close(): Promise<void>
}
