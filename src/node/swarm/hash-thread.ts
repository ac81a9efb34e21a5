import { parentPort } from 'node:worker_threads'
import { type HashJob, runHashJob } from './hash-job.ts'

/** Entry of a hashing thread: takes jobs, gives hashes. */
parentPort!.on('message', ({ id, job }: { id: number; job: HashJob }) => {
  parentPort!.postMessage({ id, hashes: runHashJob(job) })
})
