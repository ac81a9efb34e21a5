import { invariant } from '../../base/errors.ts'

/** BEP 52: the leaves of a file's tree are hashes of blocks of this many bytes. */
export const MERKLE_BLOCK_BYTES = 16_384
export const MERKLE_HASH_BYTES = 32

/** SHA-256 as the caller has it at hand. */
export type Sha256 = (data: Uint8Array) => Uint8Array

/** Levels of a tree with room for `leaves` leaves: 0 for one, 1 for two, 2 for three or four. */
export function merkleLevels(leaves: number): number {
  let levels = 0
  while (2 ** levels < leaves) levels++
  return levels
}

/** The hash that stands for `levels` levels of nothing: a leaf of zeros, hashed upward. */
export function merklePad(levels: number, sha256: Sha256): Uint8Array {
  let pad: Uint8Array = new Uint8Array(MERKLE_HASH_BYTES)
  const pair = new Uint8Array(2 * MERKLE_HASH_BYTES)
  for (let i = 0; i < levels; i++) {
    pair.set(pad, 0)
    pair.set(pad, MERKLE_HASH_BYTES)
    pad = sha256(pair)
  }
  return pad
}

/**
 * The root over consecutive hashes of one layer, filled up to `2^levels` hashes with `pad`.
 *
 * @param hashes 32 bytes a hash; at least one
 * @param pad what stands for a missing hash on this layer (see {@link merklePad})
 */
export function merkleRoot(hashes: Uint8Array, levels: number, pad: Uint8Array, sha256: Sha256): Uint8Array {
  const size = MERKLE_HASH_BYTES
  let count = hashes.length / size
  invariant(Number.isInteger(count) && count >= 1 && count <= 2 ** levels, `merkle layer of ${hashes.length} bytes`)
  const layer = new Uint8Array((count + 1) * size)
  layer.set(hashes)
  const pair = new Uint8Array(2 * size)
  let missing = pad
  for (let level = 0; level < levels; level++) {
    if (count % 2 === 1) layer.set(missing, count++ * size)
    for (let i = 0; i < count; i += 2) {
      layer.set(sha256(layer.subarray(i * size, (i + 2) * size)), (i / 2) * size)
    }
    count /= 2
    pair.set(missing, 0)
    pair.set(missing, size)
    missing = sha256(pair)
  }
  return layer.slice(0, size)
}

/**
 * The root over a full layer: a power of two of hashes, those that are missing in their places.
 *
 * @param layer 32 bytes a hash; overwritten
 * @param hashPairs SHA-256 of consecutive 64 bytes; its two arguments begin at one place
 */
export function subtreeRoot(layer: Uint8Array, hashPairs: (pairs: Uint8Array, out: Uint8Array) => void): Uint8Array {
  let { length } = layer
  for (; length > MERKLE_HASH_BYTES; length /= 2) hashPairs(layer.subarray(0, length), layer.subarray(0, length / 2))
  return layer.slice(0, length)
}

/**
 * BEP 52: climbs from a subtree's root to the root of the file's tree.
 *
 * @param index position of the subtree among those of its size
 * @param proof the uncle hashes from below upward, 32 bytes each
 * @returns the root that the proof leads to
 */
export function merkleClimb(subtreeRoot: Uint8Array, index: number, proof: Uint8Array, sha256: Sha256): Uint8Array {
  const size = MERKLE_HASH_BYTES
  const pair = new Uint8Array(2 * size)
  let node = subtreeRoot
  let position = index
  for (let at = 0; at < proof.length; at += size) {
    const uncle = proof.subarray(at, at + size)
    pair.set(position % 2 === 0 ? node : uncle, 0)
    pair.set(position % 2 === 0 ? uncle : node, size)
    node = sha256(pair)
    position = Math.floor(position / 2)
  }
  return node
}

/**
 * A whole tree from one layer upward: `layers[0]` is the given layer filled up to a power of two, the last one the root.
 * For answering hash requests with proofs.
 */
export function merkleLayers(hashes: Uint8Array, pad: Uint8Array, sha256: Sha256): Uint8Array[] {
  const size = MERKLE_HASH_BYTES
  const levels = merkleLevels(hashes.length / size)
  let layer = new Uint8Array(2 ** levels * size)
  layer.set(hashes)
  for (let at = hashes.length; at < layer.length; at += size) layer.set(pad, at)
  const layers = [layer]
  for (let level = 0; level < levels; level++) {
    const above = new Uint8Array(layer.length / 2)
    for (let at = 0; at < above.length; at += size) above.set(sha256(layer.subarray(2 * at, 2 * at + 2 * size)), at)
    layers.push(above)
    layer = above
  }
  return layers
}
