import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../../base/ports/seeded-random.ts'
import { endpointKey, type NetAddress, type NetEndpoint } from '../../wire/net-address.ts'
import { AddressTable } from './address-table.ts'

const ROWS_MAX = 300
const SOURCE: NetAddress = { network: 'i2p', bytes: new Uint8Array(32).fill(9) }

function endpoint(number: number): NetEndpoint {
  const size = number % 2 === 0 ? 4 : 32
  const bytes = new Uint8Array(size).fill(number % 7)
  bytes[1] = number >> 3
  return { address: { network: size === 4 ? 'ipv4' : 'onion', bytes }, port: 60_000 + (number % 5) }
}

test('finds what a map finds, through all additions and removals, and keeps an order of all', () => {
  const steps = fc.array(fc.tuple(fc.nat(ROWS_MAX - 1), fc.nat(2)), { minLength: 100, maxLength: 1500 })
  fc.assert(
    fc.property(steps, fc.nat(), (changes, seed) => {
      const table = new AddressTable(ROWS_MAX, seededRandom(seed))
      const model = new Map<string, number>()
      for (const [number, kind] of changes) {
        const wanted = endpoint(number)
        const key = endpointKey(wanted)
        const row = table.find(wanted)
        assert.equal(row, model.get(key))
        if (row === undefined) model.set(key, table.create(wanted, SOURCE, BigInt(number), number))
        else if (kind === 0) {
          table.delete(row)
          model.delete(key)
        } else {
          assert.deepEqual(table.endpoint(row), wanted)
          assert.deepEqual(table.source(row), SOURCE)
          table.swap(number % table.count, (number * 31) % table.count)
        }
      }
      const order = Array.from({ length: table.count }, (_, place) => table.at(place))
      assert.deepEqual(order.sort(), [...model.values()].sort())
    }),
    { numRuns: 40 },
  )
})

test('has room for so many rows and no more', () => {
  const table = new AddressTable(100, seededRandom(1))
  const create = (number: number): number =>
    table.create({ address: { network: 'ipv4', bytes: Uint8Array.of(1, 2, 3, 4) }, port: number }, SOURCE, 0n, 0)
  for (let i = 0; i < 100; i++) create(i)
  assert.throws(() => create(100), { name: 'InvariantError' })
})
