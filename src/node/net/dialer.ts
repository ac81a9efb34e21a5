import { OperationError } from '../../base/errors.ts'
import type { LocalSocketPath, Net, SocketAddress } from '../../base/ports/net.ts'
import type { Random } from '../../base/ports/random.ts'
import type { ConnectTarget } from '../../bitcoin/p2p/connection-io.ts'
import type { NetEndpoint } from '../../bitcoin/wire/net-address.ts'
import { formatNetAddress, formatNetEndpoint, parseNetAddress } from '../../bitcoin/wire/net-address-text.ts'
import type { Log } from '../log.ts'
import { endpointOf, isDirect, socketAddressOf, UNKNOWN_ENDPOINT } from './endpoints.ts'
import { HeldStream } from './held-stream.ts'
import type { Proxies, ProxyServer } from './proxies.ts'
import { proxyText } from './proxies.ts'
import { connectThroughSocks5 } from './socks5.ts'

/** Addresses of one name that are tried; as Core has it. */
const RESOLVED_ADDRESSES_MAX = 256

/** A connection that stands, before anything was said on it. */
export interface Dialed {
  readonly held: HeldStream
  readonly remote: NetEndpoint
  /** Our end of it; undefined where a proxy stands in between. */
  readonly local: NetEndpoint | undefined
}

/** How a connection is to be made. */
export interface DialRequest {
  readonly target: ConnectTarget
  /** Asked for by the owner, so that failures are worth a line in any log. */
  readonly isManual: boolean
  /** Whether I2P must see a fresh address of ours. */
  readonly transientIdentity: boolean
}

/** Connects within I2P. */
export interface I2pDialer {
  /** Rejects with OperationError `connect-failed` or `proxy-unreachable`. */
  connect(to: NetEndpoint, transientIdentity: boolean): Promise<Dialed>
}

export interface DialerOptions {
  readonly net: Net
  readonly random: Random
  readonly log: Log
  /** -timeout */
  readonly connectTimeoutMs: number
  /** -cjdnsreachable: addresses of fc00::/8 belong to CJDNS. */
  readonly cjdnsReachable: boolean
  /** -dns: whether names are looked up. */
  readonly looksUpNames: boolean
  readonly proxies: Proxies
  /** -i2psam */
  readonly i2p: I2pDialer | undefined
}

/** Connects to addresses and names, through proxies where those are set. */
export class Dialer {
  readonly #options: DialerOptions

  constructor(options: DialerOptions) {
    this.#options = options
  }

  /** Rejects with OperationError `connect-failed`, `connect-timeout`, or `proxy-unreachable` where it was the proxy's fault. */
  async dial(request: DialRequest): Promise<Dialed> {
    const { target } = request
    if (!('name' in target)) return this.#dialAddress(target, request)
    const { forNames } = this.#options.proxies
    if (parseNetAddress(target.name) !== undefined) {
      const { cjdnsReachable } = this.#options
      return this.#dialAddress(endpointOf({ host: target.name, port: target.port }, cjdnsReachable), request)
    }
    if (forNames !== undefined) {
      const held = await this.#throughProxy(forNames, target.name, target.port)
      return { held, remote: UNKNOWN_ENDPOINT, local: undefined }
    }
    let failure: unknown
    for (const endpoint of await this.resolve(target.name, target.port)) {
      try {
        return await this.#dialAddress(endpoint, request)
      } catch (error) {
        failure = error
      }
    }
    throw failure ?? new OperationError('connect-failed', `No address is known for ${target.name}`)
  }

  /** The addresses behind a name, in an order of no meaning; none where a proxy looks up names: no resolver may learn of them. */
  async resolve(name: string, port: number): Promise<readonly NetEndpoint[]> {
    const { net, random, looksUpNames, cjdnsReachable, proxies } = this.#options
    if (!looksUpNames || proxies.forNames !== undefined) return []
    const hosts = [...(await net.resolve(name))].slice(0, RESOLVED_ADDRESSES_MAX)
    for (let i = hosts.length - 1; i > 0; i--) {
      const other = random.below(i + 1)
      const host = hosts[i]
      hosts[i] = hosts[other]
      hosts[other] = host
    }
    return hosts.map(host => endpointOf({ host, port }, cjdnsReachable))
  }

  async #dialAddress(endpoint: NetEndpoint, request: DialRequest): Promise<Dialed> {
    const { log, proxies, cjdnsReachable, i2p } = this.#options
    const to = formatNetEndpoint(endpoint)
    if (endpoint.address.network === 'i2p' && i2p !== undefined) return i2p.connect(endpoint, request.transientIdentity)
    const proxy = proxies.forAddress(endpoint.address)
    if (proxy !== undefined) {
      log.debug('proxy', `Using proxy: ${proxyText(proxy)} to connect to ${to}`)
      const held = await this.#throughProxy(proxy, formatNetAddress(endpoint.address), endpoint.port)
      return { held, remote: endpoint, local: undefined }
    }
    if (!isDirect(endpoint.address)) {
      const next = 'set a proxy for its network'
      throw new OperationError('connect-failed', `Nothing leads to ${to}`, { next })
    }
    const held = await this.#direct(socketAddressOf(endpoint), to, request.isManual)
    return { held, remote: endpoint, local: endpointOf(held.stream.local, cjdnsReachable) }
  }

  async #throughProxy(proxy: ProxyServer, host: string, port: number): Promise<HeldStream> {
    const { log, proxies } = this.#options
    let held: HeldStream
    try {
      held = await this.#direct(proxy.server, proxyText(proxy), true)
    } catch (cause) {
      const message = `The proxy at ${proxyText(proxy)} cannot be reached`
      throw new OperationError('proxy-unreachable', message, { cause, next: 'start it, or change -proxy or -onion' })
    }
    return connectThroughSocks5(held, { host, port, credentials: proxies.credentialsFor(proxy) }, log)
  }

  async #direct(to: SocketAddress | LocalSocketPath, text: string, isManual: boolean): Promise<HeldStream> {
    const { net, connectTimeoutMs } = this.#options
    let held: HeldStream | undefined
    try {
      await net.connect(to, { timeoutMs: connectTimeoutMs }, made => {
        held = new HeldStream(made)
        return held
      })
      return held!
    } catch (error) {
      this.#logFailure(text, error, isManual)
      throw error
    }
  }

  #logFailure(to: string, error: unknown, isManual: boolean): void {
    const { log } = this.#options
    if (error instanceof OperationError && error.code === 'connect-timeout') {
      log.debug('net', `connection attempt to ${to} timed out`)
      return
    }
    const message = `connect() to ${to} failed after wait: ${(error as Error).message}`
    if (isManual) log.info(message)
    else log.debug('net', message)
  }
}
