import type { AddressNetwork, NetEndpoint } from '../wire/net-address.ts'

/**
 * Names a connection between the core, which decides, and the shell, which owns the sockets: the core gives outbound ones positive
 * numbers, the shell gives inbound ones negative numbers, and none is used twice.
 */
export type ConnectionId = number

/** Where to connect: an address, or the name of a host that the shell resolves (or has its proxy resolve). */
export type ConnectTarget = NetEndpoint | { readonly name: string; readonly port: number }

/** What the shell tells the core. */
export type ConnectionInput =
  /** An outbound connection stands; nothing is said on it before the core answers with `begin` (or `close`). */
  | {
      readonly type: 'opened'
      readonly connection: ConnectionId
      /** The address that was reached; `::` and port 0 where a proxy looked up the name. */
      readonly remote: NetEndpoint
      /** Our end of it; undefined where a proxy stands in between. */
      readonly local: NetEndpoint | undefined
    }
  /** Somebody wants to connect; nothing is read before the core answers with `accept` (or `close`). */
  | {
      readonly type: 'accepted'
      readonly connection: ConnectionId
      readonly remote: NetEndpoint
      readonly local: NetEndpoint
      /** Number of the listening address, in the order of the options; undefined where it came through I2P. */
      readonly listener: number | undefined
    }
  /** The transport is settled; messages may flow. */
  | {
      readonly type: 'transport'
      readonly connection: ConnectionId
      readonly protocol: 'v1' | 'v2'
      /** BIP324: 32 bytes; undefined for v1. */
      readonly sessionId: Uint8Array | undefined
    }
  | {
      readonly type: 'message'
      readonly connection: ConnectionId
      readonly command: string
      readonly payload: Uint8Array
      readonly wireBytes: number
    }
  /** More has been sent than the other side takes; nothing that can wait should be added until `drained`. */
  | { readonly type: 'congested' | 'drained'; readonly connection: ConnectionId }
  /** The connection is over, or never came to be; told once for each, also where the core asked for it. */
  | {
      readonly type: 'closed'
      readonly connection: ConnectionId
      /** Whether it stood once; if not, whether it was the proxy that could not be reached, which tells nothing of the address. */
      readonly reason: 'ended' | 'unreachable' | 'proxy-unreachable'
      /** BIP324: the other side seems to speak v1 only; the same address is worth another try. */
      readonly retryV1: boolean
    }
  | { readonly type: 'resolved'; readonly name: string; readonly addresses: readonly NetEndpoint[] }
  /** So many `send` and `processed` more have reached their connections (or come too late): the core may go on. */
  | { readonly type: 'applied'; readonly messages: number; readonly payloadBytes: number }
  /** The upload target was reached, or a new day began. */
  | ({ readonly type: 'uploadBudget' } & UploadBudget)
  /** The owner turned the network off or on; off closes all connections. */
  | { readonly type: 'networkActive'; readonly active: boolean }
  /** A way to a network was found out (Tor's, of Tor itself): its addresses may be tried, where -onlynet allows it. */
  | { readonly type: 'networkReachable'; readonly network: AddressNetwork }
  /** An address at which others may reach us has been found out (port mapping, an onion service, I2P), or has gone. */
  | {
      readonly type: 'localAddress' | 'localAddressGone'
      readonly endpoint: NetEndpoint
      readonly score: LocalAddressSource
    }

/** What is left of the day's upload, for a core that would serve old blocks. */
export interface UploadBudget {
  /** The day's target is reached. */
  readonly reached: boolean
  /** What is left is kept for new blocks: old ones are served no more. */
  readonly reachedForHistory: boolean
}

/** Where an address of our own is known from: a service is one that Tor or I2P keeps for us, a manual one the user named. */
export type LocalAddressSource = 'interface' | 'bind' | 'mapped' | 'service' | 'manual'

/** What the core asks of the shell. */
export type ConnectionEffect =
  | {
      readonly type: 'connect'
      readonly connection: ConnectionId
      readonly target: ConnectTarget
      readonly protocol: 'v1' | 'v2'
      /** What the connection is for, as getpeerinfo names it; for the log. */
      readonly kind: string
      /** Seconds since 1970 at which the address was last heard of, 0 for never; for the log. */
      readonly lastSeenSeconds: number
      /** Whether I2P must see a fresh address of ours, though we have one that others can reach. */
      readonly transientIdentity?: boolean
    }
  /** An outbound connection that stands is wanted: the handshake begins. `peer` names it in the log from now on. */
  | { readonly type: 'begin'; readonly connection: ConnectionId; readonly peer: number }
  /** An inbound connection is welcome: read from it. `peer` as in `begin`. */
  | {
      readonly type: 'accept'
      readonly connection: ConnectionId
      readonly peer: number
      readonly protocols: 'v1' | 'v1+v2'
    }
  /** Both sides have said `verack`: from now on long silence alone ends the connection. */
  | { readonly type: 'established'; readonly connection: ConnectionId }
  | {
      readonly type: 'send'
      readonly connection: ConnectionId
      readonly command: string
      /** Not changed any more by whoever made it. */
      readonly payload: Uint8Array
    }
  /** A message of so many bytes has been dealt with: what was held back behind it may follow. */
  | { readonly type: 'processed'; readonly connection: ConnectionId; readonly wireBytes: number }
  /** Closes, after what was sent has gone out where `flush` is set. */
  | { readonly type: 'close'; readonly connection: ConnectionId; readonly flush: boolean }
  /** Asks for the addresses behind a name, with `port` for each. */
  | { readonly type: 'resolve'; readonly name: string; readonly port: number }

/** Whether `applied` counts an effect among its messages. */
export function countsAsMessage({ type }: { readonly type: string }): boolean {
  return type === 'send' || type === 'processed'
}
