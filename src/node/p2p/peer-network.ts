import { readFileSync } from 'node:fs'
import type { Crypto } from '../../base/crypto/backend.ts'
import type { NetworkParams } from '../../bitcoin/params/network-params.ts'
import type { AddressNetwork } from '../../bitcoin/wire/net-address.ts'
import { defaultGateways } from '../../platform/default-gateway.ts'
import { nodeChaCha20Poly1305 } from '../../platform/node-aead.ts'
import { askByUdp } from '../../platform/node-datagrams.ts'
import { NodeFiles } from '../../platform/node-files.ts'
import { nodeNet } from '../../platform/node-net.ts'
import { nodeRandom } from '../../platform/node-random.ts'
import type { LedgerClient } from '../ledger/ledger-client.ts'
import type { Log } from '../log.ts'
import { Connections } from '../net/connections.ts'
import { Dialer } from '../net/dialer.ts'
import { TransportMaker } from '../net/make-transport.ts'
import { NetworkHelpers } from '../net/network-helpers.ts'
import { Proxies, proxyText } from '../net/proxies.ts'
import { readProxyOptions } from '../net/proxy-options.ts'
import type { NodeClock } from '../node-clock.ts'
import type { NetworkOptions } from './network-options.ts'

const TICK_MS = 100

export interface PeerNetworkParts {
  /** The network's folder, which keeps keys of services. */
  readonly folder: string
  readonly options: NetworkOptions
  readonly network: NetworkParams
  readonly ledger: LedgerClient
  readonly crypto: Crypto
  readonly clock: NodeClock
  readonly log: Log
}

/** How a network is reached, as getnetworkinfo shows it. */
export interface NetworkReach {
  readonly limited: boolean
  readonly reachable: boolean
  readonly proxy: string
  readonly proxy_randomize_credentials: boolean
}

/** A peer's sockets, joined to the core that decides, which lives in the ledger's thread. */
export class PeerNetwork {
  readonly options: NetworkOptions
  readonly connections: Connections
  readonly #proxies: Proxies
  readonly #helpers: NetworkHelpers
  readonly #timer: NodeJS.Timeout

  private constructor(options: NetworkOptions, connections: Connections, proxies: Proxies, helpers: NetworkHelpers) {
    this.options = options
    this.connections = connections
    this.#proxies = proxies
    this.#helpers = helpers
    this.#timer = setInterval(() => this.connections.tick(), TICK_MS)
  }

  /** Listens and begins to look for peers. Rejects with OperationError `address-in-use`, `listen-failed` or `bad-option`. */
  static async start({ options, folder, network, ledger, crypto, clock, log }: PeerNetworkParts): Promise<PeerNetwork> {
    const { connectTimeoutMs, looksUpNames } = options
    const { cjdnsReachable } = options.connections
    const resolve = async (name: string): Promise<readonly string[]> => (looksUpNames ? nodeNet.resolve(name) : [])
    const proxies = new Proxies(await readProxyOptions(options.proxies, resolve), nodeRandom)
    const helpers = await NetworkHelpers.prepare(options.helpers, {
      net: nodeNet,
      random: nodeRandom,
      log,
      files: new NodeFiles(folder),
      proxies,
      resolve,
      servicePort: network.defaultPort,
      readCookie: path => new Uint8Array(readFileSync(path)),
      ask: askByUdp,
      gateways: defaultGateways,
    })
    const dialing = {
      net: nodeNet,
      random: nodeRandom,
      log,
      connectTimeoutMs,
      cjdnsReachable,
      looksUpNames,
      proxies,
      i2p: helpers.i2p,
    }
    const connections = new Connections(
      {
        net: nodeNet,
        clock: { now: () => clock.nowMs(), monotonic: () => performance.now() },
        log,
        dialer: new Dialer(dialing),
        transports: new TransportMaker({
          magic: network.magic,
          random: nodeRandom,
          hash: crypto,
          aead: nodeChaCha20Poly1305,
        }),
        onInputs: inputs => ledger.sendInputs(inputs),
        defer: task => setImmediate(task),
      },
      options.connections,
    )
    await connections.listen(options.listen)
    await ledger.startPeers(options.p2p, effects => connections.apply(effects))
    helpers.start(connections)
    return new PeerNetwork(options, connections, proxies, helpers)
  }

  /** How a network is reached. */
  reachOf(name: AddressNetwork): NetworkReach {
    const { p2p, helpers } = this.options
    const proxy = name === 'i2p' || name === 'internal' ? undefined : this.#proxies.forNetwork(name)
    const foundByTor = name === 'onion' && helpers.tor?.reachesOnion === true && proxy !== undefined
    const reachable = foundByTor || p2p.reachableNetworks.includes(name)
    const server = proxy === undefined ? '' : proxyText(proxy)
    return {
      limited: !reachable,
      reachable,
      proxy: name === 'i2p' ? (helpers.i2p?.sam ?? '') : server,
      proxy_randomize_credentials: proxy?.isolatesStreams ?? false,
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#helpers.stop()
    await this.connections.stop()
  }
}
