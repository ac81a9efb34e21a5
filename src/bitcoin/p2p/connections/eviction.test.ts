import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AddressClass } from '../../wire/address-class.ts'
import { type EvictionCandidate, protectByRatio, selectNodeToEvict } from './eviction.ts'

function candidate(id: number, fields: Partial<EvictionCandidate> = {}): EvictionCandidate {
  return {
    id,
    type: 'inbound',
    connectedAtMs: 1000 * id,
    minPingMs: 100,
    lastBlockMs: 0,
    lastTransactionMs: 0,
    offersWantedServices: true,
    relaysTransactions: true,
    hasBloomFilter: false,
    keyedNetGroup: BigInt(id),
    preferEvict: false,
    isLocal: false,
    network: 'ipv4',
    noBan: false,
    ...fields,
  }
}

const anyCandidates = (minLength: number, maxLength: number): fc.Arbitrary<EvictionCandidate[]> =>
  fc
    .array(
      fc.record({
        type: fc.constantFrom('inbound' as const, 'inbound' as const, 'inbound' as const, 'manual' as const),
        connectedAtMs: fc.nat(100),
        minPingMs: fc.oneof(fc.nat(100), fc.constant(Number.POSITIVE_INFINITY)),
        lastBlockMs: fc.nat(5),
        lastTransactionMs: fc.nat(5),
        offersWantedServices: fc.boolean(),
        relaysTransactions: fc.boolean(),
        hasBloomFilter: fc.boolean(),
        keyedNetGroup: fc.bigInt({ min: 0n, max: 20n }),
        preferEvict: fc.boolean(),
        isLocal: fc.boolean(),
        network: fc.constantFrom<AddressClass>('ipv4', 'ipv6', 'onion', 'i2p', 'cjdns'),
        noBan: fc.boolean(),
      }),
      { minLength, maxLength },
    )
    .map(list => list.map((fields, id) => candidate(id, fields)))

function evictable(all: readonly EvictionCandidate[]): EvictionCandidate[] {
  return all.filter(one => one.type === 'inbound' && !one.noBan)
}

/** The numbers of those that nobody else, of all that may go, beats strictly often enough to push out of the first `count`. */
function certainlyBest(
  all: readonly EvictionCandidate[],
  count: number,
  beats: (a: EvictionCandidate, b: EvictionCandidate) => boolean,
): Set<number> {
  const among = evictable(all)
  return new Set(among.filter(one => among.filter(other => !beats(one, other)).length <= count).map(one => one.id))
}

test('with few connections none goes; with 29 that may go, one always does', () => {
  fc.assert(
    fc.property(anyCandidates(0, 60), all => {
      const count = evictable(all).length
      const chosen = selectNodeToEvict(all)
      if (count <= 20) assert.equal(chosen, undefined)
      if (count >= 29) assert.notEqual(chosen, undefined)
    }),
    { numRuns: 500 },
  )
})

test('who is outbound, may not be banned, or is among the best in anything that protects, stays', () => {
  fc.assert(
    fc.property(anyCandidates(25, 80), all => {
      const chosen = selectNodeToEvict(all)
      if (chosen === undefined) return
      assert.ok(evictable(all).some(one => one.id === chosen))
      const best = [
        certainlyBest(all, 4, (a, b) => a.keyedNetGroup > b.keyedNetGroup),
        certainlyBest(all, 8, (a, b) => a.minPingMs < b.minPingMs),
        certainlyBest(all, 4, (a, b) => a.lastTransactionMs > b.lastTransactionMs),
        certainlyBest(all, 4, (a, b) => a.lastBlockMs > b.lastBlockMs),
      ]
      for (const protectedIds of best) assert.ok(!protectedIds.has(chosen))
    }),
    { numRuns: 500 },
  )
})

