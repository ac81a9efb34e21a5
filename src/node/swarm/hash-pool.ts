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

/** Threads that hash pieces from the disk. They start when there is work and keep nobody from exiting. */
export class HashPool {
  readonly #size: number
  readonly #idle: Worker[] = []
  readonly #all = new Set<Worker>()
  readonly #queue: WaitingJob[] = []
  #nextId = 1

  constructor(size = availableParallelism()) {
    this.#size = Math.max(1, size)
  }

  /** How many jobs it can do at once. */
  get size(): number {
    return this.#size
  }

  run(job: HashJob): Promise<PieceHashes[]> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ id: this.#nextId++, job, resolve, reject })
      this.#dispatch()
    })
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop() ?? (this.#all.size < this.#size ? this.#start() : undefined)
      if (worker === undefined) return
      this.#give(worker, this.#queue.shift()!)
    }
  }

  #start(): Worker {
    const worker = startHashThread()
    this.#all.add(worker)
    return worker
  }

  #give(worker: Worker, waiting: WaitingJob): void {
    worker.ref()
    const finish = () => {
      worker.off('message', onMessage)
      worker.off('error', onError)
      worker.unref()
    }
    const onMessage = ({ hashes }: { hashes: PieceHashes[] }) => {
      finish()
      this.#idle.push(worker)
      waiting.resolve(hashes)
      this.#dispatch()
    }
    const onError = (cause: Error) => {
      finish()
      this.#all.delete(worker)
      waiting.reject(new OperationError('hash-thread-failed', 'a hashing thread has failed', { cause }))
      this.#dispatch()
    }
    worker.on('message', onMessage)
    worker.on('error', onError)
    worker.postMessage({ id: waiting.id, job: waiting.job })
  }

  async close(): Promise<void> {
    for (const waiting of this.#queue.splice(0)) {
      waiting.reject(new OperationError('closed', 'hashing was stopped'))
    }
    await Promise.all([...this.#all].map(worker => worker.terminate()))
    this.#all.clear()
    this.#idle.length = 0
  }
}
