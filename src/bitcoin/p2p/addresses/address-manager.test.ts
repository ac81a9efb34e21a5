import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { portableCrypto } from '../../../base/crypto/portable.ts'
import { seededRandom } from '../../../base/ports/seeded-random.ts'
import type { GossipedAddress } from '../../wire/address-messages.ts'
import { asCjdns, endpointKey, type NetAddress, type NetEndpoint } from '../../wire/net-address.ts'
import { formatNetAddress, parseNetAddress } from '../../wire/net-address-text.ts'
import { AddressManager, DETERMINISTIC_BUCKET_KEY } from './address-manager.ts'

const NOW = 1_700_000_000
const HOUR = 3600
const DAY = 24 * HOUR

function manager(seed = 1): AddressManager {
  return new AddressManager({ key: DETERMINISTIC_BUCKET_KEY, random: seededRandom(seed), hash: portableCrypto })
}

function address(text: string): NetAddress {
  const parsed = parseNetAddress(text)
  assert.ok(parsed, text)
  return asCjdns(parsed)
}

function endpoint(text: string, port = 8333): NetEndpoint {
  return { address: address(text), port }
}

function gossiped(text: string, timeSeconds = NOW, port = 8333): GossipedAddress {
  return { endpoint: endpoint(text, port), services: 9n, timeSeconds }
}

const SOURCE = address('252.2.2.2')

function ipv4(number: number): string {
  return [number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255].join('.')
}

test("under Core's test key each address stands where Core puts it", () => {
  const addresses = manager()
  const onion = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion'
  const otherOnion = 'nrfj6inpyf73gpkyool35hcmne5zwfmse3jl3aw23vk7chdemalyaqad.onion'
  const i2p = 'c4gfnttsuwqomiygupdqqqyy5y5emnk5c73hrfvatri67prd7vyq.b32.i2p'
  const seeds: [text: string, port: number, tried: boolean][] = [
    ['1.2.3.4', 8333, true],
    ['2.0.0.0', 8333, false],
    ['1233:3432:2434:2343:3234:2345:6546:4534', 8333, true],
    ['2803:0:1234:abcd::1', 45324, false],
    ['fc00:1:2:3:4:5:6:7', 8333, false],
    [onion, 8333, true],
    [otherOnion, 45324, true],
    [i2p, 8333, false],
  ]
  for (const [text, port, tried] of seeds) {
    assert.equal(addresses.add([gossiped(text, NOW, port)], address(text), 0, NOW), 1)
    if (tried) assert.equal(addresses.good(endpoint(text, port), NOW), true)
  }
  const places = (table: 'new' | 'tried'): Record<string, string> =>
    Object.fromEntries(
      addresses.entries(table).map(entry => {
        assert.equal(entry.multiplicity, 1)
        assert.equal(entry.network, entry.sourceNetwork)
        assert.equal(entry.timeSeconds, NOW)
        return [`${entry.bucket}/${entry.position}`, formatNetAddress(entry.endpoint.address)]
      }),
    )
  assert.deepEqual(places('new'), {
    '82/8': '2.0.0.0',
    '336/24': 'fc00:1:2:3:4:5:6:7',
    '963/46': i2p,
    '613/6': '2803:0:1234:abcd::1',
  })
  assert.deepEqual(places('tried'), {
    '6/33': '1.2.3.4',
    '197/34': '1233:3432:2434:2343:3234:2345:6546:4534',
    '72/61': onion,
    '139/46': otherOnion,
  })
  assert.deepEqual(addresses.counts('onion'), { new: 0, tried: 2, total: 2 })
  assert.deepEqual(addresses.counts(), { new: 4, tried: 4, total: 8 })
  const found = addresses.find(endpoint('1.2.3.4'))
  assert.deepEqual([found?.table, found?.bucket, found?.position], ['tried', 6, 33])
})

test('a tried address is tested before another takes its place', () => {
  const addresses = manager()
  for (const text of ['1.2.3.4', '1.2.5.45']) addresses.add([gossiped(text)], address(text), 0, NOW)
  assert.equal(addresses.good(endpoint('1.2.3.4'), NOW), true)
  assert.equal(addresses.good(endpoint('1.2.5.45'), NOW), false, 'its place is taken')
  assert.deepEqual(addresses.counts(), { new: 1, tried: 1, total: 2 })
  assert.equal(formatNetAddress(addresses.selectTriedCollision()!.endpoint.address), '1.2.3.4')

  addresses.resolveCollisions(NOW + 60)
  assert.equal(addresses.selectTriedCollision(), undefined, 'reached less than four hours ago: it stays')

  const later = NOW + 5 * HOUR
  assert.equal(addresses.good(endpoint('1.2.5.45'), later), false)
  addresses.resolveCollisions(later)
  assert.notEqual(addresses.selectTriedCollision(), undefined, 'to be tested')
  addresses.attempt(endpoint('1.2.3.4'), true, later)
  addresses.resolveCollisions(later + 60)
  assert.notEqual(addresses.selectTriedCollision(), undefined, 'has a minute to answer')
  addresses.resolveCollisions(later + 61)
  assert.equal(addresses.find(endpoint('1.2.5.45'))?.table, 'tried')
  assert.equal(addresses.find(endpoint('1.2.3.4'))?.table, 'new')
  assert.deepEqual(addresses.counts(), { new: 1, tried: 1, total: 2 })
})

