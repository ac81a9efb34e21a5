import assert from 'node:assert/strict'
import { test } from 'node:test'
import { portableCrypto } from '../../../base/crypto/portable.ts'
import { seededRandom } from '../../../base/ports/seeded-random.ts'
import type { GossipedAddress } from '../../wire/address-messages.ts'
import { type AddressNetwork, asCjdns, type NetAddress, type NetEndpoint } from '../../wire/net-address.ts'
import { formatNetAddress, formatNetEndpoint, parseNetAddress, parseNetEndpoint } from '../../wire/net-address-text.ts'
import { AddressManager } from '../addresses/address-manager.ts'
import type { P2pLog } from '../p2p-context.ts'
import type { ConnectionType } from '../remote-peer.ts'
import { ADDED_NODES_MAX } from './added-nodes.ts'
import type { OutboundSnapshot } from './automatic-connections.ts'
import { type OutboundOptions, OutboundPlanner } from './outbound-planner.ts'
import type { OutboundStep, PresentConnection } from './outbound-step.ts'
import { connectionSlots } from './slots.ts'

const NOW_MS = 1_700_000_000_000
const NOW = NOW_MS / 1000
const MINUTE = 60_000
const FULL = 9n
const ONION = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion'
const ALL: ReadonlySet<AddressNetwork> = new Set<AddressNetwork>(['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns'])

function ip(text: string): NetAddress {
  return asCjdns(parseNetAddress(text)!)
}

function gossiped(text: string, services = FULL, port = 8333): GossipedAddress {
  return { endpoint: { address: ip(text), port }, services, timeSeconds: NOW - 3600 }
}

/** A planner, and a world in which every connection that it asks for stands at once. */
class World {
  readonly random = seededRandom(11)
  readonly manager = new AddressManager({ key: this.random.bytes(32), random: this.random, hash: portableCrypto })
  readonly lines: string[] = []
  readonly shunned = new Set<string>()
  readonly own = new Set<string>()
  connections: PresentConnection[] = []
  nowMs = NOW_MS
  planner!: OutboundPlanner

  start(options: Partial<OutboundOptions> = {}): this {
    const log: P2pLog = {
      debug: (_, message) => this.lines.push(message()),
      info: message => this.lines.push(message),
      warning: message => this.lines.push(message),
      error: message => this.lines.push(message),
    }
    const connectionsMax = options.connectionsMax ?? 125
    this.planner = new OutboundPlanner(
      {
        defaultPort: 8333,
        networks: ALL,
        v2: true,
        connectionsMax,
        slots: connectionSlots(connectionsMax, 50),
        seedNodes: [],
        dnsSeed: false,
        fixedSeeds: undefined,
        anchors: [],
        logsAddresses: false,
        connect: undefined,
        addNodes: [],
        dnsSeeds: [],
        forceDnsSeed: false,
        namesThroughProxy: false,
        ...options,
      },
      {
        desirableServices: () => FULL,
        isOwn: endpoint => this.own.has(formatNetEndpoint(endpoint)),
        shuns: address => this.shunned.has(formatNetAddress(address)),
      },
      { manager: this.manager, random: this.random, log },
      this.nowMs,
    )
    return this
  }

  know(addresses: readonly GossipedAddress[]): this {
    for (const address of addresses) this.manager.add([address], address.endpoint.address, 0, NOW)
    return this
  }

  snapshot(changes: Partial<OutboundSnapshot> = {}): OutboundSnapshot {
    const { connections } = this
    return { connections, networkActive: true, wantsAnotherFullRelay: false, wantsExtraBlockRelay: false, ...changes }
  }

  connected(type: ConnectionType, endpoint: NetEndpoint, name = formatNetEndpoint(endpoint)): void {
    this.connections = [...this.connections, { type, endpoint, name, handshakeDone: true }]
  }

  /** Follows the planner for a while; gives what it asked for, and when. */
  run(forMs: number, changes: Partial<OutboundSnapshot> = {}, follow = true): { step: OutboundStep; atMs: number }[] {
    const steps: { step: OutboundStep; atMs: number }[] = []
    const endMs = this.nowMs + forMs
    while (this.nowMs <= endMs) {
      for (const step of this.planner.plan(this.snapshot(changes), this.nowMs)) {
        steps.push({ step, atMs: this.nowMs - NOW_MS })
        if (!follow || step.type !== 'connect') continue
        const { target, kind, name } = step
        if ('name' in target) this.connected(kind, { address: ip('::'), port: 0 }, name)
        else if (kind !== 'feeler') this.connected(kind, target, name)
      }
      const wakeMs = this.planner.nextWake()
      if (wakeMs === undefined) break
      assert.ok(wakeMs > this.nowMs)
      this.nowMs = wakeMs
    }
    this.nowMs = Math.max(this.nowMs, endMs)
    return steps
  }

