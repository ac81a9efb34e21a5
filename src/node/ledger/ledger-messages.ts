import { OperationError } from '../../base/errors.ts'
import type { ConnectionEffect, ConnectionInput } from '../../bitcoin/p2p/connection-io.ts'
import type { P2pOptions } from '../../bitcoin/p2p/p2p-options.ts'
import type { LogEntry } from '../log.ts'
import type { AddressBookCalls } from './address-book-calls.ts'
import type { LedgerCalls, TipSnapshot } from './ledger-api.ts'
import type { LedgerOptions } from './ledger-options.ts'
import type { PeerCalls } from './peer-calls.ts'

/** What a ledger thread is started with. */
export interface LedgerThreadData {
  readonly options: LedgerOptions
  /** The log filter's shared state. */
  readonly logFilter: SharedArrayBuffer
  readonly logSourceLocations: boolean
  /** How far the ledger's threads run below the thread that talks. */
  readonly nice: number
  readonly mockTimeSeconds: number
}

/** To the ledger. */
export type LedgerRequest =
  | {
      readonly type: 'call'
      readonly id: number
      readonly method: keyof LedgerCalls | keyof PeerCalls | keyof AddressBookCalls
      readonly args: readonly unknown[]
    }
  /** Begins to deal with peers. */
  | { readonly type: 'startPeers'; readonly id: number; readonly options: P2pOptions }
  /** What happened on connections. */
  | { readonly type: 'inputs'; readonly inputs: readonly ConnectionInput[] }
  | { readonly type: 'close' }

/** An error as it crosses threads. */
export interface ErrorMessage {
  readonly code: string | undefined
  readonly message: string
  readonly next: string | undefined
}

/** From the ledger. */
export type LedgerReply =
  /** The ledger is open; what it has to take in is still to come. */
  | { readonly type: 'opened' }
  | { readonly type: 'tip'; readonly tip: TipSnapshot }
  | { readonly type: 'started' }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly error: ErrorMessage }
  /** The ledger cannot go on. */
  | { readonly type: 'fatal'; readonly error: ErrorMessage }
  | { readonly type: 'log'; readonly entry: LogEntry }
  /** What is to be done with connections. */
  | { readonly type: 'effects'; readonly effects: readonly ConnectionEffect[] }
  | { readonly type: 'closed' }

export function errorMessage(error: unknown): ErrorMessage {
  if (error instanceof OperationError) return { code: error.code, message: error.message, next: error.next }
  return {
    code: undefined,
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    next: undefined,
  }
}

/** The error that a message stands for. */
export function errorOfMessage({ code, message, next }: ErrorMessage): Error {
  return code === undefined ? new Error(message) : new OperationError(code, message, next === undefined ? {} : { next })
}
