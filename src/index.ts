/**
 * The library: a peer in one's own process.
 *
 * @example
 * import { builtInNetwork, openPeer } from 'peers-node'
 *
 * const peer = await openPeer({ network: builtInNetwork('regtest')!, folder: './chain' })
 * console.log(peer.ledger.tip.height)
 * await peer.stop()
 */

export { OperationError } from './base/errors.ts'
export type { NetworkParams } from './bitcoin/params/network-params.ts'
export { builtInNetwork, NETWORK_NAMES, type NetworkChoices } from './bitcoin/params/networks.ts'
export type { LedgerApi, TipSnapshot } from './node/ledger/ledger-api.ts'
export { type LedgerOptions, ledgerOptions } from './node/ledger/ledger-options.ts'
export { type OpenPeerOptions, openPeer } from './node/open-peer.ts'
export { Peer, type PeerOptions } from './node/peer.ts'
export { RpcClient, type RpcClientOptions } from './rpc/client.ts'
export { RPC_HTTP_DEFAULTS, type RpcHttpOptions } from './rpc/http-server.ts'
export { type RpcService, type RpcServiceOptions, serveRpc } from './rpc/serve-rpc.ts'
