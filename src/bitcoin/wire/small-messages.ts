import { emptyBytes } from '../../base/bytes/bytes.ts'
import { accept, type Rejected, reject } from '../../base/verdict.ts'
import { MAX_SIZE } from '../primitives/tx-table.ts'
import { type MessageCodec, messageCodec, PROTOCOL_VIOLATION } from './codec.ts'
import { WIRE_LIMITS } from './limits.ts'

/** A message that says all by its name. */
export type EmptyMessage = Readonly<Record<string, never>>

const EMPTY: EmptyMessage = {}

export const emptyCodec: MessageCodec<EmptyMessage> = { encode: () => emptyBytes(), decode: () => accept(EMPTY) }

export interface PingMessage {
  readonly nonce: bigint
}

export const pingCodec = messageCodec<PingMessage>(
  (writer, { nonce }) => {
    writer.u64(nonce)
  },
  reader => ({ nonce: reader.u64() }),
)

/** BIP31: the answer to a ping; a peer that left the nonce out gets its ping cancelled, not an error. */
export interface PongMessage {
  readonly nonce: bigint | undefined
}

export const pongCodec = messageCodec<PongMessage>(
  (writer, { nonce }) => {
    if (nonce !== undefined) writer.u64(nonce)
  },
  reader => ({ nonce: reader.remaining >= 8 ? reader.u64() : undefined }),
)

/** BIP133: transactions below this feerate need not be told. */
export interface FeeFilterMessage {
  /** Satoshi per 1000 virtual bytes; signed, and not yet known to be an amount. */
  readonly feeRateSats: bigint
}

export const feefilterCodec = messageCodec<FeeFilterMessage>(
  (writer, { feeRateSats }) => {
    writer.u64(feeRateSats)
  },
  reader => ({ feeRateSats: reader.i64() }),
)

/** BIP330: the salt from which two peers make short ids of transactions. */
export interface SendReconciliationMessage {
  readonly version: number
  readonly salt: bigint
}

export const sendtxrcnclCodec = messageCodec<SendReconciliationMessage>(
  (writer, { version, salt }) => {
    writer.u32(version).u64(salt)
  },
  reader => ({ version: reader.u32(), salt: reader.u64() }),
)

/** BIP37: a bloom filter for the transactions that are wanted. */
export interface FilterLoadMessage {
  readonly filter: Uint8Array
  readonly hashFunctions: number
  readonly tweak: number
  readonly flags: number
}

export const filterloadCodec = messageCodec<FilterLoadMessage>(
  (writer, { filter, hashFunctions, tweak, flags }) => {
    writer.sizedBytes(filter).u32(hashFunctions).u32(tweak).u8(flags)
  },
  (reader): FilterLoadMessage | Rejected => {
    const filter = reader.bytes(reader.compactSize(MAX_SIZE))
    const [hashFunctions, tweak, flags] = [reader.u32(), reader.u32(), reader.u8()]
    const { bloomFilterBytesMax, bloomFilterHashFunctionsMax } = WIRE_LIMITS
    if (filter.length > bloomFilterBytesMax || hashFunctions > bloomFilterHashFunctionsMax) {
      return reject(PROTOCOL_VIOLATION, 'too-large bloom filter')
    }
    return { filter, hashFunctions, tweak, flags }
  },
)

/** BIP37: one more element for the filter. */
export interface FilterAddMessage {
  readonly element: Uint8Array
}

export const filteraddCodec = messageCodec<FilterAddMessage>(
  (writer, { element }) => {
    writer.sizedBytes(element)
  },
  (reader): FilterAddMessage | Rejected => {
    const element = reader.bytes(reader.compactSize(MAX_SIZE))
    if (element.length > WIRE_LIMITS.bloomElementBytesMax) return reject(PROTOCOL_VIOLATION, 'bad filteradd message')
    return { element }
  },
)
