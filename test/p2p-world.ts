import { InvariantError } from '../src/base/errors.ts'
import { seededRandom } from '../src/base/ports/seeded-random.ts'
import { prepareBlock } from '../src/bitcoin/chainstate/prepare-block.ts'
import { AddressManager, DETERMINISTIC_BUCKET_KEY } from '../src/bitcoin/p2p/addresses/address-manager.ts'
import { type ConnectionEffect, type ConnectionId, countsAsMessage } from '../src/bitcoin/p2p/connection-io.ts'
import { type ChainAccess, type ChainEffect, type FilterSource, P2pContext } from '../src/bitcoin/p2p/p2p-context.ts'
import { P2pNode } from '../src/bitcoin/p2p/p2p-node.ts'
import type { P2pOptions } from '../src/bitcoin/p2p/p2p-options.ts'
import type { ConnectionType, RemotePeer } from '../src/bitcoin/p2p/remote-peer.ts'
import type { NetworkParams } from '../src/bitcoin/params/network-params.ts'
import { builtInNetwork } from '../src/bitcoin/params/networks.ts'
import { HEADER_SIZE } from '../src/bitcoin/primitives/block.ts'
import { type Transaction, unsignedInput } from '../src/bitcoin/primitives/transaction.ts'
import { compactBlockOf } from '../src/bitcoin/wire/compact-block.ts'
import type { CompactBlockMessage } from '../src/bitcoin/wire/compact-block-messages.ts'
import { type Command, encodePayload, MESSAGE_CODECS, type Messages } from '../src/bitcoin/wire/messages.ts'
import type { NetAddress, NetEndpoint } from '../src/bitcoin/wire/net-address.ts'
import { parseNetEndpoint } from '../src/bitcoin/wire/net-address-text.ts'
import { SERVICES } from '../src/bitcoin/wire/services.ts'
import { PROTOCOL_VERSION, type VersionMessage } from '../src/bitcoin/wire/version-message.ts'
import { loadCrypto } from '../src/platform/crypto.ts'
import { MemoryChain } from './memory-chain.ts'

const crypto = await loadCrypto()
export const REGTEST: NetworkParams = builtInNetwork('regtest')!
/** The chain's blocks are younger than this clock's beginning by ten minutes at the most. */
const START_MS = 1000 * (REGTEST.genesisHeader.time + 600)
const OP_TRUE = Uint8Array.of(0x51)
const US = parseNetEndpoint('8.8.4.4:18444', 0)!
/** What a peer of the same kind offers. */
const FULL_SERVICES = SERVICES.NODE_NETWORK | SERVICES.NODE_WITNESS | SERVICES.NODE_NETWORK_LIMITED

const OPTIONS: P2pOptions = {
  userAgent: '/test:1/',
  services: FULL_SERVICES,
  blocksOnly: false,
  logsAddresses: false,
  v2Transport: false,
  connectionsMax: 125,
  inboundRelayPercent: 50,
  peerTimeoutMs: 60_000,
  banSeconds: 86_400,
  whitelist: [],
  implicitPermissions: { relay: true, forceRelay: false },
  connect: [],
  addNodes: [],
  seedNodes: [],
  dnsSeed: false,
  forceDnsSeed: false,
  namesThroughProxy: false,
  fixedSeeds: undefined,
  discover: true,
  externalAddresses: [],
  listenPort: 18444,
  reachableNetworks: ['ipv4', 'ipv6'],
  deterministicAddresses: true,
  listeners: [{ grant: undefined, isOnion: false }],
}

export interface WorldOptions {
  readonly p2p?: Partial<P2pOptions>
  readonly params?: NetworkParams
  /** Blocks of our own chain to begin with. */
  readonly blocks?: number
  readonly minimumChainWork?: bigint
  readonly filters?: FilterSource
  readonly isPruned?: boolean
  readonly seed?: number
}

/** What is special about a peer. */
export interface PeerTraits {
  readonly address?: string
  readonly version?: Partial<VersionMessage>
  /** Without BIP152. */
  readonly withoutCompactBlocks?: boolean
  /** Number of the listening address that it comes in by. */
  readonly listener?: number
}

/** A message that the node sent. */
export interface Sent {
  readonly command: string
  readonly payload: Uint8Array
}

/** The other end of a connection, moved by a test. */
export class ScriptedPeer {
  readonly connection: ConnectionId
  readonly #world: P2pWorld
  readonly #endpoint: NetEndpoint
  readonly #traits: PeerTraits
  #sent: Sent[] = []
  isClosed = false

