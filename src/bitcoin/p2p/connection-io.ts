import type { NetEndpoint } from '../wire/net-address.ts'

/**
 * Names a connection between the core, which decides, and the shell, which owns the sockets: the core gives outbound ones positive
 * numbers, the shell gives inbound ones negative numbers, and none is used twice.
 */
export type ConnectionId = number

/** Where to connect: an address, or the name of a host that the shell resolves (or has its proxy resolve). */
export type ConnectTarget = NetEndpoint | { readonly name: string; readonly port: number }

/** What the shell tells the core. */
export type ConnectionInput =
  /** An outbound connection stands. */
  | {
      readonly type: 'opened'
      readonly connection: ConnectionId
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
      /** Number of the listening address, in the order of the options. */
      readonly listener: number
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
  /** The connection is over, or never came to be. */
  | {
      readonly type: 'closed'
      readonly connection: ConnectionId
      /** BIP324: the other side seems to speak v1 only; the same address is worth another try. */
      readonly retryV1: boolean
    }
  | { readonly type: 'resolved'; readonly name: string; readonly addresses: readonly NetEndpoint[] }
  /** An address at which others may reach us has been found out (port mapping, an onion service, I2P), or has gone. */
  | {
      readonly type: 'localAddress' | 'localAddressGone'
      readonly endpoint: NetEndpoint
      readonly score: LocalAddressSource
    }

/** How sure we are of an address of our own, as Core scores it. */
export type LocalAddressSource = 'interface' | 'bind' | 'mapped' | 'manual'

/** What the core asks of the shell. */
export type ConnectionEffect =
  | {
      readonly type: 'connect'
      readonly connection: ConnectionId
      readonly target: ConnectTarget
      readonly protocol: 'v1' | 'v2'
    }
  /** An inbound connection is welcome: read from it. */
  | { readonly type: 'accept'; readonly connection: ConnectionId; readonly protocols: 'v1' | 'v1+v2' }
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
