import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ARBITRARY_ADDRESS as ADDRESS } from '../../../test/arbitrary-address.ts'
import {
  addressClass,
  isBindAny,
  isLocalAddress,
  isRoutable,
  isValidAddress,
  linkedIpv4,
  netGroup,
  networkOf,
  REACHABILITY,
  reachabilityFrom,
} from './address-class.ts'
import { asCjdns, internalAddress, type NetAddress } from './net-address.ts'
import { parseNetAddress } from './net-address-text.ts'

const ONION = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion'
const I2P = 'udhdrtrcetjm5sxzskjyr5ztpeszydbh4dpl3pl4utgqqw2v4jna.b32.i2p'

function at(text: string): NetAddress {
  const address = parseNetAddress(text)
  assert.ok(address, text)
  return address
}

test('addresses that nobody on the internet reaches', () => {
  for (const text of [
    '10.0.0.1',
    '192.168.1.1',
    '172.16.0.1',
    '172.31.255.255',
    '198.18.0.0',
    '198.19.255.255',
    '169.254.1.1',
    '100.64.0.1',
    '100.127.255.255',
    '192.0.2.7',
    '198.51.100.7',
    '203.0.113.7',
    '127.0.0.1',
    '0.1.2.3',
    '::1',
    'fe80::1',
    'fc00::1',
    'fdff::1',
    '2001:10::1',
    '2001:2f::1',
  ]) {
    assert.ok(isValidAddress(at(text)) && !isRoutable(at(text)), text)
    assert.equal(networkOf(at(text)), 'not_publicly_routable')
    assert.deepEqual(netGroup(at(text)), Uint8Array.of(0))
  }
  for (const text of ['0.0.0.0', '255.255.255.255', '::', '2001:db8::1']) assert.ok(!isValidAddress(at(text)), text)
  for (const text of ['8.8.8.8', '172.32.0.1', '100.128.0.1', '198.20.0.1', '2001::1', '2001:30::1', 'fe80:0:0:1::1']) {
    assert.ok(isRoutable(at(text)), text)
  }
  assert.ok(isLocalAddress(at('127.5.5.5')) && isLocalAddress(at('::1')) && !isLocalAddress(at('8.8.8.8')))
  assert.ok(isBindAny(at('0.0.0.0')) && isBindAny(at('::')) && !isBindAny(at(ONION)))
  assert.ok(!isValidAddress(internalAddress('x')))
})

test("groups of addresses are Core's", () => {
  for (const [text, group] of [
    ['1.2.3.4', [1, 1, 2]],
    ['::ffff:0:102:304', [1, 1, 2]],
    ['64:ff9b::102:304', [1, 1, 2]],
    ['2002:102:304:9999:9999:9999:9999:9999', [1, 1, 2]],
    ['2001:0:9999:9999:9999:9999:fefd:fcfb', [1, 1, 2]],
    ['2001:470:abcd:9999:9999:9999:9999:9999', [2, 32, 1, 4, 112, 175]],
    ['2001:2001:9999:9999:9999:9999:9999:9999', [2, 32, 1, 32, 1]],
    [ONION, [3, 0x7f]],
    [I2P, [4, 0xaf]],
  ] as const) {
    assert.deepEqual([...netGroup(at(text))], group, text)
  }
  assert.deepEqual([...netGroup(asCjdns(at('fc12:3456::1')))], [5, 0xfc, 0x1f])
  const seed = [6, 0x12, 0x92, 0x94, 0x00, 0xeb, 0x46, 0x07, 0xc4, 0xac, 0x07]
  assert.deepEqual([...netGroup(internalAddress('baz.net'))], seed)
})

test('IPv4 behind IPv6 counts as IPv4', () => {
  assert.equal(addressClass(at('64:ff9b::102:304')), 'ipv4')
  assert.equal(networkOf(at('64:ff9b::102:304')), 'ipv6')
  assert.equal(addressClass(at('2a00::1')), 'ipv6')
  assert.equal(addressClass(internalAddress('x')), 'internal')
})

test('which of our addresses a partner is told', () => {
  const { unreachable, teredo, ipv6Weak, ipv4, ipv6Strong, private: own } = REACHABILITY
  for (const [ours, theirs, worth] of [
    ['10.0.0.1', '8.8.8.8', unreachable],
    ['8.8.8.8', '9.9.9.9', ipv4],
    ['2a00::1', '9.9.9.9', REACHABILITY.default],
    ['2a00::1', '2a00::2', ipv6Strong],
    ['2002:102:304::1', '2a00::2', ipv6Weak],
    ['2001::1', '2a00::2', teredo],
    ['8.8.8.8', '2a00::2', ipv4],
    ['8.8.8.8', ONION, ipv4],
    [ONION, ONION, own],
    [I2P, ONION, REACHABILITY.default],
    [I2P, I2P, own],
    ['2a00::1', '2001::1', ipv6Weak],
    [ONION, '127.0.0.1', own],
    ['2a00::1', '10.0.0.1', ipv6Weak],
  ] as const) {
    assert.equal(reachabilityFrom(at(ours), at(theirs)), worth, `${ours} from ${theirs}`)
  }
})

test('class, group and reachability exist for every address', () => {
  fc.assert(
    fc.property(ADDRESS, ADDRESS, (a, b) => {
      assert.equal(isRoutable(a), networkOf(a) !== 'not_publicly_routable')
      assert.ok(!isRoutable(a) || isValidAddress(a))
      assert.ok(netGroup(a).length >= 1 && netGroup(a).length <= 6)
      assert.equal(linkedIpv4(a) !== undefined, addressClass(a) === 'ipv4')
      assert.equal(reachabilityFrom(a, b) > 0, isRoutable(a))
    }),
  )
})
