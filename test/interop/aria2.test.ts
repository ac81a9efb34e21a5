import { testCells } from './cells.ts'
import { Program, skipUnlessRuns } from './programs.ts'
import { freePort, type Job, listening, type Running } from './real-client.ts'

async function aria2(job: Job, ...args: string[]): Promise<Running> {
  const port = await freePort()
  const program = new Program('aria2c', [
    '--no-conf',
    '--enable-dht=false',
    '--enable-dht6=false',
    '--bt-enable-lpd=false',
    '--bt-save-metadata=false',
    '--follow-torrent=mem',
    '--interface=127.0.0.1',
    `--listen-port=${port}`,
    '--summary-interval=0',
    '--file-allocation=none',
    '--allow-overwrite=true',
    `--dir=${job.folder}`,
    ...(job.only === undefined ? [] : [`--select-file=${job.only.map(index => index + 1).join(',')}`]),
    ...(job.upBytesPerSecond === undefined ? [] : [`--max-upload-limit=${job.upBytesPerSecond}`]),
    ...args,
    job.source,
  ])
  return {
    program,
    port,
    done: async () => {
      const status = await program.ended()
      if (status !== 0) throw new Error(`aria2 ended with ${status}: ${program.output}`)
    },
  }
}

testCells({
  name: 'aria2',
  skip: skipUnlessRuns('aria2c', ['--version'], 'aria2'),
  host: '127.0.0.1',
  // It counts another infohash for a torrent that has a part for v2.
  versions: ['v1'],
  slow: ['two of them fetch from a super-seeding Peers'],
  lacks: {
    'tells Peers of a peer': 'aria2 was not heard to tell of others within four minutes',
    'our tracker over udp': 'aria2 asks UDP trackers only while its DHT runs',
  },
  async seed(job) {
    const running = await aria2(job, '--seed-ratio=0', '--check-integrity=true', '--bt-seed-unverified=false')
    await listening(running.port)
    return running
  },
  async get(job) {
    const running = await aria2(job, '--seed-time=0')
    await listening(running.port)
    return running
  },
})
