import { toHex } from '../../base/bytes/bytes.ts'
import type { LocalSocketPath, SocketAddress } from '../../base/ports/net.ts'
import type { Random } from '../../base/ports/random.ts'
import { type AddressClass, networkOf } from '../../bitcoin/wire/address-class.ts'
import type { NetAddress } from '../../bitcoin/wire/net-address.ts'
import type { ProxyCredentials } from './socks5.ts'

/** A SOCKS5 proxy. */
export interface ProxyServer {
  readonly server: SocketAddress | LocalSocketPath
  /** -proxyrandomize: credentials of its own for every connection, by which Tor keeps their circuits apart. */
  readonly isolatesStreams: boolean
}

export type ProxiedNetwork = 'ipv4' | 'ipv6' | 'onion' | 'cjdns'

/** Which proxy leads where; plain data. */
export interface ProxyOptions {
  readonly networks: Readonly<Partial<Record<ProxiedNetwork, ProxyServer>>>
  /** The proxy that looks up names, so that no resolver learns them. */
  readonly names: ProxyServer | undefined
}

export const NO_PROXIES: ProxyOptions = { networks: {}, names: undefined }

/** How RPC and the log write where a proxy is. */
export function proxyText(proxy: ProxyServer): string {
  const { server } = proxy
  if ('path' in server) return `unix:${server.path}`
  return server.host.includes(':') ? `[${server.host}]:${server.port}` : `${server.host}:${server.port}`
}

/** The proxies that are in use; Tor's may be found out later. */
export class Proxies {
  readonly #networks: Map<AddressClass, ProxyServer>
  readonly #names: ProxyServer | undefined
  readonly #credentialsPrefix: string
  #nextCredentials = 0

  constructor(options: ProxyOptions, random: Random) {
    this.#networks = new Map(Object.entries(options.networks) as [ProxiedNetwork, ProxyServer][])
    this.#names = options.names
    // Another run of ours must not share circuits with this one.
    this.#credentialsPrefix = `${toHex(random.bytes(8))}-`
  }

  get forNames(): ProxyServer | undefined {
    return this.#names
  }

  forNetwork(network: ProxiedNetwork): ProxyServer | undefined {
    return this.#networks.get(network)
  }

  setForNetwork(network: ProxiedNetwork, proxy: ProxyServer): void {
    this.#networks.set(network, proxy)
  }

  /** The proxy that leads to an address; none for those of this machine and of private networks. */
  forAddress(address: NetAddress): ProxyServer | undefined {
    return this.#networks.get(networkOf(address))
  }

  /** Credentials for one connection. */
  credentialsFor(proxy: ProxyServer): ProxyCredentials | undefined {
    if (!proxy.isolatesStreams) return undefined
    const name = `${this.#credentialsPrefix}${this.#nextCredentials++}`
    return { username: name, password: name }
  }
}
