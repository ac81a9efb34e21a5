import type { Random } from '../../base/ports/random.ts'
import type { Cancel } from '../../base/ports/timers.ts'
import type { ChainEvent } from '../../bitcoin/chainstate/chainstate.ts'
import type { ConnectionEffect, ConnectionInput } from '../../bitcoin/p2p/connection-io.ts'
import { type ChainAccess, P2pContext, type P2pLog } from '../../bitcoin/p2p/p2p-context.ts'
import { P2pNode } from '../../bitcoin/p2p/p2p-node.ts'
import type { P2pOptions } from '../../bitcoin/p2p/p2p-options.ts'
import type { BlockTicket } from '../../bitcoin/p2p/remote-peer.ts'
import type { GossipedAddress } from '../../bitcoin/wire/address-messages.ts'
import type { Log } from '../log.ts'
import type { Ledger } from './ledger.ts'
import type { PeerFiles } from './peer-files.ts'

/** How often peers are looked after while nothing comes in. */
const TICK_MS = 100
/** How often addresses are written, as Core does it. */
const SAVE_INTERVAL_MS = 15 * 60 * 1000
/** How long messages are dealt with before the ledger goes on. */
const SLICE_MS = 10
/** In initial download, with more blocks than this waiting to be connected, peers do not wait for theirs. */
const BACKLOG_BLOCKS = 8

export interface PeerHostParts {
  readonly ledger: Ledger
  readonly options: P2pOptions
  readonly random: Random
  readonly files: PeerFiles
  readonly log: Log
  /** Milliseconds since 1970, by the clock that may be mocked. */
  readonly nowMs: () => number
  /** Takes what the sockets are to do, in order and in batches. */
  readonly onEffects: (effects: readonly ConnectionEffect[]) => void
}

/** Runs the protocol's core beside a ledger: gives it messages, blocks and time, and carries out what it says. */
export class PeerHost {
  readonly node: P2pNode
  readonly #parts: PeerHostParts
  readonly #files: PeerFiles
  readonly #cancelTick: Cancel
  #savedAtMs: number
  #bestHeader = -1
  #network: ConnectionEffect[] = []
  #pumping = false
  #closed = false

  constructor(parts: PeerHostParts) {
    this.#parts = parts
    this.#savedAtMs = parts.ledger.ports.monotonic()
    const { ledger, options, random, log } = parts
    const access = new LedgerAccess(ledger)
    const context = new P2pContext(ledger.options.params, access, random, logPort(log))
    context.nowMs = parts.nowMs()
    this.#files = parts.files
    this.node = new P2pNode(context, options, {
      manager: parts.files.loadAddresses(),
      // With -connect nobody else is connected to: the anchors stay for another time.
      anchors: options.connect === undefined ? parts.files.takeAnchors() : [],
    })
    parts.files.loadBans(this.node.connections.bans, context.nowSeconds)
    ledger.onEvents = (events, settled) => this.#onChainEvents(events, settled)
    this.#cancelTick = ledger.ports.timers.every(TICK_MS, () => this.#guard(() => this.#tick()))
  }

