import { equalBytes, toHexReversed } from '../../base/bytes/bytes.ts'
import { BLOCK_FAILED_VALID } from '../chainstate/block-status.ts'
import { medianTimePast } from '../consensus/header-source.ts'
import { blockWork } from '../consensus/proof-of-work.ts'
import { WIRE_LIMITS } from '../wire/limits.ts'
import { PROTOCOL_VERSION } from '../wire/version-message.ts'
import type { BlockDownload } from './block-download.ts'
import { logRefusedHeader, punishForBlock } from './block-faults.ts'
import { HeaderBatch } from './header-batch.ts'
import { HeadersPresync } from './headers-presync.ts'
import {
  HEADERS_DOWNLOAD_TIMEOUT_BASE_MS,
  HEADERS_DOWNLOAD_TIMEOUT_PER_HEADER_MS,
  HEADERS_RESPONSE_TIME_MS,
  MAX_OUTBOUND_PEERS_TO_PROTECT_FROM_DISCONNECT,
  RECENT_HEADER_AGE_MS,
} from './limits.ts'
import { locatorOf, zeroHash } from './locator.ts'
import type { P2pContext } from './p2p-context.ts'
import type { RemotePeer } from './remote-peer.ts'

/** Blocks behind the tip at which a branch may begin and still be taken without proof of more work. */
const NEAR_TIP_BLOCKS = 144n

/** Finds out which headers there are, from all peers, and stores those whose chain shows enough work. */
export class HeaderSync {
  readonly #context: P2pContext
  readonly #download: BlockDownload
  /** Peers whose first headers were asked for. */
  #started = 0
  #lastInvHash: Uint8Array | undefined
  /**
   * A peer has told all the headers that it has. From then on the others are asked too, however old the chain's end may be: until they
   * have told of it, no blocks can be had from them.
   */
  #heardAll = false

  constructor(context: P2pContext, download: BlockDownload) {
    this.#context = context
    this.#download = download
  }

  /** The furthest that any peer's unproven chain has been followed. */
  get presyncProgress(): HeadersPresync['progress'] {
    let best: HeadersPresync['progress']
    for (const { headersPresync } of this.#context.peers.values()) {
      const progress = headersPresync?.progress
      if (progress !== undefined && (best === undefined || progress.work > best.work)) best = progress
    }
    return best
  }

  /** A peer has gone. */
  removePeer(peer: RemotePeer): void {
    if (peer.syncStarted) this.#started--
  }

  /** Asks for the headers behind a block of ours, unless an answer is still awaited. */
  request(peer: RemotePeer, locator: readonly Uint8Array[]): boolean {
    const context = this.#context
    if (context.nowMs - peer.lastGetheadersMs <= HEADERS_RESPONSE_TIME_MS) return false
    context.send(peer, 'getheaders', { version: PROTOCOL_VERSION, locator, stopHash: zeroHash() })
    peer.lastGetheadersMs = context.nowMs
    return true
  }

