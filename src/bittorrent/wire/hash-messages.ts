import { toHex } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'

/** BEP 52: a run of hashes on one layer of a file's merkle tree. */
export interface HashRange {
  /** Root of the file's tree. */
  readonly piecesRoot: Uint8Array
  /** Layer counted from the leaves: 0 for blocks, log2(piece length / 16 KiB) for pieces. */
  readonly baseLayer: number
  /** First hash wanted; a multiple of `length`. */
  readonly index: number
  /** How many: a power of two, at least 2. */
  readonly length: number
  /** Uncle hashes wanted, counted from the base layer up. */
  readonly proofLayers: number
}

export interface HashesMessage extends HashRange {
  /** `length` hashes, then the proof: 32 bytes each. */
  readonly hashes: Uint8Array
}

/** BEP 52: more hashes at once may be refused. */
export const HASH_REQUEST_LENGTH_MAX = 512
/** Layers of a tree over the largest torrent we take. */
const LAYERS_MAX = 48

/** Bytes of a range: the whole payload of a request or a refusal, the beginning of an answer. */
export const HASH_RANGE_BYTES = 48

/** Reads a range that makes sense; `undefined` where it does not. */
export function decodeHashRange(payload: Uint8Array): HashRange | undefined {
  const reader = new ByteReader(payload)
  const range = {
    piecesRoot: reader.bytes(32).slice(),
    baseLayer: reader.u32be(),
    index: reader.u32be(),
    length: reader.u32be(),
    proofLayers: reader.u32be(),
  }
  if (reader.failure !== undefined) return undefined
  const { baseLayer, index, length, proofLayers } = range
  const isPowerOfTwo = length >= 2 && (length & (length - 1)) === 0
  if (!isPowerOfTwo || length > HASH_REQUEST_LENGTH_MAX || index % length !== 0) return undefined
  return baseLayer > LAYERS_MAX || proofLayers > LAYERS_MAX ? undefined : range
}

export function encodeHashRange(range: HashRange): Uint8Array {
  return new ByteWriter(HASH_RANGE_BYTES)
    .bytes(range.piecesRoot)
    .u32be(range.baseLayer)
    .u32be(range.index)
    .u32be(range.length)
    .u32be(range.proofLayers)
    .finish()
}

/** Reads an answer; `undefined` where it is malformed. */
export function decodeHashes(payload: Uint8Array): HashesMessage | undefined {
  const range = decodeHashRange(payload.subarray(0, HASH_RANGE_BYTES))
  if (range === undefined) return undefined
  const hashes = payload.slice(HASH_RANGE_BYTES)
  const count = hashes.length / 32
  if (!Number.isInteger(count) || count < range.length || count > range.length + range.proofLayers) return undefined
  return { ...range, hashes }
}

/** Equal for a request and the answer to it. */
export function hashRangeKey(range: HashRange): string {
  return `${toHex(range.piecesRoot)}/${range.baseLayer}/${range.index}/${range.length}/${range.proofLayers}`
}
