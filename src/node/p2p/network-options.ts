import type { P2pOptions } from '../../bitcoin/p2p/p2p-options.ts'
import type { ConnectionsOptions, ListenRequest } from '../net/connections.ts'
import type { NetworkHelpersOptions } from '../net/network-helpers.ts'
import type { ProxyFlags } from '../net/proxy-options.ts'

/** How a peer deals with the Bitcoin network; plain data. */
export interface NetworkOptions {
  readonly p2p: P2pOptions
  readonly connections: ConnectionsOptions
  /** Where to listen, in the order of {@link P2pOptions.listeners}; empty for nowhere. */
  readonly listen: readonly ListenRequest[]
  /** -proxy, -onion, -proxyrandomize */
  readonly proxies: ProxyFlags
  readonly helpers: NetworkHelpersOptions
  /** -timeout */
  readonly connectTimeoutMs: number
  /** -dns */
  readonly looksUpNames: boolean
}