test('a collision that nobody tests ends after forty minutes', () => {
  const addresses = manager()
  for (const text of ['1.2.3.4', '1.2.5.45']) addresses.add([gossiped(text)], address(text), 0, NOW)
  addresses.good(endpoint('1.2.3.4'), NOW)
  addresses.good(endpoint('1.2.5.45'), NOW + 5 * HOUR)
  addresses.resolveCollisions(NOW + 5 * HOUR + 2400)
  assert.equal(addresses.find(endpoint('1.2.5.45'))?.table, 'new')
  addresses.resolveCollisions(NOW + 5 * HOUR + 2401)
  assert.equal(addresses.find(endpoint('1.2.5.45'))?.table, 'tried')
})

test('an address that is told of again gets more places, up to eight, each harder to get', () => {
  const addresses = manager()
  let now = NOW
  for (let i = 0; i < 20_000; i++) {
    now += 1
    addresses.add([gossiped('253.3.3.3', now)], address(`${1 + (i % 200)}.${i % 251}.1.1`), 0, now)
  }
  const entries = addresses.entries('new')
  assert.equal(entries.length, 8)
  assert.ok(entries.every(entry => entry.multiplicity === 8))
  assert.equal(new Set(entries.map(entry => `${entry.bucket}/${entry.position}`)).size, 8)
  assert.deepEqual(addresses.counts(), { new: 1, tried: 0, total: 1 })
  assert.equal(addresses.good(endpoint('253.3.3.3'), now), true)
  assert.equal(addresses.entries('new').length, 0)
  assert.equal(addresses.entries('tried')[0].multiplicity, 1)
})

test('what is told of a known address is taken over only where it is news', () => {
  const addresses = manager()
  const time = (): number => addresses.find(endpoint('250.1.1.1'))!.timeSeconds
  addresses.add([gossiped('250.1.1.1', NOW - 10 * DAY)], SOURCE, 2 * HOUR, NOW)
  assert.equal(time(), NOW - 10 * DAY - 2 * HOUR, 'a penalty for hearsay')
  addresses.add([{ ...gossiped('250.1.1.1', NOW - 9 * DAY), services: 1024n }], SOURCE, 2 * HOUR, NOW)
  assert.equal(time(), NOW - 10 * DAY - 2 * HOUR, 'a day is no news for one that is offline')
  assert.equal(addresses.find(endpoint('250.1.1.1'))!.services, 1033n, 'services add up')
  addresses.add([gossiped('250.1.1.1', NOW)], address('250.1.1.1'), 2 * HOUR, NOW)
  assert.equal(time(), NOW, 'no penalty for what one tells of oneself')
  addresses.connected(endpoint('250.1.1.1'), NOW + 1200)
  assert.equal(time(), NOW)
  addresses.connected(endpoint('250.1.1.1'), NOW + 1201)
  assert.equal(time(), NOW + 1201)
  addresses.setServices(endpoint('250.1.1.1'), 8n)
  assert.equal(addresses.find(endpoint('250.1.1.1'))!.services, 8n)
})

test('addresses that lead nowhere are not taken in', () => {
  const addresses = manager()
  for (const text of ['127.0.0.1', '10.0.0.1', '0.0.0.0', '::1', '2001:db8::1', '255.255.255.255']) {
    assert.equal(addresses.add([gossiped(text)], SOURCE, 0, NOW), 0, text)
  }
  assert.equal(addresses.counts().total, 0)
})

test('addresses of no use are not given to others', () => {
  const addresses = manager()
  addresses.add([gossiped('250.250.2.1', NOW + 601)], SOURCE, 0, NOW)
  addresses.add([gossiped('250.251.2.2', NOW - 30 * DAY - 1)], SOURCE, 0, NOW)
  addresses.add([gossiped('251.252.2.3', NOW)], SOURCE, 0, NOW)
  addresses.add([gossiped('252.253.2.4', NOW)], SOURCE, 0, NOW)
  for (let i = 0; i < 3; i++) {
    // A success elsewhere in between shows that it is not our own connection that fails.
    addresses.good(endpoint('252.253.2.4'), NOW + 100 * i)
    addresses.attempt(endpoint('251.252.2.3'), true, NOW + 100 * i + 1)
    addresses.attempt(endpoint('251.252.2.3'), true, NOW + 100 * i + 2)
  }
  const texts = (now: number, filtered: boolean): string[] =>
    addresses.getAddresses({ filtered }, now).map(given => formatNetAddress(given.endpoint.address))
  assert.deepEqual(texts(NOW + 263, false).length, 4)
  assert.deepEqual(texts(NOW, true).sort(), ['251.252.2.3', '252.253.2.4'], 'one is being tried')
  assert.deepEqual(texts(NOW + 263, true).sort(), ['250.250.2.1', '252.253.2.4'], 'three failures and never a success')
})

