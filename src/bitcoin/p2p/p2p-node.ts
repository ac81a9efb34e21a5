import { accept } from '../../base/verdict.ts'
import type { ChainEvent } from '../chainstate/chainstate.ts'
import { BlockAnnouncements } from './block-announcements.ts'
import { BlockDownload } from './block-download.ts'
import { BlockIntake } from './block-intake.ts'
import { BlockServing } from './block-serving.ts'
import { ChainSyncWatch } from './chain-sync-watch.ts'
import type { ConnectionInput } from './connection-io.ts'
import { FilterServing } from './filter-serving.ts'
import { Handshake } from './handshake.ts'
import { HeaderSync } from './header-sync.ts'
import {
  ADDR_FETCH_TIMEOUT_MS,
  MAX_BLOCKS_IN_TRANSIT_PER_PEER,
  UNAPPLIED_BYTES_MAX,
  UNAPPLIED_MESSAGES_MAX,
} from './limits.ts'
import { MessageHandler } from './message-handler.ts'
import type { P2pContext, P2pEffect, PreparedTicket } from './p2p-context.ts'
import type { P2pOptions } from './p2p-options.ts'
import { type KnownAddresses, PeerConnections } from './peer-connections.ts'
import { Pings } from './pings.ts'
import type { BlockTicket, RemotePeer } from './remote-peer.ts'

/**
 * Everything that is done with peers: a machine that is told what happens on connections and to the chain, and says what to do. It
 * lives in the chain's thread and looks at it directly.
 *
 * ```
 * sockets ──ConnectionInput──▶ P2pNode ──ConnectionEffect──▶ sockets
 *              chain events ──▶        ──ChainEffect───────▶ chain, helpers
 * ```
 *
 * @example
 * node.onInput({ type: 'message', connection, command, payload, wireBytes }, now)
 * while (node.process(now)) perform(node.takeEffects())
 */
export class P2pNode {
  readonly context: P2pContext
  readonly connections: PeerConnections
  readonly headers: HeaderSync
  readonly download: BlockDownload
  readonly serving: BlockServing
  readonly #announcements: BlockAnnouncements
  readonly #intake: BlockIntake
  readonly #pings: Pings
  readonly #watch: ChainSyncWatch
  readonly #handler: MessageHandler
  #tip: number

