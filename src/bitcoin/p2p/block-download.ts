import { BLOCK_HAVE_DATA, BLOCK_VALID_TREE } from '../chainstate/block-status.ts'
import { INVENTORY, type InventoryEntry } from '../wire/inventory-messages.ts'
import { BlockRequests } from './block-requests.ts'
import {
  BLOCK_DOWNLOAD_TIMEOUT_BASE,
  BLOCK_DOWNLOAD_TIMEOUT_PER_PEER,
  BLOCK_DOWNLOAD_WINDOW,
  BLOCK_STALLING_TIMEOUT_DEFAULT_MS,
  BLOCK_STALLING_TIMEOUT_MAX_MS,
  FIRST_DEPTH_BLOCKS,
  MAX_BLOCKS_IN_TRANSIT_PER_PEER,
  NODE_NETWORK_LIMITED_MIN_BLOCKS,
  SHARE_PATIENCE_MS,
  TIP_SHARE_PATIENCE_MS,
} from './limits.ts'
import type { P2pContext } from './p2p-context.ts'
import type { RemotePeer } from './remote-peer.ts'

/** A tip of at most so many block spacings' age: new blocks are fetched at once from whoever announces them. */
const DIRECT_FETCH_SPACINGS = 20
/** Blocks that a peer is asked for at once of those that were asked of others. */
const SHARED_BLOCKS_MAX = 2
/** How often it is seen how many blocks a peer gives. */
const DEPTH_INTERVAL_MS = 1000
/** How much the last interval between two blocks counts in their mean. */
const INTERVAL_WEIGHT = 0.3
/** Headers that are looked at in one go. */
const WALK_BLOCKS = 128

/** What a peer can be asked for. */
interface NextBlocks {
  readonly blocks: number[]
  /** Who keeps the window from moving. */
  staller: RemotePeer | undefined
  /** What others were asked for and this peer has too, upwards. */
  readonly elsewhere: number[]
  /** Whether more could be asked for if the window were larger. */
  windowIsFull: boolean
}

/** Which blocks to fetch from whom: near the tip from whoever announces them, else in a window that moves with the chain. */
export class BlockDownload {
  readonly requests = new BlockRequests()
  readonly #context: P2pContext
  /** Peers that we would rather fetch from: outbound ones. */
  preferredPeers = 0
  #stallingTimeoutMs = BLOCK_STALLING_TIMEOUT_DEFAULT_MS

  constructor(context: P2pContext) {
    this.#context = context
  }

  /** A peer has gone. */
  removePeer(peer: RemotePeer): void {
    this.requests.removePeer(peer, this.#context.nowMs)
    if (peer.preferredDownload) this.preferredPeers--
  }

  /** Whether we are close enough to the tip to fetch blocks as they are announced. */
  get canFetchDirectly(): boolean {
    const { chain, params, nowMs } = this.#context
    const ageMs = nowMs - 1000 * chain.index.time(chain.tip)
    return ageMs < 1000 * params.targetSpacingSeconds * DIRECT_FETCH_SPACINGS
  }

  /** A peer has shown that it has a block. */
  noteAvailable(peer: RemotePeer, hash: Uint8Array): void {
    this.resolveUnknown(peer)
    const id = this.#context.chain.index.find(hash)
    if (id < 0) peer.lastUnknownBlock = hash.slice()
    else this.#raiseBest(peer, id)
  }

  /** What a peer announced before its header was known may be known by now. */
  resolveUnknown(peer: RemotePeer): void {
    if (peer.lastUnknownBlock === undefined) return
    const id = this.#context.chain.index.find(peer.lastUnknownBlock)
    if (id < 0) return
    this.#raiseBest(peer, id)
    peer.lastUnknownBlock = undefined
  }

  #raiseBest(peer: RemotePeer, id: number): void {
    const { index } = this.#context.chain
    if (peer.bestKnownBlock < 0 || index.work(id) >= index.work(peer.bestKnownBlock)) peer.bestKnownBlock = id
  }

  /** Whether a peer has a header, as far as we know: its own chain's, and those that it was sent. */
  peerHasHeader(peer: RemotePeer, block: number): boolean {
    const { index } = this.#context.chain
    const { bestKnownBlock, bestHeaderSent } = peer
    if (bestKnownBlock >= 0 && index.isAncestor(block, bestKnownBlock)) return true
    return bestHeaderSent >= 0 && index.isAncestor(block, bestHeaderSent)
  }

