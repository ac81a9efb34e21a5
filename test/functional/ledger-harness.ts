import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHexReversed } from '../../src/base/bytes/bytes.ts'
import { builtInNetwork } from '../../src/bitcoin/params/networks.ts'
import { type LedgerOptions, ledgerOptions } from '../../src/node/ledger/ledger-options.ts'
import { type RunningLedger, runLedger } from '../../src/node/ledger/run-ledger.ts'
import { Log } from '../../src/node/log.ts'
import { LogFilter } from '../../src/node/log-filter.ts'
import { readSharedBytes, readSharedJson } from '../shared-data.ts'

/** A fresh folder, gone when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'peers-ledger-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A ledger that a test has started, with what it logged. */
export interface OpenLedger extends RunningLedger {
  readonly messages: string[]
}

/** Starts a regtest ledger in a folder, and waits until all that it takes in at the start is in. Errors are thrown. */
export async function openLedger(folder: string, changes: Partial<LedgerOptions> = {}): Promise<OpenLedger> {
  const messages: string[] = []
  const log = new Log(new LogFilter(), entry => messages.push(entry.message), { thread: 'test' })
  const options = { ...ledgerOptions(builtInNetwork('regtest')!, folder), ...changes }
  let failure: unknown
  const running = await runLedger(
    options,
    { log, nice: 0, mockTimeSeconds: 0 },
    {
      onTip() {},
      onFatal(error) {
        failure = error
      },
    },
  )
  try {
    await running.started
  } catch (error) {
    await running.close().catch(() => undefined)
    throw failure ?? error
  }
  return { ...running, messages }
}

/** The tip's hash as people write it. */
export function tipOf(ledger: RunningLedger): string {
  return toHexReversed(ledger.service.snapshot()!.hash)
}

/** What tells two ledgers apart: tip and coins. */
export async function stateOf(ledger: RunningLedger): Promise<{ tip: string; hash: string; txouts: number }> {
  const { hash, txouts } = await ledger.service.utxoSetInfo('hash_serialized_3')
  return { tip: tipOf(ledger), hash: hash!, txouts }
}

export interface FedBlock {
  readonly height: number
  readonly hash: string
  readonly bytes: number
  readonly result: string | null
  readonly tip: boolean
}

export interface MixedChainExpectations {
  readonly tip: { readonly height: number; readonly hash: string }
  readonly activeChain: readonly string[]
  readonly getchaintips: readonly { height: number; hash: string; branchlen: number; status: string }[]
  readonly heights: readonly {
    readonly height: number
    readonly hash: string
    readonly gettxoutsetinfo: {
      readonly bestblock: string
      readonly txouts: number
      readonly bogosize: number
      readonly hash_serialized_3: string
      readonly muhash: string
      readonly total_amount: number
    }
  }[]
}

export function mixedChainExpectations(): MixedChainExpectations {
  return readSharedJson('fixtures', 'chain-mixed', 'expected.json')
}

/** The fixture's blocks in order of feeding, with Core's answers. */
export function mixedChain(): { entry: FedBlock; bytes: Uint8Array }[] {
  const index = readSharedJson<FedBlock[]>('fixtures', 'chain-mixed', 'index.json')
  const file = readSharedBytes('fixtures', 'chain-mixed', 'blocks.dat')
  const view = new DataView(file.buffer, file.byteOffset)
  let at = 0
  return index.map(entry => {
    const size = view.getUint32(at + 4, true)
    const bytes = file.slice(at + 8, at + 8 + size)
    at += 8 + size
    return { entry, bytes }
  })
}