  #monotonic(): number {
    return this.#parts.ledger.ports.monotonic()
  }

  /** Runs something on the core, at the present time, and carries out what follows from it. */
  run<T>(action: () => T): T {
    this.node.context.nowMs = this.#parts.nowMs()
    const result = action()
    this.wake()
    return result
  }

  nowMs(): number {
    return this.#parts.nowMs()
  }

  /** What the sockets have to tell. */
  onInputs(inputs: readonly ConnectionInput[]): void {
    if (this.#closed) return
    const now = this.#parts.nowMs()
    for (const input of inputs) this.node.onInput(input, now)
    this.wake()
  }

  /** Deals with messages soon. */
  wake(): void {
    this.#flush()
    if (this.#pumping || this.#closed) return
    this.#pumping = true
    this.#parts.ledger.ports.timers.soon(() => this.#guard(() => this.#pump()))
  }

  /** The disk may be full, or worse: then the ledger cannot go on. */
  #guard(task: () => void): void {
    try {
      task()
    } catch (error) {
      this.#closed = true
      this.#parts.ledger.ports.onFailure(error)
    }
  }

  #pump(): void {
    this.#pumping = false
    if (this.#closed) return
    const end = this.#monotonic() + SLICE_MS
    let more = true
    while (more && this.#monotonic() < end) {
      more = this.node.process(this.#parts.nowMs())
      this.#perform()
    }
    // What goes to one socket in one slice goes in one write.
    this.#flush()
    if (more) this.wake()
  }

  #tick(): void {
    if (this.#closed) return
    if (this.#monotonic() - this.#savedAtMs > SAVE_INTERVAL_MS) this.save()
    this.node.onTick(this.#parts.nowMs(), this.#monotonic())
    this.wake()
  }

  /** Writes what is to outlive a restart. */
  save(): void {
    this.#savedAtMs = this.#monotonic()
    const { bans, gossip } = this.node.connections
    this.#files.saveAddresses(gossip.manager)
    if (bans.isDirty) this.#files.saveBans(bans, this.node.context.nowSeconds)
  }

  /** Peers that the next run begins with. */
  #anchors(): GossipedAddress[] {
    const { context } = this.node
    return [...context.peers.values()]
      .filter(peer => peer.type === 'block-relay-only')
      .map(({ endpoint, services }) => ({ timeSeconds: context.nowSeconds, services, endpoint }))
  }

  #onChainEvents(events: readonly ChainEvent[], settled: boolean): void {
    this.node.onChainEvents(events, settled, this.#parts.nowMs())
    this.wake()
  }

  /** Carries out what the core asked for. */
  #flush(): void {
    this.#perform()
    if (this.#network.length === 0) return
    const network = this.#network
    this.#network = []
    this.#parts.onEffects(network)
  }

  /** Carries out what concerns the chain, and keeps what concerns connections for {@link #flush}. */
  #perform(): void {
    const { tree } = this.#parts.ledger.chain
    if (tree.bestHeader !== this.#bestHeader) {
      // Whoever has heard of an answer of ours must find what it came from.
      this.#bestHeader = tree.bestHeader
      this.#parts.ledger.publish()
    }
    for (const effect of this.node.takeEffects()) {
      if (effect.type === 'prepareBlock') void this.#prepare(effect.ticket)
      else if (effect.type === 'advance') this.#advance(effect.ticket)
      else this.#network.push(effect)
    }
  }

  async #prepare(ticket: BlockTicket): Promise<void> {
    const prepared = await this.#parts.ledger.helpers.prepare(ticket.bytes)
    if (this.#closed) return
    this.#guard(() => {
      this.node.onBlockPrepared({ ticket, prepared }, this.#parts.nowMs())
      this.wake()
    })
  }

  #advance(ticket: BlockTicket): void {
    const { ledger } = this.#parts
    const { chain } = ledger
    const working = ledger.advance()
    const settle = (): void => {
      this.node.onSettled(ticket, this.#parts.nowMs())
      this.wake()
    }
    const target = chain.tree.bestChain(chain.tip)
    // While the chain is being fetched, whatever is asked may be answered out of turn.
    const isBehind = ledger.isDownloading && chain.index.height(target) - chain.height > BACKLOG_BLOCKS
    if (isBehind) settle()
    else working.then(settle, error => ledger.ports.onFailure(error))
  }

  close(): void {
    this.#closed = true
    this.save()
    if (this.#parts.options.connect === undefined) this.#files.saveAnchors(this.#anchors())
    this.#cancelTick()
    this.#parts.ledger.onEvents = undefined
  }
}

class LedgerAccess implements ChainAccess {
  readonly #ledger: Ledger
  readonly chain: ChainAccess['chain']
  readonly crypto: ChainAccess['crypto']
  readonly minimumChainWork: bigint
  readonly isPruned: boolean

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    this.chain = ledger.chain
    this.crypto = ledger.ports.crypto
    this.minimumChainWork = ledger.options.minimumChainWork
    this.isPruned = ledger.options.prune !== undefined
  }

  get isDownloading(): boolean {
    return this.#ledger.isDownloading
  }

  get isLoading(): boolean {
    return this.#ledger.isImporting
  }

  get isWorking(): boolean {
    return this.#ledger.isAdvancing
  }

  get filters(): ChainAccess['filters'] {
    return this.#ledger.indexes.blockFilters
  }
}

function logPort(log: Log): P2pLog {
  return {
    debug: (category, message) => log.debug(category, message),
    info: message => log.info(message),
    warning: message => log.warning(message),
    error: message => log.error(message),
  }
}
