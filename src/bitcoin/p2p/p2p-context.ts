import type { Crypto } from '../../base/crypto/backend.ts'
import type { Random } from '../../base/ports/random.ts'
import type { Verdict } from '../../base/verdict.ts'
import type { Chainstate } from '../chainstate/chainstate.ts'
import type { PreparedBlock } from '../chainstate/prepare-block.ts'
import type { NetworkParams } from '../params/network-params.ts'
import { type Command, encodePayload, type Messages } from '../wire/messages.ts'
import { type ConnectionEffect, countsAsMessage } from './connection-io.ts'
import type { BlockTicket, RemotePeer } from './remote-peer.ts'

/** The chain as the peers' side sees it; it lives in the same thread. */
export interface ChainAccess {
  readonly chain: Chainstate
  readonly crypto: Crypto
  readonly minimumChainWork: bigint
  /** Whether old blocks may have been removed. */
  readonly isPruned: boolean
  /** Core's initial block download. */
  readonly isDownloading: boolean
  /** Whether blocks are being imported or indexed anew. */
  readonly isLoading: boolean
  /** Whether blocks are being connected at this moment. */
  readonly isWorking: boolean
  /** BIP157's filters, where they are indexed and served. */
  readonly filters: FilterSource | undefined
}

/** BIP157: the filters of blocks by their numbers in the index; undefined where one is not there (yet). */
export interface FilterSource {
  filter(block: number): Uint8Array | undefined
  /** SHA256d of the filter. */
  filterHash(block: number): Uint8Array | undefined
  filterHeader(block: number): Uint8Array | undefined
}

export type P2pLogCategory = 'net' | 'cmpctblock' | 'validation' | 'addrman'

/** Where the core's log goes; messages are not made where nobody reads them. */
export interface P2pLog {
  debug(category: P2pLogCategory, message: () => string): void
  info(message: string): void
  warning(message: string): void
  error(message: string): void
}

/** What the core asks of its thread. */
export type ChainEffect =
  /** Parse, hash and check a block by itself; answer by {@link P2pNode.onBlockPrepared}. */
  | { readonly type: 'prepareBlock'; readonly ticket: BlockTicket }
  /** A block was stored: work towards the best chain; answer by {@link P2pNode.onSettled}. */
  | { readonly type: 'advance'; readonly ticket: BlockTicket }

export interface PreparedTicket {
  readonly ticket: BlockTicket
  /** Rejects bytes that are no block. */
  readonly prepared: Verdict<PreparedBlock>
}

export type P2pEffect = ConnectionEffect | ChainEffect

/** What all parts of the core share. */
export class P2pContext {
  readonly params: NetworkParams
  readonly access: ChainAccess
  readonly random: Random
  readonly log: P2pLog
  /** Milliseconds since 1970, by the clock that may be mocked; set before every input. */
  nowMs = 0
  readonly peers = new Map<number, RemotePeer>()
  /** Bytes of payloads that have not reached their connections yet: where they are many, what is large waits. */
  unappliedBytes = 0
  /** Messages that were dealt with or sent, and of which the connections do not know yet: where they are many, the others wait. */
  unappliedMessages = 0
  #effects: P2pEffect[] = []

  constructor(params: NetworkParams, access: ChainAccess, random: Random, log: P2pLog) {
    this.params = params
    this.access = access
    this.random = random
    this.log = log
  }

  get chain(): Chainstate {
    return this.access.chain
  }

  get nowSeconds(): number {
    return Math.floor(this.nowMs / 1000)
  }

  emit(effect: P2pEffect): void {
    if (countsAsMessage(effect)) this.unappliedMessages++
    if (effect.type === 'send') this.unappliedBytes += effect.payload.length
    this.#effects.push(effect)
  }

  takeEffects(): P2pEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  send<C extends Command>(peer: RemotePeer, command: C, value: Messages[C]): void {
    this.sendPayload(peer, command, encodePayload(command, value))
  }

  sendPayload(peer: RemotePeer, command: string, payload: Uint8Array): void {
    if (peer.disconnecting) return
    this.log.debug('net', () => `sending ${command} (${payload.length} bytes) peer=${peer.id}`)
    this.emit({ type: 'send', connection: peer.connection, command, payload })
  }

  debug(message: () => string): void {
    this.log.debug('net', message)
  }

  /** Parts from a peer; nothing more is read from it. */
  disconnect(peer: RemotePeer, reason?: () => string): void {
    if (peer.disconnecting) return
    if (reason !== undefined) this.debug(() => `${reason()}, ${peer.farewell}`)
    peer.disconnecting = true
    this.emit({ type: 'close', connection: peer.connection, flush: true })
  }

  /** The peer broke a rule that none breaks in good faith. */
  misbehaving(peer: RemotePeer, reason: string): void {
    peer.shouldDiscourage = true
    this.debug(() => `Misbehaving: peer=${peer.id}${reason === '' ? '' : `: ${reason}`}`)
  }
}
