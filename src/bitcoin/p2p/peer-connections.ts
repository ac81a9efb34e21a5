import { InvariantError } from '../../base/errors.ts'
import { isLocalAddress } from '../wire/address-class.ts'
import type { GossipedAddress } from '../wire/address-messages.ts'
import { type NetAddress, type NetEndpoint, sameAddress, UNSPECIFIED_ADDRESS } from '../wire/net-address.ts'
import { formatNetEndpoint } from '../wire/net-address-text.ts'
import { SERVICES } from '../wire/services.ts'
import { Subnet } from '../wire/subnet.ts'
import { AddressGossip } from './address-gossip.ts'
import type { AddressManager } from './addresses/address-manager.ts'
import { PeerAddresses } from './addresses/peer-addresses.ts'
import type { BlockDownload } from './block-download.ts'
import type { ConnectionId, ConnectionInput, ConnectTarget } from './connection-io.ts'
import { BanList } from './connections/ban-list.ts'
import { InboundAdmission } from './connections/inbound-admission.ts'
import { OutboundPlanner } from './connections/outbound-planner.ts'
import { connectTarget, type OutboundStep, type PresentConnection } from './connections/outbound-step.ts'
import { parseWhitelist, permissionsOf, type WhitelistEntry } from './connections/permissions.ts'
import { type ConnectionSlots, connectionSlots } from './connections/slots.ts'
import { desirableServices, type Handshake, type HandshakeListener } from './handshake.ts'
import type { RelayAdmission } from './message-handler.ts'
import { OutboundUpkeep } from './outbound-upkeep.ts'
import type { P2pContext } from './p2p-context.ts'
import type { P2pOptions } from './p2p-options.ts'
import { type ConnectionType, type Permission, RemotePeer } from './remote-peer.ts'

/** A connection that is being made. */
interface Attempt {
  readonly type: ConnectionType
  readonly target: ConnectTarget
  readonly name: string
  readonly protocol: 'v1' | 'v2'
  /** Whether a failure says anything about the other side. */
  readonly countFailure: boolean
}

/** What is known of others from before. */
export interface KnownAddresses {
  readonly manager: AddressManager
  /** Block-relay-only peers of the last run. */
  readonly anchors: readonly GossipedAddress[]
}

export interface ConnectionsListener {
  /** A peer is gone. */
  onClosed(peer: RemotePeer): void
}

/** Who we are connected to: who may come in, and who goes. */
export class PeerConnections implements HandshakeListener, RelayAdmission {
  readonly gossip: AddressGossip
  readonly bans: BanList
  readonly slots: ConnectionSlots
  readonly planner: OutboundPlanner
  readonly #upkeep: OutboundUpkeep
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

  constructor(
    context: P2pContext,
    options: P2pOptions,
    { manager, anchors }: KnownAddresses,
    download: BlockDownload,
    listener: ConnectionsListener,
  ) {
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
    const shuns = (address: NetAddress, now: number): boolean => this.bans.shuns(address, now)
    this.gossip = new AddressGossip(context, options, manager, shuns)
    this.#upkeep = new OutboundUpkeep(context, download, this.slots)
    this.planner = new OutboundPlanner(
      {
        ...options,
        slots: this.slots,
        anchors,
        dnsSeeds: context.params.dnsSeeds,
        defaultPort: context.params.defaultPort,
        networks: this.gossip.reachableNetworks,
        v2: options.v2Transport,
      },
      {
        desirableServices: services => desirableServices(context, services),
        isOwn: endpoint => this.gossip.local.has(endpoint.address),
        shuns,
      },
      { manager, random: context.random, log: context.log },
      context.nowMs,
    )
    for (const endpoint of options.externalAddresses) this.gossip.local.add(endpoint, 'manual')
  }

  /** Who greets outbound peers; it needs us, and we need it. */
  setHandshake(handshake: Handshake): void {
    this.#handshake = handshake
  }

