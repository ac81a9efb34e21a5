import type { AddedNodeInfo } from '../../bitcoin/p2p/connections/added-nodes.ts'
import { permissionNames } from '../../bitcoin/p2p/connections/permissions.ts'
import type { ConnectionType, RemotePeer } from '../../bitcoin/p2p/remote-peer.ts'
import type { NetworkState, PeerCalls, PeerInfo } from './peer-calls.ts'
import type { PeerHost } from './peer-host.ts'

/** Answers what others ask about peers, in the ledger's own thread. */
export class PeerService implements PeerCalls {
  readonly #host: PeerHost

  constructor(host: PeerHost) {
    this.#host = host
  }

  get #node(): PeerHost['node'] {
    return this.#host.node
  }

  async peerInfos(): Promise<readonly PeerInfo[]> {
    return this.#host.run(() => [...this.#node.context.peers.values()].map(peer => this.#info(peer)))
  }

  #info(peer: RemotePeer): PeerInfo {
    const { context } = this.#node
    const { index } = context.chain
    const heightOf = (block: number): number => (block < 0 ? -1 : index.height(block))
    return {
      id: peer.id,
      connection: peer.connection,
      name: peer.name,
      endpoint: peer.endpoint,
      local: peer.local,
      localSeenByPeer: peer.localSeenByPeer,
      isInboundOnion: peer.isInboundOnion,
      type: peer.type,
      protocol: peer.protocol,
      sessionId: peer.sessionId,
      services: peer.services,
      version: peer.version,
      userAgent: peer.userAgent,
      startHeight: peer.startHeight,
      relaysTransactions: peer.relaysTransactions,
      connectedAtMs: peer.connectedAtMs,
      timeOffsetSeconds: peer.timeOffsetSeconds,
      lastTransactionMs: peer.lastTransactionMs,
      lastBlockMs: peer.lastBlockMs,
      pingTimeMs: peer.pingTimeMs,
      minPingMs: peer.minPingMs,
      pingWaitMs: peer.pingNonce === 0n ? undefined : context.nowMs - peer.pingStartMs,
      highBandwidthTo: peer.highBandwidthTo,
      highBandwidthFrom: peer.highBandwidthFrom,
      presyncHeight: peer.headersPresync?.progress?.height ?? -1,
      bestKnownHeight: heightOf(peer.bestKnownBlock),
      commonHeight: heightOf(peer.lastCommonBlock),
      inFlight: peer.requests.map(({ block }) => index.height(block)),
      addressRelay: this.#node.connections.gossip.figuresOf(peer),
      permissions: permissionNames(peer.permissions),
      feeFilterSats: peer.feeFilterSats,
    }
  }

  async connectOnce(name: string, protocol: 'v1' | 'v2'): Promise<void> {
    this.#host.run(() => this.#node.connections.connectByName(name, 'manual', protocol))
  }

  async addNode(name: string, protocol: 'v1' | 'v2'): Promise<boolean> {
    return this.#node.connections.planner.addNode(name, protocol === 'v2')
  }

  async removeNode(name: string): Promise<boolean> {
    return this.#node.connections.planner.removeNode(name)
  }

  async addedNodes(): Promise<readonly AddedNodeInfo[]> {
    const { planner, present } = this.#node.connections
    return planner.addedNodes(present)
  }

  async openForTest(name: string, type: ConnectionType, protocol: 'v1' | 'v2'): Promise<boolean> {
    return this.#host.run(() => this.#node.connections.openForTest(name, type, protocol))
  }

  async networkState(): Promise<NetworkState> {
    const { peers } = this.#node.context
    const offsets = [...peers.values()].filter(peer => !peer.isInbound && peer.version !== 0)
    const sorted = offsets.map(peer => peer.timeOffsetSeconds).sort((a, b) => a - b)
    return {
      localAddresses: this.#node.connections.gossip.local.all,
      timeOffsetSeconds: sorted[sorted.length >> 1] ?? 0,
    }
  }

  async pingAll(): Promise<void> {
    for (const peer of this.#node.context.peers.values()) peer.pingQueued = true
  }

  async disconnectPeer(id: number): Promise<boolean> {
    return this.#disconnect(this.#node.context.peers.get(id), 'disconnect by id')
  }

  async disconnectByName(name: string): Promise<boolean> {
    const peer = [...this.#node.context.peers.values()].find(candidate => candidate.name === name)
    return this.#disconnect(peer, `disconnect by address match`)
  }

  #disconnect(peer: RemotePeer | undefined, reason: string): boolean {
    if (peer === undefined) return false
    this.#host.run(() => this.#node.context.disconnect(peer, () => reason))
    return true
  }

  async sendRaw(id: number, command: string, payload: Uint8Array): Promise<boolean> {
    const peer = this.#node.context.peers.get(id)
    if (peer === undefined) return false
    this.#host.run(() => this.#node.context.sendPayload(peer, command, payload))
    return true
  }

  async fetchBlock(hash: Uint8Array, id: number): Promise<string | undefined> {
    const { context, download } = this.#node
    const peer = context.peers.get(id)
    if (peer === undefined) return 'Peer does not exist'
    return this.#host.run(() => download.fetchFrom(peer, context.chain.index.find(hash)))
  }
}