  /** BIP144: blocks from the activation of segwit on are of use only with their witness. */
  needsWitness(block: number): boolean {
    return this.#context.chain.index.height(block) >= this.#context.params.buried.segwit
  }

  blockInventory(peer: RemotePeer, block: number): InventoryEntry {
    const type = peer.servesWitnesses ? INVENTORY.MSG_WITNESS_BLOCK : INVENTORY.MSG_BLOCK
    return { type, hash: this.#context.chain.index.hash(block).slice() }
  }

  /** A chain that ends in `last` has been announced: near the tip its blocks are fetched at once. */
  fetchTowards(peer: RemotePeer, last: number): void {
    const context = this.#context
    const { chain } = context
    const { index } = chain
    if (!this.canFetchDirectly || !index.isValid(last, BLOCK_VALID_TREE)) return
    if (index.work(chain.tip) > index.work(last)) return
    const wanted: number[] = []
    let at = last
    while (!chain.isActive(at) && wanted.length <= MAX_BLOCKS_IN_TRANSIT_PER_PEER) {
      const missing = !index.hasStatus(at, BLOCK_HAVE_DATA) && !this.requests.isRequested(at)
      if (missing && (!this.needsWitness(at) || peer.servesWitnesses)) wanted.push(at)
      at = index.previous(at)
    }
    if (!chain.isActive(at)) {
      context.debug(() => `Large reorg, won't direct fetch to ${index.hashHex(last)} (${index.height(last)})`)
      return
    }
    const entries: InventoryEntry[] = []
    for (const block of wanted.reverse()) {
      if (peer.requests.length >= MAX_BLOCKS_IN_TRANSIT_PER_PEER) break
      entries.push(this.blockInventory(peer, block))
      this.requests.add(peer, block, context.nowMs)
      context.debug(() => `Requesting block ${index.hashHex(block)} from peer=${peer.id}`)
    }
    if (entries.length === 0) return
    if (entries.length > 1) {
      const text = `Downloading blocks toward ${index.hashHex(last)} (${index.height(last)}) via headers direct fetch`
      context.debug(() => text)
    }
    const parentIsComplete = index.chainTxCount(index.previous(last)) > 0
    if (peer.providesCompactBlocks && entries.length === 1 && this.requests.count === 1 && parentIsComplete) {
      entries[0] = { type: INVENTORY.MSG_CMPCT_BLOCK, hash: entries[0].hash }
    }
    context.send(peer, 'getdata', { entries })
  }

  /** Whether blocks (and first headers) may be had from a peer now: inbound ones only where no better one is at work. */
  mayUse(peer: RemotePeer): boolean {
    if (peer.preferredDownload) return true
    if (!peer.servesBlocks || peer.type === 'addr-fetch') return false
    return this.preferredPeers === 0 || this.requests.count === 0
  }

  /** Asks a peer for the next blocks that it has and we lack. */
  requestNext(peer: RemotePeer): void {
    const context = this.#context
    const { index } = context.chain
    if (!peer.servesBlocks || (context.access.isDownloading && (!this.mayUse(peer) || peer.isLimited))) return
    this.#adjustDepth(peer)
    if (peer.requests.length >= peer.depth) return
    const found = this.#findNext(peer, peer.depth - peer.requests.length)
    const { blocks, staller } = found
    if (blocks.length === 0) blocks.push(...this.#share(peer, found))
    const entries = blocks.map(block => {
      this.requests.add(peer, block, context.nowMs)
      context.debug(() => `Requesting block ${index.hashHex(block)} (${index.height(block)}) peer=${peer.id}`)
      return this.blockInventory(peer, block)
    })
    if (entries.length > 0) context.send(peer, 'getdata', { entries })
    if (staller !== undefined && staller.stallingSinceMs === 0 && this.#isIdle(peer)) {
      staller.stallingSinceMs = context.nowMs
      context.debug(() => `Stall started peer=${staller.id}`)
    }
  }

  /** Whether a peer owes nothing but what was asked of others before: if it stalls as they do, they must still be found out. */
  #isIdle(peer: RemotePeer): boolean {
    return peer.requests.every(({ block }) => this.requests.of(block)[0].peer !== peer)
  }

  /**
   * How many blocks a peer may owe: as many as it gives in a second or so. To owe more would not make it faster, and others could not be
   * asked for them.
   */
  #adjustDepth(peer: RemotePeer): void {
    const { nowMs } = this.#context
    const elapsedMs = nowMs - peer.depthSinceMs
    if (elapsedMs >= 0 && elapsedMs < DEPTH_INTERVAL_MS) return
    if (peer.arrivals >= peer.depth) peer.depth = Math.min(2 * peer.depth, MAX_BLOCKS_IN_TRANSIT_PER_PEER)
    else if (4 * peer.arrivals < peer.depth) peer.depth = Math.max(peer.depth >> 1, FIRST_DEPTH_BLOCKS)
    peer.depthSinceMs = nowMs
    peer.arrivals = 0
  }