  onInput(input: Exclude<ConnectionInput, { type: 'uploadBudget' | 'applied' }>): void {
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
        this.planner.onResolved(input.name, input.addresses, this.#context.nowMs)
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
      ourServices: this.#options.services | (parts.permissions.has('bloomfilter') ? SERVICES.NODE_BLOOM : 0n),
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
    if (!this.networkActive || this.#isConnectedTo(name)) return false
    const { defaultPort } = this.#context.params
    const target = connectTarget(name, { defaultPort, networks: this.gossip.reachableNetworks }) ?? {
      name,
      port: defaultPort,
    }
    if (!('name' in target) && this.#isEndpointConnected(target)) {
      const text = formatNetEndpoint(target)
      this.#context.log.info(`Not opening a connection to ${name}, already connected to ${text}`)
      return false
    }
    this.open({ type, target, name, protocol, countFailure: false }, 0)
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
    this.#noteAttempt(attempt)
    const { type, name } = attempt
    const permissions = permissionsOf('outbound', remote.address, this.#whitelist, this.#options.implicitPermissions)
    const peer = this.#add({ connection, type, endpoint: remote, name, local, permissions, isInboundOnion: false })
    this.#context.emit({ type: 'begin', connection, peer: peer.id })
    this.#handshake?.sendVersion(peer)
  }

  #noteAttempt({ target, countFailure }: Attempt): void {
    if (!('name' in target)) this.gossip.manager.attempt(target, countFailure, this.#context.nowSeconds)
  }

  #onClosed({ connection, reason, retryV1 }: Extract<ConnectionInput, { type: 'closed' }>): void {
    const attempt = this.#attempts.get(connection)
    this.#attempts.delete(connection)
    if (attempt !== undefined && reason === 'unreachable') this.#noteAttempt(attempt)
    const peer = this.#byConnection.get(connection)
    if (peer === undefined) return
    this.#byConnection.delete(connection)
    peer.disconnecting = true
    this.#context.peers.delete(peer.id)
    this.gossip.removePeer(peer)
    this.#listener.onClosed(peer)
    const { type, endpoint, name } = peer
    if (retryV1 && !peer.isInbound) {
      this.open({ type, target: endpoint, name, protocol: 'v1', countFailure: false }, 0)
    }
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
    return this.keepRelayRoom(peer, 'version')
  }

  keepRelayRoom(peer: RemotePeer, command: string): boolean {
    if (!peer.isInbound || !peer.relaysTransactions) return true
    // Who has just come must not crowd itself out; who has been here may.
    if (this.#admission.makeRelayRoom(command === 'version' ? peer : undefined)) return true
    this.#context.debug(
      () =>
        `failed to find a tx-relaying eviction candidate - connection dropped after ${command} message, peer=${peer.id}`,
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

  onBlockConnected(): void {
    this.#upkeep.onBlockConnected()
  }

  /** All connections, those that are being made among them. */
  get present(): readonly PresentConnection[] {
    const present: PresentConnection[] = [...this.#context.peers.values()]
    for (const { type, target, name } of this.#attempts.values()) {
      const endpoint = 'name' in target ? { address: UNSPECIFIED_ADDRESS, port: target.port } : target
      present.push({ type, endpoint, name, handshakeDone: false })
    }
    return present
  }

  /** @param steadyMs by a clock that only ever grows */
  onTick(steadyMs: number): void {
    const context = this.#context
    this.#upkeep.onTick(this.networkActive && this.#options.connect === undefined)
    const wake = this.planner.nextWake()
    if (wake === undefined || wake > steadyMs || context.chain.tip < 0) return
    const { wantsAnotherFullRelay, wantsExtraBlockRelay } = this.#upkeep
    const { networkActive, present: connections } = this
    const snapshot = { connections, networkActive, wantsAnotherFullRelay, wantsExtraBlockRelay }
    for (const step of this.planner.plan(snapshot, context.nowMs, steadyMs)) this.#follow(step)
  }

  #follow(step: OutboundStep): void {
    if (step.type === 'resolve') {
      this.#context.emit(step)
      return
    }
    const { kind, target, protocol, countFailure, lastSeenSeconds } = step
    if (step.name !== undefined) {
      if (!this.#isConnectedTo(step.name)) {
        this.open({ type: kind, target, name: step.name, protocol, countFailure }, lastSeenSeconds)
      }
    } else if (!('name' in target) && !this.#isAddressTaken(target.address)) {
      const name = formatNetEndpoint(target)
      this.open({ type: kind, target, name, protocol, countFailure }, lastSeenSeconds)
    }
  }

  /** Whether an address should not be connected to (again). */
  #isAddressTaken(address: NetAddress): boolean {
    if (this.gossip.local.has(address) || this.bans.shuns(address, this.#context.nowSeconds)) return true
    return this.present.some(({ endpoint }) => sameAddress(endpoint.address, address))
  }
}