  count(type: ConnectionType): number {
    return this.connections.filter(one => one.type === type).length
  }
}

function manyGroups(count: number, port = 8333): GossipedAddress[] {
  return Array.from({ length: count }, (_, i) => gossiped(`${11 + (i >> 7)}.${i & 127}.3.4`, FULL, port))
}

function kinds(steps: readonly { step: OutboundStep }[]): string[] {
  return steps.map(({ step }) => (step.type === 'connect' ? step.kind : step.type))
}

function targets(steps: readonly { step: OutboundStep }[]): string[] {
  return steps.map(({ step }) => {
    if (step.type === 'resolve') return step.name
    return 'name' in step.target ? step.target.name : formatNetEndpoint(step.target)
  })
}

test('eight full connections, then two for blocks, all to different groups; then feelers', () => {
  const world = new World()
    .know(manyGroups(300))
    .know([gossiped('11.3.99.1'), gossiped('11.4.99.1')])
    .start()
  const first = world.run(4999)
  assert.deepEqual(kinds(first), [...Array(8).fill('outbound-full-relay'), ...Array(2).fill('block-relay-only')])
  assert.deepEqual(
    first.map(({ atMs }) => atMs),
    first.map((_, i) => 500 * i),
  )
  assert.equal(new Set(targets(first).map(text => text.split('.').slice(0, 2).join('.'))).size, 10)
  const blames = first.map(({ step }) => step.type === 'connect' && step.countFailure)
  assert.deepEqual(blames.slice(0, 4), [false, false, true, true], 'two groups show that the network is there')
  const feelers = world.run(100 * MINUTE)
  assert.ok(feelers.length > 25 && feelers.length < 80, String(feelers.length))
  assert.deepEqual(new Set(kinds(feelers)), new Set(['feeler']))
  assert.ok(world.lines.some(line => line.startsWith('Making feeler connection to ')))
})

test('few connections allowed means few are made', () => {
  const world = new World().know(manyGroups(100)).start({ connectionsMax: 3 })
  world.run(10 * MINUTE)
  assert.deepEqual([world.count('outbound-full-relay'), world.count('block-relay-only')], [3, 0])
})

test('who is chosen: offers enough, on a network of ours, on a good port before a bad one', () => {
  const chosen = (...addresses: GossipedAddress[]): string[] => {
    const world = new World().know(addresses).start({ networks: new Set(['ipv4']) })
    return [...new Set(targets(world.run(2 * MINUTE, {}, false)))]
  }
  const poor = gossiped('11.1.1.1', 8n)
  const otherNetwork = gossiped('2803:0:1234:abcd::1')
  const badPort = gossiped('15.1.1.1', FULL, 22)
  assert.deepEqual(chosen(poor, otherNetwork, gossiped('16.1.1.1'), badPort), ['16.1.1.1:8333'])
  assert.deepEqual(chosen(poor, otherNetwork, badPort), ['15.1.1.1:22'], 'better than nothing')
  assert.deepEqual(chosen(poor, otherNetwork), [])
})

test('who is shunned, or connected already, is not connected to', () => {
  const world = new World().know([gossiped('12.1.1.1'), gossiped('14.1.1.1'), gossiped('16.1.1.1')]).start()
  world.shunned.add('12.1.1.1')
  world.connected('inbound', { address: ip('14.1.1.1'), port: 50_000 })
  assert.deepEqual([...new Set(targets(world.run(MINUTE, {}, false)))], ['16.1.1.1:8333'])
})

test('our own address is not connected to', () => {
  const world = new World().know([gossiped('13.1.1.1')]).start()
  world.own.add('13.1.1.1:8333')
  assert.deepEqual(world.run(MINUTE), [])
})

