import { reject } from '../../base/verdict.ts'
import { MAX_SIZE } from '../primitives/tx-table.ts'
import { messageCodec, PROTOCOL_VIOLATION, readCount, readHashes, writeHashes } from './codec.ts'
import { WIRE_LIMITS } from './limits.ts'

/** BIP158: the type of the basic filter. */
export const BASIC_FILTER_TYPE = 0

/** BIP157: asks for the filters, or their headers, of blocks from a height up to a hash. */
export interface FilterRangeMessage {
  readonly filterType: number
  readonly startHeight: number
  readonly stopHash: Uint8Array
}

const filterRangeCodec = messageCodec<FilterRangeMessage>(
  (writer, { filterType, startHeight, stopHash }) => {
    writer.u8(filterType).u32(startHeight).bytes(stopHash)
  },
  reader => ({ filterType: reader.u8(), startHeight: reader.u32(), stopHash: reader.bytes(32) }),
)

export const getcfiltersCodec = filterRangeCodec
export const getcfheadersCodec = filterRangeCodec

export interface FilterMessage {
  readonly filterType: number
  readonly blockHash: Uint8Array
  /** As BIP158 encodes it. */
  readonly filter: Uint8Array
}

export const cfilterCodec = messageCodec<FilterMessage>(
  (writer, { filterType, blockHash, filter }) => {
    writer.u8(filterType).bytes(blockHash).sizedBytes(filter)
  },
  reader => ({
    filterType: reader.u8(),
    blockHash: reader.bytes(32),
    filter: reader.bytes(reader.compactSize(MAX_SIZE)),
  }),
)

/** BIP157: the header before a range of filters, and the hashes that the headers of the range follow from. */
export interface FilterHeadersMessage {
  readonly filterType: number
  readonly stopHash: Uint8Array
  readonly previousHeader: Uint8Array
  readonly filterHashes: readonly Uint8Array[]
}

export const cfheadersCodec = messageCodec<FilterHeadersMessage>(
  (writer, { filterType, stopHash, previousHeader, filterHashes }) => {
    writeHashes(writer.u8(filterType).bytes(stopHash).bytes(previousHeader), filterHashes)
  },
  reader => {
    const filterType = reader.u8()
    const stopHash = reader.bytes(32)
    const previousHeader = reader.bytes(32)
    const count = readCount(reader, 32, MAX_SIZE)
    if (count > WIRE_LIMITS.filterHashesMax) return reject(PROTOCOL_VIOLATION, `cfheaders message size = ${count}`)
    return { filterType, stopHash, previousHeader, filterHashes: readHashes(reader, count) }
  },
)

export interface FilterCheckpointRequest {
  readonly filterType: number
  readonly stopHash: Uint8Array
}

export const getcfcheckptCodec = messageCodec<FilterCheckpointRequest>(
  (writer, { filterType, stopHash }) => {
    writer.u8(filterType).bytes(stopHash)
  },
  reader => ({ filterType: reader.u8(), stopHash: reader.bytes(32) }),
)

/** BIP157: every thousandth filter header up to a block. */
export interface FilterCheckpointMessage extends FilterCheckpointRequest {
  readonly filterHeaders: readonly Uint8Array[]
}

export const cfcheckptCodec = messageCodec<FilterCheckpointMessage>(
  (writer, { filterType, stopHash, filterHeaders }) => {
    writeHashes(writer.u8(filterType).bytes(stopHash), filterHeaders)
  },
  reader => ({
    filterType: reader.u8(),
    stopHash: reader.bytes(32),
    filterHeaders: readHashes(reader, readCount(reader, 32, WIRE_LIMITS.filterCheckpointsMax)),
  }),
)
