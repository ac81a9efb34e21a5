import type { ByteReader } from '../../base/bytes/reader.ts'
import { reject } from '../../base/verdict.ts'
import { HEADER_SIZE } from '../primitives/block.ts'
import { MAX_SIZE } from '../primitives/tx-table.ts'
import { messageCodec, PROTOCOL_VIOLATION, readCount } from './codec.ts'
import { WIRE_LIMITS } from './limits.ts'
import { skipTransaction } from './skip-transaction.ts'

/** BIP152: the version whose short ids are of wtxids; the only one in use. */
export const COMPACT_BLOCK_VERSION = 2n

/** The smallest transaction, in bytes. */
const TRANSACTION_SIZE_MIN = 10

/** BIP152: how many bytes a short id has. */
export const SHORT_ID_SIZE = 6

const INDEX_MAX = WIRE_LIMITS.compactBlockTransactionsMax

/** BIP152: whether new blocks are to be announced by compact blocks, unasked. */
export interface SendCompactMessage {
  readonly highBandwidth: boolean
  readonly version: bigint
}

export const sendcmpctCodec = messageCodec<SendCompactMessage>(
  (writer, { highBandwidth, version }) => {
    writer.u8(highBandwidth ? 1 : 0).u64(version)
  },
  reader => {
    const announce = reader.u8()
    const version = reader.u64()
    if (announce > 1 && reader.failure === undefined) {
      return reject(PROTOCOL_VIOLATION, 'invalid sendcmpct announce field')
    }
    return { highBandwidth: announce === 1, version }
  },
)

/** A transaction that the sender of a compact block believes to be unknown. */
export interface PrefilledTransaction {
  /** How many transactions lie between this one and the last that was prefilled. */
  readonly gap: number
  readonly transaction: Uint8Array
}

/** BIP152: a block as its header and short ids of transactions that the receiver may have. */
export interface CompactBlockMessage {
  readonly header: Uint8Array
  readonly nonce: bigint
  /** 48 bits each, in the order of the block, leaving out those prefilled. */
  readonly shortIds: Float64Array
  readonly prefilled: readonly PrefilledTransaction[]
}

/** The bytes of the transaction that begins here, with its witness. */
function readTransaction(reader: ByteReader): Uint8Array {
  const start = reader.position
  skipTransaction(reader)
  return reader.source.subarray(start, reader.position)
}

export const cmpctblockCodec = messageCodec<CompactBlockMessage>(
  (writer, { header, nonce, shortIds, prefilled }) => {
    writer.bytes(header).u64(nonce).compactSize(shortIds.length)
    for (const id of shortIds) writer.u32(id % 0x1_0000_0000).u16(Math.floor(id / 0x1_0000_0000))
    writer.compactSize(prefilled.length)
    for (const { gap, transaction } of prefilled) writer.compactSize(gap).bytes(transaction)
  },
  reader => {
    const header = reader.bytes(HEADER_SIZE)
    const nonce = reader.u64()
    const shortIds = new Float64Array(readCount(reader, SHORT_ID_SIZE, MAX_SIZE))
    for (let i = 0; i < shortIds.length; i++) shortIds[i] = reader.u32() + reader.u16() * 0x1_0000_0000
    const count = readCount(reader, 1 + TRANSACTION_SIZE_MIN, MAX_SIZE)
    if (shortIds.length + count > INDEX_MAX) reader.fail('indexes overflowed 16 bits')
    const prefilled: PrefilledTransaction[] = []
    for (let i = 0; i < count && reader.failure === undefined; i++) {
      const gap = reader.compactSize(MAX_SIZE)
      if (gap > 0xffff) reader.fail('CompactSize exceeds limit of type')
      prefilled.push({ gap, transaction: readTransaction(reader) })
    }
    return { header, nonce, shortIds, prefilled }
  },
)

/** BIP152: asks for transactions of a block by their place in it. */
export interface BlockTransactionsRequest {
  readonly blockHash: Uint8Array
  /** Rising. */
  readonly indexes: readonly number[]
}

export const getblocktxnCodec = messageCodec<BlockTransactionsRequest>(
  (writer, { blockHash, indexes }) => {
    writer.bytes(blockHash).compactSize(indexes.length)
    let next = 0
    for (const index of indexes) {
      writer.compactSize(index - next)
      next = index + 1
    }
  },
  reader => {
    const blockHash = reader.bytes(32)
    const count = readCount(reader, 1, MAX_SIZE)
    const indexes: number[] = []
    let next = 0
    for (let i = 0; i < count && reader.failure === undefined; i++) {
      const index = next + reader.compactSize(MAX_SIZE)
      if (index > INDEX_MAX) reader.fail('differential value overflow')
      indexes.push(index)
      next = index + 1
    }
    return { blockHash, indexes }
  },
)

/** BIP152: the transactions that were asked for, in the order of the request. */
export interface BlockTransactionsMessage {
  readonly blockHash: Uint8Array
  readonly transactions: readonly Uint8Array[]
}

export const blocktxnCodec = messageCodec<BlockTransactionsMessage>(
  (writer, { blockHash, transactions }) => {
    writer.bytes(blockHash).compactSize(transactions.length)
    for (const transaction of transactions) writer.bytes(transaction)
  },
  reader => {
    const blockHash = reader.bytes(32)
    const count = readCount(reader, TRANSACTION_SIZE_MIN, MAX_SIZE)
    if (count > INDEX_MAX + 1) reader.fail('more transactions than can be asked for')
    const transactions: Uint8Array[] = []
    for (let i = 0; i < count && reader.failure === undefined; i++) transactions.push(readTransaction(reader))
    return { blockHash, transactions }
  },
)
