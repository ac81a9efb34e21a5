import { isRoutable } from '../wire/address-class.ts'
import { COMPACT_BLOCK_VERSION } from '../wire/compact-block-messages.ts'
import { isLegacyCompatible, type NetEndpoint, UNSPECIFIED_ADDRESS } from '../wire/net-address.ts'
import { formatNetEndpoint } from '../wire/net-address-text.ts'
import { safeText } from '../wire/safe-text.ts'
import { SERVICES } from '../wire/services.ts'
import { PROTOCOL_VERSION, type VersionMessage } from '../wire/version-message.ts'
import type { BlockDownload } from './block-download.ts'
import {
  FEEFILTER_VERSION,
  MIN_PEER_PROTOCOL_VERSION,
  NODE_NETWORK_LIMITED_ALLOW_CONN_BLOCKS,
  SHORT_IDS_BLOCKS_VERSION,
  WTXID_RELAY_VERSION,
} from './limits.ts'
import type { P2pContext } from './p2p-context.ts'
import type { RemotePeer } from './remote-peer.ts'

/** BIP133: the highest feerate that bitcoind names, by which it says that no transactions are wanted; there is no pool for them here. */
const NO_TRANSACTIONS_FEE_RATE = 9_170_997n

const NOWHERE: NetEndpoint = { address: UNSPECIFIED_ADDRESS, port: 0 }

export interface HandshakeOptions {
  /** BIP14 */
  readonly userAgent: string
  /** -blocksonly: no transactions are wanted from anybody. */
  readonly blocksOnly: boolean
}

/** What others do when a handshake reaches a point. */
export interface HandshakeListener {
  /** The peer has said what it is; false ends the handshake. */
  onVersion(peer: RemotePeer): boolean
  /** The handshake has succeeded as far as our side of it goes. */
  onIntroduced(peer: RemotePeer): void
  /** A peer says where it sees us. */
  onSeenLocal(endpoint: NetEndpoint): void
}

/** Services that a peer which offers `services` should have for us to choose it: near the tip, limited ones are good enough. */
export function desirableServices({ chain, params, nowSeconds }: P2pContext, services: bigint): bigint {
  if ((services & SERVICES.NODE_NETWORK_LIMITED) !== 0n) {
    const behind = Math.trunc((nowSeconds - chain.index.time(chain.tip)) / params.targetSpacingSeconds)
    if (behind < NODE_NETWORK_LIMITED_ALLOW_CONN_BLOCKS) return SERVICES.NODE_NETWORK_LIMITED | SERVICES.NODE_WITNESS
  }
  return SERVICES.NODE_NETWORK | SERVICES.NODE_WITNESS
}

/** version and verack, and what is agreed on between them. */
export class Handshake {
  readonly #context: P2pContext
  readonly #options: HandshakeOptions
  readonly #download: BlockDownload
  readonly #listener: HandshakeListener

  constructor(context: P2pContext, options: HandshakeOptions, download: BlockDownload, listener: HandshakeListener) {
    this.#context = context
    this.#options = options
    this.#download = download
    this.#listener = listener
  }

  /** Whether a peer may not send us transactions. */
  refusesTransactions(peer: RemotePeer): boolean {
    if (peer.type === 'block-relay-only' || peer.type === 'feeler') return true
    return this.#options.blocksOnly && !peer.has('relay')
  }

  sendVersion(peer: RemotePeer): void {
    const context = this.#context
    const { address } = peer.endpoint
    const receiver = isRoutable(address) && isLegacyCompatible(address) ? peer.endpoint : NOWHERE
    const startHeight = context.chain.height
    const relay = !this.refusesTransactions(peer)
    context.send(peer, 'version', {
      version: PROTOCOL_VERSION,
      services: peer.ourServices,
      timeSeconds: BigInt(context.nowSeconds),
      receiver,
      receiverServices: 0n,
      nonce: peer.localNonce,
      userAgent: this.#options.userAgent,
      startHeight,
      relay,
    })
    peer.versionSent = true
    context.debug(
      () =>
        `send version message: version=${PROTOCOL_VERSION}, blocks=${startHeight}, txrelay=${relay ? 1 : 0}, peer=${peer.id}`,
    )
  }

