import type { NetworkParams } from '../bitcoin/params/network-params.ts'
import type { BlockHeader } from '../bitcoin/primitives/block.ts'
import type { Log } from '../node/log.ts'
import type { ActiveCall } from './method-table.ts'

/** What the handlers of RPC methods work with; node/ supplies it, tests a fake. */
export interface RpcContext {
  readonly network: NetworkParams
  readonly ledger: RpcLedger
  readonly clock: RpcClock
  readonly log: Log
  /** The text of `help` for a method, or of all for the empty name. */
  help(name: string): string
  activeCalls(): readonly ActiveCall[]
  /** Starts an orderly shutdown and returns at once. */
  shutdown(): void
  /** Messages for `warnings`. */
  warnings(): readonly string[]
}

export interface RpcClock {
  /** Seconds since 1970, or the mocked time. */
  nowSeconds(): number
  /** Mocks the time; 0 goes back to the system's. */
  setMockTime(seconds: number): void
  /** When the process started, on the system's clock, in seconds since 1970. */
  readonly startSeconds: number
}

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
}

/** The best block as the main thread knows it at any moment. */
export interface TipSnapshot extends BlockEntry {
  /** Height of the header with the most work. */
  readonly headers: number
  readonly initialBlockDownload: boolean
}

/** The coins that a block spent, as columns in the order of its inputs; entries of the coinbase are empty. */
export interface BlockPrevouts {
  readonly values: Float64Array
  readonly heights: Uint32Array
  /** 1 where the coin came from a coinbase. */
  readonly coinbases: Uint8Array
  script(input: number): Uint8Array
}

export interface RpcCoin {
  readonly valueSats: number
  readonly script: Uint8Array
  readonly height: number
  readonly isCoinbase: boolean
}

export type ChainTipStatus = 'active' | 'valid-fork' | 'valid-headers' | 'headers-only' | 'invalid'

export interface ChainTip {
  readonly height: number
  readonly hash: Uint8Array
  readonly branchLength: number
  readonly status: ChainTipStatus
}

export type UtxoHashType = 'hash_serialized_3' | 'muhash' | 'none'

export interface UtxoSetInfo {
  readonly height: number
  readonly bestBlock: Uint8Array
  readonly txouts: number
  readonly bogoSize: number
  /** As people write it; undefined for `none`. */
  readonly hash: string | undefined
  readonly totalAmountSats: number
  readonly transactions: number
  readonly diskSize: number
}

/** BIP9: where a deployment stands at a block, and counts of its current period. */
export interface DeploymentState {
  readonly name: string
  readonly status: 'defined' | 'started' | 'locked_in' | 'active' | 'failed'
  /** Height of the first block with that status. */
  readonly since: number
  readonly statusNext: 'defined' | 'started' | 'locked_in' | 'active' | 'failed'
  readonly statistics:
    | {
        readonly period: number
        /** Signalling of each block of the period so far, the oldest first. */
        readonly signals: readonly boolean[]
        readonly count: number
        readonly threshold: number
        readonly possible: boolean
      }
    | undefined
}

/** What a miner needs to know to build on the best block. Transactions come with the mempool. */
export interface TemplateBase {
  readonly previous: BlockEntry
  readonly version: number
  readonly bits: number
  /** Earliest time that the block may have. */
  readonly minTime: number
  readonly time: number
  readonly coinbaseValueSats: number
  readonly deployments: readonly DeploymentState[]
}

/** What the RPC methods ask of the ledger, which lives in another thread. Hashes are in internal byte order. */
export interface RpcLedger {
  /** Never crosses a thread. */
  readonly tip: TipSnapshot
  /** Calls back on every change of the tip; returns what ends that. */
  onTip(listener: (tip: TipSnapshot) => void): () => void
  entry(hash: Uint8Array): Promise<BlockEntry | undefined>
  entryAtHeight(height: number): Promise<BlockEntry | undefined>
  /** The block's bytes; undefined where they are not here (any more). */
  block(hash: Uint8Array): Promise<Uint8Array | undefined>
  prevouts(hash: Uint8Array): Promise<BlockPrevouts | undefined>
  chainTips(): Promise<readonly ChainTip[]>
  coin(txid: Uint8Array, index: number): Promise<RpcCoin | undefined>
  utxoSetInfo(hashType: UtxoHashType): Promise<UtxoSetInfo>
  deployments(hash: Uint8Array): Promise<readonly DeploymentState[]>
  /** Names of the script rules that hold for a block, sorted. */
  scriptFlagNames(hash: Uint8Array): Promise<readonly string[]>
  sizeOnDiskBytes(): Promise<number>
  /** Undefined where pruning is off. */
  readonly prune: { readonly targetBytes: number | undefined } | undefined
  /** Height up to which blocks have been pruned; -1 for none. */
  prunedHeight(): Promise<number>
  /** Prunes up to a height at the most; gives back the last block pruned. */
  pruneTo(height: number): Promise<number>
  verify(level: number, blockCount: number): Promise<boolean>
  /** These reject with an OperationError where the chain could not be moved. */
  invalidate(hash: Uint8Array): Promise<void>
  reconsider(hash: Uint8Array): Promise<void>
  precious(hash: Uint8Array): Promise<void>
  /** The answer of `submitblock`: undefined where accepted, else its reason. */
  submitBlock(block: Uint8Array): Promise<string | undefined>
  /** Undefined where the header is known or accepted, else its reject reason. */
  submitHeader(header: Uint8Array): Promise<string | undefined>
  template(): Promise<TemplateBase>
  /** BIP23: whether a block on top of the best one would be valid but for its work; its reason if not. */
  testBlock(block: Uint8Array): Promise<string | undefined>
  /** Mines blocks that pay to a script; gives back their hashes, fewer where the tries ran out. */
  generate(count: number, script: Uint8Array, triesMax: number): Promise<Uint8Array[]>
  /** Mines one block with those transactions; rejects with an RpcError-like reason where it would be invalid. */
  generateBlock(
    script: Uint8Array,
    transactions: readonly Uint8Array[],
    submit: boolean,
  ): Promise<{ hash: Uint8Array; bytes: Uint8Array }>
  /** Returns once all that was asked before has been done. */
  settled(): Promise<void>
}
