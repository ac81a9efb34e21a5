import { equalBytes } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import type { HashBackend } from '../../base/crypto/backend.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { HEADER_SIZE } from '../primitives/block.ts'
import { MAX_SIZE } from '../primitives/tx-table.ts'
import { MAX_BLOCK_WEIGHT, WITNESS_SCALE_FACTOR } from './limits.ts'

/** No block has more transactions than of this many bytes each. */
const MIN_TRANSACTION_SIZE = 60
const TRANSACTIONS_MAX = Math.floor(MAX_BLOCK_WEIGHT / (WITNESS_SCALE_FACTOR * MIN_TRANSACTION_SIZE))

/** Nodes of the tree at a height above the leaves. */
function widthAt(count: number, height: number): number {
  return Math.ceil(count / 2 ** height)
}

function rootHeight(count: number): number {
  let height = 0
  while (widthAt(count, height) > 1) height++
  return height
}

/** BIP37: a header, and as much of its merkle tree as shows that some transactions are in it. */
export interface MerkleBlock {
  readonly header: Uint8Array
  readonly txCount: number
  /** Of subtrees without a match, and of matched leaves, from left to right. */
  readonly hashes: readonly Uint8Array[]
  /** Node by node, from above and from the left, whether a match is below. */
  readonly flags: readonly boolean[]
}

/**
 * The proof that transactions are in a block.
 *
 * @param txids of all its transactions, 32 bytes each
 * @param matches by transaction, whether it is to be shown
 */
export function merkleBlock(
  header: Uint8Array,
  txids: Uint8Array,
  matches: readonly boolean[],
  crypto: HashBackend,
): MerkleBlock {
  const txCount = matches.length
  const levels = [txids]
  for (let height = 1; height <= rootHeight(txCount); height++) {
    const below = levels[height - 1]
    const width = widthAt(txCount, height)
    const pairs = new Uint8Array(64 * width)
    pairs.set(below)
    if (below.length < pairs.length) pairs.set(below.subarray(-32), below.length)
    const level = new Uint8Array(32 * width)
    crypto.sha256dPairs(pairs, level)
    levels.push(level)
  }
  const hashes: Uint8Array[] = []
  const flags: boolean[] = []
  const visit = (height: number, at: number): void => {
    const first = at * 2 ** height
    const isParent = matches.slice(first, first + 2 ** height).includes(true)
    flags.push(isParent)
    if (height === 0 || !isParent) {
      hashes.push(levels[height].slice(32 * at, 32 * at + 32))
      return
    }
    visit(height - 1, 2 * at)
    if (2 * at + 1 < widthAt(txCount, height - 1)) visit(height - 1, 2 * at + 1)
  }
  visit(rootHeight(txCount), 0)
  return { header, txCount, hashes, flags }
}

export function encodeMerkleBlock({ header, txCount, hashes, flags }: MerkleBlock): Uint8Array {
  const writer = new ByteWriter(HEADER_SIZE + 16 + 33 * hashes.length).bytes(header).u32(txCount)
  writer.compactSize(hashes.length)
  for (const hash of hashes) writer.bytes(hash)
  const packed = new Uint8Array(Math.ceil(flags.length / 8))
  for (const [i, flag] of flags.entries()) if (flag) packed[i >> 3] |= 1 << (i & 7)
  return writer.sizedBytes(packed).finish()
}

/** Reads what {@link encodeMerkleBlock} wrote; rejects as ByteReader fails. Bytes behind it do not matter. */
export function decodeMerkleBlock(bytes: Uint8Array): Verdict<MerkleBlock> {
  const reader = new ByteReader(bytes)
  const header = reader.bytes(HEADER_SIZE)
  const txCount = reader.u32()
  const hashCount = reader.compactSize(MAX_SIZE)
  const hashes: Uint8Array[] = []
  for (let i = 0; i < hashCount && reader.failure === undefined; i++) hashes.push(reader.bytes(32))
  const packed = reader.bytes(reader.compactSize(MAX_SIZE))
  if (reader.failure !== undefined) return reject(reader.failure)
  const flags: boolean[] = []
  for (const byte of packed) for (let bit = 0; bit < 8; bit++) flags.push(((byte >> bit) & 1) === 1)
  return accept({ header, txCount, hashes, flags })
}

/** The root that a proof leads to, and the txids that it shows; undefined for one that is not well formed. */
export function proveMerkleBlock(
  { txCount, hashes, flags }: MerkleBlock,
  crypto: HashBackend,
): { root: Uint8Array; txids: Uint8Array[] } | undefined {
  if (txCount === 0 || txCount > TRANSACTIONS_MAX || hashes.length > txCount || flags.length < hashes.length) {
    return undefined
  }
  let [nextFlag, nextHash, bad] = [0, 0, false]
  const txids: Uint8Array[] = []
  const takeHash = (): Uint8Array => {
    if (nextHash < hashes.length) return hashes[nextHash++]
    bad = true
    return new Uint8Array(32)
  }
  const visit = (height: number, at: number): Uint8Array => {
    if (bad || nextFlag >= flags.length) {
      bad = true
      return new Uint8Array(32)
    }
    const isParent = flags[nextFlag++]
    if (height === 0 || !isParent) {
      const hash = takeHash()
      if (height === 0 && isParent) txids.push(hash)
      return hash
    }
    const left = visit(height - 1, 2 * at)
    const hasRight = 2 * at + 1 < widthAt(txCount, height - 1)
    const right = hasRight ? visit(height - 1, 2 * at + 1) : left
    // CVE-2012-2459: equal neighbours would be another list of transactions with the same root.
    if (hasRight && equalBytes(left, right)) bad = true
    return crypto.sha256d(new ByteWriter(64).bytes(left).bytes(right).finish())
  }
  const root = visit(rootHeight(txCount), 0)
  // Nothing may be left over but the padding of the last byte of flags.
  if (bad || nextHash !== hashes.length || Math.ceil(nextFlag / 8) !== Math.ceil(flags.length / 8)) return undefined
  return { root, txids }
}
