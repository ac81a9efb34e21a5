import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Crypto } from '../src/base/crypto/backend.ts'
import { builtInNetwork } from '../src/bitcoin/params/networks.ts'
import { type ChainBench, chainBench } from '../test/chain-bench.ts'
import { Daemon } from '../test/daemon.ts'
import { readAndHash, verifyRates } from './floors.ts'
import { median, type Row, spread } from './table.ts'

const RUNS = 5

interface ImportRun {
  /** From RPC ready to the tip. */
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakBytes: number
  readonly delayP99Ms: number
  readonly delayMaxMs: number
}

/** Imports a chain in a fresh process and folder; throws where it ends anywhere but at the right coins. */
async function importOnce(args: readonly string[], tip: { height: number; hash: string }): Promise<ImportRun> {
  const daemon = await Daemon.create()
  const delayFile = join(daemon.folder, 'delay.json')
  try {
    process.env['PEERS_DELAY_FILE'] = delayFile
    const client = await daemon.start(['-dbcache=100', ...args], ['--import', './bench/delay-probe.mjs'])
    const start = performance.now()
    const reached = await client.call<{ hash: string }>('waitforblockheight', [tip.height])
    const seconds = (performance.now() - start) / 1000
    if (reached.hash !== tip.hash) throw new Error(`ended at ${reached.hash}`)
    const cpuSeconds = daemon.cpuSeconds() ?? Number.NaN
    const peakBytes = daemon.peakMemoryBytes() ?? Number.NaN
    client.close()
    await daemon.stop()
    const delay = JSON.parse(readFileSync(delayFile, 'utf8')) as { p99: number; max: number }
    return { seconds, cpuSeconds, peakBytes, delayP99Ms: delay.p99, delayMaxMs: delay.max }
  } finally {
    await daemon.remove()
  }
}

function signatureFloorSeconds(chain: ChainBench, rates: { ecdsa: number; schnorr: number }): number {
  const ecdsa = chain.signatures - chain.schnorrSignatures
  return (ecdsa / rates.ecdsa + chain.schnorrSignatures / rates.schnorr) / availableParallelism()
}

/** Importing chain-bench: with all scripts checked, and with -assumevalid; each run beside its floor. */
export async function importRows(crypto: Crypto): Promise<Row[]> {
  const chain = chainBench()
  if (chain === undefined) return []
  const { magic } = builtInNetwork('regtest')!
  const full: (ImportRun & { ratio: number; floor: number })[] = []
  const assumed: (ImportRun & { ratio: number; rate: number; plainRate: number })[] = []
  for (let run = 0; run < RUNS; run++) {
    const floor = signatureFloorSeconds(chain, verifyRates(crypto))
    const loads = chain.files.map(file => `-loadblock=${file}`)
    const checked = await importOnce([...loads, '-assumevalid=0'], chain.tip)
    full.push({ ...checked, floor, ratio: checked.seconds / floor })
    const plain = readAndHash([...chain.files, chain.tailFile], magic, crypto)
    const skipping = [...loads, `-loadblock=${chain.tailFile}`, `-assumevalid=${chain.tailTip.hash}`]
    const skipped = await importOnce(skipping, chain.tailTip)
    const rate = plain.bytes / 1e6 / skipped.seconds
    const plainRate = plain.bytes / 1e6 / plain.seconds
    assumed.push({ ...skipped, rate, plainRate, ratio: rate / plainRate })
    console.log(
      `run ${run + 1}: checked ${checked.seconds.toFixed(2)} s (floor ${floor.toFixed(2)}), ` +
        `assumed valid ${skipped.seconds.toFixed(2)} s (plain ${plain.seconds.toFixed(2)})`,
    )
  }
  const of = <T>(runs: readonly T[], pick: (run: T) => number): readonly number[] => runs.map(pick)
  const seconds = of(full, run => run.seconds)
  const skippedSeconds = of(assumed, run => run.seconds)
  const all = [...full, ...assumed]
  return [
    {
      name: 'import, all scripts checked',
      value: `${median(seconds).toFixed(2)} s (${spread(seconds, 2)}), ${median(of(full, r => r.cpuSeconds)).toFixed(1)} CPU s`,
      beside: `${median(of(full, r => r.ratio)).toFixed(2)} × the signatures alone (${median(of(full, r => r.floor)).toFixed(2)} s)`,
      aim: '≤ 1.4 ×',
    },
    {
      name: 'import under -assumevalid',
      value: `${median(skippedSeconds).toFixed(2)} s (${spread(skippedSeconds, 2)}), ${median(of(assumed, r => r.rate)).toFixed(0)} MB/s`,
      beside: `${median(of(assumed, r => r.ratio)).toFixed(2)} of reading and hashing (${median(of(assumed, r => r.plainRate)).toFixed(0)} MB/s)`,
      aim: '≥ 0.4',
    },
    {
      name: 'peak memory while importing, -dbcache=100',
      value: `${(Math.max(...of(all, r => r.peakBytes)) / 2 ** 20).toFixed(0)} MB`,
      beside: '',
      aim: '≤ 350 MB',
    },
    {
      name: "main thread's event-loop delay meanwhile, flush at the stop included",
      value: `p99 ${median(of(all, r => r.delayP99Ms)).toFixed(1)} ms, max ${Math.max(...of(all, r => r.delayMaxMs)).toFixed(0)} ms`,
      beside: '',
      aim: 'p99 ≤ 20 ms, max ≤ 100 ms',
    },
  ]
}
