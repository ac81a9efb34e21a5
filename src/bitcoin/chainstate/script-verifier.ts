import type { Crypto } from '../../base/crypto/backend.ts'
import type { Prevouts } from '../primitives/prevouts.ts'
import type { TxTable } from '../primitives/tx-table.ts'
import type { ScriptError } from '../script/script-error.ts'
import { TransactionSignatureChecker } from '../script/transaction-signature-checker.ts'
import { verifyInputWith } from '../script/verify-input.ts'

/** The scripts of a block that are to be checked: every input but the coinbase's. */
export interface ScriptJob {
  readonly txs: TxTable
  readonly prevouts: Prevouts
  readonly flags: number
}

/** The first input (by number) whose script fails, and why. */
export interface ScriptFailure {
  readonly input: number
  readonly error: ScriptError
}

/** Scripts under way. */
export interface PendingScripts {
  /** Whether {@link finish} would return at once. */
  readonly done: boolean
  /** Takes part in the work until it is done; the failure, if there is one. */
  finish(): ScriptFailure | undefined
}

/** Checks scripts, perhaps with the help of other threads. */
export interface ScriptVerifier {
  start(job: ScriptJob): PendingScripts
  /** Where the job's columns should live so that its helpers can read them. */
  allocate(byteLength: number): ArrayBufferLike
}

/** The transaction that an input belongs to. */
export function transactionOfInput(txs: TxTable, input: number): number {
  let low = 0
  let high = txs.txCount - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (txs.inputFirst[middle + 1] <= input) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Checks the inputs from `first` up to `end`; the first failure.
 *
 * @param checker with the job's columns loaded
 */
export function verifyInputs(
  checker: TransactionSignatureChecker,
  job: ScriptJob,
  first: number,
  end: number,
): ScriptFailure | undefined {
  const { txs } = job
  let tx = transactionOfInput(txs, first)
  for (let input = first; input < end; input++) {
    while (input >= txs.inputFirst[tx + 1]) tx++
    const error = verifyInputWith(checker, tx, input, job.flags)
    if (error !== undefined) return { input, error }
  }
  return undefined
}

/** The verifier without threads: the work is done when its result is asked for. */
export class SerialScriptVerifier implements ScriptVerifier {
  readonly #checker: TransactionSignatureChecker

  constructor(crypto: Crypto) {
    this.#checker = new TransactionSignatureChecker(crypto)
  }

  allocate(byteLength: number): ArrayBufferLike {
    return new ArrayBuffer(byteLength)
  }

  start(job: ScriptJob): PendingScripts {
    const checker = this.#checker
    return {
      done: false,
      finish() {
        checker.load(job.txs, job.prevouts)
        return verifyInputs(checker, job, job.txs.inputFirst[1], job.txs.inputCount)
      },
    }
  }
}
