import assert from 'node:assert/strict'
import { test } from 'node:test'
import { portableCrypto } from '../../../base/crypto/portable.ts'
import type { Random } from '../../../base/ports/random.ts'
import { seededRandom } from '../../../base/ports/seeded-random.ts'
import type { GossipedAddress } from '../../wire/address-messages.ts'
import { endpointKey, type NetAddress } from '../../wire/net-address.ts'
import { parseNetAddress } from '../../wire/net-address-text.ts'
import type { ConnectionType, Permission } from '../remote-peer.ts'
import { AddressManager } from './address-manager.ts'
import { AddressRelay, type GossipPeer } from './address-relay.ts'
import { PeerAddresses } from './peer-addresses.ts'

const NOW_MS = 1_700_000_000_000
const NOW = NOW_MS / 1000
const HOUR_MS = 3_600_000
const ONION = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion'

function ip(text: string): NetAddress {
  return parseNetAddress(text)!
}

function gossiped(text: string, timeSeconds = NOW, services = 9n): GossipedAddress {
  return { endpoint: { address: ip(text), port: 8333 }, services, timeSeconds }
}

function many(count: number, timeSeconds = NOW): GossipedAddress[] {
  return Array.from({ length: count }, (_, i) => gossiped(`${1 + (i % 99)}.${i % 255}.${i >> 8}.7`, timeSeconds))
}

interface World {
  readonly random: Random
  readonly manager: AddressManager
  readonly relay: AddressRelay
  readonly shunned: Set<string>
  peer(id: number, type?: ConnectionType, options?: { addrv2?: boolean; permissions?: Permission[] }): GossipPeer
}

function world({ reachable = () => true }: { reachable?: (address: NetAddress) => boolean } = {}): World {
  const random = seededRandom(7)
  const manager = new AddressManager({ key: random.bytes(32), random, hash: portableCrypto })
  const shunned = new Set<string>()
  const shuns = (address: NetAddress): boolean => shunned.has(address.bytes.join('.'))
  const relay = new AddressRelay({ manager, random, shuns, isReachable: reachable })
  return {
    random,
    manager,
    relay,
    shunned,
    peer(id, type = 'inbound', { addrv2 = true, permissions = [] } = {}) {
      const endpoint = { address: ip(`77.${id % 256}.1.1`), port: 8333 }
      const addresses = new PeerAddresses(random, NOW_MS)
      const has = (permission: Permission): boolean => permissions.includes(permission)
      return { id, type, endpoint, wantsAddrv2: addrv2, addresses, has }
    },
  }
}

const SILENT = { announces: false, address: (): undefined => undefined }

test('a peer is listened to at its rate: one at first, a tenth each second, a thousand in one go', () => {
  const { relay, peer } = world()
  const from = peer(1)
  const counts = (count: number, nowMs: number): number[] => {
    const outcome = relay.onAddresses(from, many(count), [], nowMs)!
    return [outcome.processed, outcome.rateLimited]
  }
  assert.deepEqual(counts(1000, NOW_MS), [1, 999])
  assert.deepEqual(counts(600, NOW_MS + 5_000_000), [500, 100])
  assert.deepEqual(counts(1000, NOW_MS + 5_000_000 + 20_000_000), [1000, 0])
  assert.deepEqual([from.addresses.processed, from.addresses.rateLimited], [1501, 1099])

  const asked = peer(2, 'outbound-full-relay')
  assert.equal(relay.onOutboundVersion(asked), true)
  assert.equal(relay.onAddresses(asked, many(1000), [], NOW_MS)!.processed, 1000, 'an answer may be long')
  const friend = peer(3, 'inbound', { permissions: ['addr'] })
  assert.deepEqual(relay.onAddresses(friend, many(900), [], NOW_MS)!.rateLimited, 0)
})

