import { emptyBytes, equalBytes, toHexReversed } from '../../base/bytes/bytes.ts'
import { BLOCK_HAVE_DATA, BLOCK_VALID_SCRIPTS, BLOCK_VALID_TREE } from '../chainstate/block-status.ts'
import { MIN_BLOCKS_TO_KEEP } from '../chainstate/chainstate.ts'
import type { HashedBlock } from '../consensus/check-block.ts'
import { encodeMerkleBlock, merkleBlock } from '../consensus/merkle-block.ts'
import { equivalentTimeSeconds } from '../consensus/proof-of-work.ts'
import { HEADER_SIZE, parseBlock } from '../primitives/block.ts'
import { strippedTransaction, stripWitness } from '../primitives/strip-witness.ts'
import type { BlockTransactionsRequest } from '../wire/compact-block-messages.ts'
import { INVENTORY, type InventoryEntry, type LocatorMessage } from '../wire/inventory-messages.ts'
import { WIRE_LIMITS } from '../wire/limits.ts'
import { SERVICES } from '../wire/services.ts'
import type { BlockAnnouncements } from './block-announcements.ts'
import type { BlockDownload } from './block-download.ts'
import {
  GETBLOCKS_MAX,
  GETDATA_QUEUE_MAX,
  HISTORICAL_BLOCK_AGE_SECONDS,
  MAX_BLOCKTXN_DEPTH,
  MAX_CMPCTBLOCK_DEPTH,
  NODE_NETWORK_LIMITED_MIN_BLOCKS,
  STALE_RELAY_AGE_LIMIT_SECONDS,
} from './limits.ts'
import { findFork, isZeroHash } from './locator.ts'
import type { P2pContext } from './p2p-context.ts'
import type { RemotePeer } from './remote-peer.ts'

const TRANSACTION_TYPES: ReadonlySet<number> = new Set([INVENTORY.MSG_TX, INVENTORY.MSG_WTX, INVENTORY.MSG_WITNESS_TX])

/** Answers peers' questions for headers and blocks, and tells nobody what could be used to recognise us. */
export class BlockServing {
  readonly #context: P2pContext
  readonly #download: BlockDownload
  readonly #announcements: BlockAnnouncements
  /** Whether history has been sent to the upload target's end. */
  historyIsSpent = false

  constructor(context: P2pContext, download: BlockDownload, announcements: BlockAnnouncements) {
    this.#context = context
    this.#download = download
    this.#announcements = announcements
  }

  /** Whether a block may be told about: one of the active chain, or of a branch that was lately ours. */
  mayTell(block: number): boolean {
    const { chain, params } = this.#context
    const { index, tree } = chain
    if (chain.isActive(block)) return true
    const best = tree.bestHeader
    if (!index.isValid(block, BLOCK_VALID_SCRIPTS) || best < 0) return false
    if (index.time(best) - index.time(block) >= STALE_RELAY_AGE_LIMIT_SECONDS) return false
    const seconds = equivalentTimeSeconds(index.work(block), index.work(best), index.bits(best), params)
    return seconds < STALE_RELAY_AGE_LIMIT_SECONDS
  }

  onGetheaders(peer: RemotePeer, { locator, stopHash }: LocatorMessage): void {
    const context = this.#context
    const { chain, access } = context
    const { index } = chain
    if (access.isLoading) {
      context.debug(() => `Ignoring getheaders from peer=${peer.id} while importing/reindexing`)
      return
    }
    if (chain.tip < 0 || (index.work(chain.tip) < access.minimumChainWork && !peer.has('download'))) {
      context.debug(
        () =>
          `Ignoring getheaders from peer=${peer.id} because active chain has too little work; sending empty response`,
      )
      context.send(peer, 'headers', { headers: emptyBytes() })
      return
    }
    let at: number
    if (locator.length === 0) {
      at = index.find(stopHash)
      if (at < 0) return
      if (!this.mayTell(at)) {
        context.debug(
          () =>
            `ProcessMessage: ignoring request from peer=${peer.id} for old block header that isn't in the main chain`,
        )
        return
      }
    } else {
      at = this.#next(findFork(chain, locator))
    }
    const stop = this.#stopName(stopHash)
    context.debug(() => `getheaders ${at < 0 ? -1 : index.height(at)} to ${stop} from peer=${peer.id}`)
    const blocks: number[] = []
    for (; at >= 0; at = this.#next(at)) {
      blocks.push(at)
      if (blocks.length === WIRE_LIMITS.headersMax || equalBytes(index.hash(at), stopHash)) break
    }
    // Set back as far as it must: a compact block may have been sent before its header was asked for.
    peer.bestHeaderSent = at >= 0 ? at : chain.tip
    const headers = new Uint8Array(HEADER_SIZE * blocks.length)
    for (const [i, id] of blocks.entries()) headers.set(index.headerBytes(id), HEADER_SIZE * i)
    context.send(peer, 'headers', { headers })
  }

