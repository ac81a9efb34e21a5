import { InvariantError } from '../../base/errors.ts'
import { isLocalAddress } from '../wire/address-class.ts'
import { type NetEndpoint, sameAddress } from '../wire/net-address.ts'
import { formatNetEndpoint, parseNetEndpoint, splitHostPort } from '../wire/net-address-text.ts'
import { Subnet } from '../wire/subnet.ts'
import { AddressGossip } from './address-gossip.ts'
import type { AddressManager } from './addresses/address-manager.ts'
import { PeerAddresses } from './addresses/peer-addresses.ts'
import type { ConnectionId, ConnectionInput, ConnectTarget } from './connection-io.ts'
import { BanList } from './connections/ban-list.ts'
import { InboundAdmission } from './connections/inbound-admission.ts'
import { parseWhitelist, permissionsOf, type WhitelistEntry } from './connections/permissions.ts'
import { type ConnectionSlots, connectionSlots } from './connections/slots.ts'
import type { Handshake, HandshakeListener } from './handshake.ts'
import type { P2pContext } from './p2p-context.ts'
import type { P2pOptions } from './p2p-options.ts'
import { type ConnectionType, type Permission, RemotePeer } from './remote-peer.ts'

/** A connection that is being made. */
interface Attempt {
  readonly type: ConnectionType
  readonly target: ConnectTarget
  readonly name: string
  readonly protocol: 'v1' | 'v2'
}

export interface ConnectionsListener {
  /** A peer is gone. */
  onClosed(peer: RemotePeer): void
}

/** Who we are connected to: who may come in, and who goes. */
export class PeerConnections implements HandshakeListener {
  readonly gossip: AddressGossip
  readonly bans: BanList
  readonly slots: ConnectionSlots
  readonly #context: P2pContext
  readonly #options: P2pOptions
  readonly #listener: ConnectionsListener
  readonly #admission: InboundAdmission
  readonly #whitelist: readonly WhitelistEntry[]
  readonly #byConnection = new Map<ConnectionId, RemotePeer>()
  readonly #attempts = new Map<ConnectionId, Attempt>()
  #handshake: Handshake | undefined
  #nextConnection = 1
  #nextPeer = 0
  networkActive = true