test('the choice does not depend on the order of the snapshot', () => {
  fc.assert(
    fc.property(anyCandidates(29, 60), fc.infiniteStream(fc.nat()), (all, numbers) => {
      const shuffled = all
        .map(one => ({ one, at: numbers.next().value as number }))
        .sort((a, b) => a.at - b.at)
        .map(({ one }) => one)
      assert.equal(selectNodeToEvict(shuffled), selectNodeToEvict(all))
    }),
  )
})

test('of many from one group the youngest goes, though others are younger', () => {
  const crowd = Array.from({ length: 40 }, (_, i) => candidate(i, { keyedNetGroup: 5n, minPingMs: 50 }))
  const others = Array.from({ length: 20 }, (_, i) => candidate(100 + i, { minPingMs: 200 }))
  assert.equal(selectNodeToEvict([...crowd, ...others]), 39)
})

test('who is discouraged goes before others that nothing protects', () => {
  const all = Array.from({ length: 60 }, (_, i) => candidate(i))
  const plain = selectNodeToEvict(all)!
  const other = all.find(one => one.id !== plain && one.id > 40 && one.id < 50)!
  assert.equal(selectNodeToEvict(all.map(one => (one === other ? { ...one, preferEvict: true } : one))), other.id)
})

test('peers that give blocks and no transactions are kept for it', () => {
  const all = Array.from({ length: 40 }, (_, i) => candidate(i))
  const blocksOnly = Array.from({ length: 8 }, (_, i) =>
    candidate(90 + i, { relaysTransactions: false, minPingMs: 999 }),
  )
  for (const preferEvict of [false, true]) {
    const chosen = selectNodeToEvict([...all, ...blocksOnly.map(one => ({ ...one, preferEvict }))])!
    assert.ok(chosen < 90)
  }
})

test('half are kept by ratio: a quarter of disadvantaged networks where there are so many, then the longest here', () => {
  fc.assert(
    fc.property(anyCandidates(0, 50), all => {
      const left = protectByRatio(all)
      assert.equal(all.length - left.length, Math.floor(all.length / 2))
      const isDisadvantaged = (one: EvictionCandidate): boolean =>
        one.isLocal || one.network === 'onion' || one.network === 'i2p' || one.network === 'cjdns'
      const kept = all.filter(one => !left.includes(one))
      const wanted = Math.min(Math.floor(Math.floor(all.length / 2) / 2), all.filter(isDisadvantaged).length)
      assert.ok(kept.filter(isDisadvantaged).length >= wanted)
      for (let i = 1; i < left.length; i++) assert.ok(left[i - 1].connectedAtMs >= left[i].connectedAtMs)
    }),
    { numRuns: 500 },
  )
})

test('networks share the protected places; what one does not need falls to the others', () => {
  const networks = (ids: Record<number, AddressClass>, count: number): EvictionCandidate[] =>
    Array.from({ length: count }, (_, i) => candidate(i, { network: ids[i] ?? 'ipv4' }))
  const leftOf = (ids: Record<number, AddressClass>, count: number): number[] =>
    protectByRatio(networks(ids, count))
      .map(one => one.id)
      .sort((a, b) => a - b)
  // Of twelve, six stay: three young ones of other networks, and the three longest here of the rest.
  assert.deepEqual(leftOf({ 9: 'onion', 10: 'onion', 11: 'onion' }, 12), [3, 4, 5, 6, 7, 8])
  assert.deepEqual(leftOf({ 9: 'onion', 10: 'onion', 11: 'i2p' }, 12), [3, 4, 5, 6, 7, 8])
  assert.deepEqual(leftOf({ 7: 'onion', 8: 'onion', 9: 'onion', 10: 'cjdns', 11: 'i2p' }, 12), [3, 4, 5, 6, 8, 9])
  assert.deepEqual(leftOf({ 11: 'cjdns' }, 12), [5, 6, 7, 8, 9, 10])
  const local = networks({ 10: 'onion' }, 12).map(one => (one.id === 11 ? { ...one, isLocal: true } : one))
  assert.deepEqual(
    protectByRatio(local).map(one => one.id),
    [9, 8, 7, 6, 5, 4],
  )
})
