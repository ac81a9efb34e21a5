import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { internalAddress, type NetAddress } from './net-address.ts'
import { parseNetAddress } from './net-address-text.ts'
import { Subnet } from './subnet.ts'

const ONION = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion'
const I2P = 'c4gfnttsuwqomiygupdqqqyy5y5emnk5c73hrfvatri67prd7vyq.b32.i2p'

function contains(subnet: string, address: string, cjdns = false): boolean {
  const parsed = Subnet.parse(subnet, { cjdns })
  assert.ok(parsed, subnet)
  return parsed.contains(parseNetAddress(address)!)
}

test("texts in Core's form", () => {
  const forms: [text: string, form: string][] = [
    ['1.2.3.4', '1.2.3.4/32'],
    ['1.2.3.4/0', '0.0.0.0/0'],
    ['1.2.3.4/255.255.255.255', '1.2.3.4/32'],
    ['1.2.3.4/255.254.0.0', '1.2.0.0/15'],
    ['1.2.3.4/25', '1.2.3.0/25'],
    ['1.2.3.4/08', '1.0.0.0/8'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8/128'],
    ['[::1]', '::1/128'],
    ['1:2:3:4:5:6:7:8/ffff:ffff:ffff:fff0::', '1:2:3::/60'],
    ['1:2:3:4:5:6:7:8/0', '::/0'],
    ['::ffff:127.0.0.1', '127.0.0.1/32'],
    [ONION, ONION],
    [I2P, I2P],
  ]
  for (const [text, form] of forms) assert.equal(Subnet.parse(text)?.text, form, text)
  assert.equal(Subnet.parse('fc00::1', { cjdns: true })?.text, 'fc00::1')
  assert.equal(Subnet.parse('fc00::1')?.text, 'fc00::1/128')
})

test('what is no subnet', () => {
  const texts = [
    ...['', '/', '1.2.3.4/', '/24', '1.2.3.4/33', '1.2.3.4/-1', '1.2.3.4/+1', '1.2.3.4/256', '1.2.3.4/24/24'],
    ...['1.2.3.4/255.0.255.0', '1.2.3.4/255.255.232.0x', '1.2.3.4/ffff::', '::1/129', '::1/255.0.0.0', '::/ff::ff'],
    ...[`${ONION}/0`, `${I2P}/32`, `${ONION}/${ONION}`, 'localhost', '1.2.3/24'],
  ]
  for (const text of texts) assert.equal(Subnet.parse(text), undefined, text)
  assert.equal(Subnet.parse('fc00::1/8', { cjdns: true }), undefined)
})

test('which addresses lie in it', () => {
  assert.ok(contains('1.2.3.4/24', '1.2.3.255'))
  assert.ok(!contains('1.2.3.4/24', '1.2.4.0'))
  assert.ok(contains('1.2.3.4/0', '9.8.7.6'))
  assert.ok(!contains('0.0.0.0/0', '0.0.0.0'), 'is no address of a host')
  assert.ok(!contains('::/0', '1.2.3.4'))
  assert.ok(contains('1:2:3:4:5:6:7:8/113', '1:2:3:4:5:6:7:1'))
  assert.ok(!contains('1:2:3:4:5:6:7:8/113', '1:2:3:4:5:6:8007:1'))
  assert.ok(contains(ONION, ONION) && !contains(ONION, I2P))
  assert.ok(!contains('fc00::1', 'fc00::1', true), 'another network, with the same bytes')
  assert.ok(!Subnet.ofHost(internalAddress('seed')).contains(internalAddress('seed')))
})

test('of any bits it contains exactly the addresses that share them', () => {
  const address = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes): NetAddress => ({ network: 'ipv4', bytes })),
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes): NetAddress => ({ network: 'ipv6', bytes })),
  )
  const binary = (bytes: Uint8Array): string => [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
  fc.assert(
    fc.property(address, fc.nat(128), fc.nat(128), (first, bitsDrawn, flipped) => {
      const size = 8 * first.bytes.length
      const bits = Math.min(bitsDrawn, size)
      const text = `${Subnet.ofHost(first).text.split('/')[0]}/${bits}`
      const subnet = Subnet.parse(text)
      // An address of IPv6 may stand for one of another network.
      if (subnet?.network.network !== first.network) return
      const other = { ...first, bytes: first.bytes.slice() }
      const bit = Math.min(flipped, size - 1)
      other.bytes[bit >> 3] ^= 0x80 >> (bit & 7)
      const shared = binary(first.bytes).slice(0, bits) === binary(other.bytes).slice(0, bits)
      assert.equal(shared, bit >= bits)
      if (other.bytes[0] !== 0 && other.bytes[0] !== 32) assert.equal(subnet.contains(other), shared, text)
      assert.equal(Subnet.parse(subnet.text)?.text, subnet.text)
    }),
  )
})

test("in Core's order: networks, addresses, bits", () => {
  const texts = ['1.2.3.0/24', '1.2.3.0/25', '1.2.3.1/32', '9.0.0.0/8', '::1/128', '::2/128', ONION, I2P]
  const sorted = [...texts].reverse().map(text => Subnet.parse(text)!)
  assert.deepEqual(
    sorted.sort(Subnet.compare).map(subnet => subnet.text),
    texts,
  )
})
