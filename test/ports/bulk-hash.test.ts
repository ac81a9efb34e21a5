import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, toHex } from '../../src/base/bytes/bytes.ts'
import type { BulkHash, PieceWork } from '../../src/base/ports/bulk-hash.ts'
import { seededRandom } from '../../src/base/ports/seeded-random.ts'
import { nodeBulkHash, openSslBulkHash } from '../../src/platform/bulk-hash.ts'

const LEAF_BYTES = 16_384

const IMPLEMENTATIONS: readonly BulkHash[] =
  nodeBulkHash === openSslBulkHash ? [openSslBulkHash] : [openSslBulkHash, nodeBulkHash]

function digest(algorithm: 'sha1' | 'sha256', ...parts: readonly Uint8Array[]): string {
  const hash = createHash(algorithm)
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** A piece, and how its bytes come: in several works of several parts each. */
interface Sample {
  readonly works: readonly (readonly number[])[]
  readonly zeros: number
  readonly wantsSha1: boolean
  readonly wantsLeaves: boolean
}

const wholeLeaves = fc.integer({ min: 0, max: 3 }).map(count => count * LEAF_BYTES)
const anyLength = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 40_000 }))

/** Where leaves are wanted, only the very last part may end within one. */
const samples = fc.record({
  works: fc
    .tuple(fc.array(fc.array(wholeLeaves, { maxLength: 3 }), { maxLength: 3 }), anyLength)
    .map(([works, last]) => [...works, [last]]),
  zeros: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 70_000 })),
  wantsSha1: fc.boolean(),
  wantsLeaves: fc.boolean(),
})

for (const hash of IMPLEMENTATIONS) {
  const run = async (works: readonly PieceWork[], aside: boolean) => {
    if (aside && hash.hashPiecesAside !== undefined) await hash.hashPiecesAside(works)
    else hash.hashPieces(works)
  }

  test(`${hash.name}: many pieces in many parts hash as each alone`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(samples, { maxLength: 7 }), fc.nat(), fc.boolean(), async (pieces, seed, aside) => {
        const random = seededRandom(seed)
        const running = pieces.map((sample: Sample) => {
          const parts = sample.works.map(lengths => lengths.map(length => random.bytes(length)))
          const bytes = concatBytes(...parts.flat())
          const leaves = new Uint8Array(32 * Math.ceil(bytes.length / LEAF_BYTES))
          return { sample, parts, bytes, leaves, sha1: sample.wantsSha1 ? hash.startSha1() : undefined, leafAt: 0 }
        })
        for (let step = 0; step < 4; step++) {
          const works = running.flatMap(piece => {
            const parts = piece.parts[step]
            if (parts === undefined) return []
            const { sample, sha1, leaves, leafAt } = piece
            piece.leafAt += 32 * Math.ceil(concatBytes(...parts).length / LEAF_BYTES)
            const zeros = step === sample.works.length - 1 ? sample.zeros : 0
            return [{ sha1, leaves: sample.wantsLeaves ? leaves.subarray(leafAt) : undefined, parts, zeros }]
          })
          await run(works, aside)
        }
        for (const { sample, bytes, leaves, sha1 } of running) {
          if (sha1 !== undefined)
            assert.equal(toHex(sha1.digest()), digest('sha1', bytes, new Uint8Array(sample.zeros)))
          for (let i = 0; sample.wantsLeaves && 32 * i < leaves.length; i++) {
            const leaf = digest('sha256', bytes.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES))
            assert.equal(toHex(leaves.subarray(32 * i, 32 * i + 32)), leaf)
          }
        }
      }),
      { numRuns: 150 },
    )
  })

  test(`${hash.name}: short messages, and a level of a merkle tree in its own place`, () => {
    const random = seededRandom(5)
    for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
      const data = random.bytes(length)
      const piece = hash.startSha1()
      hash.hashPieces([{ sha1: piece, leaves: undefined, parts: [data], zeros: 0 }])
      assert.equal(toHex(piece.digest()), digest('sha1', data))
      assert.equal(toHex(hash.sha1(data)), digest('sha1', data))
      assert.equal(toHex(hash.sha256(data)), digest('sha256', data))
    }
    const level = random.bytes(64 * 9)
    const expected = Array.from({ length: 9 }, (_, i) => digest('sha256', level.subarray(64 * i, 64 * i + 64))).join('')
    hash.sha256Pairs(level, level.subarray(0, 32 * 9))
    assert.equal(toHex(level.subarray(0, 32 * 9)), expected)
  })
}

test('the addon takes nothing that would lead it outside the arrays', { skip: IMPLEMENTATIONS.length < 2 }, () => {
  const sha1 = nodeBulkHash.startSha1()
  const parts = [new Uint8Array(LEAF_BYTES + 1)]
  const refused: readonly [string, unknown][] = [
    ['leaves without room', { sha1, leaves: new Uint8Array(63), parts, zeros: 0 }],
    ['a part that ends within a leaf', { sha1, leaves: new Uint8Array(96), parts: [...parts, ...parts], zeros: 0 }],
    ['parts that are no bytes', { sha1, leaves: undefined, parts: ['bytes'], zeros: 0 }],
    ['zeros that are no number', { sha1, leaves: undefined, parts, zeros: 'many' }],
  ]
  for (const [what, work] of refused) {
    assert.throws(() => nodeBulkHash.hashPieces([work as PieceWork]), TypeError, what)
    assert.throws(() => nodeBulkHash.hashPiecesAside!([work as PieceWork]), TypeError, what)
  }
  assert.throws(() => nodeBulkHash.sha256Pairs(new Uint8Array(64), new Uint8Array(64)), TypeError)
})
