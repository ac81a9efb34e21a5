import type { NetworkParams } from '../bitcoin/params/network-params.ts'
import type { LedgerApi } from '../node/ledger/ledger-api.ts'
import type { Log } from '../node/log.ts'
import type { ActiveCall } from './method-table.ts'

/** What the handlers of RPC methods work with; node/ supplies it, tests a fake. */
export interface RpcContext {
  readonly network: NetworkParams
  readonly ledger: LedgerApi
  readonly clock: RpcClock
  readonly log: Log
  /** The text of `help` for a method, or of all for the empty name. */
  help(name: string): string
  activeCalls(): readonly ActiveCall[]
  /** Starts an orderly shutdown and returns at once. */
  shutdown(): void
  /** Messages for `warnings`. */
  warnings(): readonly string[]
}

export interface RpcClock {
  /** Seconds since 1970, or the mocked time. */
  nowSeconds(): number
  /** Mocks the time; 0 goes back to the system's. */
  setMockTime(seconds: number): void
  /** When the process started, on the system's clock, in seconds since 1970. */
  readonly startSeconds: number
}