  /** Brings {@link RemotePeer.lastCommonBlock} up to date; false where the peer has nothing for us. */
  #findCommon(peer: RemotePeer): boolean {
    const { chain, access } = this.#context
    const { index } = chain
    this.resolveUnknown(peer)
    const best = peer.bestKnownBlock
    if (best < 0 || index.work(best) < index.work(chain.tip) || index.work(best) < access.minimumChainWork) return false
    const fork = index.fork(best, chain.tip)
    const common = peer.lastCommonBlock
    if (common < 0 || index.work(fork) > index.work(common) || !index.isAncestor(common, best))
      peer.lastCommonBlock = fork
    return peer.lastCommonBlock !== best
  }

  #findNext(peer: RemotePeer, count: number): NextBlocks {
    const blocks: number[] = []
    const found: NextBlocks = { blocks, staller: undefined, elsewhere: [], windowIsFull: false }
    if (!this.#findCommon(peer)) return found
    const { chain } = this.#context
    const { index } = chain
    const best = peer.bestKnownBlock
    const windowEnd = index.height(peer.lastCommonBlock) + BLOCK_DOWNLOAD_WINDOW
    // One more than the window holds, to see whether a larger one would help: then somebody stalls.
    const last = Math.min(index.height(best), windowEnd + 1)
    let waitingFor: RemotePeer | undefined
    for (let from = index.height(peer.lastCommonBlock) + 1; from <= last; from += WALK_BLOCKS) {
      for (const block of this.#blocksOf(best, from, Math.min(from + WALK_BLOCKS - 1, last))) {
        if (!index.isValid(block, BLOCK_VALID_TREE)) return found
        if (this.needsWitness(block) && !peer.servesWitnesses) return found
        if (index.hasStatus(block, BLOCK_HAVE_DATA) || chain.isActive(block)) {
          if (index.chainTxCount(block) > 0) peer.lastCommonBlock = block
          continue
        }
        if (this.requests.isRequested(block)) {
          waitingFor ??= this.requests.of(block)[0].peer
          found.elsewhere.push(block)
          continue
        }
        if (index.height(block) > windowEnd) {
          if (blocks.length === 0 && waitingFor !== peer) found.staller = waitingFor
          found.windowIsFull = true
          return found
        }
        const depth = index.height(best) - index.height(block)
        if (peer.isLimited && depth >= NODE_NETWORK_LIMITED_MIN_BLOCKS - 2) continue
        blocks.push(block)
        if (blocks.length === count) return found
      }
    }
    return found
  }

  /**
   * With nothing else left to ask a peer for: blocks that other peers will give later than this one could. Where they hold up the window,
   * the next ones first; at the end of the chain those that will take longest. So nobody waits for the slowest peer.
   */
  #share(peer: RemotePeer, { elsewhere, windowIsFull }: NextBlocks): number[] {
    const free = SHARED_BLOCKS_MAX - peer.requests.length
    if (free <= 0) return []
    const { isDownloading } = this.#context.access
    const patienceMs = isDownloading ? SHARE_PATIENCE_MS : TIP_SHARE_PATIENCE_MS
    const waits = elsewhere
      .map(block => ({ block, waitMs: isDownloading ? this.#expectedWaitMs(block) : this.#silenceMs(block) }))
      .filter(({ waitMs }) => waitMs > patienceMs)
    if (!windowIsFull) waits.sort((a, b) => b.waitMs - a.waitMs)
    return waits.slice(0, free).map(({ block }) => block)
  }

  /** How long the one peer that was asked for a block will take for it and those before it; 0 where others were asked too. */
  #expectedWaitMs(block: number): number {
    const requests = this.requests.of(block)
    if (requests.length !== 1) return 0
    const { peer } = requests[0]
    return (peer.requests.indexOf(requests[0]) + 1) * Math.max(peer.blockIntervalMs, this.#silenceMs(block))
  }

  /** How long nothing has come of the one peer that was asked for a block; 0 where others were asked too. */
  #silenceMs(block: number): number {
    const requests = this.requests.of(block)
    return requests.length === 1 ? this.#context.nowMs - requests[0].peer.downloadingSinceMs : 0
  }

  /** A peer has given a block that it was asked for: how fast its blocks follow each other. */
  noteArrival(peer: RemotePeer): void {
    const intervalMs = this.#context.nowMs - peer.downloadingSinceMs
    peer.arrivals++
    peer.blockIntervalMs += (intervalMs - peer.blockIntervalMs) * INTERVAL_WEIGHT
  }

  /** The blocks of a chain from one height to another, upwards. */
  #blocksOf(tip: number, from: number, to: number): number[] {
    const { index } = this.#context.chain
    const blocks: number[] = []
    for (let at = index.ancestor(tip, to); blocks.length <= to - from; at = index.previous(at)) blocks.push(at)
    return blocks.reverse()
  }

  /** Parts from a peer that holds everything up. */
  checkTimeouts(peer: RemotePeer): void {
    const context = this.#context
    const { nowMs } = context
    if (peer.stallingSinceMs !== 0 && peer.stallingSinceMs < nowMs - this.#stallingTimeoutMs) {
      context.log.info(`Peer is stalling block download, ${peer.farewell}`)
      context.disconnect(peer)
      // If it is our own line that is slow, the next one is given more time.
      const longer = Math.min(2 * this.#stallingTimeoutMs, BLOCK_STALLING_TIMEOUT_MAX_MS)
      if (longer === this.#stallingTimeoutMs) return
      this.#stallingTimeoutMs = longer
      context.debug(() => `Increased stalling timeout temporarily to ${longer / 1000} seconds`)
      return
    }
    if (peer.requests.length === 0) return
    const spacings =
      BLOCK_DOWNLOAD_TIMEOUT_BASE + BLOCK_DOWNLOAD_TIMEOUT_PER_PEER * (this.requests.peersDownloading - 1)
    const limitMs = 1000 * context.params.targetSpacingSeconds * spacings
    if (nowMs <= peer.downloadingSinceMs + limitMs) return
    const hash = context.chain.index.hashHex(peer.requests[0].block)
    context.log.info(`Timeout downloading block ${hash}, ${peer.farewell}`)
    context.disconnect(peer)
  }

  /** The chain has grown: patience goes back to what it was. */
  onBlockConnected(): void {
    if (this.#stallingTimeoutMs === BLOCK_STALLING_TIMEOUT_DEFAULT_MS) return
    const seconds = Math.floor((this.#stallingTimeoutMs * 0.85) / 1000)
    this.#stallingTimeoutMs = Math.max(1000 * seconds, BLOCK_STALLING_TIMEOUT_DEFAULT_MS)
    this.#context.debug(() => `Decreased stalling timeout to ${this.#stallingTimeoutMs / 1000} seconds`)
  }

  /** getblockfrompeer: undefined where the block was asked for, else what stands against it, in Core's words. */
  fetchFrom(peer: RemotePeer, block: number): string | undefined {
    const context = this.#context
    if (context.access.isLoading) return 'Loading blocks ...'
    if (!peer.servesWitnesses) return 'Pre-SegWit peer'
    const isAsked = this.requests.of(block).some(request => request.peer === peer)
    if (isAsked) return 'Already requested from this peer'
    this.requests.remove(block, undefined, context.nowMs)
    this.requests.add(peer, block, context.nowMs)
    const hash = context.chain.index.hash(block).slice()
    context.send(peer, 'getdata', { entries: [{ type: INVENTORY.MSG_WITNESS_BLOCK, hash }] })
    context.debug(() => `Requesting block ${context.chain.index.hashHex(block)} from peer=${peer.id}`)
    return undefined
  }
}
