import assert from 'node:assert/strict'
import { test } from 'node:test'
import { P2pWorld } from '../../../test/p2p-world.ts'
import type { GossipedAddress } from '../wire/address-messages.ts'
import { formatNetEndpoint, parseNetEndpoint } from '../wire/net-address-text.ts'
import { SERVICES } from '../wire/services.ts'

const MINUTE_MS = 60_000

function address(world: P2pWorld, text: string, ageSeconds = 0): GossipedAddress {
  return {
    timeSeconds: Math.floor(world.nowMs / 1000) - ageSeconds,
    services: SERVICES.NODE_NETWORK,
    endpoint: parseNetEndpoint(text, 18_444)!,
  }
}

function textsOf(messages: readonly { readonly addresses: readonly GossipedAddress[] }[]): string[] {
  return messages.flatMap(({ addresses }) => addresses.map(({ endpoint }) => formatNetEndpoint(endpoint)))
}

test('outbound peers are asked for addresses; those for blocks are not, nor listened to', async () => {
  const world = await P2pWorld.create()
  const [full, forBlocks] = [world.open(), world.open('block-relay-only')]
  for (const peer of [full, forBlocks]) peer.version()
  assert.deepEqual([full.all('getaddr').length, forBlocks.all('getaddr').length], [1, 0])
  for (const peer of [full, forBlocks]) peer.say('verack', {})
  forBlocks.say('addr', { addresses: [address(world, '44.1.1.1')] })
  assert.equal(world.manager.counts().new, 0)
  full.say('addr', { addresses: [address(world, '44.1.1.1'), address(world, '10.1.1.1'), address(world, '45.1.1.1')] })
  assert.equal(world.manager.counts().new, 2, 'private addresses are of no use')
})

test('what an inbound peer tells beyond its rate is passed over', async () => {
  const world = await P2pWorld.create()
  const peer = world.inbound()
  const many = Array.from({ length: 100 }, (_, i) => address(world, `44.${i}.1.1`))
  peer.say('addr', { addresses: many })
  assert.equal(peer.remote.addresses.processed, 1)
  assert.equal(peer.remote.addresses.rateLimited, 99)
  // One in ten seconds.
  world.nowMs += 10 * MINUTE_MS
  peer.say('addr', { addresses: many })
  assert.equal(peer.remote.addresses.processed, 61)
  const free = await P2pWorld.create({ p2p: { whitelist: ['addr@9.9.9.9'] } })
  const friend = free.inbound({ address: '9.9.9.9:1' })
  friend.say('addr', { addresses: many })
  assert.equal(friend.remote.addresses.processed, 100)
})

test('news goes on to one or two peers, later, and not back', async () => {
  const world = await P2pWorld.create({ p2p: { discover: false } })
  const peers = Array.from({ length: 8 }, () => world.inbound())
  for (const peer of peers) peer.say('getaddr', {})
  const [teller, ...rest] = peers
  teller.say('addr', { addresses: [address(world, '44.1.1.1')] })
  for (const peer of peers) assert.deepEqual(peer.all('addr'), [])
  world.pass(10 * MINUTE_MS, 1000)
  const hearers = rest.filter(peer => textsOf(peer.all('addr')).includes('44.1.1.1:18444'))
  assert.ok(hearers.length === 1 || hearers.length === 2, `${hearers.length}`)
  assert.ok(!textsOf(teller.all('addr')).includes('44.1.1.1:18444'))
})

test('old addresses, and many at once, are no news', async () => {
  const world = await P2pWorld.create({ p2p: { discover: false, whitelist: ['addr@9.9.9.9'] } })
  const teller = world.inbound({ address: '9.9.9.9:1' })
  const peers = Array.from({ length: 8 }, () => world.inbound())
  for (const peer of peers) peer.say('getaddr', {})
  teller.say('addr', { addresses: [address(world, '44.1.1.1', 11 * 60)] })
  teller.say('addr', { addresses: Array.from({ length: 11 }, (_, i) => address(world, `45.${i}.1.1`)) })
  world.pass(10 * MINUTE_MS, 1000)
  for (const peer of peers) assert.deepEqual(textsOf(peer.all('addr')), [])
})

