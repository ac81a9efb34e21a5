import type { Worker } from 'node:worker_threads'
import type { Crypto } from '../../base/crypto/backend.ts'
import type {
  PendingScripts,
  ScriptFailure,
  ScriptJob,
  ScriptVerifier,
} from '../../bitcoin/chainstate/script-verifier.ts'
import { SCRIPT_ERRORS } from '../../bitcoin/script/script-error.ts'
import { TransactionSignatureChecker } from '../../bitcoin/script/transaction-signature-checker.ts'
import {
  FAILED_INPUT,
  FAILURE_REASON,
  INPUTS_DONE,
  NEXT_INPUT,
  type ScriptJobMessage,
  STATE_WORDS,
} from './script-job-message.ts'
import { takeTurn } from './script-turns.ts'
import { startThread } from './thread-entry.ts'

/** Jobs of fewer inputs are not worth telling the others. */
const SHARED_JOB_INPUTS_MIN = 8
/** How long to wait for the others at a time; a thread that died must not hold the ledger for good. */
const WAIT_MS_MAX = 10_000

/** A copy of a typed array in shared memory, or itself where it lies there already. */
function shared<T extends Uint8Array | Uint32Array | Float64Array>(array: T): T {
  if (array.buffer instanceof SharedArrayBuffer) return array
  const Type = array.constructor as new (buffer: SharedArrayBuffer) => T
  const copy = new Type(new SharedArrayBuffer(array.byteLength))
  copy.set(array as never)
  return copy
}

/**
 * Checks scripts in several threads, the caller's being one of them: while it waits for a result it takes turns like the others, so
 * that no core idles.
 */
export class ScriptThreads implements ScriptVerifier {
  readonly #helpers: readonly Worker[]
  readonly #checker: TransactionSignatureChecker
  #failed: Error | undefined

  /**
   * @param helpers threads besides the caller's
   * @param options nice: how far below the rest of the process they run
   */
  constructor(crypto: Crypto, helpers: number, options: { portable: boolean; nice: number }) {
    this.#checker = new TransactionSignatureChecker(crypto)
    this.#helpers = Array.from({ length: helpers }, (_, i) => {
      const worker = startThread(import.meta.url, 'script-thread', { workerData: options, name: `scriptch.${i}` })
      worker.on('error', error => {
        this.#failed = error
      })
      worker.unref()
      return worker
    })
  }

  allocate(byteLength: number): ArrayBufferLike {
    return this.#helpers.length > 0 ? new SharedArrayBuffer(byteLength) : new ArrayBuffer(byteLength)
  }

  start(job: ScriptJob): PendingScripts {
    const first = job.txs.inputFirst[1]
    const count = job.txs.inputCount - first
    const state = new Int32Array(new SharedArrayBuffer(4 * STATE_WORDS))
    state[NEXT_INPUT] = first
    if (this.#helpers.length > 0 && count >= SHARED_JOB_INPUTS_MIN) this.#tellHelpers(job, state)
    return {
      get done() {
        return Atomics.load(state, INPUTS_DONE) === count
      },
      finish: () => this.#finish(job, state, count),
    }
  }

  #tellHelpers({ txs, prevouts, flags }: ScriptJob, state: Int32Array): void {
    const message: ScriptJobMessage = {
      table: {
        bytes: shared(txs.bytes),
        words: shared(txs.words),
        txCount: txs.txCount,
        inputCount: txs.inputCount,
        outputCount: txs.outputCount,
      },
      values: shared(prevouts.values),
      scriptOffset: shared(prevouts.scriptOffset),
      scriptLength: shared(prevouts.scriptLength),
      scripts: shared(prevouts.scripts),
      flags,
      state,
    }
    for (const helper of this.#helpers) helper.postMessage(message)
  }

  #finish(job: ScriptJob, state: Int32Array, count: number): ScriptFailure | undefined {
    this.#checker.load(job.txs, job.prevouts)
    while (takeTurn(this.#checker, job, state)) {
      // All of the work is in the condition.
    }
    for (;;) {
      const done = Atomics.load(state, INPUTS_DONE)
      if (done === count) break
      if (this.#failed !== undefined) throw this.#failed
      Atomics.wait(state, INPUTS_DONE, done, WAIT_MS_MAX)
    }
    const failed = Atomics.load(state, FAILED_INPUT)
    if (failed === 0) return undefined
    return { input: failed - 1, error: SCRIPT_ERRORS[Atomics.load(state, FAILURE_REASON)] }
  }

  async close(): Promise<void> {
    await Promise.all(this.#helpers.map(helper => helper.terminate()))
  }
}
