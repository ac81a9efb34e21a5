import type { ScriptJob } from '../../bitcoin/chainstate/script-verifier.ts'
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

/** A job as it crosses threads; all memory in it is shared. */
export interface ScriptJobMessage {
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
