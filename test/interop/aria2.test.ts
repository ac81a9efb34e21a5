import { join } from 'node:path'
import { testCells } from './cells.ts'
import { Program, skipUnlessRuns } from './programs.ts'
import { freePort, type Job, LOOPBACK, listening, type Running } from './real-client.ts'

async function aria2(job: Job, ...args: string[]): Promise<Running> {
  const host = job.host ?? LOOPBACK.host
  const [port, dhtPort] = [await freePort(host), await freePort(host)]
  // It asks UDP trackers by the port of its DHT only; that knows nobody here.
  const dht = job.tracker
    ? ['--enable-dht', `--dht-listen-port=${dhtPort}`, `--dht-file-path=${join(job.folder, '.dht')}`]
    : ['--enable-dht=false']
  const program = new Program('aria2c', [
    '--no-conf',
    ...dht,
    '--enable-dht6=false',
    '--bt-enable-lpd=false',
    '--bt-save-metadata=false',
    '--follow-torrent=mem',
    `--interface=${host}`,
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
  await listening(port, host)
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
  ...LOOPBACK,
  versions: ['v1'],
  // It leaves the key without a name, which BEP 52's file tree has, out of what it hashes: a hybrid becomes another torrent.
  unreadable: { v2: /Missing pieces/, hybrid: /Info Hash: [0-9a-f]{40}/ },
  // It waits for Peers to call it once more after it has got a magnet link's metadata.
  concurrency: 6,
  lacks: {},
  seed: job => aria2(job, '--seed-ratio=0', '--check-integrity=true', '--bt-seed-unverified=false'),
  get: job => aria2(job, '--seed-time=0'),
  async inspect(torrentFile) {
    const program = new Program('aria2c', ['--no-conf', '--show-files', torrentFile])
    await program.ended()
    return program.output
  },
})
