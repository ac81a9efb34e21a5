import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../base/bytes/utf8.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import { encodeBencode } from '../bencode/encode.ts'
import type { AnnounceRequest, AnnounceResponse } from './announce.ts'
import { Announcer, mergeStatus, type TrackerFailure } from './announcer.ts'
import {
  announceUrl,
  decodeAnnounceResponse,
  decodeScrapeResponse,
  encodeAnnounceResponse,
  encodeScrapeResponse,
  encodeTrackerFailure,
  escapeBytes,
  parseAnnounceQuery,
  parseScrapeQuery,
  scrapeUrl,
  unescapeBytes,
} from './http-tracker.ts'
import { PeerRegistry } from './peer-registry.ts'
import {
  decodeUdpAnswer,
  decodeUdpRequest,
  encodeConnectAnswer,
  encodeConnectRequest,
  encodeUdpAnnounce,
  encodeUdpAnnounceAnswer,
  encodeUdpError,
  encodeUdpScrape,
  encodeUdpScrapeAnswer,
  udpTransaction,
} from './udp-tracker.ts'

const REQUEST: AnnounceRequest = {
  infohash: Uint8Array.from({ length: 20 }, (_, i) => i * 13),
  peerId: utf8('-PE0010-abcdefghijkl'),
  port: 6881,
  uploaded: 1,
  downloaded: 2,
  left: 5_000_000_000,
  event: 'started',
  wanted: 50,
  key: 0xdeadbeef,
}

const RESPONSE: AnnounceResponse = {
  intervalMs: 1_800_000,
  minIntervalMs: 60_000,
  seeders: 1,
  leechers: 2,
  peers: [],
  externalIp: undefined,
  warning: undefined,
  trackerId: undefined,
}

const DOWN: TrackerFailure = { code: 'unreachable', message: 'down', next: 'wait' }

test('bytes survive a query', () => {
  fc.assert(fc.property(fc.uint8Array(), bytes => assert.deepEqual(unescapeBytes(escapeBytes(bytes)), bytes)))
  assert.equal(unescapeBytes('%zz'), undefined)
})

test('an announce over HTTP is understood on the other side', () => {
  const url = announceUrl('http://t/announce?pass=1', REQUEST, utf8('id'))
  assert.match(url, /^http:\/\/t\/announce\?pass=1&info_hash=/)
  assert.match(url, /&trackerid=id$/)
  const parsed = parseAnnounceQuery(url.split('?')[1])
  assert.ok(parsed.ok)
  assert.deepEqual(parsed.value, { ...REQUEST, uploadOnly: false, compact: true })
})

test('an answer over HTTP is understood, compact or not', () => {
  const peers = [
    { host: '1.2.3.4', port: 5 },
    { host: '2001:db8::1', port: 6 },
  ]
  for (const compact of [true, false]) {
    const decoded = decodeAnnounceResponse(
      encodeAnnounceResponse({ intervalSeconds: 1800, seeders: 1, leechers: 2, peers }, compact),
    )
    assert.ok(decoded.ok)
    assert.deepEqual(decoded.value, { ...RESPONSE, peers })
  }
  const refused = decodeAnnounceResponse(encodeTrackerFailure('not here'))
  assert.deepEqual(refused, { ok: false, code: 'tracker-refused', detail: 'not here' })
  const hasty = decodeAnnounceResponse(encodeBencode({ interval: 1 }))
  assert.ok(hasty.ok && hasty.value.intervalMs === 60_000)
})

test('scrapes over HTTP', () => {
  assert.equal(scrapeUrl('http://t/x', []), undefined)
  assert.equal(scrapeUrl('http://t/announce.php?a=1', [])!, 'http://t/scrape.php?a=1')
  const url = scrapeUrl('http://t/announce', [REQUEST.infohash])!
  assert.deepEqual(parseScrapeQuery(url.split('?')[1]), [REQUEST.infohash])
  const entry = { seeders: 3, completed: 2, leechers: 1 }
  const decoded = decodeScrapeResponse(encodeScrapeResponse([[REQUEST.infohash, entry]]), [
    REQUEST.infohash,
    REQUEST.peerId,
  ])
  assert.ok(decoded.ok)
  assert.deepEqual(decoded.value, [entry, undefined])
})

