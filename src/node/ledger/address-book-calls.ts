import type { AddressEntry } from '../../bitcoin/p2p/addresses/address-buckets.ts'
import type { AddressClass } from '../../bitcoin/wire/address-class.ts'
import type { GossipedAddress } from '../../bitcoin/wire/address-messages.ts'
import type { AddressNetwork, NetEndpoint } from '../../bitcoin/wire/net-address.ts'

/** A ban as RPC shows it. Times are in seconds since 1970. */
export interface BanInfo {
  /** An address or a subnet, in Core's form. */
  readonly subnet: string
  readonly createdSeconds: number
  readonly untilSeconds: number
}

/** How many addresses are only heard of, and how many were reached. */
export interface AddressFigures {
  readonly new: number
  readonly tried: number
  readonly total: number
}

/** What others ask about addresses of peers, good and bad; every call may cross a thread. */
export interface AddressBookCalls {
  /** setban: false where it is banned already. `subnet` is a valid one. */
  ban(subnet: string, time: { readonly seconds: number; readonly absolute: boolean }): Promise<boolean>
  /** False where it was not banned. */
  unban(subnet: string): Promise<boolean>
  bans(): Promise<readonly BanInfo[]>
  clearBans(): Promise<void>
  /** Random addresses, `max` at most (0: all). */
  knownAddresses(max: number, network: AddressClass | undefined): Promise<readonly GossipedAddress[]>
  /** addpeeraddress: undefined where it was taken, else which table had no room. */
  addAddress(endpoint: NetEndpoint, tried: boolean): Promise<'new' | 'tried' | undefined>
  addressFigures(): Promise<Readonly<Record<AddressNetwork | 'all', AddressFigures>>>
  addressTables(): Promise<{ readonly new: readonly AddressEntry[]; readonly tried: readonly AddressEntry[] }>
}
