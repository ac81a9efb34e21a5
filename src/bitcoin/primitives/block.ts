import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { MAX_SIZE, type ParseOptions, parseTransactions, type TxTable } from './tx-table.ts'

/** Bytes of a serialised header. */
export const HEADER_SIZE = 80

/** A block header. Hashes are in internal byte order; `version` is signed. */
export interface BlockHeader {
  readonly version: number
  readonly previous: Uint8Array
  readonly merkleRoot: Uint8Array
  /** Seconds since 1970, unsigned 32 bits. */
  readonly time: number
  /** Compact form of the target. */
  readonly bits: number
  readonly nonce: number
}

/** The header in the 80 bytes at `at`, which must be there. */
export function decodeHeader(bytes: Uint8Array, at = 0): BlockHeader {
  const reader = new ByteReader(bytes, at)
  return {
    version: reader.i32(),
    previous: reader.bytes(32).slice(),
    merkleRoot: reader.bytes(32).slice(),
    time: reader.u32(),
    bits: reader.u32(),
    nonce: reader.u32(),
  }
}

export function encodeHeader(header: BlockHeader): Uint8Array {
  return new ByteWriter(HEADER_SIZE)
    .u32(header.version)
    .bytes(header.previous)
    .bytes(header.merkleRoot)
    .u32(header.time)
    .u32(header.bits)
    .u32(header.nonce)
    .finish()
}

/** A block as one buffer and the table of its transactions; nothing is copied. */
export interface BlockView {
  readonly bytes: Uint8Array
  readonly header: BlockHeader
  readonly txs: TxTable
}

/** Parses bytes that are exactly one block; for the reasons of rejection see parseTransactions, and `trailing-data`. */
export function parseBlock(bytes: Uint8Array, options: ParseOptions = {}): Verdict<BlockView> {
  const parsed = parseLeadingBlock(bytes, options)
  return parsed.ok && parsed.value.bytes.length !== bytes.length ? reject('trailing-data') : parsed
}

/** Parses the block that bytes begin with, as submitblock takes it: what follows is left out of the result. */
export function parseLeadingBlock(bytes: Uint8Array, options: ParseOptions = {}): Verdict<BlockView> {
  if (bytes.length < HEADER_SIZE) return reject('truncated')
  const reader = new ByteReader(bytes, HEADER_SIZE)
  const count = reader.compactSize(MAX_SIZE)
  if (reader.failure !== undefined) return reject(reader.failure)
  // The smallest transaction has 10 bytes; a count that cannot fit is refused before anything is set aside for it.
  if (count > reader.remaining / 10) return reject('truncated')
  const parsed = parseTransactions(bytes, reader.position, count, options)
  if (!parsed.ok) return parsed
  const { table, end } = parsed.value
  return accept({ bytes: bytes.subarray(0, end), header: decodeHeader(bytes), txs: table })
}

/** The bytes of a block from its header and serialised transactions. */
export function encodeBlock(header: BlockHeader, transactions: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter(HEADER_SIZE + 9 + transactions.reduce((sum, tx) => sum + tx.length, 0))
  writer.bytes(encodeHeader(header)).compactSize(transactions.length)
  for (const tx of transactions) writer.bytes(tx)
  return writer.finish()
}
