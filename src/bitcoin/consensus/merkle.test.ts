import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, equalBytes } from '../../base/bytes/bytes.ts'
import { sha256d } from '../../base/crypto/hash.ts'
import { portableCrypto } from '../../base/crypto/portable.ts'
import { merkleRoot } from './merkle.ts'

function leaf(n: number): Uint8Array {
  return sha256d(Uint8Array.of(n, n >> 8))
}

/** The tree level by level, as plainly as it can be said. */
function naiveRoot(leaves: Uint8Array[]): { root: Uint8Array; mutated: boolean } {
  if (leaves.length === 0) return { root: new Uint8Array(32), mutated: false }
  let level = leaves
  let mutated = false
  while (level.length > 1) {
    const next: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      const right = level[i + 1] ?? level[i]
      if (i + 1 < level.length && equalBytes(level[i], right)) mutated = true
      next.push(sha256d(concatBytes(level[i], right)))
    }
    level = next
  }
  return { root: level[0], mutated }
}

test('the root is that of the plain tree, for every count and any repetition', () => {
  for (let count = 0; count < 70; count++) {
    const leaves = Array.from({ length: count }, (_, i) => leaf(i))
    assert.deepEqual(merkleRoot(concatBytes(...leaves), portableCrypto), naiveRoot(leaves))
  }
  fc.assert(
    fc.property(fc.array(fc.nat(3), { maxLength: 20 }), numbers => {
      const leaves = numbers.map(leaf)
      assert.deepEqual(merkleRoot(concatBytes(...leaves), portableCrypto), naiveRoot(leaves))
    }),
  )
})

test('CVE-2012-2459: the list with its end repeated has the same root, and is known by that', () => {
  for (const [count, repeated] of [
    [3, 1],
    [5, 1],
    [6, 2],
    [7, 1],
    [11, 1],
    [12, 4],
  ]) {
    const leaves = Array.from({ length: count }, (_, i) => leaf(i))
    const twin = [...leaves, ...leaves.slice(count - repeated)]
    const [honest, forged] = [leaves, twin].map(list => merkleRoot(concatBytes(...list), portableCrypto))
    assert.deepEqual(forged.root, honest.root, `${count} and ${repeated} again`)
    assert.deepEqual([honest.mutated, forged.mutated], [false, true])
  }
})

test('the leaves are left as they are', () => {
  const leaves = concatBytes(leaf(1), leaf(2), leaf(3))
  const before = leaves.slice()
  merkleRoot(leaves, portableCrypto)
  assert.deepEqual(leaves, before)
})
