import { type ChainBench, chainBench } from '../test/chain-bench.ts'
import { Daemon, freePort } from '../test/daemon.ts'
import { Relay } from '../test/relay.ts'
import { median, type Row, spread } from './table.ts'

const RUNS = 5
/** Rounds of the measurement with slow lines, each of which takes a minute. */
const LINE_RUNS = 3
const LINE_BYTES_PER_SECOND = 2_000_000
const LINES = [1, 2, 4, 8]
const QUIET = ['-dbcache=100', '-connect=0', '-natpmp=0', '-listenonion=0']

/** A daemon that has the chain and gives it. */
async function startSeeder(chain: ChainBench): Promise<{ daemon: Daemon; port: number }> {
  const port = await freePort()
  const daemon = await Daemon.create()
  const loads = [...chain.files, chain.tailFile].map(file => `-loadblock=${file}`)
  const assumed = `-assumevalid=${chain.tailTip.hash}`
  const client = await daemon.start([...QUIET, '-listen=1', `-bind=127.0.0.1:${port}`, assumed, ...loads])
  await client.call('waitforblockheight', [chain.tailTip.height])
  client.close()
  return { daemon, port }
}

interface Sync {
  readonly seconds: number
  readonly cpuSeconds: number
}

/** From the first word to a peer, or to a file, until the tip is the chain's. */
async function measure(
  args: readonly string[],
  ports: readonly number[],
  tip: { height: number; hash: string },
): Promise<Sync> {
  const daemon = await Daemon.create()
  try {
    const client = await daemon.start([...QUIET, ...args])
    const start = performance.now()
    for (const port of ports) await client.call('addnode', [`127.0.0.1:${port}`, 'onetry'])
    const reached = await client.call<{ hash: string }>('waitforblockheight', [tip.height])
    const seconds = (performance.now() - start) / 1000
    if (reached.hash !== tip.hash) throw new Error(`ended at ${reached.hash}`)
    client.close()
    return { seconds, cpuSeconds: daemon.cpuSeconds() ?? Number.NaN }
  } finally {
    await daemon.remove()
  }
}

function syncRows(imports: readonly Sync[], plain: readonly Sync[], encrypted: readonly Sync[]): Row[] {
  const seconds = (runs: readonly Sync[]): number[] => runs.map(run => run.seconds)
  const over = (runs: readonly Sync[], base: readonly Sync[]): string =>
    median(runs.map((run, i) => run.seconds / base[i].seconds)).toFixed(2)
  const cpu = (runs: readonly Sync[]): string => median(runs.map(run => run.cpuSeconds)).toFixed(1)
  const value = (runs: readonly Sync[]): string =>
    `${median(seconds(runs)).toFixed(2)} s (${spread(seconds(runs), 2)}), ${cpu(runs)} CPU s`
  return [
    {
      name: 'sync from a peer on this machine, all scripts checked, encrypted (v2)',
      value: value(encrypted),
      beside: `${over(encrypted, imports)} × import from file (${median(seconds(imports)).toFixed(2)} s, ${cpu(imports)} CPU s)`,
      aim: '≤ 1.1 ×',
    },
    {
      name: 'the same in plain (v1)',
      value: value(plain),
      beside: `v2 ${over(encrypted, plain)} × v1`,
      aim: '≤ 1.15 ×',
    },
  ]
}

/** Syncing chain-bench: beside importing it, plain and encrypted, and from more and more peers with slow lines. */
export async function p2pRows(): Promise<Row[]> {
  const chain = chainBench()
  if (chain === undefined) return []
  const seeder = await startSeeder(chain)
  const relays = await Promise.all(
    Array.from({ length: Math.max(...LINES) }, () =>
      Relay.start(seeder.port, { bytesPerSecond: LINE_BYTES_PER_SECOND }),
    ),
  )
  try {
    const runs = { imports: [] as Sync[], plain: [] as Sync[], encrypted: [] as Sync[] }
    const loads = [...chain.files, chain.tailFile].map(file => `-loadblock=${file}`)
    for (let run = 0; run < RUNS; run++) {
      runs.imports.push(await measure(['-assumevalid=0', ...loads], [], chain.tailTip))
      runs.plain.push(await measure(['-assumevalid=0', '-v2transport=0'], [seeder.port], chain.tailTip))
      runs.encrypted.push(await measure(['-assumevalid=0'], [seeder.port], chain.tailTip))
      const texts = [runs.imports, runs.plain, runs.encrypted].map(all => all[run].seconds.toFixed(2))
      console.log(`run ${run + 1}: import ${texts[0]} s, v1 ${texts[1]} s, v2 ${texts[2]} s`)
    }
    const rows = syncRows(runs.imports, runs.plain, runs.encrypted)
    const syncFrom = async (ports: readonly number[]): Promise<number[]> => {
      const seconds: number[] = []
      for (let run = 0; run < LINE_RUNS; run++) {
        seconds.push((await measure([`-assumevalid=${chain.tailTip.hash}`], ports, chain.tailTip)).seconds)
      }
      return seconds
    }
    const unlimited = await syncFrom([seeder.port])
    console.log(`no limit: ${unlimited.map(value => value.toFixed(2)).join(', ')} s`)
    rows.push({
      name: 'sync from a peer without limit, scripts assumed valid: what the CPU needs',
      value: `${median(unlimited).toFixed(2)} s (${spread(unlimited, 2)})`,
      beside: '',
      aim: '',
    })
    const alone: number[] = []
    for (const lines of LINES) {
      const seconds = await syncFrom(relays.slice(0, lines).map(relay => relay.port))
      if (lines === 1) alone.push(...seconds)
      console.log(`${lines} lines: ${seconds.map(value => value.toFixed(2)).join(', ')} s`)
      const ratio = (median(seconds) * lines) / median(alone)
      rows.push({
        name: `sync from ${lines} peer${lines === 1 ? '' : 's'} with 2 MB/s each, scripts assumed valid`,
        value: `${median(seconds).toFixed(2)} s (${spread(seconds, 2)})`,
        beside: lines === 1 ? '' : `${ratio.toFixed(2)} × the time from one, divided by ${lines}`,
        aim: lines === 1 ? '' : '≤ 1.10 × until the CPU is the limit',
      })
    }
    return rows
  } finally {
    for (const relay of relays) await relay.stop()
    await seeder.daemon.remove()
  }
}
