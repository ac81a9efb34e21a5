import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { accept, type Rejected, reject, type Verdict } from '../../base/verdict.ts'

/** One kind of message: its value and its payload. */
export interface MessageCodec<T> {
  /** The payload of a value that respects the limits. */
  encode(value: T): Uint8Array

  /**
   * The value of any payload, or why it has none. Byte strings in it are views of the payload; bytes behind the value are ignored,
   * as they are by Core.
   */
  decode(payload: Uint8Array): Verdict<T>
}

/** The payload cannot be read. Core logs it (`detail` is the text that its log shows) and goes on. */
export const MALFORMED = 'malformed'

/** The payload can be read and breaks a rule of the protocol. Core parts from the peer and shuns its address. */
export const PROTOCOL_VIOLATION = 'protocol-violation'

/** A block locator of too many hashes: Core parts from the peer, and that is all. */
export const LOCATOR_TOO_LONG = 'locator-too-long'

/** What becomes of a peer whose message was rejected with `code`. */
export function consequenceOf(code: string): 'ignore' | 'disconnect' | 'discourage' {
  if (code === PROTOCOL_VIOLATION) return 'discourage'
  return code === LOCATOR_TOO_LONG ? 'disconnect' : 'ignore'
}

/** Failures of a reader, in the words of Core's log. */
const READER_FAILURES: ReadonlyMap<string, string> = new Map([
  ['truncated', 'DataStream::read(): end of data'],
  ['non-canonical-size', 'non-canonical ReadCompactSize()'],
  ['size-too-large', 'ReadCompactSize(): size too large'],
  ['superfluous-witness', 'Superfluous witness record'],
  ['unknown-transaction-data', 'Unknown transaction optional data'],
])

export function malformed(failure: string): Rejected {
  return reject(MALFORMED, READER_FAILURES.get(failure) ?? failure)
}

/** A codec from how the value is written, and how it is read where the reader may fail or the value may break a rule. */
export function messageCodec<T>(
  write: (writer: ByteWriter, value: T) => void,
  read: (reader: ByteReader) => T | Rejected,
): MessageCodec<T> {
  return {
    encode(value) {
      const writer = new ByteWriter()
      write(writer, value)
      return writer.finish()
    },
    decode(payload) {
      const reader = new ByteReader(payload)
      const value = read(reader)
      if (reader.failure !== undefined) return malformed(reader.failure)
      return isRejected(value) ? value : accept(value)
    },
  }
}

function isRejected(value: unknown): value is Rejected {
  return typeof value === 'object' && value !== null && 'ok' in value && value.ok === false
}

/** A count of entries that take at least `bytesEach`: one that cannot be there fails before anything is set aside for it. */
export function readCount(reader: ByteReader, bytesEach: number, max: number): number {
  const count = reader.compactSize(max)
  if (count * bytesEach > reader.remaining) reader.fail('truncated')
  return reader.failure === undefined ? count : 0
}

/** So many 32-byte hashes, as views. */
export function readHashes(reader: ByteReader, count: number): Uint8Array[] {
  return Array.from({ length: count }, () => reader.bytes(32))
}

/** 32-byte hashes with their count in front. */
export function writeHashes(writer: ByteWriter, hashes: readonly Uint8Array[]): void {
  writer.compactSize(hashes.length)
  for (const hash of hashes) writer.bytes(hash)
}

/** A compact size of up to 64 bits, as BIP155 writes services. */
export function readCompactU64(reader: ByteReader): bigint {
  const at = reader.position
  if (reader.u8() !== 0xff) {
    if (reader.failure === undefined) reader.position = at
    return BigInt(reader.compactSize())
  }
  const value = reader.u64()
  if (reader.failure === undefined && value < 0x1_0000_0000n) reader.fail('non-canonical-size')
  return reader.failure === undefined ? value : 0n
}

export function writeCompactU64(writer: ByteWriter, value: bigint): void {
  if (value < 0x1_0000_0000n) writer.compactSize(Number(value))
  else writer.u8(0xff).u64(value)
}