  #expectsServices(peer: RemotePeer): boolean {
    return peer.type === 'outbound-full-relay' || peer.type === 'block-relay-only' || peer.type === 'addr-fetch'
  }

  onVersion(peer: RemotePeer, message: VersionMessage): void {
    const context = this.#context
    if (peer.version !== 0) {
      context.debug(() => `redundant version message from peer=${peer.id}`)
      return
    }
    const desirable = desirableServices(context, message.services)
    if (this.#expectsServices(peer) && (message.services & desirable) !== desirable) {
      const hex8 = (value: bigint): string => value.toString(16).padStart(8, '0')
      context.disconnect(
        peer,
        () =>
          `peer does not offer the expected services (${hex8(message.services)} offered, ${hex8(desirable)} expected)`,
      )
      return
    }
    if (message.version < MIN_PEER_PROTOCOL_VERSION) {
      context.disconnect(peer, () => `peer using obsolete version ${message.version}`)
      return
    }
    if (peer.isInbound && this.#isOwnNonce(message.nonce)) {
      context.log.info(`connected to self at ${formatNetEndpoint(peer.endpoint)}, disconnecting`)
      context.disconnect(peer)
      return
    }
    if (peer.isInbound && isRoutable(message.receiver.address)) this.#listener.onSeenLocal(message.receiver)
    if (peer.isInbound) this.sendVersion(peer)
    peer.version = message.version
    peer.commonVersion = Math.min(message.version, PROTOCOL_VERSION)
    peer.services = message.services
    peer.offersWantedServices = (message.services & desirable) === desirable
    peer.userAgent = safeText(message.userAgent)
    peer.startHeight = message.startHeight
    peer.localSeenByPeer = message.receiver
    peer.timeOffsetSeconds = Number(message.timeSeconds) - context.nowSeconds
    peer.relaysTransactions = message.relay && peer.type !== 'block-relay-only' && peer.type !== 'feeler'
    context.debug(() => {
      const agent = peer.userAgent === '' ? '<no user agent>' : peer.userAgent
      const us = formatNetEndpoint(message.receiver)
      const relay = message.relay ? 1 : 0
      return (
        `receive version message: ${agent}: version ${peer.version}, blocks=${peer.startHeight}, us=${us}, ` +
        `txrelay=${relay}, ${peer.label}`
      )
    })
    if (!this.#listener.onVersion(peer)) return
    if (peer.commonVersion >= WTXID_RELAY_VERSION) {
      context.send(peer, 'wtxidrelay', {})
      context.send(peer, 'sendaddrv2', {})
    }
    context.send(peer, 'verack', {})
    peer.preferredDownload = (!peer.isInbound || peer.has('noban')) && peer.type !== 'addr-fetch' && peer.servesBlocks
    if (peer.preferredDownload) this.#download.preferredPeers++
    this.#listener.onIntroduced(peer)
    if (peer.type === 'feeler') context.disconnect(peer, () => 'feeler connection completed')
  }

  /** Whether a nonce is one that we sent on a connection of our own making. */
  #isOwnNonce(nonce: bigint): boolean {
    for (const peer of this.#context.peers.values()) {
      if (!peer.isInbound && !peer.handshakeDone && peer.localNonce === nonce) return true
    }
    return false
  }

  onVerack(peer: RemotePeer): void {
    const context = this.#context
    if (peer.handshakeDone) {
      context.debug(() => `ignoring redundant verack message from peer=${peer.id}`)
      return
    }
    const text = (): string =>
      `New ${peer.type} peer connected: transport: ${peer.protocol}, version: ${peer.version}, ${peer.label}`
    if (peer.isInbound) context.debug(text)
    else context.log.info(text())
    if (peer.commonVersion >= SHORT_IDS_BLOCKS_VERSION) {
      context.send(peer, 'sendcmpct', { highBandwidth: false, version: COMPACT_BLOCK_VERSION })
    }
    if (peer.commonVersion >= FEEFILTER_VERSION && peer.type !== 'block-relay-only' && !peer.has('forcerelay')) {
      context.send(peer, 'feefilter', { feeRateSats: NO_TRANSACTIONS_FEE_RATE })
    }
    peer.handshakeDone = true
    context.emit({ type: 'established', connection: peer.connection })
  }

  /** BIP339 */
  onWtxidrelay(peer: RemotePeer): void {
    const context = this.#context
    if (peer.handshakeDone) {
      context.disconnect(peer, () => 'wtxidrelay received after verack')
    } else if (peer.commonVersion < WTXID_RELAY_VERSION) {
      context.debug(() => `ignoring wtxidrelay due to old common version=${peer.commonVersion} from peer=${peer.id}`)
    } else if (peer.wtxidRelay) {
      context.debug(() => `ignoring duplicate wtxidrelay from peer=${peer.id}`)
    } else {
      peer.wtxidRelay = true
    }
  }

  /** BIP155 */
  onSendaddrv2(peer: RemotePeer): void {
    if (peer.handshakeDone) this.#context.disconnect(peer, () => 'sendaddrv2 received after verack')
    else peer.wantsAddrv2 = true
  }
}
