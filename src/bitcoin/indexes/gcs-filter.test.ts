import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, toHex } from '../../base/bytes/bytes.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import { decodeGcsFilter, encodeGcsFilter, type GcsFilter, type GcsParams, gcsFilterMatches } from './gcs-filter.ts'

const U64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const PARAMS: fc.Arbitrary<GcsParams> = fc.record({
  k0: U64,
  k1: U64,
  p: fc.integer({ min: 0, max: 24 }),
  m: fc.integer({ min: 1, max: 2 ** 20 }),
})
const ELEMENTS = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: fc.uint8Array({ maxLength: 30 }) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 120, maxLength: 140 }) },
  ),
  { maxLength: 60 },
)

function opened(params: GcsParams, encoded: Uint8Array): GcsFilter {
  const decoded = decodeGcsFilter(params, encoded)
  assert.ok(decoded.ok)
  return decoded.value
}

test('a set holds what went into it, each once, in any order', () => {
  fc.assert(
    fc.property(PARAMS, ELEMENTS, (params, elements) => {
      // A run of ones as long as m/2^p for each element: keep it within reason.
      fc.pre(params.m / 2 ** params.p < 1000)
      const encoded = encodeGcsFilter(params, elements)
      const filter = opened(params, encoded)
      assert.equal(filter.elementCount, new Set(elements.map(toHex)).size)
      for (const element of elements) assert.ok(gcsFilterMatches(filter, [element]))
      assert.equal(gcsFilterMatches(filter, elements), elements.length > 0)
      assert.equal(gcsFilterMatches(filter, []), false)
      assert.deepEqual(encodeGcsFilter(params, [...elements, ...elements].reverse()), encoded)
    }),
  )
})

test('a set that is cut off or goes on is refused', () => {
  fc.assert(
    fc.property(ELEMENTS, fc.nat(), (elements, cut) => {
      const params = { k0: 1n, k1: 2n, p: 19, m: 784931 }
      const encoded = encodeGcsFilter(params, elements)
      const short = decodeGcsFilter(params, encoded.subarray(0, cut % encoded.length))
      assert.ok(!short.ok && short.code === 'truncated')
      const long = decodeGcsFilter(params, concatBytes(encoded, Uint8Array.of(0)))
      assert.ok(!long.ok && long.code === 'trailing-data')
    }),
  )
})

test('any bytes are a set or none', () => {
  fc.assert(
    fc.property(PARAMS, fc.uint8Array({ maxLength: 60 }), ELEMENTS, (params, bytes, elements) => {
      const decoded = decodeGcsFilter(params, bytes)
      if (decoded.ok) gcsFilterMatches(decoded.value, elements)
      else assert.ok(decoded.code)
    }),
    { numRuns: 1000 },
  )
  const many = decodeGcsFilter({ k0: 0n, k1: 0n, p: 19, m: 1 }, Uint8Array.of(0xfe, 255, 255, 255, 255, 0))
  assert.ok(!many.ok && many.code === 'truncated')
})

test('foreign elements match as seldom as promised', () => {
  const random = seededRandom(158)
  const params = { k0: random.u64(), k1: random.u64(), p: 5, m: 64 }
  const filter = opened(
    params,
    encodeGcsFilter(
      params,
      Array.from({ length: 500 }, () => random.bytes(20)),
    ),
  )
  let matches = 0
  for (let i = 0; i < 2000; i++) if (gcsFilterMatches(filter, [random.bytes(21)])) matches++
  // 2000 / 64 ≈ 31, with a deviation of about 6.
  assert.ok(matches > 8 && matches < 60, `${matches}`)
})
