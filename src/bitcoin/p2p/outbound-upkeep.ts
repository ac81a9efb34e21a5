import type { BlockDownload } from './block-download.ts'
import type { ConnectionSlots } from './connections/slots.ts'
import { EXTRA_PEER_CHECK_INTERVAL_MS, MINIMUM_CONNECT_TIME_MS, STALE_CHECK_INTERVAL_MS } from './limits.ts'
import type { P2pContext } from './p2p-context.ts'
import type { RemotePeer } from './remote-peer.ts'

/** A tip that has not changed for so many block spacings may be stale. */
const STALE_TIP_SPACINGS = 3

/**
 * Keeps outbound peers good: where the tip seems stale, or to see whether the others keep something back, one more is connected to than
 * there should be; then the least useful goes.
 */
export class OutboundUpkeep {
  readonly #context: P2pContext
  readonly #download: BlockDownload
  readonly #slots: ConnectionSlots
  #lastTipMs = 0
  #nextCheckMs = 0
  #nextStaleCheckMs: number
  /** The tip is stale: one more full outbound peer might know better. */
  wantsAnotherFullRelay = false
  /** Our chain was up to date once: further block-relay-only peers are asked now and then whether it still is. */
  wantsExtraBlockRelay = false

  constructor(context: P2pContext, download: BlockDownload, slots: ConnectionSlots) {
    this.#context = context
    this.#download = download
    this.#slots = slots
    this.#nextStaleCheckMs = context.nowMs + STALE_CHECK_INTERVAL_MS
  }

  onBlockConnected(): void {
    this.#lastTipMs = this.#context.nowMs
  }

  /** @param mayLook whether peers are looked for at all */
  onTick(mayLook: boolean): void {
    const context = this.#context
    const { nowMs, access } = context
    if (nowMs < this.#nextCheckMs || context.chain.tip < 0) return
    this.#nextCheckMs = nowMs + EXTRA_PEER_CHECK_INTERVAL_MS
    this.#evictExtraBlockRelay()
    this.#evictExtraFullRelay()
    if (nowMs > this.#nextStaleCheckMs) {
      const isStale = !access.isLoading && mayLook && this.#tipMayBeStale()
      if (isStale) {
        const seconds = Math.floor((nowMs - this.#lastTipMs) / 1000)
        context.log.info(
          `Potential stale tip detected, will try using extra outbound peer (last tip update: ${seconds} seconds ago)`,
        )
      }
      this.wantsAnotherFullRelay = isStale
      this.#nextStaleCheckMs = nowMs + STALE_CHECK_INTERVAL_MS
    }
    if (this.#download.canFetchDirectly) this.wantsExtraBlockRelay = true
  }

  #tipMayBeStale(): boolean {
    const { nowMs, params } = this.#context
    if (this.#lastTipMs === 0) this.#lastTipMs = nowMs
    const limitMs = 1000 * params.targetSpacingSeconds * STALE_TIP_SPACINGS
    return this.#lastTipMs < nowMs - limitMs && this.#download.requests.count === 0
  }

  #of(type: RemotePeer['type']): RemotePeer[] {
    return [...this.#context.peers.values()].filter(peer => peer.type === type && !peer.disconnecting)
  }

  #evictExtraBlockRelay(): void {
    const peers = this.#of('block-relay-only')
    if (peers.filter(peer => peer.handshakeDone).length <= this.#slots.blockRelayOnly) return
    const [youngest, next] = peers.sort((a, b) => b.id - a.id)
    // The newest was only to show what the others know, unless it knows more than the one before it.
    const chosen = next !== undefined && youngest.lastBlockMs > next.lastBlockMs ? next : youngest
    const lastBlock = Math.floor(chosen.lastBlockMs / 1000)
    this.#part(
      chosen,
      `disconnecting extra block-relay-only peer=${chosen.id} (last block received at time ${lastBlock})`,
    )
  }

  #evictExtraFullRelay(): void {
    const peers = this.#of('outbound-full-relay')
    if (peers.filter(peer => peer.handshakeDone).length <= this.#slots.fullRelay) return
    let worst: RemotePeer | undefined
    for (const peer of peers) {
      if (peer.chainSync.protect || !this.#hasOthersOnNetwork(peer)) continue
      const isWorse =
        worst === undefined ||
        peer.lastBlockAnnouncementMs < worst.lastBlockAnnouncementMs ||
        (peer.lastBlockAnnouncementMs === worst.lastBlockAnnouncementMs && peer.id > worst.id)
      if (isWorse) worst = peer
    }
    if (worst === undefined) return
    const announced = Math.floor(worst.lastBlockAnnouncementMs / 1000)
    const parted = this.#part(
      worst,
      `disconnecting extra outbound peer=${worst.id} (last block announcement received at time ${announced})`,
    )
    // Whoever is left is good enough until the tip seems stale again.
    if (parted) this.wantsAnotherFullRelay = false
  }

  /** The last connection to a network is kept. */
  #hasOthersOnNetwork(peer: RemotePeer): boolean {
    const { network } = peer.endpoint.address
    let count = 0
    for (const other of this.#context.peers.values()) {
      const counts = other.type === 'outbound-full-relay' || other.type === 'manual'
      if (counts && other.endpoint.address.network === network) count++
    }
    return count > 1
  }

  #part(peer: RemotePeer, text: string): boolean {
    const context = this.#context
    const isYoung = context.nowMs - peer.connectedAtMs < MINIMUM_CONNECT_TIME_MS
    if (isYoung || peer.requests.length > 0) {
      const kind = peer.type === 'block-relay-only' ? 'block-relay-only' : 'outbound'
      const connected = Math.floor(peer.connectedAtMs / 1000)
      context.debug(
        () =>
          `keeping ${kind} peer=${peer.id} chosen for eviction (connect time: ${connected}, ` +
          `blocks_in_flight: ${peer.requests.length})`,
      )
      return false
    }
    context.debug(() => text)
    context.disconnect(peer)
    return true
  }
}
