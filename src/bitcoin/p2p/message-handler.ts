import { toHexReversed } from '../../base/bytes/bytes.ts'
import { consequenceOf } from '../wire/codec.ts'
import { COMPACT_BLOCK_VERSION } from '../wire/compact-block-messages.ts'
import { INVENTORY, type InventoryMessage } from '../wire/inventory-messages.ts'
import { decodeMessage, type KnownMessage, type Message } from '../wire/messages.ts'
import { safeText } from '../wire/safe-text.ts'
import { SERVICES } from '../wire/services.ts'
import type { BlockDownload } from './block-download.ts'
import type { BlockIntake } from './block-intake.ts'
import { type BlockServing, inventoryText } from './block-serving.ts'
import { BloomFilter } from './bloom-filter.ts'
import type { FilterServing } from './filter-serving.ts'
import type { Handshake } from './handshake.ts'
import type { HeaderSync } from './header-sync.ts'
import { BIP0031_VERSION } from './limits.ts'
import type { QueuedMessage } from './message-queue.ts'
import type { P2pContext } from './p2p-context.ts'
import type { Pings } from './pings.ts'
import type { RemotePeer } from './remote-peer.ts'

const MAX_MONEY_SATS = 2_100_000_000_000_000n

/** Gossip of addresses, as the messages' side sees it. */
export interface AddressMessages {
  onAddresses(peer: RemotePeer, message: KnownMessage & { command: 'addr' | 'addrv2' }): void
  onGetaddr(peer: RemotePeer): void
}

/** Who may be told of transactions. */
export interface RelayAdmission {
  /** Makes room for a peer that has just asked to be told, or parts from it; whether it stays. */
  keepRelayRoom(peer: RemotePeer, command: string): boolean
}

/** The parts that messages go to. */
export interface MessageParts {
  readonly handshake: Handshake
  readonly headers: HeaderSync
  readonly download: BlockDownload
  readonly intake: BlockIntake
  readonly serving: BlockServing
  readonly filters: FilterServing
  readonly pings: Pings
  readonly addresses: AddressMessages
  readonly admission: RelayAdmission
}

/** Takes a peer's messages to whom they concern. */
export class MessageHandler {
  readonly #context: P2pContext
  readonly #parts: MessageParts

  constructor(context: P2pContext, parts: MessageParts) {
    this.#context = context
    this.#parts = parts
  }

  handle(peer: RemotePeer, { command, payload }: QueuedMessage): void {
    const context = this.#context
    context.debug(() => `received: ${safeText(command)} (${payload.length} bytes) peer=${peer.id}`)
    const decoded = decodeMessage(command, payload)
    if (command !== 'version' && peer.version === 0) {
      context.debug(
        () => `non-version message before version handshake. Message "${safeText(command)}" from peer=${peer.id}`,
      )
      return
    }
    if (!decoded.ok) {
      this.#refuse(peer, command, payload.length, decoded)
      return
    }
    const message = decoded.value
    if (this.#handleEarly(peer, message)) return
    if (!peer.handshakeDone) {
      context.debug(() => `Unsupported message "${safeText(command)}" prior to verack from peer=${peer.id}`)
      return
    }
    if (message.command === undefined) {
      context.debug(() => `Unknown message type "${safeText(command)}" from peer=${peer.id}`)
      return
    }
    this.#handleKnown(peer, message, payload.length)
  }

  #refuse(peer: RemotePeer, command: string, bytes: number, { code, detail }: { code: string; detail?: string }): void {
    const context = this.#context
    const consequence = consequenceOf(code)
    if (consequence === 'discourage') context.misbehaving(peer, detail ?? '')
    else if (consequence === 'disconnect') context.disconnect(peer, () => detail ?? code)
    else {
      context.debug(() => `ProcessMessages(${safeText(command)}, ${bytes} bytes): Exception '${detail ?? code}' caught`)
    }
  }

