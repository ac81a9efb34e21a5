import type { GossipedAddress } from '../../wire/address-messages.ts'
import type { NetAddress } from '../../wire/net-address.ts'

/** What a file keeps of an address. */
export interface AddressRecord extends GossipedAddress {
  readonly source: NetAddress
  readonly lastSuccessSeconds: number
  readonly attempts: number
}

/** What a file keeps of an address manager. */
export interface AddressManagerRecords {
  readonly key: Uint8Array
  readonly new: readonly AddressRecord[]
  readonly tried: readonly AddressRecord[]
  /** Pairs of a bucket of the new table and an index into `new`, one after the other. */
  readonly references: readonly number[]
  /** Whether the buckets are those of today; if not, new addresses are placed anew by their sources. */
  readonly sameBuckets: boolean
}
