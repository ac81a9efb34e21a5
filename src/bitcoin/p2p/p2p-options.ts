import type { GossipedAddress } from '../wire/address-messages.ts'
import type { AddressNetwork, NetEndpoint } from '../wire/net-address.ts'
import type { Permission } from './remote-peer.ts'

/** Of whoever comes in at one address. */
export interface ListenerOptions {
  /** -whitebind: what it grants; `undefined` for -bind. */
  readonly grant: { readonly permissions: ReadonlySet<Permission>; readonly implicit: boolean } | undefined
  /** -bind=…=onion: reached through an onion service, so that addresses there say nothing. */
  readonly isOnion: boolean
}

/** How a node deals with its peers; plain data. */
export interface P2pOptions {
  /** BIP14 */
  readonly userAgent: string
  /** Services that it offers. */
  readonly services: bigint
  /** -blocksonly */
  readonly blocksOnly: boolean
  /** -logips */
  readonly logsAddresses: boolean
  /** -v2transport */
  readonly v2Transport: boolean
  /** -maxconnections: automatic ones, both ways. */
  readonly connectionsMax: number
  /** -inboundrelaypercent: the share of inbound connections that may be told of transactions. */
  readonly inboundRelayPercent: number
  /** -peertimeout: a connection of this age at least may be given up for its silence. */
  readonly peerTimeoutMs: number
  /** -bantime */
  readonly banSeconds: number
  /** -whitelist, as written; each is valid. */
  readonly whitelist: readonly string[]
  /** -whitelistrelay, -whitelistforcerelay */
  readonly implicitPermissions: { readonly relay: boolean; readonly forceRelay: boolean }
  /** -connect: only these are connected to; an empty list for none at all, undefined for whoever is found. */
  readonly connect: readonly string[] | undefined
  /** -addnode */
  readonly addNodes: readonly string[]
  /** -seednode */
  readonly seedNodes: readonly string[]
  /** Whether DNS seeds are asked (-dnsseed), and always (-forcednsseed). */
  readonly dnsSeed: boolean
  readonly forceDnsSeed: boolean
  /** Whether a proxy looks names up. */
  readonly namesThroughProxy: boolean
  /** Where to begin when nobody else is known; undefined where -fixedseeds=0. */
  readonly fixedSeeds: readonly GossipedAddress[] | undefined
  /** -discover: whether addresses of our own are looked for, and peers believed that tell of them. */
  readonly discover: boolean
  /** -externalip */
  readonly externalAddresses: readonly NetEndpoint[]
  /** Where we are reached at an address of which nothing else is known. */
  readonly listenPort: number
  /** -onlynet, and what proxies and services lead to: networks whose addresses are connected to. */
  readonly reachableNetworks: readonly AddressNetwork[]
  /** -test=addrman: the places of addresses in their tables are known to tests. */
  readonly deterministicAddresses: boolean
  /** The listening addresses, in the order of the shell's. */
  readonly listeners: readonly ListenerOptions[]
}
