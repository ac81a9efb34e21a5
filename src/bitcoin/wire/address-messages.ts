import type { ByteReader } from '../../base/bytes/reader.ts'
import type { ByteWriter } from '../../base/bytes/writer.ts'
import { reject } from '../../base/verdict.ts'
import { MAX_SIZE } from '../primitives/tx-table.ts'
import {
  type MessageCodec,
  messageCodec,
  PROTOCOL_VIOLATION,
  readCompactU64,
  readCount,
  writeCompactU64,
} from './codec.ts'
import { WIRE_LIMITS } from './limits.ts'
import { type NetEndpoint, readAddressV2, writeAddressV2 } from './net-address.ts'
import { readLegacyEndpoint, writeLegacyEndpoint } from './version-message.ts'

/** A peer that somebody knows of. */
export interface GossipedAddress {
  /** When it was last seen, seconds since 1970, as far as the teller says. */
  readonly timeSeconds: number
  readonly services: bigint
  readonly endpoint: NetEndpoint
}

export interface AddressesMessage {
  readonly addresses: readonly GossipedAddress[]
}

function addressesCodec(
  command: string,
  sizeMin: number,
  writeEntry: (writer: ByteWriter, entry: GossipedAddress) => void,
  readEntry: (reader: ByteReader) => GossipedAddress,
): MessageCodec<AddressesMessage> {
  return messageCodec<AddressesMessage>(
    (writer, { addresses }) => {
      writer.compactSize(addresses.length)
      for (const entry of addresses) writeEntry(writer, entry)
    },
    reader => {
      const count = readCount(reader, sizeMin, MAX_SIZE)
      if (count > WIRE_LIMITS.addressesMax) return reject(PROTOCOL_VIOLATION, `${command} message size = ${count}`)
      return { addresses: Array.from({ length: count }, () => readEntry(reader)) }
    },
  )
}

/** Peers with addresses of 16 bytes. */
export const addrCodec = addressesCodec(
  'addr',
  30,
  (writer, { timeSeconds, services, endpoint }) => {
    writer.u32(timeSeconds).u64(services)
    writeLegacyEndpoint(writer, endpoint)
  },
  reader => ({ timeSeconds: reader.u32(), services: reader.u64(), endpoint: readLegacyEndpoint(reader) }),
)

/** BIP155: peers with addresses of every network. */
export const addrv2Codec = addressesCodec(
  'addrv2',
  9,
  (writer, { timeSeconds, services, endpoint }) => {
    writeCompactU64(writer.u32(timeSeconds), services)
    writeAddressV2(writer, endpoint.address)
    writer.u16be(endpoint.port)
  },
  reader => ({
    timeSeconds: reader.u32(),
    services: readCompactU64(reader),
    endpoint: { address: readAddressV2(reader), port: reader.u16be() },
  }),
)
