import { Program } from './programs.ts'
import type { Job, RealClient, Running } from './real-client.ts'

/** Programs of ours around a library: libtorrent-peer.py and webtorrent/peer.mjs speak the same words. */
export function lineClient(
  about: Pick<RealClient, 'name' | 'skip' | 'host' | 'versions' | 'lacks' | 'slow'>,
  program: string,
  script: string,
): RealClient {
  const start = async (mode: 'seed' | 'get', job: Job): Promise<Running> => {
    const words = [script, mode, job.folder, job.source]
    if (mode === 'get') words.push(job.peer === undefined ? 'none' : `${job.peer.host}:${job.peer.port}`, 'stay')
    if (job.only !== undefined) words.push(`only=${job.only.join(',')}`)
    if (job.upBytesPerSecond !== undefined) words.push(`up=${job.upBytesPerSecond}`)
    if (job.tracker) words.push('tracker')
    const running = new Program(program, words)
    const { port } = JSON.parse(await running.line(line => line.includes('"port"')))
    return {
      program: running,
      port,
      done: async () => {
        const line = await running.line(found => found.includes('"done"'))
        if (JSON.parse(line).done !== true) throw new Error(`${about.name} did not finish: ${running.errors}`)
      },
    }
  }
  return { ...about, seed: job => start('seed', job), get: job => start('get', job) }
}
