import { setTimeout as sleep } from 'node:timers/promises'
import type { AskByDatagram } from '../../../base/ports/datagrams.ts'
import type { Random } from '../../../base/ports/random.ts'
import type { NetEndpoint } from '../../../bitcoin/wire/net-address.ts'
import { formatNetEndpoint } from '../../../bitcoin/wire/net-address-text.ts'
import type { Log } from '../../log.ts'
import { PCP_NONCE_SIZE } from './pcp-messages.ts'
import { type Mapping, requestMapping } from './request-mapping.ts'

/** RFC 6886 and 6887: where routers listen. */
export const PORT_MAPPING_PORT = 5351

/** Asked for; renewed after about half of it. */
const LIFETIME_SECONDS = 40 * 60
const RETRY_MS = 5 * 60 * 1000
/** A router that grants less would be asked all the time. */
const LIFETIME_SECONDS_MIN = 30

export interface PortMapperOptions {
  readonly ask: AskByDatagram
  readonly random: Random
  readonly log: Log
  /** The routers, as of now. */
  readonly gateways: () => { readonly ipv4: string | undefined; readonly ipv6: string | undefined }
  /** Our addresses of IPv6 that others may reach: firewalls are opened for each. */
  readonly ipv6Addresses: () => readonly string[]
  readonly gatewayPort: number
  /** The port that we listen at. */
  readonly port: number
  readonly onMapped: (endpoint: NetEndpoint) => void
}

/** Keeps our port open at the router. What is mapped ends by itself when we are gone. */
export class PortMapper {
  readonly #options: PortMapperOptions
  readonly #nonce: Uint8Array
  readonly #stopping = new AbortController()

  constructor(options: PortMapperOptions) {
    this.#options = options
    this.#nonce = options.random.bytes(PCP_NONCE_SIZE)
  }

  /** Resolves once {@link PortMapper.stop} was called. */
  async run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const waitMs = this.#renewalOf(await this.#mapAll())
      await sleep(waitMs, undefined, { signal }).catch(() => undefined)
    }
  }

  stop(): void {
    this.#stopping.abort()
  }

  async #mapAll(): Promise<readonly Mapping[]> {
    const { gateways, ipv6Addresses, log } = this.#options
    const { ipv4, ipv6 } = gateways()
    const mappings: (Mapping | undefined)[] = []
    log.debug(
      'net',
      `portmap: ${ipv4 === undefined ? 'Could not determine IPv4 default gateway' : `gateway [IPv4]: ${ipv4}`}`,
    )
    if (ipv4 !== undefined) mappings.push(await this.#map(ipv4, undefined))
    log.debug(
      'net',
      `portmap: ${ipv6 === undefined ? 'Could not determine IPv6 default gateway' : `gateway [IPv6]: ${ipv6}`}`,
    )
    if (ipv6 !== undefined) for (const address of ipv6Addresses()) mappings.push(await this.#map(ipv6, address))
    return mappings.filter(mapping => mapping !== undefined)
  }

  async #map(host: string, from: string | undefined): Promise<Mapping | undefined> {
    const { ask, log, port, gatewayPort, onMapped } = this.#options
    const gateway = { host, port: gatewayPort }
    try {
      const request = { gateway, from, port, lifetimeSeconds: LIFETIME_SECONDS, nonce: this.#nonce }
      const mapping = await requestMapping(ask, request)
      if (this.#stopping.signal.aborted) return undefined
      log.info(`portmap: Added mapping ${formatNetEndpoint(mapping.external)} (lifetime ${mapping.lifetimeSeconds}s)`)
      onMapped(mapping.external)
      return mapping
    } catch (error) {
      log.debug('net', `portmap: ${(error as Error).message}`)
      return undefined
    }
  }

  /** RFC 6887, section 11.2.1: after a random part between 1/2 and 5/8 of the time. */
  #renewalOf(mappings: readonly Mapping[]): number {
    const { log, random } = this.#options
    if (mappings.length === 0) return RETRY_MS
    const lifetime = Math.min(LIFETIME_SECONDS, ...mappings.map(({ lifetimeSeconds }) => lifetimeSeconds))
    if (lifetime < LIFETIME_SECONDS_MIN) {
      log.warning(`portmap: Got impossibly short mapping lifetime of ${lifetime} seconds`)
      return RETRY_MS
    }
    const lifetimeMs = lifetime * 1000
    return lifetimeMs / 2 + random.below(Math.floor(lifetimeMs / 8))
  }
}
