// The swarm's rows: one file over 127.0.0.1 with hash check and disk, Peers and, where it is installed, libtorrent in turn.
// `node --import tsx bench/swarm-rows.ts [MiB] [rounds]` prints them alone; dist/ must have been built.
import { spawn, spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { HashPool } from '../src/node/swarm/hash-pool.ts'
import { makeTorrent } from '../src/node/swarm/make-torrent.ts'

const PYTHON = '/usr/bin/python3'
const LIBTORRENT = fileURLToPath(new URL('../test/interop/libtorrent-peer.py', import.meta.url))
const PEERS = fileURLToPath(new URL('./swarm-process.mjs', import.meta.url))

interface Transfer {
  readonly megabytesPerSecond: number
  readonly seedCpuPerGib: number
  readonly getCpuPerGib: number
  readonly seedMegabytes: number
  readonly getMegabytes: number
}

interface Client {
  readonly name: string
  readonly version: 'v1' | 'v2' | 'hybrid'
  command(args: readonly string[]): readonly [program: string, args: readonly string[]]
}

const peers = (args: readonly string[]) => [process.execPath, [PEERS, ...args]] as const
const CLIENTS: Client[] = [
  { name: 'Peers, v1', version: 'v1', command: peers },
  { name: 'Peers, v2', version: 'v2', command: peers },
  { name: 'Peers, hybrid', version: 'hybrid', command: peers },
]
if (spawnSync(PYTHON, ['-c', 'import libtorrent'], { stdio: 'ignore' }).status === 0) {
  CLIENTS.push({ name: 'libtorrent, v1', version: 'v1', command: args => [PYTHON, [LIBTORRENT, ...args]] })
  CLIENTS.push({
    name: 'libtorrent tuned, v1',
    version: 'v1',
    command: args => [PYTHON, [LIBTORRENT, ...args, 'tuned']],
  })
}

async function transfer(
  client: Client,
  source: string,
  torrent: string,
  target: string,
  bytes: number,
): Promise<Transfer> {
  await rm(target, { recursive: true, force: true })
  await mkdir(target)
  spawnSync('sync')
  const [program, args] = client.command(['seed', source, torrent])
  const seed = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: seed.stdout })[Symbol.asyncIterator]()
  const { port } = JSON.parse((await lines.next()).value)
  const [getProgram, getArgs] = client.command(['get', target, torrent, `127.0.0.1:${port}`])
  const got = await new Promise<Record<string, number>>((resolve, reject) => {
    const get = spawn(getProgram, getArgs, { stdio: ['ignore', 'pipe', 'inherit'] })
    let line = ''
    createInterface({ input: get.stdout }).once('line', first => {
      line = first
    })
    get.once('error', reject)
    // Only when it is gone is its folder free.
    get.once('close', () => resolve(JSON.parse(line)))
  })
  seed.stdin.end()
  const gave = JSON.parse((await lines.next()).value)
  const gib = bytes / 2 ** 30
  return {
    megabytesPerSecond: bytes / 1e6 / got['seconds'],
    seedCpuPerGib: gave.cpuSeconds / gib,
    getCpuPerGib: got['cpuSeconds'] / gib,
    seedMegabytes: gave.memoryBytes / 1e6,
    getMegabytes: got['memoryBytes'] / 1e6,
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

/** Medians of so many rounds, in which the clients take turns. */
export async function measureSwarm(mebibytes: number, rounds: number): Promise<ReadonlyMap<string, Transfer>> {
  const root = await mkdtemp(join(tmpdir(), 'peers-bench-'))
  const bytes = mebibytes * 2 ** 20
  const file = createWriteStream(join(root, 'film.bin'))
  for (let i = 0; i < mebibytes; i++) {
    if (!file.write(randomFillSync(Buffer.alloc(2 ** 20))))
      await new Promise<void>(resolve => file.once('drain', () => resolve()))
  }
  await new Promise<void>(resolve => file.end(() => resolve()))
  const pool = new HashPool()
  const torrents = new Map<string, string>()
  for (const version of ['v1', 'v2', 'hybrid'] as const) {
    const path = join(root, `${version}.torrent`)
    await writeFile(path, await makeTorrent(join(root, 'film.bin'), { version }, pool))
    torrents.set(version, path)
  }
  await pool.close()
  const results = new Map<string, Transfer[]>(CLIENTS.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const client of CLIENTS) {
      results
        .get(client.name)!
        .push(await transfer(client, root, torrents.get(client.version)!, join(root, 'out'), bytes))
    }
  }
  await rm(root, { recursive: true })
  const keys = ['megabytesPerSecond', 'seedCpuPerGib', 'getCpuPerGib', 'seedMegabytes', 'getMegabytes'] as const
  return new Map(
    [...results].map(([name, transfers]) => [
      name,
      Object.fromEntries(keys.map(key => [key, median(transfers.map(t => t[key]))])) as unknown as Transfer,
    ]),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [mebibytes = 1024, rounds = 5] = process.argv.slice(2).map(Number)
  const medians = await measureSwarm(mebibytes, rounds)
  console.log(`${mebibytes} MiB over 127.0.0.1, medians of ${rounds}`)
  for (const [name, t] of medians) {
    console.log(
      `${name.padEnd(22)}${t.megabytesPerSecond.toFixed(0).padStart(5)} MB/s   CPU s/GiB seed ${t.seedCpuPerGib.toFixed(2)} get ${t.getCpuPerGib.toFixed(2)}` +
        `   memory MB seed ${t.seedMegabytes.toFixed(0)} get ${t.getMegabytes.toFixed(0)}`,
    )
  }
}
