import { type ScriptJob, verifyInputs } from '../../bitcoin/chainstate/script-verifier.ts'
import { SCRIPT_ERRORS } from '../../bitcoin/script/script-error.ts'
import type { TransactionSignatureChecker } from '../../bitcoin/script/transaction-signature-checker.ts'
import { FAILED_INPUT, FAILURE_REASON, INPUTS_A_TURN, INPUTS_DONE, NEXT_INPUT } from './helper-messages.ts'

/** Notes a failure unless one of a smaller input is known already. */
function noteFailure(state: Int32Array, input: number, reason: number): void {
  for (;;) {
    const known = Atomics.load(state, FAILED_INPUT)
    if (known !== 0 && known <= input + 1) return
    if (Atomics.compareExchange(state, FAILED_INPUT, known, input + 1) === known) {
      Atomics.store(state, FAILURE_REASON, reason)
      return
    }
  }
}

/**
 * Takes the next inputs of a job that nobody has taken and checks them; false where none are left to take. Any number of threads
 * may call this on the same job.
 *
 * @param checker with the job's columns loaded
 */
export function takeTurn(checker: TransactionSignatureChecker, job: ScriptJob, state: Int32Array): boolean {
  const end = job.txs.inputCount
  const first = Atomics.add(state, NEXT_INPUT, INPUTS_A_TURN)
  if (first >= end) return false
  const last = Math.min(first + INPUTS_A_TURN, end)
  // After a failure the rest need not be checked, only counted: inputs before the failing one were taken before it.
  if (Atomics.load(state, FAILED_INPUT) === 0) {
    const failure = verifyInputs(checker, job, first, last)
    if (failure !== undefined) noteFailure(state, failure.input, SCRIPT_ERRORS.indexOf(failure.error))
  }
  Atomics.add(state, INPUTS_DONE, last - first)
  Atomics.notify(state, INPUTS_DONE)
  return true
}
