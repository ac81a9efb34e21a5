import { concatBytes, equalBytes } from '../../../base/bytes/bytes.ts'
import { ByteReader } from '../../../base/bytes/reader.ts'
import type { ByteWriter } from '../../../base/bytes/writer.ts'
import type { HashBackend } from '../../../base/crypto/backend.ts'
import { accept, type Rejected, reject, type Verdict } from '../../../base/verdict.ts'
import type { GossipedAddress } from '../../wire/address-messages.ts'
import { readCompactU64, writeCompactU64 } from '../../wire/codec.ts'
import {
  decodeLegacyAddress,
  LEGACY_ADDRESS_SIZE,
  type NetAddress,
  readAddressV2,
  UNSPECIFIED_ADDRESS,
  writeAddressV2,
} from '../../wire/net-address.ts'

type Hash = Pick<HashBackend, 'sha256d'>

const MAGIC_SIZE = 4
const CHECKSUM_SIZE = 32

/** A file that is damaged, or that of another network. Its detail is the text that Core shows. */
export const ADDRESS_FILE_CORRUPT = 'address-file-corrupt'

/** What Core's messages end with where a stream reports. */
const STREAM_ERROR = ': iostream error'

/** Failures of a reader, in Core's words. */
const READER_FAILURES: ReadonlyMap<string, string> = new Map([
  ['truncated', 'AutoFile::read: end of file'],
  ['non-canonical-size', 'non-canonical ReadCompactSize()'],
  ['size-too-large', 'ReadCompactSize(): size too large'],
])

/** A rejection of what cannot be read, in Core's words. */
export function corrupt(failure: string): Rejected {
  return reject(ADDRESS_FILE_CORRUPT, (READER_FAILURES.get(failure) ?? failure) + STREAM_ERROR)
}

/** The file's bytes: the network's magic, the content, the checksum of both. */
export function sealAddressFile(magic: Uint8Array, content: Uint8Array, hash: Hash): Uint8Array {
  const covered = concatBytes(magic, content)
  return concatBytes(covered, hash.sha256d(covered))
}

/**
 * What {@link sealAddressFile} wrote.
 *
 * @param read reads the content; what is wrong with it, or what a reader fails with, rejects the file
 */
export function openAddressFile<T>(
  bytes: Uint8Array,
  magic: Uint8Array,
  hash: Hash,
  read: (reader: ByteReader) => Verdict<T>,
): Verdict<T> {
  const reader = new ByteReader(bytes)
  const fileMagic = reader.bytes(MAGIC_SIZE)
  if (reader.failure !== undefined) return corrupt(reader.failure)
  if (!equalBytes(fileMagic, magic)) return reject(ADDRESS_FILE_CORRUPT, 'Invalid network magic number')
  const content = read(reader)
  if (reader.failure !== undefined) return corrupt(reader.failure)
  if (!content.ok) return content
  const covered = bytes.subarray(0, reader.position)
  const checksum = reader.bytes(CHECKSUM_SIZE)
  if (reader.failure !== undefined) return corrupt(reader.failure)
  const matches = equalBytes(checksum, hash.sha256d(covered))
  return matches ? accept(content.value) : reject(ADDRESS_FILE_CORRUPT, 'Checksum mismatch, data corrupted')
}

/** What a record of an address begins with: how it is encoded, over low bits that nobody looks at. */
const RECORD_VERSION = 220_000
const RECORD_VERSION_IGNORED = 0x7ffff
const RECORD_BIP155 = 1 << 29

/** An address as files hold it. */
export function writeAddressRecord(writer: ByteWriter, { timeSeconds, services, endpoint }: GossipedAddress): void {
  writer.u32(RECORD_VERSION | RECORD_BIP155).u32(timeSeconds)
  writeCompactU64(writer, services)
  writeAddressV2(writer, endpoint.address)
  writer.u16be(endpoint.port)
}

/**
 * What {@link writeAddressRecord} wrote, or an older Core.
 *
 * @param allowBip155 whether the file is of a kind that knows BIP155's form
 */
export function readAddressRecord(reader: ByteReader, allowBip155 = true): GossipedAddress {
  const encoding = reader.u32() & ~RECORD_VERSION_IGNORED
  const isBip155 = encoding === RECORD_BIP155 && allowBip155
  if (encoding !== 0 && !isBip155) reader.fail('Unsupported CAddress disk format version')
  const timeSeconds = reader.u32()
  const services = isBip155 ? readCompactU64(reader) : reader.u64()
  const address = readStoredAddress(reader, isBip155)
  return { timeSeconds, services, endpoint: { address, port: reader.u16be() } }
}

/** An address by itself, in BIP155's form or in the one before. */
export function readStoredAddress(reader: ByteReader, isBip155: boolean): NetAddress {
  if (isBip155) return readAddressV2(reader)
  const bytes = reader.bytes(LEGACY_ADDRESS_SIZE)
  return reader.failure === undefined ? decodeLegacyAddress(bytes) : UNSPECIFIED_ADDRESS
}
