import { equalBytes, toHexReversed } from '../../base/bytes/bytes.ts'
import type { HashedBlock } from '../consensus/check-block.ts'
import { HEADER_SIZE } from '../primitives/block.ts'
import { compactBlockOf } from '../wire/compact-block.ts'
import { COMPACT_BLOCK_VERSION } from '../wire/compact-block-messages.ts'
import { INVENTORY } from '../wire/inventory-messages.ts'
import { WIRE_LIMITS } from '../wire/limits.ts'
import { encodePayload } from '../wire/messages.ts'
import type { BlockDownload } from './block-download.ts'
import { HIGH_BANDWIDTH_PEERS_MAX, INVALID_CB_NO_BAN_VERSION, MAX_BLOCKS_TO_ANNOUNCE } from './limits.ts'
import type { P2pContext } from './p2p-context.ts'
import type { RemotePeer } from './remote-peer.ts'

/** The newest block, as it is sent to many at once. */
export interface RecentBlock {
  readonly block: HashedBlock
  /** BIP152: the payload of its cmpctblock message. */
  readonly compact: Uint8Array
}

/** Tells peers of new blocks: by compact blocks (BIP152), headers (BIP130) or inv, as each wants it. */
export class BlockAnnouncements {
  readonly #context: P2pContext
  readonly #download: BlockDownload
  recent: RecentBlock | undefined
  #highestFast = -1
  /** BIP152: peers that were asked to announce by compact blocks, the one of longest standing first. */
  #highBandwidth: RemotePeer[] = []

  constructor(context: P2pContext, download: BlockDownload) {
    this.#context = context
    this.#download = download
  }

  removePeer(peer: RemotePeer): void {
    this.#highBandwidth = this.#highBandwidth.filter(other => other !== peer)
  }

