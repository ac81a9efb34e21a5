import type { Crypto } from '../base/crypto/backend.ts'
import type { ConnectionId } from '../bitcoin/p2p/connection-io.ts'
import type { NetworkParams } from '../bitcoin/params/network-params.ts'
import type { AddressNetwork } from '../bitcoin/wire/net-address.ts'
import type { AddressBookCalls } from '../node/ledger/address-book-calls.ts'
import type { LedgerApi } from '../node/ledger/ledger-api.ts'
import type { PeerCalls } from '../node/ledger/peer-calls.ts'
import type { Log } from '../node/log.ts'
import type { NetTotals } from '../node/net/connections.ts'
import type { TrafficFigures } from '../node/net/traffic.ts'
import type { NetworkReach } from '../node/p2p/peer-network.ts'
import type { SwarmSession } from '../node/swarm/swarm-session.ts'
import type { ActiveCall } from './method-table.ts'
import { RPC_CLIENT_P2P_DISABLED, RpcError } from './rpc-error.ts'

/** What the handlers of RPC methods work with; node/ supplies it. */
export interface RpcContext {
  readonly network: NetworkParams
  readonly ledger: LedgerApi
  readonly crypto: Crypto
  readonly clock: RpcClock
  readonly log: Log
  /** Where the log file is; empty for none. */
  readonly logPath: string
  /** -maxmempool and what else an empty mempool tells about itself. */
  readonly mempoolSizeMaxBytes: number
  /** The last template that was asked for or mined, as `getmininginfo` tells of it; undefined before the first. */
  lastTemplate: TemplateSummary | undefined
  /** Methods whose former answers -deprecatedrpc asks for. */
  readonly deprecated: ReadonlySet<string>
  /** The text of `help` for a method, or of all for the empty name. */
  help(name: string): string
  activeCalls(): readonly ActiveCall[]
  /** Starts an orderly shutdown and returns at once. */
  shutdown(): void
  /** Whether a shutdown has begun. */
  isShuttingDown(): boolean
  /** Calls back when a shutdown begins; returns what ends that. */
  onShutdown(listener: () => void): () => void
  /** The version as bitcoind writes it: major, minor and build with two digits each and two more. */
  readonly clientVersion: number
  /** What is done with peers; undefined where nothing is. */
  peers(): RpcPeers | undefined
  /** The torrents of this peer; undefined where it has none, such as under the name of bitcoind. */
  swarm(): SwarmSession | undefined
  /** Messages for `warnings`. */
  warnings(): readonly string[]
}

/** The network as RPC methods see it. */
export interface RpcPeers {
  readonly calls: PeerCalls & AddressBookCalls
  readonly userAgent: string
  readonly services: bigint
  readonly blocksOnly: boolean
  readonly v2Transport: boolean
  trafficOf(connection: ConnectionId): TrafficFigures | undefined
  totals(): NetTotals
  isActive(): boolean
  setActive(active: boolean): void
  /** How a network is reached. */
  networkReach(name: AddressNetwork): NetworkReach
}

/** The peers; throws the error for a node that has none. */
export function requirePeers(context: RpcContext): RpcPeers {
  const peers = context.peers()
  if (peers !== undefined) return peers
  throw new RpcError(RPC_CLIENT_P2P_DISABLED, 'Error: Peer-to-peer functionality missing or disabled')
}

export interface RpcClock {
  /** Seconds since 1970, or the mocked time. */
  nowSeconds(): number
  /** Mocks the time; 0 goes back to the system's. */
  setMockTime(seconds: number): Promise<void>
  /** Seconds since the process started. */
  uptimeSeconds(): number
}

/** What a block template held. */
export interface TemplateSummary {
  readonly weight: number
  /** Transactions besides the coinbase. */
  readonly txCount: number
}

/** A template without transactions: the weight that is set aside for header and coinbase. */
export const EMPTY_TEMPLATE: TemplateSummary = { weight: 8000, txCount: 0 }