  /** Messages of the handshake; whether it was one. */
  #handleEarly(peer: RemotePeer, message: Message): boolean {
    const { handshake } = this.#parts
    const context = this.#context
    switch (message.command) {
      case 'version':
        handshake.onVersion(peer, message.value)
        return true
      case 'verack':
        handshake.onVerack(peer)
        return true
      case 'sendheaders':
        peer.prefersHeaders = true
        return true
      case 'sendcmpct':
        if (message.value.version !== COMPACT_BLOCK_VERSION) return true
        peer.providesCompactBlocks = true
        peer.highBandwidthFrom = message.value.highBandwidth
        return true
      case 'wtxidrelay':
        handshake.onWtxidrelay(peer)
        return true
      case 'sendaddrv2':
        handshake.onSendaddrv2(peer)
        return true
      case 'sendtxrcncl':
        context.debug(
          () => `sendtxrcncl from peer=${peer.id} ignored, as our node does not have txreconciliation enabled`,
        )
        return true
      default:
        return false
    }
  }

  #handleKnown(peer: RemotePeer, message: KnownMessage, payloadBytes: number): void {
    const context = this.#context
    const { headers, intake, serving, filters, pings, addresses } = this.#parts
    switch (message.command) {
      case 'addr':
      case 'addrv2':
        addresses.onAddresses(peer, message)
        break
      case 'getaddr':
        addresses.onGetaddr(peer)
        break
      case 'inv':
        this.#onInv(peer, message.value)
        break
      case 'getdata':
        serving.onGetdata(peer, message.value.entries)
        break
      case 'getblocks':
        serving.onGetblocks(peer, message.value)
        break
      case 'getheaders':
        serving.onGetheaders(peer, message.value)
        break
      case 'getblocktxn':
        serving.onGetBlockTransactions(peer, message.value)
        break
      case 'headers':
        if (context.access.isLoading) {
          context.debug(() => `Unexpected headers message received from peer ${peer.id}`)
        } else {
          headers.onHeaders(peer, message.value.headers, false)
        }
        break
      case 'block':
        intake.onBlock(peer, message.value.bytes)
        break
      case 'cmpctblock':
        intake.onCompactBlock(peer, message.value)
        break
      case 'blocktxn':
        intake.onBlockTransactions(peer, message.value)
        break
      case 'ping':
        if (peer.commonVersion > BIP0031_VERSION) context.send(peer, 'pong', message.value)
        break
      case 'pong':
        pings.onPong(peer, message.value.nonce, payloadBytes)
        break
      case 'getcfilters':
        filters.onGetcfilters(peer, message.value)
        break
      case 'getcfheaders':
        filters.onGetcfheaders(peer, message.value)
        break
      case 'getcfcheckpt':
        filters.onGetcfcheckpt(peer, message.value)
        break
      default:
        this.#onTransactionMessage(peer, message)
    }
  }

  /** Messages about transactions: there is no pool of them here to fill or to tell of. */
  #onTransactionMessage(peer: RemotePeer, message: KnownMessage): void {
    const context = this.#context
    switch (message.command) {
      case 'tx':
        if (this.#parts.handshake.refusesTransactions(peer)) {
          context.disconnect(peer, () => 'transaction sent in violation of protocol')
        }
        break
      case 'mempool':
        if ((peer.ourServices & SERVICES.NODE_BLOOM) !== 0n || peer.has('mempool') || peer.has('noban')) break
        context.disconnect(peer, () => 'mempool request with bloom filters disabled')
        break
      case 'filterload':
      case 'filteradd':
      case 'filterclear':
        if ((peer.ourServices & SERVICES.NODE_BLOOM) !== 0n) this.#onBloomMessage(peer, message)
        else context.disconnect(peer, () => `${message.command} received despite not offering bloom services`)
        break
      case 'feefilter': {
        const { feeRateSats } = message.value
        if (feeRateSats < 0n || feeRateSats > MAX_MONEY_SATS) break
        peer.feeFilterSats = Number(feeRateSats)
        const coins = (Number(feeRateSats) / 1e8).toFixed(8)
        context.debug(() => `received: feefilter of ${coins} BTC/kvB from peer=${peer.id}`)
        break
      }
    }
  }

  /** BIP37: the peer says which transactions it wants; from the first such message on it wants to hear of some. */
  #onBloomMessage(
    peer: RemotePeer,
    message: KnownMessage & { readonly command: 'filterload' | 'filteradd' | 'filterclear' },
  ): void {
    if (peer.type === 'block-relay-only') return
    if (message.command === 'filteradd') {
      if (peer.bloomFilter === undefined) this.#context.misbehaving(peer, 'bad filteradd message')
      else peer.bloomFilter.insert(message.value.element)
      return
    }
    peer.bloomFilter = message.command === 'filterload' ? new BloomFilter(message.value) : undefined
    peer.relaysTransactions = true
    this.#parts.admission.keepRelayRoom(peer, message.command)
  }

  #onInv(peer: RemotePeer, { entries }: InventoryMessage): void {
    const context = this.#context
    const { index } = context.chain
    const refuses = this.#parts.handshake.refusesTransactions(peer)
    let unknown: Uint8Array | undefined
    for (const entry of entries) {
      const { type, hash } = entry
      // BIP339: after wtxidrelay transactions go by one kind of name alone.
      if (type === (peer.wtxidRelay ? INVENTORY.MSG_TX : INVENTORY.MSG_WTX)) continue
      if (type === INVENTORY.MSG_BLOCK) {
        const id = index.find(hash)
        context.debug(() => `got inv: ${inventoryText(entry)} ${id < 0 ? 'new' : 'have'} peer=${peer.id}`)
        this.#parts.download.noteAvailable(peer, hash)
        if (id < 0 && !context.access.isLoading) unknown = hash
      } else if (type === INVENTORY.MSG_TX || type === INVENTORY.MSG_WTX || type === INVENTORY.MSG_WITNESS_TX) {
        if (refuses) {
          const name = toHexReversed(hash)
          context.disconnect(peer, () => `transaction (${name}) inv sent in violation of protocol`)
          return
        }
      } else {
        context.debug(() => `Unknown inv type "${inventoryText(entry)}" received from peer=${peer.id}`)
      }
    }
    if (unknown !== undefined) this.#parts.headers.onUnknownInv(peer, unknown)
  }
}
