import type { Crypto } from '../../base/crypto/backend.ts'
import type { Random } from '../../base/ports/random.ts'
import type { Timers } from '../../base/ports/timers.ts'
import type { Log } from '../log.ts'
import type { HelperThreads } from './helper-threads.ts'
import type { LedgerDisk } from './ledger-disk.ts'

/** What the ledger is given by whoever runs it, in a thread or in-process. */
export interface LedgerPorts {
  readonly crypto: Crypto
  readonly random: Random
  readonly disk: LedgerDisk
  readonly timers: Timers
  /** Starts the threads that help, once it is known where the blocks lie. */
  startHelpers(xorKey: Uint8Array): HelperThreads
  readonly log: Log
  nowSeconds(): number
  /** Milliseconds that only ever grow. */
  monotonic(): number
  /** Called whenever the tip, the best header or the state of download may have changed. */
  onChange(): void
  /** Work in the background failed: the ledger cannot go on. */
  onFailure(error: unknown): void
}
