import { networkInterfaces } from 'node:os'
import { OperationError } from '../../base/errors.ts'
import type { AskByDatagram } from '../../base/ports/datagrams.ts'
import type { Files } from '../../base/ports/files.ts'
import type { LocalSocketPath, Net, SocketAddress } from '../../base/ports/net.ts'
import type { Random } from '../../base/ports/random.ts'
import type { LocalAddressSource } from '../../bitcoin/p2p/connection-io.ts'
import { isRoutable } from '../../bitcoin/wire/address-class.ts'
import type { NetEndpoint } from '../../bitcoin/wire/net-address.ts'
import { parseNetAddress } from '../../bitcoin/wire/net-address-text.ts'
import type { Log } from '../log.ts'
import type { Connections } from './connections.ts'
import { I2pAcceptor } from './i2p/i2p-acceptor.ts'
import { I2pSessions } from './i2p/i2p-sessions.ts'
import { PORT_MAPPING_PORT, PortMapper, type PortMapperOptions } from './port-mapping/port-mapper.ts'
import type { Proxies } from './proxies.ts'
import { type ResolveName, readServer } from './proxy-options.ts'
import { TOR_CONTROL_PORT_DEFAULT, TorController } from './tor/tor-controller.ts'

const SAM_PORT_DEFAULT = 7656

/** What helpers are to do; plain data. */
export interface NetworkHelpersOptions {
  /** -listenonion, with -torcontrol and -torpassword; undefined for no onion service. */
  readonly tor:
    | {
        readonly control: string
        readonly password: string
        /** Whether -onion was left unset, so that Tor is asked for its proxy. */
        readonly findsProxy: boolean
        /** Whether -onlynet lets us connect to onion services. */
        readonly reachesOnion: boolean
        /** The listening address that Tor leads to. */
        readonly target: NetEndpoint
      }
    | undefined
  /** -i2psam, with -i2pacceptincoming; undefined for no I2P. */
  readonly i2p: { readonly sam: string; readonly acceptsIncoming: boolean } | undefined
  /** -natpmp: the port to open at the router; undefined for none. */
  readonly mappedPort: number | undefined
}

export interface NetworkHelpersContext {
  readonly net: Net
  readonly random: Random
  readonly log: Log
  /** The network's folder, which keeps keys. */
  readonly files: Files
  readonly proxies: Proxies
  readonly resolve: ResolveName
  /** The network's own port, which our onion service shows. */
  readonly servicePort: number
  readonly readCookie: (path: string) => Uint8Array
  readonly ask: AskByDatagram
  readonly gateways: PortMapperOptions['gateways']
}

function routableIpv6Addresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
  return all
    .filter(({ family }) => family === 'IPv6')
    .map(({ address }) => address)
    .filter(text => {
      const address = parseNetAddress(text)
      return address !== undefined && isRoutable(address)
    })
}

/**
 * Tor, a router of I2P, and the router at home: what they open to others, as far as it is wanted.
 *
 * @example
 * const helpers = await NetworkHelpers.prepare(options, context)
 * const dialer = new Dialer({ ...dialing, i2p: helpers.i2p })
 * helpers.start(connections)
 * await helpers.stop()
 */
export class NetworkHelpers {
  /** For the dialer; undefined without -i2psam. */
  readonly i2p: I2pSessions | undefined
  readonly #options: NetworkHelpersOptions
  readonly #context: NetworkHelpersContext
  readonly #control: SocketAddress | LocalSocketPath | undefined
  readonly #stops: (() => void)[] = []
  readonly #running: Promise<void>[] = []

  private constructor(
    options: NetworkHelpersOptions,
    context: NetworkHelpersContext,
    control: SocketAddress | LocalSocketPath | undefined,
    sam: SocketAddress | LocalSocketPath | undefined,
  ) {
    this.#options = options
    this.#context = context
    this.#control = control
    if (options.i2p === undefined || sam === undefined) return
    const { net, random, log, files } = context
    const keyFolder = options.i2p.acceptsIncoming ? files : undefined
    this.i2p = new I2pSessions({ router: { net, at: sam, text: options.i2p.sam }, random, log, keyFolder })
  }

  /** Looks up where the helpers are; rejects with OperationError `bad-option`, in bitcoind's words. */
  static async prepare(options: NetworkHelpersOptions, context: NetworkHelpersContext): Promise<NetworkHelpers> {
    const { tor, i2p } = options
    const { resolve } = context
    const control = tor && (await readServer('-torcontrol', tor.control, TOR_CONTROL_PORT_DEFAULT, resolve))
    const sam = i2p && (await readServer('-i2psam', i2p.sam, SAM_PORT_DEFAULT, resolve))
    if (i2p !== undefined && sam === undefined) {
      throw new OperationError('bad-option', `Invalid -i2psam address or hostname: '${i2p.sam}'`)
    }
    if (tor !== undefined && control === undefined) {
      context.log.warning(`tor: Failed to look up control center ${tor.control}`)
    }
    return new NetworkHelpers(options, context, control, sam)
  }

  /** Begins; what is found out goes to the core, who comes in to the connections. */
  start(connections: Connections): void {
    if (this.#options.tor !== undefined && this.#control !== undefined) this.#startTor(connections)
    if (this.i2p?.lasting !== undefined) this.#startI2p(connections)
    if (this.#options.mappedPort !== undefined) this.#startMapper(connections, this.#options.mappedPort)
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) stop()
    this.i2p?.close()
    await Promise.all(this.#running)
  }

  #startTor(connections: Connections): void {
    const { tor } = this.#options
    const { proxies } = this.#context
    const controller = new TorController({
      ...this.#context,
      ...tor!,
      control: this.#control!,
      controlText: tor!.control,
      onProxy: server => {
        proxies.setForNetwork('onion', { server, isolatesStreams: true })
        if (tor!.reachesOnion) connections.emit({ type: 'networkReachable', network: 'onion' })
      },
      ...this.#tellers(connections, 'service'),
    })
    this.#run(controller)
  }

  #startI2p(connections: Connections): void {
    const { onService: onAddress, onServiceGone: onAddressGone } = this.#tellers(connections, 'service')
    const onPeer = connections.takeInbound.bind(connections)
    this.#run(new I2pAcceptor({ session: this.i2p!.lasting!, onPeer, onAddress, onAddressGone }))
  }

  #startMapper(connections: Connections, port: number): void {
    const { onService: onMapped } = this.#tellers(connections, 'mapped')
    const gatewayPort = PORT_MAPPING_PORT
    this.#run(new PortMapper({ ...this.#context, gatewayPort, port, ipv6Addresses: routableIpv6Addresses, onMapped }))
  }

  #run(helper: { run(): Promise<void>; stop(): void }): void {
    this.#stops.push(() => helper.stop())
    this.#running.push(helper.run())
  }

  #tellers(
    connections: Connections,
    score: LocalAddressSource,
  ): { onService(endpoint: NetEndpoint): void; onServiceGone(endpoint: NetEndpoint): void } {
    return {
      onService: endpoint => connections.emit({ type: 'localAddress', endpoint, score }),
      onServiceGone: endpoint => connections.emit({ type: 'localAddressGone', endpoint, score }),
    }
  }
}
