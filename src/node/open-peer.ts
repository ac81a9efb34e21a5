import type { NetworkParams } from '../bitcoin/params/network-params.ts'
import { type LedgerOptions, ledgerOptions } from './ledger/ledger-options.ts'
import { LogFilter } from './log-filter.ts'
import { Peer } from './peer.ts'

/** What a peer in a program's own process needs to be told. */
export interface OpenPeerOptions {
  readonly network: NetworkParams
  /** Where it keeps everything; made if need be. */
  readonly folder: string
  /** Changes to the ledger's defaults. */
  readonly ledger?: Partial<LedgerOptions>
  /** Where to write a log; none by default. */
  readonly logPath?: string
}

/**
 * Starts a peer and waits until its ledger can be asked. Whoever starts it stops it. Throws OperationErrors of the stores and files.
 *
 * @example
 * const peer = await openPeer({ network: builtInNetwork('regtest')!, folder: './chain' })
 * await peer.stop()
 */
export async function openPeer({ network, folder, ledger, logPath }: OpenPeerOptions): Promise<Peer> {
  const peer = new Peer({
    ledger: { ...ledgerOptions(network, folder), ...ledger },
    debugLog: { path: logPath },
    logFilter: new LogFilter(),
    logSourceLocations: false,
    mockTimeSeconds: 0,
    network: undefined,
  })
  try {
    await peer.opened
  } catch (error) {
    await peer.stop()
    throw error
  }
  return peer
}
