import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { OperationError } from '../../base/errors.ts'
import type { HashJob, PieceHashes } from './hash-job.ts'

interface WaitingJob {
  readonly id: number
  readonly job: HashJob
  resolve(hashes: PieceHashes[]): void
  reject(error: Error): void
}

/** From sources (tests) a thread has to learn TypeScript first: what the main thread was told of it does not reach there. */
function startHashThread(): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./hash-thread.js', import.meta.url))
  const entry = JSON.stringify(new URL('./hash-thread.ts', import.meta.url).href)
  return new Worker(`import('tsx/esm/api').then(({ register }) => { register(); return import(${entry}) })`, {
    eval: true,
  })
}

/** A thread that has had nothing to do for so long is ended: each holds some ten megabytes. */
const IDLE_MS = 2000

/** Threads that hash pieces from the disk. They start when there is work, end when there is none, and keep nobody from exiting. */
export class HashPool {
  readonly #size: number
  /** Threads without work, each with the timer that will end it; the one that worked last comes last. */
  readonly #idle: { readonly worker: Worker; readonly timer: NodeJS.Timeout }[] = []
  readonly #all = new Set<Worker>()
  readonly #queue: WaitingJob[] = []
  /** What each thread at work is about; one that is ended tells nobody. */
  readonly #busy = new Map<Worker, WaitingJob>()
  #nextId = 1
  #isClosed = false

  constructor(size = availableParallelism()) {
    this.#size = Math.max(1, size)
  }

  /** How many jobs it can do at once. */
  get size(): number {
    return this.#size
  }

  /** Throws OperationError `hash-thread-failed`, or `closed` where the pool is closed before it is done. */
  run(job: HashJob): Promise<PieceHashes[]> {
    if (this.#isClosed) return Promise.reject(poolClosed())
    return new Promise((resolve, reject) => {
      this.#queue.push({ id: this.#nextId++, job, resolve, reject })
      this.#dispatch()
    })
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const worker = this.#takeIdle() ?? (this.#all.size < this.#size ? this.#start() : undefined)
      if (worker === undefined) return
      this.#give(worker, this.#queue.shift()!)
    }
  }

  #takeIdle(): Worker | undefined {
    const last = this.#idle.pop()
    clearTimeout(last?.timer)
    return last?.worker
  }

  #rest(worker: Worker): void {
    const timer = setTimeout(() => {
      this.#idle.splice(
        this.#idle.findIndex(idle => idle.worker === worker),
        1,
      )
      this.#all.delete(worker)
      void worker.terminate()
    }, IDLE_MS).unref()
    this.#idle.push({ worker, timer })
  }

  #start(): Worker {
    const worker = startHashThread()
    this.#all.add(worker)
    return worker
  }

  #give(worker: Worker, waiting: WaitingJob): void {
    worker.ref()
    this.#busy.set(worker, waiting)
    const finish = () => {
      worker.off('message', onMessage)
      worker.off('error', onError)
      worker.off('exit', onExit)
      worker.unref()
      this.#busy.delete(worker)
    }
    const onMessage = ({ hashes }: { hashes: PieceHashes[] }) => {
      finish()
      this.#rest(worker)
      waiting.resolve(hashes)
      this.#dispatch()
    }
    const onError = (cause: unknown) => {
      finish()
      this.#all.delete(worker)
      waiting.reject(new OperationError('hash-thread-failed', 'a hashing thread has failed', { cause }))
      this.#dispatch()
    }
    const onExit = (code: number) => onError(new Error(`it ended with code ${code}`))
    worker.on('message', onMessage)
    worker.on('error', onError)
    worker.on('exit', onExit)
    worker.postMessage({ id: waiting.id, job: waiting.job })
  }

  /** Ends all threads; what they were about is rejected with `closed`. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const waiting of [...this.#busy.values(), ...this.#queue.splice(0)]) waiting.reject(poolClosed())
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer)
    await Promise.all([...this.#all].map(worker => worker.terminate()))
    this.#all.clear()
  }
}

function poolClosed(): OperationError {
  return new OperationError('closed', 'hashing was stopped')
}
