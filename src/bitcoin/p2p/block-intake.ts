import { toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import { invariant } from '../../base/errors.ts'
import { type Rejected, reject, type Verdict } from '../../base/verdict.ts'
import { BLOCK_HAVE_DATA } from '../chainstate/block-status.ts'
import { type PreparedBlock, prepareBlock } from '../chainstate/prepare-block.ts'
import { checkMerkleRoot, checkWitnessCommitment } from '../consensus/check-block.ts'
import { blockWork } from '../consensus/proof-of-work.ts'
import { decodeHeader } from '../primitives/block.ts'
import { malformed } from '../wire/codec.ts'
import { beginReconstruction, COMPACT_BLOCK_INVALID, finishReconstruction } from '../wire/compact-block.ts'
import type { BlockTransactionsMessage, CompactBlockMessage } from '../wire/compact-block-messages.ts'
import type { BlockAnnouncements } from './block-announcements.ts'
import type { BlockDownload } from './block-download.ts'
import { isHeaderFault, logRefusedHeader, punishForBlock } from './block-faults.ts'
import type { HeaderSync } from './header-sync.ts'
import { MAX_BLOCKS_IN_TRANSIT_PER_PEER, MAX_CMPCTBLOCKS_INFLIGHT_PER_BLOCK } from './limits.ts'
import type { P2pContext, PreparedTicket } from './p2p-context.ts'
import type { BlockRequest, BlockTicket, RemotePeer } from './remote-peer.ts'

/** Blocks whose senders are remembered until it is known whether they are sound. */
const SOURCES_MAX = 4096
/** Serialised size of a transaction that could pass for an inner node of the merkle tree. */
const MERKLE_NODE_PAIR_SIZE = 64

const NO_TRANSACTIONS = { count: 0, wtxids: new Uint8Array(0), transaction: (): Uint8Array => new Uint8Array(0) }

/** Blocks that arrive, whole or in short, until it is known what they are worth. */
export class BlockIntake {
  readonly #context: P2pContext
  readonly #headers: HeaderSync
  readonly #download: BlockDownload
  readonly #announcements: BlockAnnouncements
  /** By hash: who gave us a block, and whether it answers for it. */
  readonly #sources = new Map<string, { readonly peer: RemotePeer; readonly punishable: boolean }>()

  constructor(context: P2pContext, headers: HeaderSync, download: BlockDownload, announcements: BlockAnnouncements) {
    this.#context = context
    this.#headers = headers
    this.#download = download
    this.#announcements = announcements
  }

  /** A block message: its bytes go through the helpers first. */
  onBlock(peer: RemotePeer, bytes: Uint8Array): void {
    if (this.#context.access.isLoading) {
      this.#context.debug(() => `Unexpected block message received from peer ${peer.id}`)
      return
    }
    const ticket = { peer, bytes }
    peer.blocksUnderway++
    peer.preparing.push({ ticket, outcome: undefined })
    this.#context.emit({ type: 'prepareBlock', ticket })
  }

  /** What the helpers found out about a block: a peer's blocks are dealt with in the order in which they came. */
  onPrepared({ ticket, prepared }: PreparedTicket): void {
    const { preparing } = ticket.peer
    const entry = preparing.find(candidate => candidate.ticket === ticket)
    invariant(entry !== undefined, 'a block was prepared that did not come')
    entry.outcome = prepared
    for (let first = preparing[0]; first?.outcome !== undefined; first = preparing[0]) {
      preparing.shift()
      this.#onNext(first.ticket, first.outcome)
    }
  }

  #onNext(ticket: BlockTicket, outcome: Verdict<PreparedBlock>): void {
    const context = this.#context
    const { peer, bytes } = ticket
    if (!outcome.ok) {
      const { detail } = malformed(outcome.code)
      context.debug(() => `ProcessMessages(block, ${bytes.length} bytes): Exception '${detail}' caught`)
      peer.blocksUnderway--
      return
    }
    const prepared = outcome.value
    const { block } = prepared
    const { index } = context.chain
    context.debug(() => `received block ${toHexReversed(block.hash)} peer=${peer.id}`)
    const previous = index.find(block.header.previous)
    const id = index.find(block.hash)
    if (previous >= 0 && this.#isMutated(prepared, previous)) {
      context.debug(() => `Received mutated block from peer=${peer.id}`)
      context.misbehaving(peer, 'mutated block')
      if (id >= 0) this.#download.requests.remove(id, peer, context.nowMs)
      peer.blocksUnderway--
      return
    }
    const requested = id >= 0 && this.#download.requests.isRequested(id)
    if (id >= 0 && this.#download.requests.of(id).some(request => request.peer === peer)) {
      this.#download.noteArrival(peer)
      this.#download.requests.remove(id, peer, context.nowMs)
    }
    this.#noteSource(block.hash, peer, true)
    this.#process(ticket, prepared, requested)
  }

  /** Whether the bytes belong to the header at all: if not, their sender changed them. */
  #isMutated({ block, findings }: PreparedBlock, previous: number): boolean {
    const { crypto } = this.#context.access
    const { txs } = block
    const merkle = findings.alone.ok ? findings.alone : checkMerkleRoot(block, crypto)
    if (!merkle.ok) return this.#logMutation(merkle)
    if (txs.txCount === 0 || !txs.isCoinbase(0)) {
      for (let tx = 0; tx < txs.txCount; tx++) if (txs.baseSize(tx) === MERKLE_NODE_PAIR_SIZE) return true
      return false
    }
    const segwit = this.#context.chain.index.height(previous) + 1 >= this.#context.params.buried.segwit
    const witness = findings.alone.ok && segwit ? findings.witness : checkWitnessCommitment(block, segwit, crypto)
    return !witness.ok && this.#logMutation(witness)
  }

  #logMutation({ code, detail }: Rejected): true {
    this.#context.log.debug('validation', () => `Block mutated: ${detail === undefined ? code : `${code}, ${detail}`}`)
    return true
  }

  #noteSource(hash: Uint8Array, peer: RemotePeer, punishable: boolean): void {
    const key = toHex(hash)
    if (this.#sources.has(key)) return
    if (this.#sources.size >= SOURCES_MAX) {
      for (const oldest of this.#sources.keys()) {
        this.#sources.delete(oldest)
        break
      }
    }
    this.#sources.set(key, { peer, punishable })
  }

  /** Checks and stores a block, and has the chain go on where it did. */
  #process(ticket: BlockTicket, prepared: PreparedBlock, requested: boolean): void {
    const context = this.#context
    const { chain } = context
    const { peer } = ticket
    const { block } = prepared
    const verdict = this.#accept(prepared, requested)
    if (!verdict.ok) {
      const reason = verdict.detail ? `${verdict.code}, ${verdict.detail}` : verdict.code
      if (isHeaderFault(verdict.code)) logRefusedHeader(context, block.hash, verdict)
      context.log.error(`ProcessNewBlock: AcceptBlock FAILED (${reason})`)
      this.onVerdict(block.hash, verdict)
    } else if (verdict.value.isNew) {
      const { id } = verdict.value
      peer.lastBlockMs = context.nowMs
      this.#download.requests.remove(id, undefined, context.nowMs)
      if (!context.access.isDownloading && chain.index.previous(id) === chain.tip) {
        this.#announcements.announceFast(id, prepared.block)
      }
    } else {
      this.#sources.delete(toHex(block.hash))
    }
    context.emit({ type: 'advance', ticket })
  }

  #accept(prepared: PreparedBlock, requested: boolean): Verdict<{ id: number; isNew: boolean }> {
    const { chain, nowSeconds } = this.#context
    const { block, findings } = prepared
    // A fault that may be of these bytes alone must not stick to the hash.
    if (!findings.alone.ok) return findings.alone
    const { index } = chain
    const previous = index.find(block.header.previous)
    if (previous >= 0 && index.find(block.hash) < 0) {
      const work = index.work(previous) + blockWork(block.header.bits)
      if (work < this.#headers.workThreshold) {
        this.#context.log.debug('validation', () => {
          const hash = toHexReversed(block.hash)
          return `AcceptBlockHeader: not adding new block header ${hash}, missing anti-dos proof-of-work validation`
        })
        return reject('too-little-chainwork')
      }
    }
    return chain.acceptBlock(block, { requested, findings }, nowSeconds)
  }

  /** The chain has checked a block in full, or refused it. */
  onVerdict(hash: Uint8Array, verdict: Verdict<unknown>): void {
    const context = this.#context
    const key = toHex(hash)
    const source = this.#sources.get(key)
    this.#sources.delete(key)
    if (source === undefined || !context.peers.has(source.peer.id)) return
    if (!verdict.ok) {
      punishForBlock(context, source.peer, verdict.code, !source.punishable, '')
      return
    }
    const { requests } = this.#download
    const id = context.chain.index.find(hash)
    // Who was first with a block while no other is being fetched is worth being told by at once.
    if (!context.access.isDownloading && requests.of(id).length === requests.count) {
      this.#announcements.preferHighBandwidth(source.peer)
    }
  }

  /** BIP152: a block in short. */
  onCompactBlock(peer: RemotePeer, message: CompactBlockMessage): void {
    const context = this.#context
    const { access } = context
    if (access.isLoading) {
      this.#logCompact(peer, ' sent us a compact block even though we are still loading blocks!')
    } else if (!peer.providesCompactBlocks) {
      this.#logCompact(peer, ' sent us a compact block despite never having sent us a SENDCMPCT!')
    } else {
      const block = this.#acceptCompactHeader(peer, message)
      if (block !== undefined) this.#fetchCompact(peer, block, message)
    }
  }

  #logCompact(peer: RemotePeer, text: string): void {
    this.#context.log.debug('cmpctblock', () => `${peer.label}${text}`)
  }

  /** The block's number; undefined where its header does not help. */
  #acceptCompactHeader(peer: RemotePeer, message: CompactBlockMessage): number | undefined {
    const context = this.#context
    const { chain, access } = context
    const { index, tree } = chain
    const header = decodeHeader(message.header)
    const hash = access.crypto.sha256d(message.header)
    const previous = index.find(header.previous)
    if (previous < 0) {
      if (!access.isDownloading) this.#headers.requestBehind(peer, tree.bestHeader)
      return undefined
    }
    if (index.work(previous) + blockWork(header.bits) < this.#headers.workThreshold) {
      context.debug(() => `Ignoring low-work compact block from peer ${peer.id}`)
      return undefined
    }
    const isNews = index.find(hash) < 0
    const accepted = tree.acceptHeader(header, hash, context.nowSeconds)
    if (!accepted.ok) {
      punishForBlock(context, peer, accepted.code, true, 'invalid header via cmpctblock')
      return undefined
    }
    const block = accepted.value
    if (isNews) this.#headers.logNewHeader(peer, block, true)
    this.#download.noteAvailable(peer, hash)
    if (isNews && index.work(block) > index.work(chain.tip)) peer.lastBlockAnnouncementMs = context.nowMs
    return block
  }

  #fetchCompact(peer: RemotePeer, block: number, message: CompactBlockMessage): void {
    const { chain } = this.#context
    const { index } = chain
    if (index.hasStatus(block, BLOCK_HAVE_DATA)) return
    const underway = this.#download.requests.of(block)
    const own = underway.find(request => request.peer === peer)
    if (own === undefined && !peer.highBandwidthTo) {
      this.#logCompact(peer, ', not marked as high-bandwidth, sent us an unsolicited compact block!')
      return
    }
    if (index.work(block) <= index.work(chain.tip) || index.txCount(block) !== 0) {
      if (own !== undefined) this.#requestWhole(peer, block)
      return
    }
    if (underway.length === 0 && !this.#download.canFetchDirectly) return
    if (index.height(block) > chain.height + 2) {
      // Too far ahead for what we know to be of use.
      if (own !== undefined) this.#requestWhole(peer, block)
      else this.#headers.onHeaders(peer, message.header, true)
      return
    }
    const hasRoom =
      underway.length < MAX_CMPCTBLOCKS_INFLIGHT_PER_BLOCK && peer.requests.length < MAX_BLOCKS_IN_TRANSIT_PER_PEER
    if (hasRoom || own !== undefined) this.#complete(peer, block, message)
    else this.#tryComplete(peer, block, message)
  }

  #requestWhole(peer: RemotePeer, block: number): void {
    this.#context.send(peer, 'getdata', { entries: [this.#download.blockInventory(peer, block)] })
  }

  /** Begins to put a block together, and asks for what is missing. */
  #complete(peer: RemotePeer, block: number, message: CompactBlockMessage): void {
    const context = this.#context
    const { requests } = this.#download
    const before = requests.of(block)
    const isFirst = before.length === 0 || before[0].peer === peer
    const { request, isNew } = requests.add(peer, block, context.nowMs)
    if (!isNew && request.partial !== undefined) {
      context.debug(() => 'Peer sent us compact block we were already syncing!')
      return
    }
    const begun = beginReconstruction(message, NO_TRANSACTIONS, NO_TRANSACTIONS)
    if (!begun.ok) {
      if (begun.code === COMPACT_BLOCK_INVALID) {
        requests.remove(block, peer, context.nowMs)
        context.misbehaving(peer, 'invalid compact block')
      } else if (isFirst) {
        request.partial = 'failed'
        this.#requestWhole(peer, block)
      } else {
        requests.remove(block, peer, context.nowMs)
      }
      return
    }
    request.partial = begun.value
    const { missing } = begun.value
    const blockHash = context.chain.index.hash(block).slice()
    if (missing.length === 0) {
      this.onBlockTransactions(peer, { blockHash, transactions: [] })
      return
    }
    // The last place among those who complete a block at the same time is kept for a peer that we chose.
    const mayJoin =
      !peer.isInbound ||
      requests.isRequestedFromOutbound(block) ||
      before.length < MAX_CMPCTBLOCKS_INFLIGHT_PER_BLOCK - 1
    if (isFirst || (peer.highBandwidthTo && mayJoin)) {
      context.send(peer, 'getblocktxn', { blockHash, indexes: missing })
    } else {
      requests.remove(block, peer, context.nowMs)
    }
  }

  /** The block is being fetched elsewhere; perhaps it can be had without asking anybody. */
  #tryComplete(peer: RemotePeer, block: number, message: CompactBlockMessage): void {
    const begun = beginReconstruction(message, NO_TRANSACTIONS, NO_TRANSACTIONS)
    if (!begun.ok) return
    const prepared = this.#finish(block, begun.value, [])
    if (!prepared.ok) return
    this.#take(peer, prepared.value)
  }

  #finish(
    block: number,
    partial: Exclude<BlockRequest['partial'], 'failed' | undefined>,
    missing: readonly Uint8Array[],
  ): Verdict<PreparedBlock> {
    const { params, access, chain } = this.#context
    const previous = chain.index.previous(block)
    let prepared: Verdict<PreparedBlock> | undefined
    const finished = finishReconstruction(partial, missing, bytes => {
      prepared = prepareBlock(bytes, params, access.crypto)
      return !prepared.ok || this.#isMutated(prepared.value, previous)
    })
    return finished.ok ? prepared! : finished
  }

  #take(peer: RemotePeer, prepared: PreparedBlock): void {
    this.#noteSource(prepared.block.hash, peer, false)
    peer.blocksUnderway++
    this.#process({ peer, bytes: prepared.block.bytes }, prepared, true)
  }

  /** BIP152: the transactions that a compact block lacked. */
  onBlockTransactions(peer: RemotePeer, { blockHash, transactions }: BlockTransactionsMessage): void {
    const context = this.#context
    if (context.access.isLoading) {
      context.debug(() => `Unexpected blocktxn message received from peer ${peer.id}`)
      return
    }
    const { requests } = this.#download
    const block = context.chain.index.find(blockHash)
    const underway = block < 0 ? [] : requests.of(block)
    const own = underway.find(request => request.peer === peer)
    if (own?.partial === undefined) {
      context.debug(() => `Peer ${peer.id} sent us block transactions for block we weren't expecting`)
      return
    }
    if (own.partial === 'failed') {
      requests.remove(block, peer, context.nowMs)
      context.misbehaving(peer, 'previous compact block reconstruction attempt failed')
      context.debug(() => `Peer ${peer.id} sent compact block transactions multiple times`)
      return
    }
    const finished = this.#finish(block, own.partial, transactions)
    if (finished.ok) {
      requests.remove(block, peer, context.nowMs)
      this.#take(peer, finished.value)
    } else if (finished.code === COMPACT_BLOCK_INVALID) {
      requests.remove(block, peer, context.nowMs)
      context.misbehaving(peer, 'invalid compact block/non-matching block transactions')
    } else if (underway[0] === own) {
      // Ids may have collided: the whole block, under the same clock.
      own.partial = 'failed'
      this.#requestWhole(peer, block)
    } else {
      requests.remove(block, peer, context.nowMs)
      context.debug(
        () =>
          `Peer ${peer.id} sent us a compact block but it failed to reconstruct, waiting on first download to complete`,
      )
    }
  }
}
