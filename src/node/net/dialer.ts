import { OperationError } from '../../base/errors.ts'
import type { Net } from '../../base/ports/net.ts'
import type { Random } from '../../base/ports/random.ts'
import type { ConnectTarget } from '../../bitcoin/p2p/connection-io.ts'
import type { NetEndpoint } from '../../bitcoin/wire/net-address.ts'
import { formatNetEndpoint } from '../../bitcoin/wire/net-address-text.ts'
import type { Log } from '../log.ts'
import { endpointOf, isDirect, socketAddressOf } from './endpoints.ts'
import { HeldStream } from './held-stream.ts'

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
}

/** Connects to addresses and names. */
export class Dialer {
  readonly #options: DialerOptions

  constructor(options: DialerOptions) {
    this.#options = options
  }

  /** Rejects with OperationError `connect-failed` or `connect-timeout`. */
  async dial(request: DialRequest): Promise<Dialed> {
    const { target } = request
    if (!('name' in target)) return this.#dialAddress(target, request)
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

  /** The addresses behind a name, in an order of no meaning. */
  async resolve(name: string, port: number): Promise<readonly NetEndpoint[]> {
    const { net, random, looksUpNames, cjdnsReachable } = this.#options
    if (!looksUpNames) return []
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
    if (!isDirect(endpoint.address)) {
      throw new OperationError('connect-failed', `Nothing leads to ${formatNetEndpoint(endpoint)}`, {
        next: 'set a proxy for its network',
      })
    }
    const { net, connectTimeoutMs, cjdnsReachable } = this.#options
    let held: HeldStream | undefined
    try {
      const stream = await net.connect(socketAddressOf(endpoint), { timeoutMs: connectTimeoutMs }, made => {
        held = new HeldStream(made)
        return held
      })
      return { held: held!, remote: endpoint, local: endpointOf(stream.local, cjdnsReachable) }
    } catch (error) {
      this.#logFailure(endpoint, error, request.isManual)
      throw error
    }
  }

  #logFailure(endpoint: NetEndpoint, error: unknown, isManual: boolean): void {
    const { log } = this.#options
    const to = formatNetEndpoint(endpoint)
    if (error instanceof OperationError && error.code === 'connect-timeout') {
      log.debug('net', `connection attempt to ${to} timed out`)
      return
    }
    const message = `connect() to ${to} failed after wait: ${(error as Error).message}`
    if (isManual) log.info(message)
    else log.debug('net', message)
  }
}