test('what a peer tells is taken in as hearsay, if anything of it is of use', () => {
  const { relay, peer, manager, shunned } = world({ reachable: address => address.network !== 'onion' })
  const from = peer(1, 'inbound', { permissions: ['addr'] })
  shunned.add('6.6.6.6')
  const told = [
    gossiped('1.2.3.4', NOW - 60),
    gossiped('2.2.3.4', NOW + 601),
    gossiped('3.2.3.4', 1),
    gossiped('4.2.3.4', NOW, 8n),
    gossiped('6.6.6.6'),
    gossiped(ONION),
  ]
  const outcome = relay.onAddresses(from, told, [], NOW_MS)!
  assert.deepEqual([outcome.processed, outcome.fetched], [4, false])
  const time = (text: string): number | undefined => manager.find({ address: ip(text), port: 8333 })?.timeSeconds
  assert.equal(time('1.2.3.4'), NOW - 60 - 7200)
  assert.equal(time('2.2.3.4'), NOW - 5 * 86400 - 7200)
  assert.equal(time('3.2.3.4'), NOW - 5 * 86400 - 7200)
  for (const text of ['4.2.3.4', '6.6.6.6', ONION]) assert.equal(time(text), undefined, text)
})

test('connections for blocks only, and feelers, take no part', () => {
  const { relay, peer, manager } = world()
  for (const type of ['block-relay-only', 'feeler'] as const) {
    const quiet = peer(1, type)
    assert.equal(relay.onOutboundVersion(quiet), false)
    assert.equal(relay.onAddresses(quiet, many(3), [], NOW_MS), undefined)
    assert.deepEqual(relay.due(quiet, { announces: true, address: () => gossiped('8.8.8.8') }, NOW_MS), [])
  }
  assert.equal(manager.counts().total, 0)
  const fetch = peer(2, 'addr-fetch')
  relay.onOutboundVersion(fetch)
  assert.equal(relay.onAddresses(fetch, many(1), [], NOW_MS)!.fetched, false, 'its own address only')
  assert.equal(relay.onAddresses(fetch, many(2), [], NOW_MS)!.fetched, true)
})

function told(peers: readonly GossipPeer[]): number[] {
  return peers.filter(peer => peer.addresses.waiting > 0).map(peer => peer.id)
}

test('news goes to two peers, the same ones for a day, and to those that understand it', () => {
  const { relay, peer } = world()
  const peers = Array.from({ length: 20 }, (_, id) => peer(id))
  for (const one of peers) one.addresses.enable()
  const from = peer(50)
  const spread = (text: string, nowMs: number): number[] => {
    for (const one of peers) one.addresses.dropWaiting()
    relay.onAddresses(from, [gossiped(text, nowMs / 1000)], [...peers, from], nowMs)
    return told(peers)
  }
  const first = spread('1.2.3.4', NOW_MS)
  assert.equal(first.length, 2)
  const others = new Set<string>()
  for (let hour = 1; hour <= 48; hour++) others.add(spread('1.2.3.4', NOW_MS + hour * HOUR_MS).join())
  assert.ok(others.has(first.join()) && others.size >= 2 && others.size <= 3, [...others].join(' '))
  assert.notDeepEqual(spread('9.9.9.9', NOW_MS + 60 * HOUR_MS), spread('1.2.3.4', NOW_MS + 60 * HOUR_MS))
  const plain = Array.from({ length: 5 }, (_, id) => peer(100 + id, 'inbound', { addrv2: false }))
  for (const one of plain) one.addresses.enable()
  relay.relay(gossiped(ONION), plain, from, NOW)
  assert.deepEqual(told(plain), [])
})

test('what cannot be reached from here goes to one peer or two', () => {
  const { relay, peer } = world({ reachable: () => false })
  const peers = Array.from({ length: 20 }, (_, id) => peer(id))
  for (const one of peers) one.addresses.enable()
  const counts = new Set<number>()
  for (let i = 1; i < 30; i++) {
    for (const one of peers) one.addresses.dropWaiting()
    relay.relay(gossiped(`9.9.9.${i}`), peers, peer(50), NOW)
    counts.add(told(peers).length)
  }
  assert.deepEqual([...counts].sort(), [1, 2])
})

test('old addresses, long messages and answers are no news', () => {
  const { relay, peer } = world()
  const other = peer(2)
  other.addresses.enable()
  const from = peer(1, 'outbound-full-relay', { permissions: ['addr'] })
  const isNews = (addresses: GossipedAddress[]): boolean => {
    other.addresses.dropWaiting()
    relay.onAddresses(from, addresses, [other], NOW_MS)
    return other.addresses.waiting > 0
  }
  assert.ok(isNews(many(10)))
  assert.ok(!isNews(many(11)))
  assert.ok(!isNews(many(10, NOW - 600)))
  relay.onOutboundVersion(from)
  assert.ok(!isNews([gossiped('99.1.1.1')]), 'an answer')
  assert.ok(isNews([gossiped('99.1.1.2')]))
})