  #stopName(stopHash: Uint8Array): string {
    return isZeroHash(stopHash) ? 'end' : toHexReversed(stopHash)
  }

  /** The block behind one on the active chain; -1 for none. */
  #next(block: number): number {
    const { chain } = this.#context
    return chain.isActive(block) ? chain.at(chain.index.height(block) + 1) : -1
  }

  onGetblocks(peer: RemotePeer, { locator, stopHash }: LocatorMessage): void {
    const context = this.#context
    const { chain, access, params } = context
    const { index } = chain
    let at = this.#next(findFork(chain, locator))
    const stop = this.#stopName(stopHash)
    context.debug(
      () => `getblocks ${at < 0 ? -1 : index.height(at)} to ${stop} limit ${GETBLOCKS_MAX} from peer=${peer.id}`,
    )
    const where = (): string => `${index.height(at)} ${index.hashHex(at)}`
    const likelyKept = MIN_BLOCKS_TO_KEEP - Math.floor(3600 / params.targetSpacingSeconds)
    for (let count = 1; at >= 0; at = this.#next(at), count++) {
      if (equalBytes(index.hash(at), stopHash)) {
        context.debug(() => ` getblocks stopping at ${where()}`)
        return
      }
      const isGone = !index.hasStatus(at, BLOCK_HAVE_DATA) || index.height(at) <= chain.height - likelyKept
      if (access.isPruned && isGone) {
        context.debug(() => ` getblocks stopping, pruned or too old block at ${where()}`)
        return
      }
      peer.blocksForInv.push(index.hash(at).slice())
      if (count < GETBLOCKS_MAX) continue
      // When this one is asked for, an inv makes the peer ask for the next batch.
      context.debug(() => ` getblocks stopping at limit ${where()}`)
      peer.continuationBlock = index.hash(at).slice()
      return
    }
  }

  /** Sets requests aside: they are answered one by one, by {@link serveNext}, in the turns to come. */
  onGetdata(peer: RemotePeer, entries: readonly InventoryEntry[]): void {
    const context = this.#context
    context.debug(() => `received getdata (${entries.length} invsz) peer=${peer.id}`)
    if (entries.length > 0) {
      context.debug(() => `received getdata for: ${inventoryText(entries[0])} peer=${peer.id}`)
    }
    // Nothing more is read from a peer before its queue is empty; the limit can only be met by a single message.
    for (const { type, hash } of entries.slice(0, GETDATA_QUEUE_MAX)) {
      peer.getdataRequests.push({ type, hash: hash.slice() })
    }
  }

  /** Answers the next requests that wait: transactions up to the next block, and that. */
  serveNext(peer: RemotePeer): void {
    const queue = peer.getdataRequests
    const notFound: InventoryEntry[] = []
    let taken = 0
    while (taken < queue.length && TRANSACTION_TYPES.has(queue[taken].type) && !peer.congested) {
      // BIP37: who does not want to hear of transactions gets no answer either.
      if (peer.relaysTransactions) notFound.push(queue[taken])
      taken++
    }
    const next = queue[taken]
    if (next !== undefined && !peer.congested) {
      taken++
      this.#serveBlock(peer, next)
    }
    queue.splice(0, taken)
    if (notFound.length > 0) this.#context.send(peer, 'notfound', { entries: notFound })
  }

  #serveBlock(peer: RemotePeer, { type, hash }: InventoryEntry): void {
    const context = this.#context
    const { chain } = context
    const { index } = chain
    if (type === INVENTORY.MSG_FILTERED_BLOCK) {
      if ((peer.ourServices & SERVICES.NODE_BLOOM) === 0n) {
        context.disconnect(peer, () => 'filtered block request received when NODE_BLOOM service disabled')
        return
      }
    }
    if (!BLOCK_TYPES.has(type)) return
    const block = index.find(hash)
    if (block < 0 || !this.#mayServe(peer, block)) return
    if (type === INVENTORY.MSG_WITNESS_BLOCK) this.#send(peer, block)
    else if (type === INVENTORY.MSG_BLOCK) this.#sendStripped(peer, block)
    else if (type === INVENTORY.MSG_FILTERED_BLOCK) this.#sendFiltered(peer, block)
    else if (this.#download.canFetchDirectly && index.height(block) >= chain.height - MAX_CMPCTBLOCK_DEPTH) {
      const payload = this.#announcements.compactPayload(this.#announcements.recentOr(block))
      context.sendPayload(peer, 'cmpctblock', payload)
    } else {
      this.#send(peer, block)
    }
    if (peer.continuationBlock !== undefined && equalBytes(hash, peer.continuationBlock)) {
      const entries = [{ type: INVENTORY.MSG_BLOCK, hash: index.hash(chain.tip).slice() }]
      context.send(peer, 'inv', { entries })
      peer.continuationBlock = undefined
    }
  }

  #mayServe(peer: RemotePeer, block: number): boolean {
    const context = this.#context
    const { chain } = context
    const { index, tree } = chain
    if (!this.mayTell(block)) {
      context.debug(
        () => `ProcessGetBlockData: ignoring request from peer=${peer.id} for old block that isn't in the main chain`,
      )
      return false
    }
    const isHistory = index.time(tree.bestHeader) - index.time(block) > HISTORICAL_BLOCK_AGE_SECONDS
    if (this.historyIsSpent && isHistory && !peer.has('download')) {
      context.disconnect(peer, () => 'historical block serving limit reached')
      return false
    }
    const weAreLimited =
      (peer.ourServices & SERVICES.NODE_NETWORK_LIMITED) !== 0n && (peer.ourServices & SERVICES.NODE_NETWORK) === 0n
    // Two blocks more than is promised, since new ones may come meanwhile. How far back we really go is nobody's business.
    if (
      weAreLimited &&
      !peer.has('noban') &&
      chain.height - index.height(block) > NODE_NETWORK_LIMITED_MIN_BLOCKS + 2
    ) {
      context.disconnect(peer, () => 'Ignore block request below NODE_NETWORK_LIMITED threshold')
      return false
    }
    return index.hasStatus(block, BLOCK_HAVE_DATA)
  }

  #bytes(peer: RemotePeer, block: number): Uint8Array | undefined {
    const context = this.#context
    const { index, files } = context.chain
    const { recent } = this.#announcements
    if (recent !== undefined && equalBytes(recent.block.hash, index.hash(block))) return recent.block.bytes
    const bytes = files.readBlock(index.file(block), index.dataPosition(block), n => new ArrayBuffer(n))
    if (bytes === undefined) {
      context.log.error(`Cannot load block from disk, ${peer.farewell}`)
      context.disconnect(peer)
    }
    return bytes
  }

  #send(peer: RemotePeer, block: number): void {
    const bytes = this.#bytes(peer, block)
    if (bytes !== undefined) this.#context.sendPayload(peer, 'block', bytes)
  }

  /** BIP144: the old form, without witnesses. */
  #sendStripped(peer: RemotePeer, block: number): void {
    const bytes = this.#bytes(peer, block)
    const parsed = bytes && parseBlock(bytes)
    if (parsed?.ok) this.#context.sendPayload(peer, 'block', stripWitness(parsed.value))
  }

  /** BIP37: of a block only what a peer's filter matches, with the proof that it is in it. */
  #sendFiltered(peer: RemotePeer, block: number): void {
    const context = this.#context
    const { bloomFilter } = peer
    if (bloomFilter === undefined) return
    const { bytes, txs, txids } = this.#announcements.recentOr(block)
    const matches = Array.from({ length: txs.txCount }, (_, tx) =>
      bloomFilter.matchAndUpdate(txs, tx, txids.subarray(32 * tx, 32 * tx + 32)),
    )
    const proof = merkleBlock(bytes.subarray(0, HEADER_SIZE), txids, matches, context.access.crypto)
    context.sendPayload(peer, 'merkleblock', encodeMerkleBlock(proof))
    for (let tx = 0; tx < txs.txCount; tx++) {
      if (matches[tx]) context.sendPayload(peer, 'tx', strippedTransaction(txs, tx))
    }
  }

  /** BIP152: transactions of a block that a compact one did not help to. */
  onGetBlockTransactions(peer: RemotePeer, request: BlockTransactionsRequest): void {
    const context = this.#context
    const { chain } = context
    const { index } = chain
    const { indexes, blockHash } = request
    if (indexes.length === 0) {
      context.disconnect(peer, () => 'getblocktxn received with no transaction indexes')
      return
    }
    const { recent } = this.#announcements
    if (recent !== undefined && equalBytes(recent.block.hash, blockHash)) {
      this.#sendTransactions(peer, recent.block, request)
      return
    }
    const block = index.find(blockHash)
    if (block < 0 || !index.hasStatus(block, BLOCK_HAVE_DATA)) {
      context.debug(() => `Peer ${peer.id} sent us a getblocktxn for a block we don't have`)
      return
    }
    if (index.height(block) >= chain.height - MAX_BLOCKTXN_DEPTH) {
      this.#sendTransactions(peer, chain.readBlock(block), request)
      return
    }
    // Who makes us read old blocks is to receive them whole.
    context.debug(() => `Peer ${peer.id} sent us a getblocktxn for a block > ${MAX_BLOCKTXN_DEPTH} deep`)
    peer.getdataRequests.push({ type: INVENTORY.MSG_WITNESS_BLOCK, hash: blockHash.slice() })
  }

  #sendTransactions(peer: RemotePeer, block: HashedBlock, { blockHash, indexes }: BlockTransactionsRequest): void {
    const context = this.#context
    if (indexes[indexes.length - 1] >= block.txs.txCount) {
      context.misbehaving(peer, 'getblocktxn with out-of-bounds tx indices')
      return
    }
    const transactions = indexes.map(tx => block.txs.txBytes(tx))
    context.log.debug('cmpctblock', () => {
      const bytes = transactions.reduce((sum, { length }) => sum + length, 0)
      const hash = toHexReversed(blockHash)
      return `${peer.label} sent us a GETBLOCKTXN for block ${hash}, sending a BLOCKTXN with ${indexes.length} txns. (${bytes} bytes)`
    })
    context.send(peer, 'blocktxn', { blockHash, transactions })
  }

  /** Whether a block could be connected but has not been yet: a question for it waits until it is. */
  isUndecided(hash: Uint8Array): boolean {
    const { index } = this.#context.chain
    const block = index.find(hash)
    if (block < 0 || index.chainTxCount(block) === 0) return false
    return index.isValid(block, BLOCK_VALID_TREE) && !index.isValid(block, BLOCK_VALID_SCRIPTS)
  }
}

const BLOCK_TYPES: ReadonlySet<number> = new Set([
  INVENTORY.MSG_BLOCK,
  INVENTORY.MSG_WITNESS_BLOCK,
  INVENTORY.MSG_CMPCT_BLOCK,
  INVENTORY.MSG_FILTERED_BLOCK,
])

const INVENTORY_NAMES: ReadonlyMap<number, string> = new Map([
  [INVENTORY.MSG_TX, 'tx'],
  [INVENTORY.MSG_WITNESS_TX, 'witness-tx'],
  [INVENTORY.MSG_WTX, 'wtx'],
  [INVENTORY.MSG_BLOCK, 'block'],
  [INVENTORY.MSG_WITNESS_BLOCK, 'witness-block'],
  [INVENTORY.MSG_FILTERED_BLOCK, 'merkleblock'],
  [INVENTORY.MSG_CMPCT_BLOCK, 'cmpctblock'],
])

/** An inventory entry as the log shows it. */
export function inventoryText({ type, hash }: InventoryEntry): string {
  const name = INVENTORY_NAMES.get(type)
  return name === undefined
    ? `0x${type.toString(16).padStart(8, '0')} ${toHexReversed(hash)}`
    : `${name} ${toHexReversed(hash)}`
}
