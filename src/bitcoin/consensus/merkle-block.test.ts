import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toHex } from '../../base/bytes/bytes.ts'
import { portableCrypto } from '../../base/crypto/portable.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import { merkleRoot } from './merkle.ts'
import { decodeMerkleBlock, encodeMerkleBlock, merkleBlock, proveMerkleBlock } from './merkle-block.ts'

const MATCHES = fc.array(fc.boolean(), { minLength: 1, maxLength: 40 })
const HEADER = new Uint8Array(80).fill(9)

function txidsOf(count: number, seed: number): Uint8Array {
  return seededRandom(seed).bytes(32 * count)
}

test('a proof leads to the root, and shows what it was made for, in order', () => {
  fc.assert(
    fc.property(MATCHES, fc.nat(1000), (matches, seed) => {
      const txids = txidsOf(matches.length, seed)
      const decoded = decodeMerkleBlock(encodeMerkleBlock(merkleBlock(HEADER, txids, matches, portableCrypto)))
      assert.ok(decoded.ok)
      const proved = proveMerkleBlock(decoded.value, portableCrypto)
      assert.equal(toHex(proved!.root), toHex(merkleRoot(txids, portableCrypto).root))
      const wanted = matches.flatMap((match, i) => (match ? [toHex(txids.subarray(32 * i, 32 * i + 32))] : []))
      assert.deepEqual(proved!.txids.map(toHex), wanted)
    }),
  )
})

test('a changed proof shows nothing that is not in the block', () => {
  fc.assert(
    fc.property(MATCHES, fc.nat(), fc.integer({ min: 0, max: 7 }), (matches, at, bit) => {
      const txids = txidsOf(matches.length, 1)
      const bytes = encodeMerkleBlock(merkleBlock(HEADER, txids, matches, portableCrypto)).slice()
      bytes[80 + (at % (bytes.length - 80))] ^= 1 << bit
      const decoded = decodeMerkleBlock(bytes)
      // Who checks a proof compares the number of transactions with the block's.
      const proved =
        decoded.ok && decoded.value.txCount === matches.length
          ? proveMerkleBlock(decoded.value, portableCrypto)
          : undefined
      if (proved === undefined || toHex(proved.root) !== toHex(merkleRoot(txids, portableCrypto).root)) return
      const known = matches.map((_, i) => toHex(txids.subarray(32 * i, 32 * i + 32)))
      for (const txid of proved.txids) assert.ok(known.includes(toHex(txid)))
    }),
    { numRuns: 500 },
  )
})

test('any bytes are a proof or none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 80, maxLength: 300 }), bytes => {
      const decoded = decodeMerkleBlock(bytes)
      if (decoded.ok) proveMerkleBlock(decoded.value, portableCrypto)
      else assert.ok(['truncated', 'non-canonical-size', 'size-too-large'].includes(decoded.code))
    }),
    { numRuns: 1000 },
  )
})