test('what waits goes out now and then, and nothing that the peer knows', () => {
  const { relay, peer } = world()
  const to = peer(1)
  to.addresses.enable()
  to.addresses.push(gossiped('1.1.1.1'))
  to.addresses.push(gossiped('2.2.2.2'))
  to.addresses.push(gossiped('1.1.1.1'))
  const [message] = relay.due(to, SILENT, NOW_MS)
  assert.deepEqual(message.map(address => endpointKey(address.endpoint)).length, 2)
  to.addresses.push(gossiped('1.1.1.1'))
  to.addresses.push(gossiped('3.3.3.3'))
  assert.deepEqual(relay.due(to, SILENT, NOW_MS), [], 'too early')
  assert.equal(to.addresses.waiting, 1)
  assert.equal(relay.due(to, SILENT, relay.nextWake(to, false)!)[0].length, 1)
  relay.onAddresses(to, [gossiped('4.4.4.4')], [], NOW_MS + 1e9)
  to.addresses.push(gossiped('4.4.4.4'))
  assert.equal(to.addresses.waiting, 0, 'told by the peer itself')
  for (const address of many(1500)) to.addresses.push(address)
  assert.equal(to.addresses.waiting, 1000)
})

test('our own address: alone at first, then with others about once a day', () => {
  const { relay, peer } = world()
  const to = peer(1)
  to.addresses.enable()
  const self = { announces: true, address: () => gossiped('8.8.8.8') }
  assert.deepEqual(relay.due(to, { ...self, announces: false }, NOW_MS), [])
  assert.deepEqual(relay.due(to, self, NOW_MS), [[gossiped('8.8.8.8')]])
  let nowMs = NOW_MS
  let heard = 0
  while (nowMs < NOW_MS + 200 * 24 * HOUR_MS) {
    nowMs = relay.nextWake(to, true)!
    heard += relay.due(to, self, nowMs).flat().length
  }
  assert.ok(heard > 150 && heard < 250, String(heard))
  const old = peer(2, 'inbound', { addrv2: false })
  old.addresses.enable()
  assert.deepEqual(relay.due(old, { announces: true, address: () => gossiped(ONION) }, NOW_MS), [])
})

test('who asks is answered once, with part of what we know, for a day the same', () => {
  const { relay, peer, manager, shunned } = world()
  for (let i = 0; i < 40; i++) manager.add(many(1000).slice(25 * i, 25 * i + 25), ip(`9.${i}.1.1`), 0, NOW)
  const { total } = manager.counts()
  const answer = (asker: GossipPeer, way: string, nowMs: number): string[] => {
    assert.equal(relay.onGetaddr(asker, way, nowMs), true)
    return relay
      .due(asker, SILENT, nowMs)
      .flat()
      .map(address => endpointKey(address.endpoint))
      .sort()
  }
  const asker = peer(1)
  const first = answer(asker, 'ipv4', NOW_MS)
  assert.equal(first.length, Math.floor(total * 0.23))
  assert.equal(relay.onGetaddr(asker, 'ipv4', NOW_MS), false)
  assert.equal(relay.onGetaddr(peer(2, 'outbound-full-relay'), 'ipv4', NOW_MS), false)
  assert.deepEqual(answer(peer(3), 'ipv4', NOW_MS + 20 * HOUR_MS), first)
  assert.notDeepEqual(answer(peer(4), 'onion', NOW_MS), first)
  assert.notDeepEqual(answer(peer(5, 'inbound', { permissions: ['addr'] }), 'ipv4', NOW_MS), first)
  assert.notDeepEqual(answer(peer(6), 'ipv4', NOW_MS + 28 * HOUR_MS), first)
  for (const { endpoint } of manager.entries('new')) shunned.add(endpoint.address.bytes.join('.'))
  assert.deepEqual(answer(peer(7), 'i2p', NOW_MS), [])
})
