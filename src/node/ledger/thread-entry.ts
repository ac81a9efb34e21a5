import { Worker, type WorkerOptions } from 'node:worker_threads'

/**
 * Starts a thread whose entry lies beside the calling module. From sources (tests) the entry is TypeScript, from the package it is
 * what TypeScript became.
 *
 * @param moduleUrl `import.meta.url` of the caller
 * @param name file name of the entry without its ending
 */
export function startThread(moduleUrl: string, name: string, options: WorkerOptions): Worker {
  const ending = moduleUrl.endsWith('.ts') ? 'ts' : 'js'
  return new Worker(new URL(`./${name}.${ending}`, moduleUrl), options)
}