  requestBehind(peer: RemotePeer, block: number): boolean {
    return this.request(peer, locatorOf(this.#context.chain.index, block))
  }

  /** Begins with a peer where it is time: with one at first, with all once the best header is recent. */
  maybeStart(peer: RemotePeer, mayDownload: boolean): void {
    const context = this.#context
    const { index, tree } = context.chain
    if (peer.syncStarted || !peer.servesBlocks || context.access.isLoading) return
    const best = tree.bestHeader
    const ageMs = context.nowMs - 1000 * index.time(best)
    const isFirst = this.#started === 0 && mayDownload
    if (!isFirst && !this.#heardAll && ageMs >= RECENT_HEADER_AGE_MS) return
    // From the block before the best header on, so that even a peer that has no more answers with a header.
    const start = index.height(best) > 0 ? index.previous(best) : best
    if (!this.requestBehind(peer, start)) return
    context.debug(() => `initial getheaders (${index.height(start)}) to peer=${peer.id}`)
    peer.syncStarted = true
    this.#started++
    const expected = ageMs / 1000 / context.params.targetSpacingSeconds
    peer.headersSyncDeadlineMs =
      context.nowMs + HEADERS_DOWNLOAD_TIMEOUT_BASE_MS + HEADERS_DOWNLOAD_TIMEOUT_PER_HEADER_MS * expected
  }

  /** Gives the one peer up that we sync headers from, where it takes too long and others are there. */
  checkTimeout(peer: RemotePeer): void {
    const context = this.#context
    if (!peer.syncStarted || peer.headersSyncDeadlineMs === Number.POSITIVE_INFINITY) return
    const bestTimeMs = 1000 * context.chain.index.time(context.chain.tree.bestHeader)
    if (bestTimeMs > context.nowMs - RECENT_HEADER_AGE_MS) {
      peer.headersSyncDeadlineMs = Number.POSITIVE_INFINITY
      return
    }
    const others = this.#download.preferredPeers - (peer.preferredDownload ? 1 : 0)
    if (context.nowMs <= peer.headersSyncDeadlineMs || this.#started !== 1 || others < 1) return
    if (!peer.has('noban')) {
      context.log.info(`Timeout downloading headers, ${peer.farewell}`)
      context.disconnect(peer)
      return
    }
    context.log.info(`Timeout downloading headers from noban peer, not ${peer.farewell}`)
    peer.syncStarted = false
    this.#started--
    peer.headersSyncDeadlineMs = 0
  }

  /** A peer announced, by inv, a block that nobody knows. */
  onUnknownInv(peer: RemotePeer, hash: Uint8Array): void {
    const context = this.#context
    const isNews = this.#lastInvHash === undefined || !equalBytes(hash, this.#lastInvHash)
    if (!peer.syncStarted && (peer.invTriggeredGetheaders || !isNews)) return
    const best = context.chain.tree.bestHeader
    if (this.requestBehind(peer, best)) {
      const height = context.chain.index.height(best)
      context.debug(() => `getheaders (${height}) ${toHexReversed(hash)} to peer=${peer.id}`)
    }
    if (peer.syncStarted) return
    peer.invTriggeredGetheaders = true
    this.#lastInvHash = hash.slice()
  }

  /** Work that a chain must show before its headers are stored. */
  get workThreshold(): bigint {
    const { chain, access } = this.#context
    const { index, tip } = chain
    if (tip < 0) return access.minimumChainWork
    const buffer = NEAR_TIP_BLOCKS * blockWork(index.bits(tip))
    const nearTip = index.work(tip) - (buffer < index.work(tip) ? buffer : index.work(tip))
    return nearTip > access.minimumChainWork ? nearTip : access.minimumChainWork
  }

  /** A headers message, or the header of a compact block. */
  onHeaders(peer: RemotePeer, packed: Uint8Array, viaCompactBlock: boolean): void {
    const context = this.#context
    if (packed.length === 0) {
      // An answer, and the peer has nothing more: a sync under way is over.
      peer.headersPresync = undefined
      peer.lastGetheadersMs = 0
      return
    }
    let batch = new HeaderBatch(packed, context.access.crypto)
    if (!batch.hasWork(context.params)) {
      context.misbehaving(peer, 'header with invalid proof of work')
      return
    }
    if (!batch.isContinuous) {
      context.misbehaving(peer, 'non-continuous headers sequence')
      return
    }
    const full = batch.count === WIRE_LIMITS.headersMax
    let workIsKnown = false
    if (peer.headersPresync !== undefined) {
      const ready = this.#continuePresync(peer, peer.headersPresync, batch, full)
      if (ready !== undefined) {
        if (ready.length === 0) return
        batch = new HeaderBatch(ready, context.access.crypto)
        workIsKnown = true
      }
    }
    const inPresync = peer.headersPresync !== undefined
    const { index } = context.chain
    const start = index.find(batch.previous(0))
    if (start < 0) {
      this.#onUnconnected(peer, batch)
      return
    }
    peer.lastGetheadersMs = 0
    const lastKnown = index.find(batch.hash(batch.count - 1))
    workIsKnown ||= peer.has('noban') || (lastKnown >= 0 && this.#isOnOurChains(lastKnown))
    if (!workIsKnown && this.#isLowWork(peer, start, batch, full)) return
    const last = this.#store(peer, batch, viaCompactBlock)
    if (last === undefined) return
    const isNew = lastKnown < 0
    if (isNew) this.logNewHeader(peer, last, false)
    if (full && !inPresync && this.requestBehind(peer, last)) {
      context.debug(() => `more getheaders (${index.height(last)}) to end to peer=${peer.id}`)
    }
    if (!full && peer.syncStarted && peer.headersPresync === undefined) this.#heardAll = true
    this.#onStored(peer, last, isNew, full)
    this.#download.fetchTowards(peer, last)
  }

  #isOnOurChains(block: number): boolean {
    const { chain } = this.#context
    return chain.index.isAncestor(block, chain.tree.bestHeader) || chain.isActive(block)
  }

  /** The headers that may be stored now; undefined where the peer's answers do not fit, and the batch is to be taken by itself. */
  #continuePresync(
    peer: RemotePeer,
    presync: HeadersPresync,
    batch: HeaderBatch,
    full: boolean,
  ): Uint8Array | undefined {
    const context = this.#context
    const { ok, requestMore, ready } = presync.process(batch.bytes, batch.hashes, full)
    if (ok) peer.lastGetheadersMs = 0
    if (requestMore) {
      const locator = presync.nextLocator
      this.request(peer, locator)
      context.debug(() => `more getheaders (from ${toHexReversed(locator[0])}) to peer=${peer.id}`)
    }
    const { progress } = presync
    if (progress !== undefined && progress.work === this.presyncProgress?.work) {
      this.#logProgress('Pre-synchronizing', progress.height, progress.timeSeconds)
    }
    if (presync.isDone) peer.headersPresync = undefined
    return ok ? ready : undefined
  }

  #onUnconnected(peer: RemotePeer, batch: HeaderBatch): void {
    const context = this.#context
    const { index, tree } = context.chain
    if (this.requestBehind(peer, tree.bestHeader)) {
      context.debug(() => {
        const height = index.height(tree.bestHeader)
        const missing = toHexReversed(batch.previous(0))
        return `received header ${batch.hashHex(0)}: missing prev block ${missing}, sending getheaders (${height}) to end (peer=${peer.id})`
      })
    }
    // Should another peer tell us of the headers between, this one is known to have the block.
    this.#download.noteAvailable(peer, batch.hash(batch.count - 1))
  }

  /** Whether the headers must wait until their chain has shown more work; if there may be more of it, that begins here. */
  #isLowWork(peer: RemotePeer, start: number, batch: HeaderBatch, full: boolean): boolean {
    const context = this.#context
    const { index } = context.chain
    const minimumWork = this.workThreshold
    if (index.work(start) + batch.work >= minimumWork) return false
    if (!full) {
      const height = index.height(start) + batch.count
      context.debug(() => `Ignoring low-work chain (height=${height}) from peer=${peer.id}`)
      return true
    }
    const presync = new HeadersPresync({
      params: context.params,
      start: {
        height: index.height(start),
        locator: locatorOf(index, start),
        bits: index.bits(start),
        work: index.work(start),
        medianTime: medianTimePast(index, start),
      },
      minimumWork,
      nowSeconds: context.nowSeconds,
      random: context.random,
      log: message => context.debug(message),
      peer: peer.id,
    })
    peer.headersPresync = presync
    this.#continuePresync(peer, presync, batch, full)
    return true
  }

  /** Stores headers in order; the last one's number, or undefined where one was refused. */
  #store(peer: RemotePeer, batch: HeaderBatch, viaCompactBlock: boolean): number | undefined {
    const context = this.#context
    const { tree, index } = context.chain
    let last = -1
    const bestBefore = tree.bestHeader
    for (let i = 0; i < batch.count; i++) {
      // Most of what is told again and again is not worth decoding.
      const known = index.find(batch.hash(i))
      if (known >= 0 && !index.hasStatus(known, BLOCK_FAILED_VALID)) {
        last = known
        continue
      }
      const verdict = tree.acceptHeader(batch.header(i), batch.hash(i), context.nowSeconds)
      if (!verdict.ok) {
        logRefusedHeader(context, batch.hash(i), verdict)
        if (!peer.isInbound && verdict.code === 'duplicate-invalid') {
          const reason = verdict.detail === undefined ? verdict.code : `${verdict.code}, ${verdict.detail}`
          context.log.warning(
            `${reason} (received from peer=${peer.id}). If this happens with all peers, consider database corruption ` +
              '(that -reindex may fix) or a potential consensus incompatibility.',
          )
        }
        punishForBlock(context, peer, verdict.code, viaCompactBlock, 'invalid header received')
        return undefined
      }
      last = verdict.value
    }
    if (tree.bestHeader !== bestBefore)
      this.#logProgress('Synchronizing', context.chain.index.height(last), context.chain.index.time(last))
    return last
  }

  /** While the chain is being fetched: how far its headers go, and what part that is likely to be. */
  #logProgress(verb: string, height: number, timeSeconds: number): void {
    const { access, params, nowSeconds, log } = this.#context
    if (!access.isDownloading) return
    const left = Math.max(0, Math.trunc((nowSeconds - timeSeconds) / params.targetSpacingSeconds))
    const percent = ((100 * height) / (height + left)).toFixed(2)
    log.info(`${verb} blockheaders, height: ${height} (~${percent}%)`)
  }

