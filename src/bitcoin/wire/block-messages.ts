import { accept, reject } from '../../base/verdict.ts'
import { HEADER_SIZE } from '../primitives/block.ts'
import { MAX_SIZE } from '../primitives/tx-table.ts'
import { type MessageCodec, messageCodec, PROTOCOL_VIOLATION, readCount, readHashes, writeHashes } from './codec.ts'
import { WIRE_LIMITS } from './limits.ts'

/** A serialised block or transaction, neither parsed nor copied. */
export interface RawMessage {
  readonly bytes: Uint8Array
}

function rawCodec(): MessageCodec<RawMessage> {
  return { encode: ({ bytes }) => bytes, decode: bytes => accept({ bytes }) }
}

export const blockCodec = rawCodec()
export const txCodec = rawCodec()

/** Consecutive block headers, 80 bytes each, packed: two thousand need no object, and hash in one batch. */
export interface HeadersMessage {
  readonly headers: Uint8Array
}

export const headersCodec = messageCodec<HeadersMessage>(
  (writer, { headers }) => {
    writer.compactSize(headers.length / HEADER_SIZE)
    for (let at = 0; at < headers.length; at += HEADER_SIZE) writer.range(headers, at, at + HEADER_SIZE).u8(0)
  },
  reader => {
    const count = reader.compactSize(MAX_SIZE)
    if (count > WIRE_LIMITS.headersMax) return reject(PROTOCOL_VIOLATION, `headers message size = ${count}`)
    if (count * (HEADER_SIZE + 1) > reader.remaining) reader.fail('truncated')
    const headers = new Uint8Array(reader.failure === undefined ? count * HEADER_SIZE : 0)
    for (let at = 0; at < headers.length && reader.failure === undefined; at += HEADER_SIZE) {
      headers.set(reader.bytes(HEADER_SIZE), at)
      // A count of transactions that once was to follow: always zero, and of no meaning.
      reader.compactSize(MAX_SIZE)
    }
    return { headers }
  },
)

/** BIP37: a header and the part of the merkle tree that leads to the transactions that matched. */
export interface MerkleBlockMessage {
  readonly header: Uint8Array
  readonly transactionCount: number
  readonly hashes: readonly Uint8Array[]
  /** One bit a node visited, the lowest bit of a byte first. */
  readonly flags: Uint8Array
}

export const merkleblockCodec = messageCodec<MerkleBlockMessage>(
  (writer, { header, transactionCount, hashes, flags }) => {
    writeHashes(writer.bytes(header).u32(transactionCount), hashes)
    writer.sizedBytes(flags)
  },
  reader => {
    const header = reader.bytes(HEADER_SIZE)
    const transactionCount = reader.u32()
    if (transactionCount > WIRE_LIMITS.merkleBlockTransactionsMax) reader.fail('too many transactions')
    const hashCount = readCount(reader, 32, MAX_SIZE)
    // No tree has more hashes than leaves, nor fewer visited nodes than hashes.
    if (hashCount > transactionCount) reader.fail('more hashes than transactions')
    const hashes = readHashes(reader, reader.failure === undefined ? hashCount : 0)
    const flags = reader.bytes(reader.compactSize(MAX_SIZE))
    if (flags.length * 8 < hashes.length) reader.fail('fewer flags than hashes')
    return { header, transactionCount, hashes, flags }
  },
)