test('who was tried just now waits', () => {
  const world = new World().know([gossiped('11.1.1.1'), gossiped('12.1.1.1')]).start()
  world.manager.attempt({ address: ip('11.1.1.1'), port: 8333 }, true, NOW)
  const drawn = targets(world.run(2 * MINUTE, {}, false))
  assert.ok(drawn.filter(text => text === '12.1.1.1:8333').length > 0.95 * drawn.length)
})

test('anchors come first, where they still suit', () => {
  const anchors = [gossiped('11.1.1.1'), gossiped('12.1.1.1', 0n), gossiped('13.1.1.1', FULL | 2048n)]
  const world = new World().know(manyGroups(100)).start({ anchors })
  const steps = world.run(999)
  assert.deepEqual(targets(steps), ['13.1.1.1:8333', '11.1.1.1:8333'])
  assert.deepEqual(kinds(steps), ['block-relay-only', 'block-relay-only'])
  assert.deepEqual(
    steps.map(({ step }) => step.type === 'connect' && step.protocol),
    ['v2', 'v1'],
  )
  assert.ok(world.lines.includes('Trying to make an anchor connection to 13.1.1.1:8333'))
  assert.equal(world.run(5000)[0].step.type, 'connect')
})

test('a stale tip, and doubts about it, bring extra connections', () => {
  const world = new World().know(manyGroups(300)).start()
  world.run(5000)
  assert.deepEqual(kinds(world.run(500, { wantsAnotherFullRelay: true })), ['outbound-full-relay'])
  assert.equal(world.count('outbound-full-relay'), 9)
  world.connections.pop()
  const extra = world.run(60 * MINUTE, { wantsExtraBlockRelay: true }, false)
  const blocksOnly = kinds(extra).filter(kind => kind === 'block-relay-only').length
  assert.ok(blocksOnly > 4 && blocksOnly < 25, String(blocksOnly))
})

test('a network that has addresses and no connection gets one more', () => {
  const world = new World().know([...manyGroups(300)]).start({ networks: new Set(['ipv4', 'onion']) })
  world.run(5000)
  world.know([gossiped(ONION)])
  const steps = world.run(40 * MINUTE)
  const full = steps.filter(({ step }) => step.type === 'connect' && step.kind === 'outbound-full-relay')
  assert.deepEqual(targets(full), [`${ONION}:8333`])
  assert.ok(world.lines.includes(`Making network specific connection to ${ONION}:8333 on onion.`))
})

test('peers of -addnode: eight at a time, again after a minute, never chosen for other ends', () => {
  const names = Array.from({ length: 10 }, (_, i) => `added${i}.example`)
  const world = new World().know([gossiped('11.1.1.1')]).start({ addNodes: [...names, '11.1.1.1'] })
  const first = world.run(10_000)
  assert.deepEqual(targets(first), names.slice(0, 8))
  assert.ok(
    world.lines.some(line => line.startsWith('Not making automatic outbound-full-relay connection to ipv4 peer')),
  )
  world.connections = []
  assert.deepEqual(targets(world.run(40_000, {}, false)), [], 'a minute has not passed')
  const retried = world.run(30_000, {}, false)
  assert.deepEqual(targets(retried), [...names, '11.1.1.1:8333'])
  assert.deepEqual(new Set(kinds(retried)), new Set(['manual']))
})

test('the list of -addnode knows one address by all its names, and its connections', () => {
  const world = new World().start({ connect: [] })
  const { planner } = world
  assert.equal(planner.addNode('11.1.1.1', true), true)
  assert.equal(planner.addNode('11.1.1.1:8333', true), false)
  assert.equal(planner.addNode('11.1.1.1:8334', true), true)
  assert.equal(planner.removeNode('11.1.1.1:8333'), false)
  world.connected('inbound', { address: ip('11.1.1.1'), port: 8334 })
  assert.deepEqual(
    planner.addedNodes(world.connections).map(({ node, connection }) => [node, connection?.inbound]),
    [
      ['11.1.1.1', undefined],
      ['11.1.1.1:8334', true],
    ],
  )
  assert.equal(planner.removeNode('11.1.1.1:8334'), true)
  for (let i = 1; i < ADDED_NODES_MAX; i++) assert.equal(planner.addNode(`n${i}`, false), true)
  assert.equal(planner.addNode('one-more', false), false)
})