  logNewHeader(peer: RemotePeer, block: number, viaCompactBlock: boolean): void {
    const { chain, access, log } = this.#context
    const kind = viaCompactBlock ? 'cmpctblock ' : ''
    const text = (): string =>
      `Saw new ${kind}header hash=${chain.index.hashHex(block)} height=${chain.index.height(block)} ${peer.label}`
    if (access.isDownloading) log.debug('validation', text)
    else log.info(text())
  }

  #onStored(peer: RemotePeer, last: number, isNew: boolean, mayHaveMore: boolean): void {
    const context = this.#context
    const { chain, access } = context
    const { index } = chain
    this.#download.noteAvailable(peer, index.hash(last))
    const tipWork = index.work(chain.tip)
    if (isNew && index.work(last) > tipWork) peer.lastBlockAnnouncementMs = context.nowMs
    const best = peer.bestKnownBlock
    if (best < 0) return
    if (
      access.isDownloading &&
      !mayHaveMore &&
      index.work(best) < access.minimumChainWork &&
      peer.isAutomaticOutbound
    ) {
      context.log.info(`outbound peer headers chain has insufficient work, ${peer.farewell}`)
      context.disconnect(peer)
      return
    }
    if (peer.disconnecting || peer.type !== 'outbound-full-relay' || peer.chainSync.protect) return
    if (this.#protectedPeers() < MAX_OUTBOUND_PEERS_TO_PROTECT_FROM_DISCONNECT && index.work(best) >= tipWork) {
      context.debug(() => `Protecting outbound peer=${peer.id} from eviction`)
      peer.chainSync.protect = true
    }
  }

  #protectedPeers(): number {
    let count = 0
    for (const { chainSync } of this.#context.peers.values()) if (chainSync.protect) count++
    return count
  }

  /** BIP130: from when a peer's chain is known, we prefer to be told of blocks by headers. */
  maybeSendSendheaders(peer: RemotePeer): void {
    const { chain, access } = this.#context
    const best = peer.bestKnownBlock
    if (peer.sentSendheaders || best < 0 || chain.index.work(best) <= access.minimumChainWork) return
    this.#context.send(peer, 'sendheaders', {})
    peer.sentSendheaders = true
  }
}