  constructor(context: P2pContext, options: P2pOptions, known: KnownAddresses) {
    this.context = context
    this.download = new BlockDownload(context)
    this.headers = new HeaderSync(context, this.download)
    this.#announcements = new BlockAnnouncements(context, this.download)
    this.#intake = new BlockIntake(context, this.headers, this.download, this.#announcements)
    this.serving = new BlockServing(context, this.download, this.#announcements)
    this.#pings = new Pings(context)
    this.#watch = new ChainSyncWatch(context, this.headers, this.download)
    this.connections = new PeerConnections(context, options, known, this.download, {
      onClosed: peer => this.#onClosed(peer),
    })
    const handshake = new Handshake(context, options, this.download, this.connections)
    this.connections.setHandshake(handshake)
    this.#handler = new MessageHandler(context, {
      handshake,
      headers: this.headers,
      download: this.download,
      intake: this.#intake,
      serving: this.serving,
      filters: new FilterServing(context, this.serving),
      pings: this.#pings,
      addresses: this.connections.gossip,
      admission: this.connections,
    })
    this.#tip = context.chain.tip
  }

  takeEffects(): P2pEffect[] {
    return this.context.takeEffects()
  }

  /** Something happened on a connection. Messages wait until {@link process}. */
  onInput(input: ConnectionInput, nowMs: number): void {
    this.context.nowMs = nowMs
    if (input.type === 'uploadBudget') this.serving.historyIsSpent = input.reachedForHistory
    else if (input.type === 'applied') {
      this.context.unappliedMessages -= input.messages
      this.context.unappliedBytes -= input.payloadBytes
    } else this.connections.onInput(input)
  }

  /** Deals with one message of each peer that has one; whether there may be more to do at once. */
  process(nowMs: number): boolean {
    this.context.nowMs = nowMs
    // The sockets' thread would have ever more to do before it reads again, of the honest as of the others.
    if (this.context.unappliedMessages > UNAPPLIED_MESSAGES_MAX) return false
    let more = false
    for (const peer of this.context.peers.values()) {
      // What the last message did to its sender's name counts before the next one does.
      if (peer.disconnecting || this.connections.punish(peer) || !this.#step(peer)) continue
      more = true
      this.#attend(peer)
    }
    return more
  }

  /** Whether anything was done. */
  #step(peer: RemotePeer): boolean {
    const { access } = this.context
    if (peer.congested) return false
    if (peer.getdataRequests.length > 0) {
      // Congestion shows late where the sockets' thread is behind: until then no more is read from the disk for it.
      if (this.context.unappliedBytes > UNAPPLIED_BYTES_MAX) return false
      // A block that is just being connected can be judged in a moment.
      const undecided = access.isWorking && !access.isDownloading
      if (undecided && this.serving.isUndecided(peer.getdataRequests[0].hash)) return false
      this.serving.serveNext(peer)
      return true
    }
    const message = peer.queue.first
    if (message === undefined) return false
    if (peer.blocksUnderway > 0) {
      const mayGoOn = message.command === 'block' && peer.blocksUnderway < MAX_BLOCKS_IN_TRANSIT_PER_PEER
      if (!mayGoOn) return false
    }
    peer.queue.drop()
    this.#handler.handle(peer, message)
    this.context.emit({ type: 'processed', connection: peer.connection, wireBytes: message.wireBytes })
    return true
  }

  /** What is to be done for a peer from time to time, and after each of its messages. */
  #attend(peer: RemotePeer): void {
    const { context } = this
    if (this.connections.punish(peer) || peer.disconnecting || !peer.handshakeDone) return
    if (peer.type === 'addr-fetch' && context.nowMs - peer.connectedAtMs > ADDR_FETCH_TIMEOUT_MS) {
      context.disconnect(peer, () => 'addrfetch connection timeout')
      return
    }
    this.#pings.maybeSend(peer, this.connections.mayTimeOut(peer))
    if (peer.disconnecting) return
    this.connections.gossip.maybeSend(peer)
    this.headers.maybeSendSendheaders(peer)
    if (context.chain.tip < 0) return
    this.headers.maybeStart(peer, this.download.mayUse(peer))
    this.#announcements.send(peer)
    this.download.checkTimeouts(peer)
    if (peer.disconnecting) return
    this.headers.checkTimeout(peer)
    if (peer.disconnecting) return
    this.#watch.check(peer)
    if (peer.disconnecting) return
    this.download.requestNext(peer)
  }

  /**
   * To be called every 100 ms or so.
   *
   * @param steadyMs by a clock that only ever grows, whatever the other one does
   */
  onTick(nowMs: number, steadyMs: number): void {
    this.context.nowMs = nowMs
    this.connections.onTick(steadyMs)
    for (const peer of this.context.peers.values()) if (!peer.disconnecting) this.#attend(peer)
  }

  /** A block that was to be prepared is. */
  onBlockPrepared(prepared: PreparedTicket, nowMs: number): void {
    this.context.nowMs = nowMs
    this.#intake.onPrepared(prepared)
    const { peer } = prepared.ticket
    if (!peer.disconnecting) this.#attend(peer)
  }

  /** The chain has done what there was to do after a block. */
  onSettled({ peer }: BlockTicket, nowMs: number): void {
    this.context.nowMs = nowMs
    peer.blocksUnderway--
  }

  /** What happened to the chain, in order; `settled` unless it is on its way from one branch to another. */
  onChainEvents(events: readonly ChainEvent[], settled: boolean, nowMs: number): void {
    const { context } = this
    context.nowMs = nowMs
    for (const event of events) {
      if (event.type === 'connected') {
        this.download.onBlockConnected()
        this.connections.onBlockConnected()
        this.#intake.onVerdict(event.block.hash, accept())
      } else if (event.type === 'rejected') {
        this.#intake.onVerdict(context.chain.index.hash(event.id), event.verdict)
      }
    }
    const { tip } = context.chain
    if (!settled || tip === this.#tip) return
    if (!context.access.isDownloading) this.#announcements.onTip(this.#tip)
    this.#tip = tip
  }

  #onClosed(peer: RemotePeer): void {
    this.download.removePeer(peer)
    this.headers.removePeer(peer)
    this.#announcements.removePeer(peer)
    this.context.debug(() => `Cleared nodestate for peer=${peer.id}`)
  }
}
