import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes } from '../../base/bytes/bytes.ts'
import { sha256 } from '../../base/crypto/hash.ts'
import { merkleClimb, merkleLayers, merkleLevels, merklePad, merkleRoot } from './merkle.ts'

/** BEP 52 word for word: fill up with zero leaves to a power of two, then hash pairs. */
function naiveRoot(leaves: Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0]
  const full = [...leaves]
  while (full.length & (full.length - 1)) full.push(new Uint8Array(32))
  const above: Uint8Array[] = []
  for (let i = 0; i < full.length; i += 2) above.push(sha256(concatBytes(full[i], full[i + 1])))
  return naiveRoot(above)
}

const leaf = fc.uint8Array({ minLength: 32, maxLength: 32 })
const ZERO = new Uint8Array(32)

test('counts levels', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 8, 9].map(merkleLevels), [0, 1, 2, 2, 3, 3, 4])
})

test('roots agree with the plain definition', () => {
  fc.assert(
    fc.property(fc.array(leaf, { minLength: 1, maxLength: 20 }), leaves => {
      const bytes = concatBytes(...leaves)
      assert.deepEqual(merkleRoot(bytes, merkleLevels(leaves.length), ZERO, sha256), naiveRoot(leaves))
    }),
  )
})

test('a piece layer with its pad leads to the same root as the leaves', () => {
  fc.assert(
    fc.property(fc.array(leaf, { minLength: 5, maxLength: 30 }), leaves => {
      const layer: Uint8Array[] = []
      for (let i = 0; i < leaves.length; i += 4) {
        layer.push(merkleRoot(concatBytes(...leaves.slice(i, i + 4)), 2, ZERO, sha256))
      }
      const root = merkleRoot(concatBytes(...layer), merkleLevels(layer.length), merklePad(2, sha256), sha256)
      assert.deepEqual(root, naiveRoot(leaves))
    }),
  )
})

test('a proof out of the layers climbs to the root, and a wrong one does not', () => {
  fc.assert(
    fc.property(fc.array(leaf, { minLength: 2, maxLength: 17 }), fc.nat(), (leaves, seed) => {
      const layers = merkleLayers(concatBytes(...leaves), ZERO, sha256)
      const index = seed % leaves.length
      const proof: Uint8Array[] = []
      layers.slice(0, -1).forEach((layer, level) => {
        const uncle = (index >> level) ^ 1
        proof.push(layer.subarray(32 * uncle, 32 * uncle + 32))
      })
      const root = layers.at(-1)!
      assert.deepEqual(merkleClimb(leaves[index], index, concatBytes(...proof), sha256), root)
      assert.notDeepEqual(merkleClimb(leaves[index], index ^ 1, concatBytes(...proof), sha256), root)
    }),
  )
})
