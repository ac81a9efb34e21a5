import type { HashBackend } from '../../base/crypto/backend.ts'

/** A merkle root, and whether the tree has a pair of equal neighbours. */
export interface MerkleRoot {
  readonly root: Uint8Array
  /**
   * CVE-2012-2459: two equal hashes side by side mean that another list of transactions has the same root; a block in which that
   * happens says nothing about the block of that hash.
   */
  readonly mutated: boolean
}

function sameHash(level: Uint8Array, a: number, b: number): boolean {
  for (let i = 0; i < 32; i++) if (level[a + i] !== level[b + i]) return false
  return true
}

/** The root over `leaves` (32 bytes each); all zero for none. Levels are hashed in batches. */
export function merkleRoot(leaves: Uint8Array, crypto: HashBackend): MerkleRoot {
  let count = leaves.length / 32
  if (count === 0) return { root: new Uint8Array(32), mutated: false }
  const level = new Uint8Array(32 * (count + (count & 1)))
  level.set(leaves)
  let mutated = false
  while (count > 1) {
    for (let i = 0; i + 1 < count; i += 2) mutated ||= sameHash(level, 32 * i, 32 * i + 32)
    if (count & 1) {
      level.copyWithin(32 * count, 32 * (count - 1), 32 * count)
      count++
    }
    crypto.sha256dPairs(level.subarray(0, 32 * count), level.subarray(0, 16 * count))
    count /= 2
  }
  return { root: level.slice(0, 32), mutated }
}
