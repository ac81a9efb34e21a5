import type { Worker } from 'node:worker_threads'
import type { Crypto } from '../../base/crypto/backend.ts'
import { accept, type Verdict } from '../../base/verdict.ts'
import { type PreparedBlock, prepareBlock } from '../../bitcoin/chainstate/prepare-block.ts'
import type {
  PendingScripts,
  ScriptFailure,
  ScriptJob,
  ScriptVerifier,
} from '../../bitcoin/chainstate/script-verifier.ts'
import type { HashedBlock } from '../../bitcoin/consensus/check-block.ts'
import { SCRIPT_ERRORS } from '../../bitcoin/script/script-error.ts'
import { TransactionSignatureChecker } from '../../bitcoin/script/transaction-signature-checker.ts'
import {
  blockOfMessage,
  FAILED_INPUT,
  FAILURE_REASON,
  type HelperData,
  type HelperReply,
  type HelperRequest,
  INPUTS_DONE,
  NEXT_INPUT,
  type ScriptJobMessage,
  STATE_WORDS,
} from './helper-messages.ts'
import { takeTurn } from './script-turns.ts'
import { startThread } from './thread-entry.ts'

/** Jobs of fewer inputs are not worth telling the others. */
const SHARED_JOB_INPUTS_MIN = 8
/** How long to wait for the others at a time; a thread that died must not hold the ledger for good. */
const WAIT_MS_MAX = 10_000
/** Blocks that wait at one helper; what comes beyond is done by the ledger's own thread. */
const QUEUED_BLOCKS_MAX = 3

/** A copy of a typed array in shared memory, or itself where it lies there already. */
function shared<T extends Uint8Array | Uint32Array | Float64Array>(array: T): T {
  if (array.buffer instanceof SharedArrayBuffer) return array
  const Type = array.constructor as new (buffer: SharedArrayBuffer) => T
  const copy = new Type(new SharedArrayBuffer(array.byteLength))
  copy.set(array as never)
  return copy
}

interface Helper {
  readonly worker: Worker
  queued: number
}

/**
 * The threads that work for a ledger. Scripts are checked in all of them, the caller's being one: while it waits for a result it takes
 * turns like the others, so that no core idles. Blocks are prepared and read ahead by the helpers alone.
 */
export class HelperThreads implements ScriptVerifier {
  readonly #helperCount: number
  #helpers: readonly Helper[] = []
  readonly #checker: TransactionSignatureChecker
  readonly #crypto: Crypto
  readonly #data: HelperData
  readonly #waiting = new Map<number, (reply: HelperReply) => void>()
  #nextId = 1
  #failed: Error | undefined

  /** @param helpers threads besides the caller's */
  constructor(crypto: Crypto, helpers: number, data: HelperData) {
    this.#checker = new TransactionSignatureChecker(crypto)
    this.#crypto = crypto
    this.#data = data
    this.#helperCount = helpers
  }

  /** The helpers, started when there is first something to do: a node that only answers questions never has them. */
  #started(): readonly Helper[] {
    if (this.#helpers.length < this.#helperCount) {
      this.#helpers = Array.from({ length: this.#helperCount }, (_, i) => this.#startHelper(i))
    }
    return this.#helpers
  }

  #startHelper(number: number): Helper {
    const name = `scriptch.${number}`
    const worker = startThread(import.meta.url, 'helper-thread', { workerData: this.#data, name })
    const helper: Helper = { worker, queued: 0 }
    worker.on('error', error => {
      this.#failed = error as Error
    })
    worker.on('message', (reply: HelperReply) => {
      helper.queued--
      this.#waiting.get(reply.id)?.(reply)
      this.#waiting.delete(reply.id)
    })
    worker.unref()
    return helper
  }

  allocate(byteLength: number): ArrayBufferLike {
    return this.#helperCount > 0 ? new SharedArrayBuffer(byteLength) : new ArrayBuffer(byteLength)
  }

  #ask(helper: Helper, request: Exclude<HelperRequest, ScriptJobMessage>): Promise<HelperReply> {
    helper.queued++
    return new Promise(resolve => {
      this.#waiting.set(request.id, resolve)
      helper.worker.postMessage(request)
    })
  }

  #idlest(): Helper | undefined {
    let best: Helper | undefined
    for (const helper of this.#started()) if (best === undefined || helper.queued < best.queued) best = helper
    return best !== undefined && best.queued < QUEUED_BLOCKS_MAX ? best : undefined
  }

  /**
   * Parses, hashes and checks a block by itself, in a helper where one has time. `bytes` should come from {@link allocate}; where they
   * are no block, they are rejected.
   */
  async prepare(bytes: Uint8Array): Promise<Verdict<PreparedBlock>> {
    const helper = bytes.buffer instanceof SharedArrayBuffer ? this.#idlest() : undefined
    if (helper === undefined) return prepareBlock(bytes, this.#data.params, this.#crypto, n => this.allocate(n))
    const { block, findings } = await this.#ask(helper, { type: 'prepare', id: this.#nextId++, bytes })
    return findings!.ok ? accept({ block: blockOfMessage(block!), findings: findings!.value }) : findings!
  }

  /** Reads a stored block in a helper; undefined at once where none has time, later where no sound block stands there. */
  read(file: number, position: number): Promise<HashedBlock | undefined> | undefined {
    const helper = this.#idlest()
    if (helper === undefined) return undefined
    return this.#ask(helper, { type: 'read', id: this.#nextId++, file, position }).then(
      ({ block }) => block && blockOfMessage(block),
    )
  }

  start(job: ScriptJob): PendingScripts {
    const first = job.txs.inputFirst[1]
    const count = job.txs.inputCount - first
    const state = new Int32Array(new SharedArrayBuffer(4 * STATE_WORDS))
    state[NEXT_INPUT] = first
    if (this.#helperCount > 0 && count >= SHARED_JOB_INPUTS_MIN) this.#tellHelpers(job, state)
    return {
      get done() {
        return Atomics.load(state, INPUTS_DONE) === count
      },
      finish: () => this.#finish(job, state, count),
    }
  }

  #tellHelpers({ txs, prevouts, flags }: ScriptJob, state: Int32Array): void {
    const message: ScriptJobMessage = {
      type: 'scripts',
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
    for (const { worker } of this.#started()) worker.postMessage(message)
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
    await Promise.all(this.#helpers.map(({ worker }) => worker.terminate()))
  }
}
