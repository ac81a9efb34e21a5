import type { ConnectionEffect, ConnectionInput } from '../../bitcoin/p2p/connection-io.ts'
import type { P2pOptions } from '../../bitcoin/p2p/p2p-options.ts'
import { loadCrypto } from '../../platform/crypto.ts'
import { nodeRandom } from '../../platform/node-random.ts'
import { nodeTimers } from '../../platform/node-timers.ts'
import type { Log } from '../log.ts'
import { AddressBookService } from './address-book-service.ts'
import { HelperThreads } from './helper-threads.ts'
import { importBlocks } from './import-blocks.ts'
import { Ledger } from './ledger.ts'
import type { TipSnapshot } from './ledger-api.ts'
import type { LedgerOptions } from './ledger-options.ts'
import { LedgerService } from './ledger-service.ts'
import { nodeDisk } from './node-disk.ts'
import { PeerFiles } from './peer-files.ts'
import { PeerHost } from './peer-host.ts'
import { PeerService } from './peer-service.ts'

/** What a running ledger tells whoever runs it. */
export interface LedgerListener {
  onTip(tip: TipSnapshot): void
  /** Work in the background failed: the ledger cannot go on. */
  onFatal(error: unknown): void
}

/** A ledger at work, in whatever thread it was started. */
export interface RunningLedger {
  readonly service: LedgerService
  /** Resolves once all that it was to take in at the start is in and the best chain is active. */
  readonly started: Promise<void>
  /** Answer what is asked about peers; none before {@link startPeers}. */
  readonly peers: readonly (PeerService | AddressBookService)[]
  /** Begins to deal with peers. */
  startPeers(options: P2pOptions, onEffects: (effects: readonly ConnectionEffect[]) => void): void
  /** What happened on connections. */
  onInputs(inputs: readonly ConnectionInput[]): void
  close(): Promise<void>
}

/** Opens a ledger and sets it to work. Throws OperationErrors of the stores and files. */
export async function runLedger(
  options: LedgerOptions,
  setting: { log: Log; nice: number; mockTimeSeconds: number },
  listener: LedgerListener,
): Promise<RunningLedger> {
  const crypto = await loadCrypto({ portable: options.portableCrypto })
  let mockTime = setting.mockTimeSeconds
  let service: LedgerService | undefined
  const disk = nodeDisk(options, setting.log)
  const ledger = await Ledger.open(options, {
    crypto,
    random: nodeRandom,
    disk,
    timers: nodeTimers,
    startHelpers: xorKey =>
      new HelperThreads(crypto, Math.max(options.scriptThreads - 1, 0), {
        params: options.params,
        blocksFolder: options.blocksFolder,
        xorKey,
        portable: options.portableCrypto,
        nice: setting.nice,
      }),
    log: setting.log,
    nowSeconds: () => mockTime || Math.floor(Date.now() / 1000),
    monotonic: () => performance.now(),
    onChange() {
      const tip = service?.snapshot()
      if (tip !== undefined) listener.onTip(tip)
    },
    onFailure: error => listener.onFatal(error),
  })
  service = new LedgerService(ledger, seconds => {
    mockTime = seconds
  })
  const first = service.snapshot()
  if (first !== undefined) listener.onTip(first)
  const started = ledger.start(importBlocks)
  started.catch(error => listener.onFatal(error))
  let host: PeerHost | undefined
  let peers: readonly (PeerService | AddressBookService)[] = []
  return {
    service,
    started,
    get peers() {
      return peers
    },
    startPeers(peerOptions, onEffects) {
      const nowMs = (): number => 1000 * mockTime || performance.timeOrigin + performance.now()
      const { log } = setting
      const files = new PeerFiles({
        files: disk.folder(''),
        path: options.folder,
        magic: options.params.magic,
        crypto,
        random: nodeRandom,
        log,
        deterministicAddresses: peerOptions.deterministicAddresses,
      })
      host = new PeerHost({ ledger, options: peerOptions, random: nodeRandom, files, log, nowMs, onEffects })
      peers = [new PeerService(host), new AddressBookService(host)]
    },
    onInputs: inputs => host?.onInputs(inputs),
    async close() {
      try {
        host?.close()
      } finally {
        await ledger.close()
      }
    },
  }
}