  constructor(world: P2pWorld, connection: ConnectionId, endpoint: NetEndpoint, traits: PeerTraits) {
    this.#world = world
    this.connection = connection
    this.#endpoint = endpoint
    this.#traits = traits
  }

  /** Where it is. */
  get address(): NetAddress {
    return this.#endpoint.address
  }

  /** What the node knows of it. */
  get remote(): RemotePeer {
    for (const peer of this.#world.node.context.peers.values()) if (peer.connection === this.connection) return peer
    throw new InvariantError('the node has forgotten this peer')
  }

  /** For the world: a message reached it. */
  receive(message: Sent): void {
    this.#sent.push(message)
  }

  /** Says something, and waits until the node has dealt with it. */
  say<C extends Command>(command: C, value: Messages[C]): void {
    this.sayBytes(command, encodePayload(command, value))
  }

  sayBytes(command: string, payload: Uint8Array): void {
    this.enqueue(command, payload)
    this.#world.settle()
  }

  /** Says something that the node has yet to look at. */
  enqueue(command: string, payload: Uint8Array): void {
    this.#world.input({ type: 'message', connection: this.connection, command, payload, wireBytes: payload.length })
  }

  version(changes: Partial<VersionMessage> = {}): void {
    this.say('version', {
      version: PROTOCOL_VERSION,
      services: FULL_SERVICES,
      timeSeconds: BigInt(Math.floor(this.#world.nowMs / 1000)),
      receiver: US,
      receiverServices: 0n,
      nonce: 77n,
      userAgent: '/scripted/',
      startHeight: 0,
      relay: false,
      ...this.#traits.version,
      ...changes,
    })
  }

  /** The whole handshake and an answer to the ping behind it; what was said is forgotten. */
  shakeHands(): this {
    this.version()
    this.say('verack', {})
    if (!this.#traits.withoutCompactBlocks) this.say('sendcmpct', { highBandwidth: false, version: 2n })
    const ping = this.last('ping')
    if (ping !== undefined) this.say('pong', ping)
    this.forget()
    return this
  }

  /** The commands of all that was sent to it. */
  get heard(): string[] {
    return this.#sent.map(({ command }) => command)
  }

  /** Messages of one command that were sent to it. */
  all<C extends Command>(command: C): Messages[C][] {
    const found: Messages[C][] = []
    for (const sent of this.#sent) {
      if (sent.command !== command) continue
      const decoded = MESSAGE_CODECS[command].decode(sent.payload)
      if (!decoded.ok) throw new InvariantError(`the node sent a ${command} that does not decode: ${decoded.code}`)
      found.push(decoded.value)
    }
    return found
  }

  /** The last message of one command; undefined for none. */
  last<C extends Command>(command: C): Messages[C] | undefined {
    return this.all(command).at(-1)
  }

  /** Heights of the blocks that it was asked for, in order. */
  get asked(): number[] {
    const { index } = this.#world.chain
    return this.all('getdata').flatMap(({ entries }) => entries.map(({ hash }) => index.height(index.find(hash))))
  }

  /** Forgets what was sent to it. */
  forget(): void {
    this.#sent = []
  }

  /** Goes without a word. */
  leave(): void {
    this.isClosed = true
    this.#world.input({ type: 'closed', connection: this.connection, reason: 'ended', retryV1: false })
    this.#world.settle()
  }
}

/** A P2pNode on a chain in memory, with peers that a test plays and a clock that it moves. */
export class P2pWorld {
  readonly memory: MemoryChain
  readonly node: P2pNode
  readonly access: { -readonly [K in keyof ChainAccess]: ChainAccess[K] }
  readonly manager: AddressManager
  /** All that was logged, also for debugging. */
  readonly log: string[] = []
  /** Effects for connections, in order, without messages. */
  readonly effects: Exclude<ConnectionEffect, { type: 'send' | 'processed' }>[] = []
  /** Set to keep blocks from being prepared until {@link releasePrepared}. */
  holdsPreparation = false
  nowMs = START_MS
  #held: Extract<ChainEffect, { type: 'prepareBlock' }>[] = []
  readonly #peers = new Map<ConnectionId, ScriptedPeer>()
  #nextInbound = -1

  private constructor(memory: MemoryChain, options: WorldOptions) {
    const params = options.params ?? REGTEST
    this.memory = memory
    this.access = {
      chain: memory.chain,
      crypto,
      minimumChainWork: options.minimumChainWork ?? 0n,
      isPruned: options.isPruned ?? false,
      isDownloading: false,
      isLoading: false,
      isWorking: false,
      filters: options.filters,
    }
    const random = seededRandom(options.seed ?? 1)
    const write = (message: string): void => {
      this.log.push(message)
    }
    const log = {
      debug: (_: string, message: () => string) => write(message()),
      info: write,
      warning: write,
      error: write,
    }
    const context = new P2pContext(params, this.access, random, log)
    context.nowMs = this.nowMs
    this.manager = new AddressManager({ key: DETERMINISTIC_BUCKET_KEY, random, hash: crypto })
    this.node = new P2pNode(context, { ...OPTIONS, ...options.p2p }, { manager: this.manager, anchors: [] })
  }

  static async create(options: WorldOptions = {}): Promise<P2pWorld> {
    const memory = await MemoryChain.open(options.params ?? REGTEST, crypto)
    memory.grow(options.blocks ?? 0)
    return new P2pWorld(memory, options)
  }

  get chain(): MemoryChain['chain'] {
    return this.memory.chain
  }

  input(input: Parameters<P2pNode['onInput']>[0]): void {
    this.node.onInput(input, this.nowMs)
  }

  /** Lets the node work until nothing is left to do. */
  settle(): void {
    let more = true
    while (more) {
      more = this.node.process(this.nowMs)
      for (const effect of this.node.takeEffects()) {
        more = true
        if (effect.type === 'prepareBlock') this.#prepare(effect)
        else if (effect.type === 'advance') this.#advance(effect)
        else this.#perform(effect)
      }
    }
  }

  #prepare(effect: Extract<ChainEffect, { type: 'prepareBlock' }>): void {
    if (this.holdsPreparation) {
      this.#held.push(effect)
      return
    }
    const prepared = prepareBlock(effect.ticket.bytes, this.node.context.params, crypto)
    this.node.onBlockPrepared({ ticket: effect.ticket, prepared }, this.nowMs)
  }

  /** Prepares the held blocks, in the order that is given: places among them. */
  releasePrepared(order: readonly number[]): void {
    const held = this.#held
    this.#held = []
    this.holdsPreparation = false
    for (const i of order) this.#prepare(held[i])
    this.settle()
  }

  #advance({ ticket }: Extract<ChainEffect, { type: 'advance' }>): void {
    this.follow()
    this.node.onSettled(ticket, this.nowMs)
  }

  /** Works towards the best chain, and tells the node. */
  follow(): void {
    const { chain } = this
    while (chain.step()) this.node.onChainEvents(chain.takeEvents(), !chain.isReorganising, this.nowMs)
    this.node.onChainEvents(chain.takeEvents(), !chain.isReorganising, this.nowMs)
  }

  #perform(effect: ConnectionEffect): void {
    const peer = 'connection' in effect ? this.#peers.get(effect.connection) : undefined
    const payloadBytes = effect.type === 'send' ? effect.payload.length : 0
    if (countsAsMessage(effect)) this.input({ type: 'applied', messages: 1, payloadBytes })
    if (effect.type === 'send') peer?.receive(effect)
    else if (effect.type !== 'processed') this.effects.push(effect)
    if (effect.type !== 'close' || peer === undefined || peer.isClosed) return
    peer.isClosed = true
    this.input({ type: 'closed', connection: effect.connection, reason: 'ended', retryV1: false })
  }

  /** Lets time pass, in steps as short as the node's own. */
  pass(ms: number, stepMs = ms): void {
    for (const end = this.nowMs + ms; this.nowMs < end; ) {
      this.nowMs += Math.min(stepMs, end - this.nowMs)
      this.node.onTick(this.nowMs, this.nowMs)
      this.settle()
    }
  }

  #addressOf(connection: number, traits: PeerTraits): NetEndpoint {
    // Each of a network group of its own.
    return parseNetEndpoint(traits.address ?? `${20 + Math.abs(connection)}.1.2.3:18444`, 18_444)!
  }

