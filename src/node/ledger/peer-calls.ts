import type { ConnectionId } from '../../bitcoin/p2p/connection-io.ts'
import type { AddedNodeInfo } from '../../bitcoin/p2p/connections/added-nodes.ts'
import type { ConnectionType, Permission } from '../../bitcoin/p2p/remote-peer.ts'
import type { NetEndpoint } from '../../bitcoin/wire/net-address.ts'

/** A connected peer, as RPC shows it; plain data. Times are in milliseconds since 1970, 0 for never. */
export interface PeerInfo {
  readonly id: number
  readonly connection: ConnectionId
  readonly name: string
  readonly endpoint: NetEndpoint
  readonly local: NetEndpoint | undefined
  /** Where the peer sees us. */
  readonly localSeenByPeer: NetEndpoint | undefined
  readonly isInboundOnion: boolean
  readonly type: ConnectionType
  readonly protocol: 'detecting' | 'v1' | 'v2'
  readonly sessionId: Uint8Array | undefined
  readonly services: bigint
  readonly version: number
  readonly userAgent: string
  readonly startHeight: number
  readonly relaysTransactions: boolean
  readonly connectedAtMs: number
  readonly timeOffsetSeconds: number
  readonly lastTransactionMs: number
  readonly lastBlockMs: number
  readonly pingTimeMs: number | undefined
  readonly minPingMs: number | undefined
  /** How long a ping has been waiting for its answer. */
  readonly pingWaitMs: number | undefined
  readonly highBandwidthTo: boolean
  readonly highBandwidthFrom: boolean
  /** Height that an unproven chain of headers has been followed to, -1 for none. */
  readonly presyncHeight: number
  /** Height of the best block that it is known to have, and of the last that we share; -1 where unknown. */
  readonly bestKnownHeight: number
  readonly commonHeight: number
  /** Heights of the blocks that it was asked for. */
  readonly inFlight: readonly number[]
  readonly addressRelay: { readonly enabled: boolean; readonly processed: number; readonly rateLimited: number }
  readonly permissions: readonly Permission[]
  readonly feeFilterSats: number
}

/** What the peers' side knows of ourselves. */
export interface NetworkState {
  readonly localAddresses: readonly { readonly endpoint: NetEndpoint; readonly score: number }[]
  /** The median of what outbound peers' clocks are ahead. */
  readonly timeOffsetSeconds: number
}

/** What others ask of the peers' side; every call may cross a thread. */
export interface PeerCalls {
  peerInfos(): Promise<readonly PeerInfo[]>
  /** `addnode … onetry`: connects once. */
  connectOnce(name: string, protocol: 'v1' | 'v2'): Promise<void>
  /** addnode: false where it is on the list already. */
  addNode(name: string, protocol: 'v1' | 'v2'): Promise<boolean>
  /** False where it was not on the list. */
  removeNode(name: string): Promise<boolean>
  addedNodes(): Promise<readonly AddedNodeInfo[]>
  /** addconnection: false where there are as many of that kind as there may be. */
  openForTest(name: string, type: ConnectionType, protocol: 'v1' | 'v2'): Promise<boolean>
  networkState(): Promise<NetworkState>
  /** Sends all peers a ping. */
  pingAll(): Promise<void>
  /** Parts from a peer; whether there is one with that number. */
  disconnectPeer(id: number): Promise<boolean>
  /** Likewise by the name that it was connected by. */
  disconnectByName(name: string): Promise<boolean>
  /** sendmsgtopeer: whether there is such a peer. */
  sendRaw(id: number, command: string, payload: Uint8Array): Promise<boolean>
  /** getblockfrompeer: undefined where the block is on its way, else Core's words for what stands against it. */
  fetchBlock(hash: Uint8Array, id: number): Promise<string | undefined>
}