test('who asks is answered once, and outbound peers are not', async () => {
  const world = await P2pWorld.create({ p2p: { whitelist: ['addr@9.9.9.9'] } })
  const teller = world.inbound({ address: '9.9.9.9:1' })
  for (let i = 0; i < 20; i++) {
    teller.say('addr', { addresses: Array.from({ length: 11 }, (_, n) => address(world, `${50 + i}.${n}.1.1`)) })
  }
  const [into, out] = [world.inbound(), world.outbound()]
  for (const peer of [into, out]) peer.say('getaddr', {})
  world.pass(MINUTE_MS, 1000)
  const answer = textsOf(into.all('addr'))
  const known = world.manager.counts().new
  assert.ok(answer.length > 20 && answer.length <= Math.ceil(0.23 * known), `${answer.length} of ${known}`)
  assert.deepEqual(textsOf(out.all('addr')), [])
  into.forget()
  into.say('getaddr', {})
  world.pass(MINUTE_MS, 1000)
  assert.deepEqual(textsOf(into.all('addr')), [])
  assert.ok(world.logged(/Ignoring repeated "getaddr"/) && world.logged(/Ignoring "getaddr" from outbound-full-relay/))
})

test('addresses travel in the form that a peer understands', async () => {
  const world = await P2pWorld.create({
    p2p: { discover: false, whitelist: ['addr@9.9.9.9'], reachableNetworks: ['ipv4', 'onion'] },
  })
  const teller = world.inbound({ address: '9.9.9.9:1' })
  const onion: GossipedAddress = {
    ...address(world, '44.1.1.1'),
    endpoint: { address: { network: 'onion', bytes: new Uint8Array(32).fill(7) }, port: 1 },
  }
  const old = Array.from({ length: 5 }, () => world.inbound())
  const modern = Array.from({ length: 5 }, () => {
    const peer = world.accept()
    peer.version()
    peer.say('sendaddrv2', {})
    peer.say('verack', {})
    return peer
  })
  for (const peer of [...old, ...modern]) peer.say('getaddr', {})
  teller.say('addrv2', { addresses: [onion] })
  world.pass(10 * MINUTE_MS, 1000)
  assert.equal(old.flatMap(peer => [...peer.all('addr'), ...peer.all('addrv2')]).length, 0)
  const told = modern.flatMap(peer => peer.all('addrv2'))
  assert.ok(told.length === 1 || told.length === 2)
  assert.equal(modern.flatMap(peer => peer.all('addr')).length, 0)
})

test('our own address is told once we are up to date, and an address fetch ends with its answer', async () => {
  const world = await P2pWorld.create({ p2p: { externalAddresses: [parseNetEndpoint('88.7.7.7:18444', 0)!] } })
  world.access.isDownloading = true
  const peer = world.outbound()
  world.pass(1000, 100)
  assert.deepEqual(peer.all('addr'), [])
  world.access.isDownloading = false
  world.pass(1000, 100)
  const own = textsOf(peer.all('addr'))
  assert.equal(own.length, 1)
  assert.match(own[0], /^(88\.7\.7\.7|8\.8\.4\.4):18444$/)

  const fetcher = world.outbound('addr-fetch')
  fetcher.say('addr', { addresses: [address(world, '44.1.1.1')] })
  assert.equal(fetcher.isClosed, false, 'one is its own')
  fetcher.say('addr', { addresses: [address(world, '44.1.1.1'), address(world, '45.1.1.1')] })
  assert.equal(fetcher.isClosed, true)
  const silent = world.outbound('addr-fetch')
  world.pass(6 * MINUTE_MS, 1000)
  assert.equal(silent.isClosed, true)
})
