import { type AddressNetwork, asCjdns, type NetEndpoint, sameAddress } from '../../wire/net-address.ts'
import { parseNetAddress, splitHostPort } from '../../wire/net-address-text.ts'
import type { ConnectTarget } from '../connection-io.ts'
import type { ConnectionType } from '../remote-peer.ts'

/** A connection that there is, or that is being made. */
export interface PresentConnection {
  readonly type: ConnectionType
  readonly endpoint: NetEndpoint
  /** As the owner wrote it, for manual connections; else the endpoint's text. */
  readonly name: string
  readonly handshakeDone: boolean
}

/** What is asked for on the way to more connections. */
export type OutboundStep =
  | {
      readonly type: 'connect'
      readonly kind: ConnectionType
      readonly target: ConnectTarget
      /** As the owner wrote it; undefined for what the address manager chose. */
      readonly name: string | undefined
      readonly protocol: 'v1' | 'v2'
      /** Whether a failure says anything about the other side (see AddressManager.attempt). */
      readonly countFailure: boolean
      readonly services: bigint
      /** Seconds since 1970; 0 where nobody told. */
      readonly lastSeenSeconds: number
    }
  /** Look up the addresses of a name; answer by {@link OutboundPlanner.onResolved}. */
  | { readonly type: 'resolve'; readonly name: string; readonly port: number }

/** How texts that name peers are read. */
export interface TargetOptions {
  readonly defaultPort: number
  /** Networks that are connected to (-onlynet). */
  readonly networks: ReadonlySet<AddressNetwork>
  /** BIP324 is spoken. */
  readonly v2: boolean
}

/** I2P knows no ports: none is written, or 0. */
const I2P_PORT = 0

/** Where a text points to, `host` or `host:port`; undefined if it makes no sense. */
export function connectTarget(
  text: string,
  { defaultPort, networks }: Pick<TargetOptions, 'defaultPort' | 'networks'>,
): ConnectTarget | undefined {
  const split = splitHostPort(text.endsWith('.i2p:0') ? text.slice(0, -2) : text)
  if (split === undefined || split.host === '') return undefined
  const parsed = parseNetAddress(split.host)
  const address = parsed !== undefined && networks.has('cjdns') ? asCjdns(parsed) : parsed
  const port = split.port ?? (address?.network === 'i2p' ? I2P_PORT : defaultPort)
  return address === undefined ? { name: split.host, port } : { address, port }
}

/** A connection that the owner asked for by name. */
export function namedConnection(
  text: string,
  kind: 'manual' | 'addr-fetch',
  v2: boolean,
  options: TargetOptions,
): OutboundStep | undefined {
  const target = connectTarget(text, options)
  if (target === undefined) return undefined
  const protocol = v2 ? 'v2' : 'v1'
  return { type: 'connect', kind, target, name: text, protocol, countFailure: false, services: 0n, lastSeenSeconds: 0 }
}

/** The connection to where a text points, if there is one: to its address and port, or, for a name, made by that name. */
export function connectionTo(
  text: string,
  connections: readonly PresentConnection[],
  options: TargetOptions,
): PresentConnection | undefined {
  const target = connectTarget(text, options)
  if (target === undefined || 'name' in target) return connections.find(({ name }) => name === text)
  return connections.find(
    ({ endpoint }) => endpoint.port === target.port && sameAddress(endpoint.address, target.address),
  )
}
