import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toHex } from '../../base/bytes/bytes.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import { type Coin, coinCode } from '../primitives/coin.ts'
import { CoinsCache, type CoinsSource } from './coins-cache.ts'
import { SpentCoins } from './spent-coins.ts'

const COINBASE = false

/** A store that is a plain map. */
class MapSource implements CoinsSource {
  readonly coins = new Map<string, Coin>()

  getCoin(bytes: Uint8Array, at: number): Coin | undefined {
    return this.coins.get(toHex(bytes.subarray(at, at + 36)))
  }

  flush(cache: CoinsCache, empty: boolean): void {
    for (const { outpoint, coin } of cache.changes()) {
      if (coin === undefined) this.coins.delete(toHex(outpoint))
      else this.coins.set(toHex(outpoint), coin)
    }
    cache.markClean(empty)
  }
}

function outpointOf(key: number): Uint8Array {
  return new ByteWriter(36).u32(key).bytes(new Uint8Array(28)).u32(0).finish()
}

function coinOf(valueSats: number, scriptLength: number): Coin {
  return { valueSats, script: new Uint8Array(scriptLength).fill(valueSats), height: valueSats, coinbase: COINBASE }
}

function addCoin(cache: CoinsCache, outpoint: Uint8Array, coin: Coin, maybeStored: boolean): void {
  const code = coinCode(coin.height, coin.coinbase)
  cache.add(outpoint, 0, coin.valueSats, code, coin.script, 0, coin.script.length, maybeStored)
}

/** With this salt all outpoints of small keys fall into one slot. */
const COLLIDING = new Int32Array(9)
const SCATTERING = new Int32Array(seededRandom(5).bytes(36).buffer)

interface Step {
  readonly action: 'add' | 'spend' | 'erase' | 'get' | 'has' | 'flush' | 'empty'
  readonly key: number
  readonly value: number
  readonly scriptLength: number
}

const STEP: fc.Arbitrary<Step> = fc.record({
  action: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom('add', 'spend', 'erase', 'get', 'has') },
    { weight: 1, arbitrary: fc.constantFrom('flush', 'empty') },
  ) as fc.Arbitrary<Step['action']>,
  key: fc.nat(12),
  value: fc.nat(200),
  scriptLength: fc.constantFrom(0, 25, 36, 37, 400),
})

for (const [name, salt] of [
  ['scattered', SCATTERING],
  ['colliding', COLLIDING],
] as const) {
  test(`a cache of ${name} outpoints gives what a plain map gives`, () => {
    fc.assert(
      fc.property(fc.array(STEP, { maxLength: 120 }), steps => {
        const source = new MapSource()
        const cache = new CoinsCache(source, salt, 1 << 20)
        const model = new Map<number, Coin>()
        for (const { action, key, value, scriptLength } of steps) {
          const outpoint = outpointOf(key)
          const known = model.get(key)
          if (action === 'add') {
            const coin = coinOf(value, scriptLength)
            addCoin(cache, outpoint, coin, source.coins.has(toHex(outpoint)) || value % 2 === 0)
            model.set(key, coin)
          } else if (action === 'spend') {
            const spent = new SpentCoins(1)
            assert.equal(cache.spend(outpoint, 0, spent, 0), known !== undefined)
            if (known !== undefined) assert.deepEqual(spent.coin(0), known)
            model.delete(key)
          } else if (action === 'erase') {
            assert.equal(cache.erase(outpoint, 0), model.delete(key))
          } else if (action === 'get') {
            assert.deepEqual(cache.getCoin(outpoint), known)
          } else if (action === 'has') {
            assert.equal(cache.has(outpoint), known !== undefined)
          } else {
            source.flush(cache, action === 'empty')
            assert.equal(cache.dirtyCount, 0)
            assert.equal(source.coins.size, model.size)
            if (action === 'empty') assert.equal(cache.size, 0)
          }
        }
        source.flush(cache, false)
        assert.equal(source.coins.size, model.size)
        for (const [key, coin] of model) {
          assert.deepEqual(source.coins.get(toHex(outpointOf(key))), coin)
          assert.deepEqual(cache.getCoin(outpointOf(key)), coin)
        }
      }),
      { numRuns: 150 },
    )
  })
}

test('a coin that comes and goes between two flushes never reaches the store', () => {
  const source = new MapSource()
  const cache = new CoinsCache(source, SCATTERING, 1 << 20)
  addCoin(cache, outpointOf(1), coinOf(5, 25), false)
  assert.ok(cache.erase(outpointOf(1), 0))
  assert.equal([...cache.changes()].length, 0)
  assert.equal(cache.size, 0)
  addCoin(cache, outpointOf(1), coinOf(5, 25), true)
  assert.ok(cache.erase(outpointOf(1), 0))
  assert.deepEqual(
    [...cache.changes()].map(({ coin }) => coin),
    [undefined],
  )
})

test('a cache that grows and shrinks loses nothing', () => {
  const source = new MapSource()
  const cache = new CoinsCache(source, SCATTERING, 1 << 20)
  const count = 20_000
  for (let key = 0; key < count; key++) addCoin(cache, outpointOf(key), coinOf(key, key % 50), false)
  assert.equal(cache.size, count)
  assert.ok(cache.isFull)
  const grown = cache.memoryBytes
  for (let key = 0; key < count; key += 2) assert.ok(cache.erase(outpointOf(key), 0))
  for (let key = 0; key < count; key++) {
    assert.deepEqual(cache.getCoin(outpointOf(key)), key % 2 === 0 ? undefined : coinOf(key, key % 50))
  }
  // Entries that were given up are used again.
  for (let key = 0; key < count; key += 2) addCoin(cache, outpointOf(count + key), coinOf(key, 20), false)
  assert.ok(cache.memoryBytes <= grown)
  source.flush(cache, true)
  assert.equal(source.coins.size, count)
  assert.equal(cache.isFull, false)
  assert.deepEqual(cache.getCoin(outpointOf(1)), coinOf(1, 1))
})