  constructor(context: P2pContext, options: P2pOptions, manager: AddressManager, listener: ConnectionsListener) {
    this.#context = context
    this.#options = options
    this.#listener = listener
    this.slots = connectionSlots(options.connectionsMax, options.inboundRelayPercent)
    this.bans = new BanList(context.random, options.banSeconds)
    this.#admission = new InboundAdmission(context, this.bans, this.slots)
    this.#whitelist = options.whitelist.map(text => {
      const entry = parseWhitelist(text)
      if (!entry.ok) throw new InvariantError(`an invalid whitelist entry: ${text}`)
      return entry.value
    })
    this.gossip = new AddressGossip(context, options, manager, (address, now) => this.bans.shuns(address, now))
    for (const endpoint of options.externalAddresses) this.gossip.local.add(endpoint, 'manual')
  }

  /** Who greets outbound peers; it needs us, and we need it. */
  setHandshake(handshake: Handshake): void {
    this.#handshake = handshake
  }

  onInput(input: Exclude<ConnectionInput, { type: 'uploadBudget' }>): void {
    switch (input.type) {
      case 'accepted':
        this.#onAccepted(input)
        break
      case 'opened':
        this.#onOpened(input)
        break
      case 'closed':
        this.#onClosed(input)
        break
      case 'networkActive':
        this.networkActive = input.active
        break
      case 'localAddress':
        this.gossip.local.add(input.endpoint, input.score)
        break
      case 'localAddressGone':
        this.gossip.local.remove(input.endpoint)
        break
      case 'networkReachable':
        this.gossip.addReachable(input.network)
        break
      case 'resolved':
        break
      default:
        this.#onPeerInput(input)
    }
  }

  #onPeerInput(input: Extract<ConnectionInput, { type: 'transport' | 'message' | 'congested' | 'drained' }>): void {
    const peer = this.#byConnection.get(input.connection)
    if (peer === undefined) return
    switch (input.type) {
      case 'message':
        if (!peer.disconnecting) peer.queue.push(input)
        break
      case 'transport':
        peer.protocol = input.protocol
        peer.sessionId = input.sessionId
        break
      case 'congested':
      case 'drained':
        peer.congested = input.type === 'congested'
    }
  }

  #add(parts: {
    connection: ConnectionId
    type: ConnectionType
    endpoint: NetEndpoint
    name: string
    local: NetEndpoint | undefined
    permissions: ReadonlySet<Permission>
    isInboundOnion: boolean
  }): RemotePeer {
    const { random, nowMs, peers } = this.#context
    const peer = new RemotePeer({
      ...parts,
      id: this.#nextPeer++,
      connectedAtMs: nowMs,
      ourServices: this.#options.services,
      localNonce: random.u64(),
      addresses: new PeerAddresses(random, nowMs),
      isDiscouraged: this.bans.isDiscouraged(parts.endpoint.address),
      logsAddress: this.#options.logsAddresses,
    })
    this.#byConnection.set(parts.connection, peer)
    peers.set(peer.id, peer)
    return peer
  }

  #onAccepted({ connection, remote, local, listener }: Extract<ConnectionInput, { type: 'accepted' }>): void {
    const context = this.#context
    const at = listener === undefined ? undefined : this.#options.listeners[listener]
    const isInboundOnion = at?.isOnion ?? false
    const permissions = permissionsOf(
      'inbound',
      isInboundOnion ? undefined : remote.address,
      this.#whitelist,
      this.#options.implicitPermissions,
      at?.grant,
    )
    const name = formatNetEndpoint(remote)
    const refusal = this.networkActive
      ? this.#admission.refusal(remote.address, name, permissions.has('noban'))
      : `connection from ${name} dropped: not accepting new connections`
    if (refusal !== undefined) {
      context.debug(() => refusal)
      context.emit({ type: 'close', connection, flush: false })
      return
    }
    const peer = this.#add({ connection, type: 'inbound', endpoint: remote, name, local, permissions, isInboundOnion })
    const protocols = this.#options.v2Transport ? 'v1+v2' : 'v1'
    context.emit({ type: 'accept', connection, peer: peer.id, protocols })
    context.debug(() => `connection accepted ${peer.label}`)
  }

  /** Whether an owner's name for a host is that of a connection that stands. */
  #isConnectedTo(name: string): boolean {
    for (const peer of this.#context.peers.values()) if (peer.name === name) return true
    return false
  }

  /** Connects to a host that the owner names; false where that is not to be. */
  connectByName(name: string, type: ConnectionType, protocol: 'v1' | 'v2'): boolean {
    const { params } = this.#context
    if (!this.networkActive || this.#isConnectedTo(name)) return false
    const endpoint = parseNetEndpoint(name, params.defaultPort)
    if (endpoint !== undefined && this.#isEndpointConnected(endpoint)) {
      const text = formatNetEndpoint(endpoint)
      this.#context.log.info(`Not opening a connection to ${name}, already connected to ${text}`)
      return false
    }
    const host = splitHostPort(name)
    const target = endpoint ?? { name: host?.host ?? name, port: host?.port ?? params.defaultPort }
    this.open({ type, target, name, protocol }, 0)
    return true
  }

  #isEndpointConnected(endpoint: NetEndpoint): boolean {
    for (const { endpoint: other } of this.#context.peers.values()) {
      if (other.port === endpoint.port && sameAddress(other.address, endpoint.address)) return true
    }
    return false
  }

  open(attempt: Attempt, lastSeenSeconds: number): void {
    const connection = this.#nextConnection++
    const { type, target, protocol } = attempt
    this.#attempts.set(connection, attempt)
    this.#context.emit({ type: 'connect', connection, target, protocol, kind: type, lastSeenSeconds })
  }

  /** addconnection: false where there are as many of that kind as there may be. */
  openForTest(name: string, type: ConnectionType, protocol: 'v1' | 'v2'): boolean {
    const peers = [...this.#context.peers.values()]
    const max =
      type === 'outbound-full-relay'
        ? this.slots.fullRelay
        : type === 'block-relay-only'
          ? this.slots.blockRelayOnly
          : Number.POSITIVE_INFINITY
    if (peers.filter(peer => peer.type === type).length >= max) return false
    const outbound = peers.filter(peer => !peer.isInbound && peer.type !== 'manual').length
    if (outbound >= this.slots.outbound) return false
    this.connectByName(name, type, protocol)
    return true
  }

  #onOpened({ connection, remote, local }: Extract<ConnectionInput, { type: 'opened' }>): void {
    const attempt = this.#attempts.get(connection)
    this.#attempts.delete(connection)
    if (attempt === undefined) {
      this.#context.emit({ type: 'close', connection, flush: false })
      return
    }
    const { type, name } = attempt
    const permissions = permissionsOf('outbound', remote.address, this.#whitelist, this.#options.implicitPermissions)
    const peer = this.#add({ connection, type, endpoint: remote, name, local, permissions, isInboundOnion: false })
    this.#context.emit({ type: 'begin', connection, peer: peer.id })
    this.#handshake?.sendVersion(peer)
  }

  #onClosed({ connection, retryV1 }: Extract<ConnectionInput, { type: 'closed' }>): void {
    this.#attempts.delete(connection)
    const peer = this.#byConnection.get(connection)
    if (peer === undefined) return
    this.#byConnection.delete(connection)
    peer.disconnecting = true
    this.#context.peers.delete(peer.id)
    this.gossip.removePeer(peer)
    this.#listener.onClosed(peer)
    const { type, endpoint, name } = peer
    if (retryV1 && !peer.isInbound) this.open({ type, target: endpoint, name, protocol: 'v1' }, 0)
  }

  /** Whether a connection is old enough to be given up for its silence. */
  mayTimeOut(peer: RemotePeer): boolean {
    return peer.connectedAtMs + this.#options.peerTimeoutMs < this.#context.nowMs
  }

  /** Parts from a peer that broke a rule; whether it did. */
  punish(peer: RemotePeer): boolean {
    const context = this.#context
    if (!peer.shouldDiscourage) return false
    peer.shouldDiscourage = false
    if (peer.has('noban')) {
      context.log.warning(`Not punishing noban peer ${peer.id}!`)
      return false
    }
    if (peer.type === 'manual') {
      context.log.warning(`Not punishing manually connected peer ${peer.id}!`)
      return false
    }
    const { address } = peer.endpoint
    if (isLocalAddress(address)) {
      const kind = peer.isInboundOnion ? 'inbound onion' : 'local'
      context.debug(() => `Warning: disconnecting but not discouraging ${kind} peer ${peer.id}!`)
      context.disconnect(peer)
      return true
    }
    context.debug(() => `Disconnecting and discouraging peer ${peer.id}!`)
    this.bans.discourage(address)
    this.disconnectSubnet(Subnet.ofHost(address))
    return true
  }

  /** Parts from all peers of a subnet. */
  disconnectSubnet(subnet: Subnet): void {
    const { peers } = this.#context
    const which = this.#options.logsAddresses ? `=${subnet.text}` : ''
    for (const peer of peers.values()) {
      if (!subnet.contains(peer.endpoint.address)) continue
      this.#context.disconnect(peer, () => `disconnect by subnet${which} match`)
    }
  }

  onVersion(peer: RemotePeer): boolean {
    if (!peer.isInbound) this.gossip.manager.setServices(peer.endpoint, peer.services)
    if (!peer.isInbound || !peer.relaysTransactions || this.#admission.makeRelayRoom(peer)) return true
    const { id } = peer
    this.#context.debug(
      () => `failed to find a tx-relaying eviction candidate - connection dropped after version message, peer=${id}`,
    )
    this.#context.disconnect(peer)
    return false
  }

  onIntroduced(peer: RemotePeer): void {
    if (!peer.isInbound) this.gossip.onOutbound(peer)
  }

  onSeenLocal(endpoint: NetEndpoint): void {
    this.gossip.onSeenLocal(endpoint)
  }

  onBlockConnected(): void {}

  onTick(): void {}
}
