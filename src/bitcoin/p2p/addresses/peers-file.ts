import type { ByteReader } from '../../../base/bytes/reader.ts'
import { ByteWriter } from '../../../base/bytes/writer.ts'
import type { HashBackend } from '../../../base/crypto/backend.ts'
import { accept, reject, type Verdict } from '../../../base/verdict.ts'
import { writeAddressV2 } from '../../wire/net-address.ts'
import {
  corrupt,
  openAddressFile,
  readAddressRecord,
  readStoredAddress,
  sealAddressFile,
  writeAddressRecord,
} from './address-file.ts'
import { AddressManager, type AddressManagerOptions } from './address-manager.ts'
import type { AddressManagerRecords, AddressRecord } from './address-records.ts'
import { BUCKET_KEY_SIZE, BUCKET_SIZE, NEW_BUCKETS, TRIED_BUCKETS } from './bucket-placer.ts'

/** The file was written by a later version, in a form that this one cannot know: a new one takes its place. */
export const PEERS_FILE_INCOMPATIBLE = 'peers-file-incompatible'

/** The format that is written: several ports of one address. Earlier ones are read. */
const FORMAT = 4
/** From this format on, the number of buckets is disguised from versions that would misread the file. */
const FORMAT_BUCKETS_DISGUISED = 1
/** From this format on, the map of autonomous systems is named at the end. */
const FORMAT_ASMAP = 2
/** From this format on, addresses are those of BIP155. */
const FORMAT_BIP155 = 3
const COMPATIBLE_BASE = 32
const BUCKETS_DISGUISE = 1 << 30
const ASMAP_VERSION_SIZE = 32

/** The text of a byte that gives the whole file's compatibility. */
function checkCompatibility(format: number, compatible: number): Verdict {
  if (compatible < COMPATIBLE_BASE) {
    return corrupt(
      `Corrupted addrman database: The compat value (${compatible}) is lower than the expected minimum value ${COMPATIBLE_BASE}.`,
    )
  }
  const lowest = compatible - COMPATIBLE_BASE
  if (lowest <= FORMAT) return accept()
  return reject(
    PEERS_FILE_INCOMPATIBLE,
    `Unsupported format of addrman database: ${format}. It is compatible with formats >=${lowest}, but the maximum supported is ${FORMAT}.`,
  )
}

function checkCount(name: string, count: number, max: number): Verdict {
  if (count >= 0 && count <= max) return accept()
  return corrupt(`Corrupt AddrMan serialization: ${name}=${count}, should be in [0, ${max}]`)
}

function writeRecord(writer: ByteWriter, record: AddressRecord): void {
  writeAddressRecord(writer, record)
  writeAddressV2(writer, record.source)
  writer.u64Number(record.lastSuccessSeconds).u32(record.attempts)
}

function readRecords(reader: ByteReader, count: number, isBip155: boolean): AddressRecord[] {
  const records: AddressRecord[] = []
  while (records.length < count && reader.failure === undefined) {
    const gossiped = readAddressRecord(reader, isBip155)
    const source = readStoredAddress(reader, isBip155)
    records.push({ ...gossiped, source, lastSuccessSeconds: Number(reader.i64()), attempts: reader.i32() })
  }
  return records
}

/** Pairs of bucket and index; indices of addresses that are not there are left out. */
function readReferences(reader: ByteReader, buckets: number, addresses: number): number[] {
  const references: number[] = []
  for (let bucket = 0; bucket < buckets && reader.failure === undefined; bucket++) {
    const count = reader.i32()
    for (let i = 0; i < count && reader.failure === undefined; i++) {
      const index = reader.i32()
      if (index >= 0 && index < addresses) references.push(bucket, index)
    }
  }
  return references
}

function readContent(reader: ByteReader): Verdict<AddressManagerRecords> {
  const format = reader.u8()
  const compatible = reader.u8()
  if (reader.failure !== undefined) return corrupt(reader.failure)
  const compatibility = checkCompatibility(format, compatible)
  if (!compatibility.ok) return compatibility
  const key = reader.bytes(BUCKET_KEY_SIZE).slice()
  const newCount = reader.i32()
  const triedCount = reader.i32()
  const buckets = reader.i32() ^ (format >= FORMAT_BUCKETS_DISGUISED ? BUCKETS_DISGUISE : 0)
  if (reader.failure !== undefined) return corrupt(reader.failure)
  for (const check of [
    checkCount('nNew', newCount, NEW_BUCKETS * BUCKET_SIZE),
    checkCount('nTried', triedCount, TRIED_BUCKETS * BUCKET_SIZE),
  ]) {
    if (!check.ok) return check
  }
  const isBip155 = format >= FORMAT_BIP155
  const inNew = readRecords(reader, newCount, isBip155)
  const tried = readRecords(reader, triedCount, isBip155)
  const references = readReferences(reader, buckets, newCount)
  const asmapVersion = format >= FORMAT_ASMAP ? reader.bytes(ASMAP_VERSION_SIZE) : new Uint8Array(ASMAP_VERSION_SIZE)
  if (reader.failure !== undefined) return corrupt(reader.failure)
  const sameBuckets = buckets === NEW_BUCKETS && asmapVersion.every(byte => byte === 0)
  return accept({ key, new: inNew, tried, references, sameBuckets })
}

/**
 * The bytes of peers.dat, in Core's format.
 *
 * @param magic of the network
 */
export function encodePeersFile(
  records: AddressManagerRecords,
  magic: Uint8Array,
  hash: Pick<HashBackend, 'sha256d'>,
): Uint8Array {
  const writer = new ByteWriter(1 << 16)
  writer
    .u8(FORMAT)
    .u8(COMPATIBLE_BASE + FORMAT)
    .bytes(records.key)
  writer
    .u32(records.new.length)
    .u32(records.tried.length)
    .u32(NEW_BUCKETS ^ BUCKETS_DISGUISE)
  for (const record of records.new) writeRecord(writer, record)
  for (const record of records.tried) writeRecord(writer, record)
  const byBucket = Array.from({ length: NEW_BUCKETS }, (): number[] => [])
  const { references } = records
  for (let i = 0; i < references.length; i += 2) byBucket[references[i]].push(references[i + 1])
  for (const indices of byBucket) {
    writer.u32(indices.length)
    for (const index of indices) writer.u32(index)
  }
  writer.bytes(new Uint8Array(ASMAP_VERSION_SIZE))
  return sealAddressFile(magic, writer.finish(), hash)
}

/**
 * The address manager of a peers.dat. Rejects with {@link PEERS_FILE_INCOMPATIBLE}, or {@link ADDRESS_FILE_CORRUPT} and the text that
 * Core shows as detail.
 *
 * @example
 * const loaded = decodePeersFile(bytes, params.magic, { random, hash: crypto })
 */
export function decodePeersFile(
  bytes: Uint8Array,
  magic: Uint8Array,
  options: Omit<AddressManagerOptions, 'key'>,
): Verdict<AddressManager> {
  return openAddressFile(bytes, magic, options.hash, reader => {
    const records = readContent(reader)
    if (!records.ok) return records
    const manager = AddressManager.fromRecords(options, records.value)
    return manager.ok ? manager : corrupt(`Corrupt data. Consistency check failed with code ${manager.detail}`)
  })
}
