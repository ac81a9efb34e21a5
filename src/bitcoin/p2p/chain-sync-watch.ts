import type { BlockDownload } from './block-download.ts'
import type { HeaderSync } from './header-sync.ts'
import { CHAIN_SYNC_TIMEOUT_MS, HEADERS_RESPONSE_TIME_MS } from './limits.ts'
import type { P2pContext } from './p2p-context.ts'
import type { RemotePeer } from './remote-peer.ts'

/** Parts from outbound peers whose chain stays behind ours: we chose them to learn of the best one. */
export class ChainSyncWatch {
  readonly #context: P2pContext
  readonly #headers: HeaderSync
  readonly #download: BlockDownload

  constructor(context: P2pContext, headers: HeaderSync, download: BlockDownload) {
    this.#context = context
    this.#headers = headers
    this.#download = download
  }

  check(peer: RemotePeer): void {
    const context = this.#context
    const { chain, nowMs } = context
    const { index } = chain
    const state = peer.chainSync
    if (state.protect || !peer.isAutomaticOutbound || !peer.syncStarted) return
    this.#download.resolveUnknown(peer)
    const best = peer.bestKnownBlock
    const bestWork = best < 0 ? -1n : index.work(best)
    if (bestWork >= index.work(chain.tip)) {
      state.deadlineMs = 0
      state.workHeader = -1
      state.sentGetheaders = false
    } else if (state.deadlineMs === 0 || (state.workHeader >= 0 && bestWork >= index.work(state.workHeader))) {
      // Behind for the first time, or caught up with what was wanted then, but not with now.
      state.deadlineMs = nowMs + CHAIN_SYNC_TIMEOUT_MS
      state.workHeader = chain.tip
      state.sentGetheaders = false
    } else if (nowMs > state.deadlineMs) {
      const hash = best < 0 ? '<none>' : index.hashHex(best)
      if (state.sentGetheaders) {
        context.log.info(`Outbound peer has old chain, best known block = ${hash}, ${peer.farewell}`)
        context.disconnect(peer)
        return
      }
      // One more question, to give it the chance to show what it has.
      const benchmark = index.hashHex(state.workHeader)
      this.#headers.requestBehind(peer, Math.max(index.previous(state.workHeader), 0))
      context.debug(
        () =>
          `sending getheaders to outbound peer=${peer.id} to verify chain work ` +
          `(current best known block:${hash}, benchmark blockhash: ${benchmark})`,
      )
      state.sentGetheaders = true
      state.deadlineMs = nowMs + HEADERS_RESPONSE_TIME_MS
    }
  }
}