  /** Somebody connects to us, and says nothing yet. */
  accept(traits: PeerTraits = {}): ScriptedPeer {
    const connection = this.#nextInbound--
    const remote = this.#addressOf(connection, traits)
    const peer = new ScriptedPeer(this, connection, remote, traits)
    this.#peers.set(connection, peer)
    this.input({ type: 'accepted', connection, remote, local: US, listener: traits.listener ?? 0 })
    this.settle()
    return peer
  }

  /** An inbound peer that has introduced itself. */
  inbound(traits: PeerTraits = {}): ScriptedPeer {
    return this.accept(traits).shakeHands()
  }

  /** We connect to somebody, who says nothing yet. */
  open(type: Exclude<ConnectionType, 'inbound'> = 'outbound-full-relay', traits: PeerTraits = {}): ScriptedPeer {
    const target = this.#addressOf(100 + this.#peers.size, traits)
    const { connections } = this.node
    connections.open({ type, target, name: '', protocol: 'v1', countFailure: false }, 0)
    this.settle()
    const effect = this.effects.findLast(({ type: kind }) => kind === 'connect')
    if (effect?.type !== 'connect') throw new InvariantError('the node did not connect')
    return this.answer(effect.connection, traits)
  }

  /** Lets a connection that the node asked for come to be. */
  answer(connection: ConnectionId, traits: PeerTraits = {}): ScriptedPeer {
    const effect = this.effects.find(effect => effect.type === 'connect' && effect.connection === connection)
    if (effect?.type !== 'connect' || 'name' in effect.target) throw new InvariantError('no such connection')
    const peer = new ScriptedPeer(this, connection, effect.target, traits)
    this.#peers.set(connection, peer)
    this.input({ type: 'opened', connection, remote: effect.target, local: US })
    this.settle()
    return peer
  }

