import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../../base/ports/seeded-random.ts'
import type { NetEndpoint } from '../../wire/net-address.ts'
import { formatNetEndpoint, parseNetEndpoint } from '../../wire/net-address-text.ts'
import { type LocalAddressAudience, LocalAddresses } from './local-addresses.ts'

const ONION = `${'a'.repeat(54)}`

function at(text: string): NetEndpoint {
  return parseNetEndpoint(text, 8333)!
}

function addresses(options: { discover?: boolean; onlyIpv4?: boolean } = {}): LocalAddresses {
  return new LocalAddresses({
    random: seededRandom(3),
    isReachable: ({ network }) => !options.onlyIpv4 || network === 'ipv4',
    discover: options.discover ?? true,
    port: 8333,
  })
}

function audience(remote: string, seen?: string, isInbound = false): LocalAddressAudience {
  return { endpoint: at(remote), isInbound, localSeenByPeer: seen === undefined ? undefined : at(seen) }
}

/** What a peer is told, over many tries, with how often. */
function told(local: LocalAddresses, peer: LocalAddressAudience): Map<string, number> {
  const counts = new Map<string, number>()
  for (let i = 0; i < 400; i++) {
    const endpoint = local.addressFor(peer)
    const text = endpoint === undefined ? 'nothing' : formatNetEndpoint(endpoint)
    counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  return counts
}

test('only addresses that others could use are kept', () => {
  const local = addresses({ onlyIpv4: true })
  for (const [text, isKept] of [
    ['8.8.8.8', true],
    ['10.0.0.1', false],
    ['127.0.0.1', false],
    ['[2a00::1]', false],
  ] as const) {
    assert.equal(local.add(at(text), 'interface'), isKept, text)
    assert.equal(local.has(at(text).address), isKept)
  }
  local.remove(at('8.8.8.8'))
  assert.deepEqual(local.all, [])
  assert.equal(addresses({ discover: false }).add(at('8.8.8.8'), 'bind'), false)
  assert.equal(addresses({ discover: false }).add(at('8.8.8.8'), 'manual'), true)
  assert.equal(addresses({ onlyIpv4: true }).add(at('[2a00::1]'), 'service'), false)
  assert.equal(addresses({ onlyIpv4: true }).add(at('[2a00::1]'), 'manual'), true)
})

test('no more are kept than anybody has', () => {
  const local = addresses()
  for (let i = 0; i < 200; i++) local.add(at(`8.8.${i}.1`), 'bind')
  assert.equal(local.all.length, 64)
})

test('the best known address is told; each peer that sees us there makes it better', () => {
  const local = addresses()
  local.add(at('8.8.8.8'), 'interface')
  local.add(at('9.9.9.9'), 'mapped')
  assert.deepEqual([...told(local, audience('5.5.5.5'))], [['9.9.9.9:8333', 400]])
  for (let i = 0; i < 3; i++) local.seen(at('8.8.8.8:1234'))
  local.seen(at('7.7.7.7'))
  assert.deepEqual([...told(local, audience('5.5.5.5'))], [['8.8.8.8:8333', 400]])
  assert.equal(local.all.length, 2)
})

test('a peer is now and then told where it sees us, the less often the surer we are', () => {
  const unsure = addresses()
  unsure.add(at('8.8.8.8'), 'bind')
  const half = told(unsure, audience('5.5.5.5', '6.6.6.6:4242')).get('6.6.6.6:8333')!
  assert.ok(half > 150 && half < 250, `${half}`)
  const sure = addresses()
  sure.add(at('8.8.8.8'), 'manual')
  sure.seen(at('8.8.8.8'))
  const eighth = told(sure, audience('5.5.5.5', '6.6.6.6:4242')).get('6.6.6.6:8333')!
  assert.ok(eighth > 20 && eighth < 90, `${eighth}`)
  // Who connected to us knows the port as well; with nothing else known it is told always.
  assert.deepEqual([...told(addresses(), audience('5.5.5.5', '6.6.6.6:4242', true))], [['6.6.6.6:4242', 400]])
  assert.deepEqual([...told(addresses({ discover: false }), audience('5.5.5.5', '6.6.6.6'))], [['nothing', 400]])
  assert.deepEqual([...told(addresses(), audience('5.5.5.5', '10.0.0.7'))], [['nothing', 400]])
})

test('peers of the hidden networks and the others are never told of each other’s addresses', () => {
  const onion = parseNetEndpoint(`${ONION}.onion:8333`, 8333)
  const hidden: NetEndpoint = onion ?? { address: { network: 'onion', bytes: new Uint8Array(32).fill(5) }, port: 8333 }
  const local = addresses()
  local.add(at('8.8.8.8'), 'manual')
  local.add(hidden, 'manual')
  assert.deepEqual(local.addressFor(audience('5.5.5.5')), at('8.8.8.8'))
  const onionPeer = { address: { network: 'onion', bytes: new Uint8Array(32).fill(9) }, port: 8333 } as const
  const peer: LocalAddressAudience = { endpoint: onionPeer, isInbound: false, localSeenByPeer: undefined }
  assert.deepEqual(local.addressFor(peer), hidden)
  local.remove(hidden)
  assert.equal(local.addressFor(peer), undefined)
})