test('-connect: these and nobody else, with pauses that grow', () => {
  const world = new World().know(manyGroups(50)).start({ connect: ['11.9.9.9:1', 'some.example', '1.2.3.4:70000'] })
  const steps = world.run(30_000, {}, false)
  assert.deepEqual(targets(steps).slice(0, 2), ['11.9.9.9:1', 'some.example'])
  assert.deepEqual(
    steps.slice(0, 4).map(({ atMs }) => atMs),
    [0, 0, 500, 1000],
  )
  assert.ok(steps.length > 8 && steps.length < 16, String(steps.length))
  assert.deepEqual(new Set(targets(steps)), new Set(['11.9.9.9:1', 'some.example']))
  const nobody = new World().know(manyGroups(50)).start({ connect: [] })
  assert.deepEqual(nobody.run(10 * MINUTE), [])
})

test('a network that is off gets no connection', () => {
  const world = new World().know(manyGroups(50)).start({ addNodes: ['a.example'] })
  assert.deepEqual(world.run(MINUTE, { networkActive: false }), [])
  assert.ok(world.run(MINUTE).length > 8)
})

test('while the clock stands, steps go on by the steady one', () => {
  const world = new World().know(manyGroups(100)).start({ addNodes: ['a.example'] })
  let steps = 0
  for (let steadyMs = 0; steadyMs < 10_000; steadyMs += 500) {
    for (const step of world.planner.plan(world.snapshot(), NOW_MS, steadyMs)) {
      steps++
      if (step.type === 'connect' && 'address' in step.target) world.connected(step.kind, step.target)
    }
    assert.ok(world.planner.nextWake()! > steadyMs && world.planner.nextWake()! <= steadyMs + 500)
  }
  assert.equal(steps, 11)
})

test('a peer that was connected to by hand takes no place of an added one', () => {
  const names = Array.from({ length: 9 }, (_, i) => `added${i}.example`)
  const world = new World().start({ addNodes: names })
  for (let i = 0; i < 8; i++) world.connected('manual', { address: ip(`11.1.1.${i}`), port: 1 })
  assert.equal(world.run(10_000).length, 8)
})

test('fixed seeds: after a minute, or at once where nothing else could give peers', () => {
  const fixedSeeds = [gossiped('11.1.1.1'), gossiped(ONION)]
  const patient = new World().start({ fixedSeeds, dnsSeed: true, dnsSeeds: [], networks: new Set(['ipv4']) })
  patient.run(60_000)
  assert.equal(patient.manager.counts().total, 0)
  patient.run(2000)
  assert.deepEqual(patient.manager.counts(), { new: 1, tried: 0, total: 1 })
  assert.ok(patient.lines.some(line => line.startsWith('Adding fixed seeds as 60 seconds have passed')))
  assert.ok(patient.lines.includes('Added 1 fixed seeds from reachable networks.'))
  const hasty = new World().start({ fixedSeeds })
  assert.deepEqual(targets(hasty.run(0)).length, 1)
  assert.ok(hasty.lines.some(line => line.startsWith('Adding fixed seeds as -dnsseed=0')))
  assert.ok(new World().start().lines.includes('Fixed seeds are disabled'))
})

test('-seednode: at once where nobody is known, else after ten seconds without peers', () => {
  const empty = new World().start({ seedNodes: ['a.example', 'b.example:77'] })
  const steps = empty.run(25_000, {}, false)
  assert.deepEqual(targets(steps), ['b.example', 'a.example'])
  assert.deepEqual(kinds(steps), ['addr-fetch', 'addr-fetch'])
  assert.deepEqual(
    steps.map(({ atMs }) => atMs),
    [0, 10_500],
  )
  assert.ok(empty.lines.includes('Empty addrman, adding seednode (b.example:77) to addrfetch'))
  const known = new World().know([gossiped('11.1.1.1')]).start({ seedNodes: ['a.example'] })
  const later = known.run(15_000, {}, false).filter(({ step }) => step.type === 'connect' && step.kind === 'addr-fetch')
  assert.deepEqual(targets(later), ['a.example'])
  assert.ok(
    known.lines.includes(
      "Couldn't connect to peers from addrman after 10 seconds. Adding seednode (a.example) to addrfetch",
    ),
  )
})

const SEEDS = ['s1.example', 's2.example', 's3.example', 's4.example', 's5.example']