test('BEP 15: every packet is understood on the other side', () => {
  assert.deepEqual(decodeUdpRequest(encodeConnectRequest(7)), { action: 'connect', transaction: 7 })
  const announce = encodeUdpAnnounce(0x1234_5678_9abc_def0n, 9, REQUEST, utf8('/announce?x=1'))
  assert.deepEqual(decodeUdpRequest(announce), {
    action: 'announce',
    transaction: 9,
    connectionId: 0x1234_5678_9abc_def0n,
    request: REQUEST,
  })
  assert.deepEqual(decodeUdpRequest(encodeUdpScrape(1n, 2, [REQUEST.infohash])), {
    action: 'scrape',
    transaction: 2,
    connectionId: 1n,
    infohashes: [REQUEST.infohash],
  })

  const connected = encodeConnectAnswer(7, 99n)
  assert.equal(udpTransaction(connected), 7)
  assert.deepEqual(decodeUdpAnswer(connected, 4), { ok: true, value: { action: 'connect', connectionId: 99n } })
  const peers = [{ host: '9.8.7.6', port: 5 }]
  const answer = decodeUdpAnswer(
    encodeUdpAnnounceAnswer(9, { intervalSeconds: 1800, seeders: 1, leechers: 2, peers }, 4),
    4,
  )
  assert.ok(answer.ok)
  assert.deepEqual(answer.value, { action: 'announce', response: { ...RESPONSE, minIntervalMs: undefined, peers } })
  const entries = [{ seeders: 1, completed: 2, leechers: 3 }]
  assert.deepEqual(decodeUdpAnswer(encodeUdpScrapeAnswer(2, entries), 4), {
    ok: true,
    value: { action: 'scrape', entries },
  })
  assert.deepEqual(decodeUdpAnswer(encodeUdpError(2, utf8('no')), 4), {
    ok: false,
    code: 'tracker-refused',
    detail: 'no',
  })
})

test('whatever trackers and clients send is read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.string(), (bytes, text) => {
      decodeAnnounceResponse(bytes)
      decodeScrapeResponse(bytes, [bytes])
      decodeUdpAnswer(bytes, 16)
      decodeUdpRequest(bytes)
      parseAnnounceQuery(text)
      parseScrapeQuery(`info_hash=${text}`)
    }),
    { numRuns: 2000 },
  )
})

test('one tracker of each tier is asked, and the one that answers comes first from then on', () => {
  const announcer = new Announcer([['http://a', 'http://b'], ['udp://c']], seededRandom(1))
  const first = announcer.due(0)
  assert.equal(first.length, 2)
  assert.deepEqual(announcer.due(0), [])
  announcer.failed(first[0], DOWN, 0)
  announcer.succeeded(first[1], RESPONSE, 0)
  const second = announcer.due(0)
  assert.equal(second.length, 1)
  assert.notEqual(second[0].url, first[0].url)
  assert.equal(second[0].event, 'started')
  announcer.succeeded(second[0], RESPONSE, 0)
  assert.deepEqual(announcer.due(1_799_999), [])
  const later = announcer.due(1_800_000)
  assert.deepEqual(
    later.map(({ url, event }) => [url, event]),
    [
      [second[0].url, undefined],
      ['udp://c', undefined],
    ],
  )
})

test('completion is told once, and at once; who was complete from the start never completed', () => {
  const announcer = new Announcer([['http://a']], seededRandom(1))
  announcer.succeeded(announcer.due(0)[0], RESPONSE, 0)
  announcer.completed()
  const [told] = announcer.due(1000)
  assert.equal(told.event, 'completed')
  announcer.succeeded(told, RESPONSE, 1000)
  assert.deepEqual(announcer.due(2000), [])
  assert.deepEqual(
    announcer.stopping(2000).map(({ event }) => event),
    ['stopped'],
  )
  const seed = new Announcer([['http://a']], seededRandom(1))
  seed.completed()
  seed.succeeded(seed.due(0)[0], RESPONSE, 0)
  assert.deepEqual(seed.due(1000), [])
})

test('whoever goes and comes back says so at once, and no answer from before undoes it', () => {
  const announcer = new Announcer([['http://a']], seededRandom(1))
  announcer.succeeded(announcer.due(0)[0], RESPONSE, 0)
  const [regular] = announcer.due(RESPONSE.intervalMs)
  const [goodbye, ...others] = announcer.stopping(RESPONSE.intervalMs)
  assert.deepEqual([goodbye.event, others], ['stopped', []])
  assert.deepEqual(announcer.stopping(RESPONSE.intervalMs), [], 'it is told once')
  const now = RESPONSE.intervalMs + 1
  announcer.succeeded(regular, RESPONSE, now)
  assert.deepEqual(announcer.due(now), [], 'not before it has heard the other')
  announcer.failed(goodbye, DOWN, now)
  assert.equal(announcer.status[0].error, undefined)
  const [back] = announcer.due(now)
  assert.equal(back.event, 'started')
  announcer.succeeded(back, RESPONSE, now)
  announcer.succeeded(goodbye, RESPONSE, now + 1)
  announcer.failed(regular, DOWN, now + 1)
  const next = now + RESPONSE.intervalMs
  assert.deepEqual(announcer.due(next - 1), [])
  const [again] = announcer.due(next)
  assert.equal(again.event, undefined)

  // Whoever fails is not asked more often for it.
  announcer.failed(again, DOWN, next)
  announcer.failed(announcer.stopping(next + 1)[0], DOWN, next + 2)
  assert.deepEqual(announcer.due(next + 14_999), [])
  assert.equal(announcer.due(next + 15_000)[0].event, 'started')
})

test('a dead tracker is tried ever more rarely', () => {
  const announcer = new Announcer([['http://a']], seededRandom(1))
  const waits: number[] = []
  let asked = 0
  for (let now = 0; waits.length < 6; now += 5000) {
    const [due] = announcer.due(now)
    if (due === undefined) continue
    if (now > 0) waits.push(now - asked)
    asked = now
    announcer.failed(due, DOWN, now)
  }
  assert.deepEqual(waits, [15_000, 30_000, 60_000, 120_000, 240_000, 480_000])
  assert.equal(announcer.status[0].error, 'down')
})

