import type { Verdict } from '../../base/verdict.ts'
import type { BlockFindings } from '../../bitcoin/chainstate/prepare-block.ts'
import type { ScriptJob } from '../../bitcoin/chainstate/script-verifier.ts'
import type { HashedBlock } from '../../bitcoin/consensus/check-block.ts'
import type { NetworkParams } from '../../bitcoin/params/network-params.ts'
import type { BlockHeader } from '../../bitcoin/primitives/block.ts'
import { Prevouts } from '../../bitcoin/primitives/prevouts.ts'
import { TxTable, type TxTableParts } from '../../bitcoin/primitives/tx-table.ts'

/** Inputs that a thread takes at a time: enough to be worth the trip, few enough that all threads end together. */
export const INPUTS_A_TURN = 32

/** Words of a job's shared state. */
export const NEXT_INPUT = 0
/** Inputs whose checks are over, or were given up. */
export const INPUTS_DONE = 1
/** 0 while all went well, else one more than the number of the first input that failed. */
export const FAILED_INPUT = 2
/** Index of the failure's reason in SCRIPT_ERRORS. */
export const FAILURE_REASON = 3
export const STATE_WORDS = 4

/** Scripts to be checked: a job as it crosses threads; all memory in it is shared. */
export interface ScriptJobMessage {
  readonly type: 'scripts'
  readonly table: TxTableParts
  readonly values: Float64Array
  readonly scriptOffset: Uint32Array
  readonly scriptLength: Uint32Array
  readonly scripts: Uint8Array
  readonly flags: number
  readonly state: Int32Array
}

/** The job of a message; nothing is copied. */
export function jobOfMessage(message: ScriptJobMessage): ScriptJob {
  const { values, scriptOffset, scriptLength, scripts, flags } = message
  return { txs: new TxTable(message.table), prevouts: new Prevouts(values, scriptOffset, scriptLength, scripts), flags }
}

/** What a helper thread is started with. */
export interface HelperData {
  readonly params: NetworkParams
  readonly blocksFolder: string
  readonly xorKey: Uint8Array
  readonly portable: boolean
  readonly nice: number
}

/** To a helper. */
export type HelperRequest =
  | ScriptJobMessage
  /** A block to be parsed, hashed and checked by itself; its bytes are shared. */
  | { readonly type: 'prepare'; readonly id: number; readonly bytes: Uint8Array }
  /** A stored block to be read. */
  | { readonly type: 'read'; readonly id: number; readonly file: number; readonly position: number }

/** A block on its way between threads. */
export interface BlockMessage {
  readonly table: TxTableParts
  readonly header: BlockHeader
  readonly hash: Uint8Array
  readonly txids: Uint8Array
}

/** From a helper: the answer to the request of that number. */
export interface HelperReply {
  readonly id: number
  /** Undefined where the bytes are no block, or none can be read there. */
  readonly block: BlockMessage | undefined
  /** What was found out about a block that was prepared, or why it does not parse; undefined for one that was read. */
  readonly findings: Verdict<BlockFindings> | undefined
}

export function messageOfBlock({ txs, header, hash, txids }: HashedBlock): BlockMessage {
  const { bytes, words, txCount, inputCount, outputCount } = txs
  return { table: { bytes, words, txCount, inputCount, outputCount }, header, hash, txids }
}

export function blockOfMessage({ table, header, hash, txids }: BlockMessage): HashedBlock {
  const txs = new TxTable(table)
  return { bytes: txs.bytes.subarray(0, txs.end), header, txs, hash, txids }
}