test('DNS seeds: all at once where nobody is known; what they give is days old', () => {
  const world = new World().start({ dnsSeed: true, dnsSeeds: SEEDS })
  const steps = world.run(0)
  assert.deepEqual(
    targets(steps).sort(),
    SEEDS.map(seed => `x9.${seed}`),
  )
  const answer = Array.from({ length: 50 }, (_, i) => parseNetEndpoint(`11.${i}.1.1`, 8333)!)
  for (const name of targets(steps).slice(0, 4)) world.planner.onResolved(name, [], NOW_MS)
  world.planner.onResolved('x9.else.example', answer, NOW_MS)
  assert.equal(world.manager.counts().total, 0)
  world.planner.onResolved(targets(steps)[4], answer, NOW_MS)
  assert.equal(world.manager.counts().total, 32)
  for (const { endpoint, timeSeconds, services } of world.manager.getAddresses({}, NOW)) {
    assert.ok(timeSeconds > NOW - 7 * 86400 - 1 && timeSeconds <= NOW - 3 * 86400, formatNetEndpoint(endpoint))
    assert.equal(services, 2057n)
  }
  const fetched = world.run(3000).filter(({ step }) => step.type === 'connect' && step.kind === 'addr-fetch')
  assert.deepEqual(targets(fetched).length, 4, 'seeds that gave nothing are asked as peers')
  assert.ok(world.lines.includes('32 addresses found from DNS seeds'))
})

test('DNS seeds: with known addresses a few at a time, and only while too few answer', () => {
  const world = new World().know(manyGroups(20)).start({ dnsSeed: true, dnsSeeds: SEEDS })
  const asked = world.run(30_000, {}, false).filter(({ step }) => step.type === 'resolve')
  assert.deepEqual(
    asked.map(({ atMs }) => atMs),
    [11_000, 11_000, 11_000, 22_000, 22_000],
  )
  assert.ok(world.lines.includes('Waiting 11 seconds before querying DNS seeds.'))
  const lucky = new World().know(manyGroups(20)).start({ dnsSeed: true, dnsSeeds: SEEDS })
  assert.ok(!kinds(lucky.run(MINUTE)).includes('resolve'))
  assert.ok(lucky.lines.includes('P2P peers available. Skipped DNS seeding.'))
  const forced = new World().know(manyGroups(20)).start({ dnsSeed: true, dnsSeeds: SEEDS, forceDnsSeed: true })
  assert.equal(kinds(forced.run(0)).filter(kind => kind === 'resolve').length, 5)
  const proxied = new World().start({ dnsSeed: true, dnsSeeds: SEEDS, namesThroughProxy: true })
  assert.deepEqual(new Set(kinds(proxied.run(3000))), new Set(['addr-fetch']))
  const off = new World().start({ dnsSeed: true, dnsSeeds: SEEDS })
  assert.deepEqual(off.run(5000, { networkActive: false }), [])
  assert.ok(off.lines.includes('Waiting for network to be reactivated before querying DNS seeds.'))
})

test('a tried address that another would replace is what a feeler tests', () => {
  const world = new World()
  const texts = Array.from({ length: 4000 }, (_, i) => `11.1.${i >> 8}.${i & 255}`)
  world.know(texts.map(text => gossiped(text)))
  for (const text of texts) world.manager.good({ address: ip(text), port: 8333 }, NOW)
  assert.ok(world.manager.selectTriedCollision() !== undefined)
  const rivals = new Set<string>()
  for (let i = 0; i < 200; i++) rivals.add(formatNetEndpoint(world.manager.selectTriedCollision()!.endpoint))
  world.nowMs = NOW_MS + 300 * MINUTE
  world.start({ connectionsMax: 125, slots: { ...connectionSlots(125, 50), fullRelay: 0, blockRelayOnly: 0 } })
  const feelers = world.run(6 * MINUTE, {}, false)
  assert.ok(feelers.length > 0 && targets(feelers).every(text => rivals.has(text)))
})

test('nothing that a name could be makes the planner fail', () => {
  const names = [
    '',
    ':',
    '[',
    ']:1',
    'a:b',
    'x'.repeat(300),
    '::1',
    '[::1]:0',
    'fc00::1',
    ONION,
    'i.b32.i2p',
    '1.2.3.4:70000',
  ]
  const world = new World().start({ connect: undefined, addNodes: names, seedNodes: names })
  assert.ok(world.run(5 * MINUTE, {}, false).length > 0)
  assert.equal(world.planner.connectOnce('a:b', true), undefined)
  assert.equal(world.planner.connectOnce('fc00::1', false)?.type, 'connect')
})
