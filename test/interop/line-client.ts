import { dirname } from 'node:path'
import { Program } from './programs.ts'
import { type Job, LOOPBACK, type RealClient, type Running } from './real-client.ts'

/** Programs of ours around a library: libtorrent-peer.py and webtorrent/peer.mjs speak the same words. */
export function lineClient(
  about: Pick<RealClient, 'name' | 'skip' | 'versions' | 'lacks' | 'unreadable' | 'writesPadding'>,
  program: string,
  script: string,
): RealClient {
  const start = async (mode: 'seed' | 'get', job: Job): Promise<Running> => {
    const words = [script, mode, job.folder, job.source]
    if (mode === 'get') words.push(job.peer === undefined ? 'none' : `${job.peer.host}:${job.peer.port}`, 'stay')
    if (job.only !== undefined) words.push(`only=${job.only.join(',')}`)
    if (job.upBytesPerSecond !== undefined) words.push(`up=${job.upBytesPerSecond}`)
    if (job.tracker) words.push('tracker')
    if (job.host !== undefined) words.push(`host=${job.host}`)
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
  return {
    ...about,
    ...LOOPBACK,
    seed: job => start('seed', job),
    get: job => start('get', job),
    async inspect(torrentFile) {
      const running = new Program(program, [script, 'seed', dirname(torrentFile), torrentFile])
      await running.ended()
      return running.errors
    },
  }
}