test('a tracker that takes one infohash of a hybrid works, and one that takes none says why', () => {
  const [v1, v2] = [1, 2].map(seed => new Announcer([['http://a'], ['http://b']], seededRandom(seed)))
  const [[a1, b1], [a2, b2]] = [v1.due(0), v2.due(0)]
  const told = () => mergeStatus([v1.status, v2.status]).map(({ error, code, next }) => [error, code, next])
  v2.failed(a2, DOWN, 0)
  v2.failed(b2, DOWN, 0)
  v1.failed(b1, { ...DOWN, message: 'gone', next: undefined }, 0)
  const [down, gone, nothing] = [
    ['down', 'unreachable', 'wait'],
    ['gone', 'unreachable', undefined],
    [undefined, undefined, undefined],
  ]
  assert.deepEqual(told(), [down, gone])
  v1.succeeded(a1, RESPONSE, 0)
  assert.deepEqual(told(), [nothing, gone])
})

test('the registry introduces peers to each other, and forgets those that are gone', () => {
  const registry = new PeerRegistry(seededRandom(1), { intervalMs: 1000, peersPerSwarmMax: 3 })
  const announce = (port: number, left: number, now: number, event?: AnnounceRequest['event']) =>
    registry.announce({ ...REQUEST, port, left, event }, '10.0.0.1', now)
  assert.deepEqual(announce(1, 0, 0).peers, [])
  assert.deepEqual(announce(2, 0, 1).peers, [], 'a seed has no use for seeds')
  assert.deepEqual(
    announce(3, 9, 2)
      .peers.map(({ port }) => port)
      .toSorted(),
    [1, 2],
  )
  assert.deepEqual(registry.scrape(REQUEST.infohash), { seeders: 2, completed: 0, leechers: 1 })
  announce(3, 0, 3, 'completed')
  assert.deepEqual(registry.scrape(REQUEST.infohash), { seeders: 3, completed: 1, leechers: 0 })
  announce(4, 9, 4)
  assert.equal(registry.scrape(REQUEST.infohash).seeders, 2, 'the oldest makes room')
  announce(4, 9, 5, 'stopped')
  registry.expire(2002)
  assert.deepEqual(registry.scrape(REQUEST.infohash), { seeders: 1, completed: 1, leechers: 0 })
  registry.expire(5000)
  assert.equal(registry.swarmCount, 0)
})

test('the registry holds so many peers in all, and few of one place', () => {
  const options = { peersPerSwarmMax: 50, peersMax: 120, peersPerHostMax: 4, swarmsMax: 1000 }
  const registry = new PeerRegistry(seededRandom(1), options)
  const announce = (swarm: number, host: string, port: number) =>
    registry.announce({ ...REQUEST, infohash: new Uint8Array(20).fill(swarm), port, left: 1 }, host, port)
  for (const host of ['9.9.9.9', '2001:db8::1']) for (let port = 1; port <= 100; port++) announce(1, host, port)
  // The network of an IPv6 address is one place, however many addresses it has.
  for (let i = 2; i <= 100; i++) announce(1, `2001:db8::${i}`, 7)
  assert.equal(registry.scrape(new Uint8Array(20).fill(1)).leechers, 8)
  assert.ok(announce(1, '9.9.9.9', 5000).peers.length > 0, 'who is not counted is answered all the same')
  for (let swarm = 2; swarm <= 200; swarm++) {
    for (let i = 0; i < 10; i++) announce(swarm, `8.8.8.${i}`, 1)
    // Somebody still comes to the first one.
    announce(1, '9.9.9.9', 1)
    assert.ok(registry.peerCount <= 120, `${registry.peerCount}`)
  }
  assert.equal(registry.scrape(new Uint8Array(20).fill(1)).leechers, 8)
  assert.equal(registry.scrape(new Uint8Array(20).fill(2)).leechers, 0)
  assert.equal(registry.scrape(new Uint8Array(20).fill(200)).leechers, 10)
})

test('BEP 27: a private torrent asks a tier only while all before it fail', () => {
  const announcer = new Announcer([['a1', 'a2'], ['b'], ['c']], seededRandom(1))
  const asked = (now: number) => announcer.due(now, true)
  const [first] = asked(0)
  assert.deepEqual(asked(0), [], 'one at a time')
  announcer.failed(first, DOWN, 0)
  const [second] = asked(1)
  assert.deepEqual([first.url, second.url].toSorted(), ['a1', 'a2'])
  announcer.failed(second, DOWN, 1)
  const [third, ...others] = asked(2)
  assert.deepEqual([third.url, others], ['b', []])
  announcer.succeeded(third, RESPONSE, 2)
  // The first tier is tried again in its time, and is the only one once it answers.
  const [again] = asked(20_000)
  announcer.succeeded(again, RESPONSE, 20_000)
  const later = asked(20_000 + 10 * RESPONSE.intervalMs).map(({ url }) => url)
  assert.deepEqual(later, [again.url])
})