test('getAddresses gives so many, so much of all, and one network', () => {
  const addresses = manager()
  for (let i = 0; i < 400; i++) addresses.add([gossiped(`${1 + (i % 120)}.${i % 250}.7.7`)], SOURCE, 0, NOW)
  addresses.add([gossiped('2803:0:1234:abcd::1')], SOURCE, 0, NOW)
  const { total } = addresses.counts()
  assert.ok(total > 100)
  assert.equal(addresses.getAddresses({ max: 10 }, NOW).length, 10)
  assert.equal(addresses.getAddresses({ maxPercent: 23, max: 1000 }, NOW).length, Math.floor(total * 0.23))
  assert.equal(addresses.getAddresses({ network: 'ipv6' }, NOW).length, 1)
  const all = addresses.getAddresses({}, NOW).map(given => endpointKey(given.endpoint))
  assert.equal(new Set(all).size, total)
})

test('select keeps to the table and the networks that are asked for', () => {
  const addresses = manager()
  assert.equal(addresses.select({}, NOW), undefined)
  addresses.add([gossiped('250.1.1.1'), gossiped('2803:0:1234:abcd::1')], SOURCE, 0, NOW)
  addresses.good(endpoint('250.1.1.1'), NOW)
  assert.equal(addresses.select({ networks: ['onion'] }, NOW), undefined)
  assert.equal(addresses.select({ newOnly: true, networks: ['ipv4'] }, NOW), undefined)
  const drawn = new Map<string, number>()
  for (let i = 0; i < 1000; i++) {
    const text = formatNetAddress(addresses.select({}, NOW + DAY)!.endpoint.address)
    drawn.set(text, (drawn.get(text) ?? 0) + 1)
    assert.equal(addresses.select({ newOnly: true }, NOW)!.endpoint.address.network, 'ipv6')
    assert.equal(addresses.select({ networks: ['ipv4'] }, NOW)!.lastTrySeconds, NOW)
  }
  assert.ok(drawn.get('250.1.1.1')! > 400 && drawn.get('2803:0:1234:abcd::1')! > 400, 'both tables with even chances')
})

test('the tables agree with what happened to each address, whatever happens', () => {
  const operation = fc.record({
    kind: fc.constantFrom('add', 'add', 'add', 'good', 'attempt', 'resolve', 'restart' as const),
    ip: fc.integer({ min: 0, max: 400 }),
    source: fc.integer({ min: 1, max: 200 }),
    age: fc.integer({ min: -1000, max: 40 * DAY }),
    wait: fc.integer({ min: 0, max: 3 * HOUR }),
  })
  fc.assert(
    fc.property(fc.array(operation, { minLength: 50, maxLength: 400 }), fc.nat(), (operations, seed) => {
      let addresses = manager(seed)
      const told = new Set<string>()
      let now = NOW
      for (const { kind, ip, source, age, wait } of operations) {
        now += wait
        const text = ipv4(((1 + (ip % 4)) << 24) | ((ip >> 2) << 8) | 1)
        if (kind === 'add') {
          addresses.add([gossiped(text, now - age)], address(`${source}.1.1.1`), 0, now)
          told.add(endpointKey(endpoint(text)))
        } else if (kind === 'good') addresses.good(endpoint(text), now)
        else if (kind === 'attempt') addresses.attempt(endpoint(text), true, now)
        else if (kind === 'resolve') addresses.resolveCollisions(now)
        else {
          const before = [addresses.entries('new'), addresses.entries('tried')]
          const again = AddressManager.fromRecords(
            { random: seededRandom(seed), hash: portableCrypto },
            addresses.records(),
          )
          assert.ok(again.ok)
          addresses = again.value
          assert.deepEqual([addresses.entries('new'), addresses.entries('tried')], before)
        }
      }
      checkTables(addresses, told, now)
    }),
    { numRuns: 40 },
  )
})

/** Each address has as many places as it says, in one table only, and the counts are right. */
function checkTables(addresses: AddressManager, told: ReadonlySet<string>, now: number): void {
  const places = new Map<string, number>()
  const inNew = addresses.entries('new')
  for (const entry of inNew) {
    const key = endpointKey(entry.endpoint)
    assert.ok(told.has(key))
    places.set(key, (places.get(key) ?? 0) + 1)
  }
  for (const entry of inNew) assert.equal(places.get(endpointKey(entry.endpoint)), entry.multiplicity)
  const tried = addresses.entries('tried').map(entry => endpointKey(entry.endpoint))
  assert.equal(new Set(tried).size, tried.length)
  assert.ok(tried.every(key => told.has(key) && !places.has(key)))
  for (const entry of addresses.entries('tried')) {
    const found = addresses.find(entry.endpoint)
    assert.deepEqual([found?.table, found?.bucket, found?.position], ['tried', entry.bucket, entry.position])
  }
  assert.deepEqual(addresses.counts('ipv4'), {
    new: places.size,
    tried: tried.length,
    total: places.size + tried.length,
  })
  assert.equal(addresses.getAddresses({ filtered: false }, now).length, places.size + tried.length)
}