  /** BIP152: a payload of a cmpctblock message. */
  compactPayload(block: HashedBlock): Uint8Array {
    const { recent } = this
    if (recent !== undefined && equalBytes(recent.block.hash, block.hash)) return recent.compact
    const { crypto } = this.#context.access
    return encodePayload('cmpctblock', compactBlockOf(block, block.txs.wtxids(crypto), this.#context.random.u64()))
  }

  /** BIP152: a block that is new and has its work goes out to those who want it so, before it is checked in full. */
  announceFast(id: number, block: HashedBlock): void {
    const context = this.#context
    const { index } = context.chain
    if (index.height(id) <= this.#highestFast) return
    this.#highestFast = index.height(id)
    if (!this.#download.needsWitness(id)) return
    this.recent = { block, compact: this.compactPayload(block) }
    for (const peer of context.peers.values()) {
      if (peer.commonVersion < INVALID_CB_NO_BAN_VERSION || peer.disconnecting) continue
      this.#download.resolveUnknown(peer)
      if (!peer.highBandwidthFrom || this.#download.peerHasHeader(peer, id)) continue
      if (!this.#download.peerHasHeader(peer, index.previous(id))) continue
      this.#sendCompact(peer, id, this.recent.compact, 'PeerManager::NewPoWValidBlock')
    }
  }

  #sendCompact(peer: RemotePeer, id: number, payload: Uint8Array, where: string): void {
    const hash = this.#context.chain.index.hashHex(id)
    this.#context.debug(() => `${where} sending header-and-ids ${hash} to peer=${peer.id}`)
    this.#context.sendPayload(peer, 'cmpctblock', payload)
    peer.bestHeaderSent = id
  }

  /** The active chain has a new end: what is new of it is to be told. */
  onTip(previousTip: number): void {
    const { chain, peers } = this.#context
    const { index, tip } = chain
    const fork = previousTip < 0 ? -1 : index.fork(previousTip, tip)
    const news: number[] = []
    for (let at = tip; at >= 0 && at !== fork && news.length < MAX_BLOCKS_TO_ANNOUNCE; at = index.previous(at))
      news.push(at)
    news.reverse()
    for (const peer of peers.values()) {
      peer.blocksForHeaders.push(...news)
      // More than a few are told by an inv of the last one; those before it need not be remembered.
      const excess = peer.blocksForHeaders.length - (MAX_BLOCKS_TO_ANNOUNCE + 1)
      if (excess > 0) peer.blocksForHeaders.splice(0, excess)
    }
  }

  /** Sends a peer what it is to be told. */
  send(peer: RemotePeer): void {
    this.#download.resolveUnknown(peer)
    if (peer.blocksForHeaders.length > 0) {
      if (!this.#sendHeaders(peer)) this.#queueInv(peer)
      peer.blocksForHeaders.length = 0
    }
    if (peer.blocksForInv.length === 0) return
    for (let at = 0; at < peer.blocksForInv.length; at += WIRE_LIMITS.inventoryMax) {
      const hashes = peer.blocksForInv.slice(at, at + WIRE_LIMITS.inventoryMax)
      this.#context.send(peer, 'inv', { entries: hashes.map(hash => ({ type: INVENTORY.MSG_BLOCK, hash })) })
    }
    peer.blocksForInv.length = 0
  }

  /** The blocks that are to be told and connect to what the peer has; undefined where none does. */
  #connecting(peer: RemotePeer): number[] | undefined {
    const { chain } = this.#context
    const { index } = chain
    const found: number[] = []
    let last = -1
    for (const id of peer.blocksForHeaders) {
      if (!chain.isActive(id) || (last >= 0 && index.previous(id) !== last)) return undefined
      last = id
      if (found.length > 0) found.push(id)
      else if (this.#download.peerHasHeader(peer, id)) continue
      else if (index.height(id) === 0 || this.#download.peerHasHeader(peer, index.previous(id))) found.push(id)
      else return undefined
    }
    return found
  }

  /** Whether nothing is left to tell by inv. */
  #sendHeaders(peer: RemotePeer): boolean {
    const context = this.#context
    const count = peer.blocksForHeaders.length
    if (!peer.prefersHeaders && (!peer.highBandwidthFrom || count > 1)) return false
    if (count > MAX_BLOCKS_TO_ANNOUNCE) return false
    const blocks = this.#connecting(peer)
    if (blocks === undefined) return false
    if (blocks.length === 0) return true
    const { chain } = context
    const { index } = chain
    const last = blocks[blocks.length - 1]
    if (blocks.length === 1 && peer.highBandwidthFrom) {
      this.#sendCompact(peer, last, this.compactPayload(this.recentOr(last)), 'SendMessages')
      return true
    }
    if (!peer.prefersHeaders) return false
    const [first, end] = [index.hashHex(blocks[0]), index.hashHex(last)]
    context.debug(() =>
      blocks.length > 1
        ? `SendMessages: ${blocks.length} headers, range (${first}, ${end}), to peer=${peer.id}`
        : `SendMessages: sending header ${end} to peer=${peer.id}`,
    )
    const headers = new Uint8Array(HEADER_SIZE * blocks.length)
    for (const [i, id] of blocks.entries()) headers.set(index.headerBytes(id), HEADER_SIZE * i)
    context.send(peer, 'headers', { headers })
    peer.bestHeaderSent = last
    return true
  }

  /** A stored block: the recent one without a look at the disk. */
  recentOr(id: number): HashedBlock {
    const { chain } = this.#context
    const { recent } = this
    return recent !== undefined && equalBytes(recent.block.hash, chain.index.hash(id))
      ? recent.block
      : chain.readBlock(id)
  }

  #queueInv(peer: RemotePeer): void {
    const context = this.#context
    const { chain } = context
    const { index } = chain
    const last = peer.blocksForHeaders[peer.blocksForHeaders.length - 1]
    if (!chain.isActive(last)) {
      context.debug(() => `Announcing block ${index.hashHex(last)} not on main chain (tip=${index.hashHex(chain.tip)})`)
    }
    if (this.#download.peerHasHeader(peer, last)) return
    const hash = index.hash(last).slice()
    peer.blocksForInv.push(hash)
    context.debug(() => `SendMessages: sending inv peer=${peer.id} hash=${toHexReversed(hash)}`)
  }

  /** BIP152: a peer was first with a new block: it is to announce by compact blocks from now on, and the oldest of these no more. */
  preferHighBandwidth(peer: RemotePeer): void {
    if (!peer.providesCompactBlocks) return
    const list = this.#highBandwidth
    if (list.includes(peer)) {
      this.#highBandwidth = [...list.filter(other => other !== peer), peer]
      return
    }
    const outbound = list.filter(other => !other.isInbound).length
    if (peer.isInbound && list.length >= HIGH_BANDWIDTH_PEERS_MAX && outbound === 1 && !list[0].isInbound) {
      // The last outbound one stays: nobody can crowd it out by connecting to us.
      ;[list[0], list[1]] = [list[1], list[0]]
    }
    this.#setHighBandwidth(peer, true)
    list.push(peer)
    if (list.length > HIGH_BANDWIDTH_PEERS_MAX) this.#setHighBandwidth(list.shift()!, false)
  }

  #setHighBandwidth(peer: RemotePeer, highBandwidth: boolean): void {
    this.#context.send(peer, 'sendcmpct', { highBandwidth, version: COMPACT_BLOCK_VERSION })
    peer.highBandwidthTo = highBandwidth
  }
}
