import type { Crypto } from '../../base/crypto/backend.ts'
import type { ByteStream, StreamHandlers } from '../../base/ports/net.ts'
import type { Random } from '../../base/ports/random.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import { type Command, decodeMessage, encodePayload, type Message, type Messages } from '../../bitcoin/wire/messages.ts'
import type { NetEndpoint } from '../../bitcoin/wire/net-address.ts'
import { formatNetAddress } from '../../bitcoin/wire/net-address-text.ts'
import { SERVICES } from '../../bitcoin/wire/services.ts'
import { V1Transport } from '../../bitcoin/wire/v1-transport.ts'
import { PROTOCOL_VERSION } from '../../bitcoin/wire/version-message.ts'
import type { SimHost } from '../../sim/sim-net.ts'
import type { SimNetwork } from '../sim-network.ts'
import type { SimNode } from '../sim-node.ts'

const CONNECT_TIMEOUT_MS = 5000
const SERVICES_CLAIMED = SERVICES.NODE_NETWORK | SERVICES.NODE_WITNESS | SERVICES.NODE_NETWORK_LIMITED

/** What a peer that keeps to no rules does; all of it is optional, and nothing is done for it but the handshake and pongs. */
export interface Conduct {
  readonly name: string
  /** Whether it greets as others do; else {@link Conduct.act} is called on a connection where nothing was said. */
  readonly greets?: boolean
  /** The handshake is over. */
  onReady?(link: WireLink): void
  onMessage?(link: WireLink, message: Message): void
  /** Called from time to time with one of its connections. */
  act?(link: WireLink): void
}

/** One connection of a {@link WirePeer}, on which anything can be said. */
export class WireLink implements StreamHandlers {
  readonly peer: WirePeer
  readonly stream: ByteStream
  isReady = false
  readonly #transport: V1Transport
  readonly #isInbound: boolean

  constructor(peer: WirePeer, stream: ByteStream, isInbound: boolean) {
    this.peer = peer
    this.stream = stream
    this.#isInbound = isInbound
    this.#transport = new V1Transport({ magic: peer.world.params.magic, hash: peer.crypto })
  }

  /** The node at the other end; undefined where it is none. */
  get victim(): SimNode | undefined {
    const { host } = this.stream.remote
    return this.peer.world.all.find(node => node.host.address === host && node.isRunning)
  }

  send<C extends Command>(command: C, value: Messages[C]): void {
    this.sendPayload(command, encodePayload(command, value))
  }

  sendPayload(command: string, payload: Uint8Array): void {
    this.stream.write(this.#transport.send(command, payload))
  }

  sendBytes(bytes: Uint8Array): void {
    this.stream.write([bytes])
  }

  sendVersion(): void {
    const { world, random, endpoint } = this.peer
    this.send('version', {
      version: PROTOCOL_VERSION,
      services: SERVICES_CLAIMED,
      timeSeconds: BigInt(Math.floor(world.nowMs / 1000)),
      receiver: endpoint,
      receiverServices: 0n,
      nonce: random.u64(),
      userAgent: '/Satoshi:31.0.0/',
      startHeight: 1_000_000,
      relay: true,
    })
  }

  onData(chunk: Uint8Array): void {
    for (const event of this.#transport.receive(chunk)) {
      if (event.type !== 'message') continue
      const decoded = decodeMessage(event.command, event.payload)
      if (decoded.ok) this.#onMessage(decoded.value)
    }
  }

  #onMessage(message: Message): void {
    const { conduct } = this.peer
    if (conduct.greets === false) return
    if (message.command === 'version') {
      if (this.#isInbound) this.sendVersion()
      for (const command of ['wtxidrelay', 'sendaddrv2', 'verack'] as const) this.send(command, {})
    } else if (message.command === 'verack') {
      this.isReady = true
      this.send('sendcmpct', { highBandwidth: true, version: 2n })
      conduct.onReady?.(this)
    } else if (message.command === 'ping') {
      this.send('pong', message.value)
    } else {
      conduct.onMessage?.(this, message)
    }
  }

  onDrain(): void {}

  onClose(): void {
    this.peer.links.delete(this)
  }
}

/** A peer that speaks the wire by itself, without a node, and does with it what its conduct says: again and again, with whom it can. */
export class WirePeer {
  readonly world: SimNetwork
  readonly crypto: Crypto
  readonly conduct: Conduct
  readonly endpoint: NetEndpoint
  readonly host: SimHost
  readonly random: Random
  readonly links = new Set<WireLink>()
  readonly #linksMax: number

  constructor(
    world: SimNetwork,
    crypto: Crypto,
    conduct: Conduct,
    options: { address?: string; linksMax?: number } = {},
  ) {
    this.world = world
    this.crypto = crypto
    this.conduct = conduct
    const machine = options.address === undefined ? world.machine() : world.machine(options.address)
    this.host = machine.host
    this.endpoint = machine.endpoint
    this.random = seededRandom(world.random.below(0x1_0000_0000))
    this.#linksMax = options.linksMax ?? 4
  }

  /** Begins, and goes on for good. */
  async start(): Promise<void> {
    await this.host.listen({ host: this.host.address, port: this.endpoint.port }, stream => this.#add(stream, true))
    this.#next()
  }

  #add(stream: ByteStream, isInbound: boolean): WireLink {
    const link = new WireLink(this, stream, isInbound)
    this.links.add(link)
    return link
  }

  #next(): void {
    this.world.clock.after(1000 + this.random.below(6000), () => {
      this.#next()
      if (this.links.size < this.#linksMax) this.#connect()
      const ready = [...this.links].filter(link => link.isReady || this.conduct.greets === false)
      if (ready.length > 0) this.conduct.act?.(ready[this.random.below(ready.length)])
    })
  }

  #connect(): void {
    const victims = this.world.all.filter(node => node.isRunning)
    if (victims.length === 0) return
    const { endpoint } = victims[this.random.below(victims.length)]
    const to = { host: formatNetAddress(endpoint.address), port: endpoint.port }
    let link: WireLink | undefined
    const make = (stream: ByteStream): WireLink => {
      link = this.#add(stream, false)
      return link
    }
    this.host.connect(to, { timeoutMs: CONNECT_TIMEOUT_MS }, make).then(
      () => {
        if (this.conduct.greets !== false) link?.sendVersion()
      },
      () => {
        // Whoever is shunned tries again.
      },
    )
  }
}
