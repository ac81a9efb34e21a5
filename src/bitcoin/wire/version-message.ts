import type { ByteReader } from '../../base/bytes/reader.ts'
import type { ByteWriter } from '../../base/bytes/writer.ts'
import { messageCodec } from './codec.ts'
import { WIRE_LIMITS } from './limits.ts'
import {
  decodeLegacyAddress,
  encodeLegacyAddress,
  LEGACY_ADDRESS_SIZE,
  type NetEndpoint,
  UNSPECIFIED_ADDRESS,
} from './net-address.ts'
import { fromLatin1, latin1 } from './safe-text.ts'

/** The version of the protocol that is spoken here: BIP339's. */
export const PROTOCOL_VERSION = 70016

/** Who speaks, and what it can. Where the sender left the end out, old rules fill in. */
export interface VersionMessage {
  /** Of the protocol. */
  readonly version: number
  readonly services: bigint
  /** The sender's clock, seconds since 1970. */
  readonly timeSeconds: bigint
  /** Where the sender believes the receiver to be, and what it believes it to offer. */
  readonly receiver: NetEndpoint
  readonly receiverServices: bigint
  /** A number by which one notices a connection to oneself. */
  readonly nonce: bigint
  /** BIP14: the sender's software, each byte one character. Not to be shown before safeText has seen it. */
  readonly userAgent: string
  readonly startHeight: number
  /** BIP37: whether transactions are to be told from the start. */
  readonly relay: boolean
}

/** Bytes of services, address and port. */
const ENDPOINT_SIZE = 8 + LEGACY_ADDRESS_SIZE + 2

export function readLegacyEndpoint(reader: ByteReader): NetEndpoint {
  const bytes = reader.bytes(LEGACY_ADDRESS_SIZE)
  const address = bytes.length === LEGACY_ADDRESS_SIZE ? decodeLegacyAddress(bytes) : UNSPECIFIED_ADDRESS
  return { address, port: reader.u16be() }
}

export function writeLegacyEndpoint(writer: ByteWriter, endpoint: NetEndpoint): void {
  writer.bytes(encodeLegacyAddress(endpoint.address)).u16be(endpoint.port)
}

function readUserAgent(reader: ByteReader): string {
  const length = reader.compactSize()
  if (length > WIRE_LIMITS.userAgentBytesMax) reader.fail('String length limit exceeded')
  return latin1(reader.bytes(length))
}

export const versionCodec = messageCodec<VersionMessage>(
  (writer, value) => {
    writer.u32(value.version).u64(value.services).u64(value.timeSeconds).u64(value.receiverServices)
    writeLegacyEndpoint(writer, value.receiver)
    // The sender's own address is of no use to anyone, so nobody fills it in any more.
    writer.u64(value.services).bytes(new Uint8Array(LEGACY_ADDRESS_SIZE + 2))
    writer
      .u64(value.nonce)
      .sizedBytes(fromLatin1(value.userAgent))
      .u32(value.startHeight)
      .u8(value.relay ? 1 : 0)
  },
  reader => {
    const version = reader.i32()
    const services = reader.u64()
    const time = reader.i64()
    const receiverServices = reader.u64()
    const receiver = readLegacyEndpoint(reader)
    const more = (): boolean => reader.remaining > 0
    let nonce = 1n
    if (more()) {
      reader.skip(ENDPOINT_SIZE)
      nonce = reader.u64()
    }
    const userAgent = more() ? readUserAgent(reader) : ''
    const startHeight = more() ? reader.i32() : -1
    const relay = more() ? reader.u8() !== 0 : true
    const timeSeconds = time < 0n ? 0n : time
    return { version, services, timeSeconds, receiver, receiverServices, nonce, userAgent, startHeight, relay }
  },
)