  /** An outbound peer that has introduced itself. */
  outbound(type: Exclude<ConnectionType, 'inbound'> = 'outbound-full-relay', traits: PeerTraits = {}): ScriptedPeer {
    return this.open(type, traits).shakeHands()
  }

  /** Whether anything that was logged matches. */
  logged(pattern: RegExp): boolean {
    return this.log.some(line => pattern.test(line))
  }
}

/** A chain of others: blocks for a test to offer. */
export class OtherChain {
  readonly memory: MemoryChain

  private constructor(memory: MemoryChain) {
    this.memory = memory
  }

  /** Blocks that are mined alike are the same: the first ones are those that a world begins with. */
  static async create(blocks: number, params: NetworkParams = REGTEST): Promise<OtherChain> {
    const memory = await MemoryChain.open(params, crypto)
    memory.grow(blocks)
    return new OtherChain(memory)
  }

  /** Mines blocks that nobody else has; `transactions` go into the first of them. */
  growApart(count: number, tag: number, transactions: readonly Transaction[] = []): void {
    for (let i = 0; i < count; i++) {
      const { tip } = this.memory.chain
      const script = Uint8Array.of(0x51, 1, tag, 0x75)
      const refused = this.memory.submit(this.memory.mine(tip, i === 0 ? transactions : [], script))
      if (refused !== undefined) throw new InvariantError(refused)
    }
  }

  get height(): number {
    return this.memory.chain.height
  }

  block(height: number): Uint8Array {
    const { chain } = this.memory
    return chain.readBlock(chain.at(height)).bytes
  }

  hash(height: number): Uint8Array {
    const { chain } = this.memory
    return chain.index.hash(chain.at(height)).slice()
  }

  /** Packed headers of a range of heights, both ends among them. */
  headers(from: number, to: number): { readonly headers: Uint8Array } {
    const { chain } = this.memory
    const headers = new Uint8Array(HEADER_SIZE * (to - from + 1))
    for (let height = from; height <= to; height++) {
      headers.set(chain.index.headerBytes(chain.at(height)), HEADER_SIZE * (height - from))
    }
    return { headers }
  }

  /** BIP152: a block in short; `prefill` as compactBlockOf takes it. */
  compact(height: number, prefill?: ReadonlySet<number>): CompactBlockMessage {
    const { chain } = this.memory
    const block = chain.readBlock(chain.at(height))
    return compactBlockOf(block, block.txs.wtxids(crypto), 7n, prefill)
  }

  /** The transactions of a block. */
  transactions(height: number): Uint8Array[] {
    const { chain } = this.memory
    const { txs } = chain.readBlock(chain.at(height))
    return Array.from({ length: txs.txCount }, (_, tx) => txs.txBytes(tx))
  }

  /** Transactions that spend the first output of each of these blocks' coinbases. */
  spends(heights: readonly number[]): Transaction[] {
    const { chain } = this.memory
    return heights.map(height => ({
      version: 2,
      inputs: [unsignedInput(chain.readBlock(chain.at(height)).txids.slice(0, 32), 0)],
      outputs: [{ valueSats: 1000n, script: OP_TRUE }],
      lockTime: 0,
    }))
  }
}
