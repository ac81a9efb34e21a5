import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatNetAddress,
  formatNetEndpoint,
  parseNetAddress,
  parseNetEndpoint,
  splitHostPort,
} from './net-address-text.ts'

function canonical(text: string): string | undefined {
  const address = parseNetAddress(text)
  return address === undefined ? undefined : formatNetAddress(address)
}

test('RFC 5952: one text for each IPv6 address', () => {
  for (const [text, expected] of [
    ['0000:0000:0000:0000:0000:0000:0000:0000', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8:85a3:0000:0000:8a2e:0370:7334', '2001:db8:85a3::8a2e:370:7334'],
    ['2001:0db8::0001:0000', '2001:db8::1:0'],
    ['2001:db8:0000:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:DB8:0:0:aaaa::1', '2001:db8::aaaa:0:0:1'],
    ['2001:db8:aaaa:bbbb:cccc:dddd::1', '2001:db8:aaaa:bbbb:cccc:dddd:0:1'],
    ['1122:3344:5566:7788:9900:aabb:ccdd:eeff', '1122:3344:5566:7788:9900:aabb:ccdd:eeff'],
    ['1::', '1::'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['fe80::1%32', 'fe80::1%32'],
    ['[::1]', '::1'],
  ]) {
    assert.equal(canonical(text), expected, text)
  }
})

test('what is no address is none', () => {
  for (const text of [
    '',
    'localhost',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7:8::',
    '::12345',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '1.2.3.04',
    '1.2.3.4::',
    '::1.2.3.4:5',
    'fe80::1%eth0',
    'fe80::1%1%2',
    'fd6b:88c0:8724:1:2:3:4:5',
    'fd87:d87e:eb43::1',
    '6hzph5hv6337r6p2.onion',
    'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscsad.onion',
    'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscrye.onion',
    'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd\0wtf.onion',
    'mfrggzak.onion',
    'mf*g zak.onion',
    'udhdrtrcetjm5sxzskjyr5ztpeszydbh4dpl3pl4utgqqw2v4jn=.b32.i2p',
    'udhdrtrcetjm5sxzskjyr5ztpeszydbh4dpl3pl4utgqqw2v4jna=.b32.i2p',
    'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscsad.b32.i2p',
    'tp*szydbh4dp.b32.i2p',
  ]) {
    assert.equal(canonical(text), undefined, text)
  }
})

test('names that are keys', () => {
  const onion = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion'
  assert.equal(canonical(onion), onion)
  const i2p = 'UDHDrtrcetjm5sxzskjyr5ztpeszydbh4dpl3pl4utgqqw2v4jna.b32.I2P'
  assert.equal(canonical(i2p), i2p.toLowerCase())
})

test("a text is an address exactly where the host's own parser says so", () => {
  const piece = fc.constantFrom('0', '1', 'ffff', 'abc', '12', '255', '256', ':', ':', '::', '.', '.')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 16 }), pieces => {
      const text = pieces.join('')
      const address = parseNetAddress(text)
      assert.equal(address !== undefined, isIPv4(text) || isIPv6(text), text)
      if (address !== undefined) assert.deepEqual(parseNetAddress(formatNetAddress(address)), address)
    }),
    { numRuns: 2000 },
  )
})

test('host and port', () => {
  for (const [text, host, port] of [
    ['www.bitcoincore.org', 'www.bitcoincore.org', undefined],
    ['[www.bitcoincore.org]:80', 'www.bitcoincore.org', 80],
    ['127.0.0.1:8333', '127.0.0.1', 8333],
    ['[127.0.0.1]', '127.0.0.1', undefined],
    ['::ffff:127.0.0.1', '::ffff:127.0.0.1', undefined],
    ['[::]:8333', '::', 8333],
    ['::8333', '::8333', undefined],
    [':65535', '', 65535],
    ['', '', undefined],
  ] as const) {
    assert.deepEqual(splitHostPort(text), { host, port }, text)
  }
  for (const text of [':65536', ':-1', '[]:70001', '[]:0', '127.0.0.1:', '127.0.0.1:1E2', 'www.bitcoincore.org:1/2']) {
    assert.equal(splitHostPort(text), undefined, text)
  }
  const endpoint = (text: string): string | undefined => {
    const parsed = parseNetEndpoint(text, 8333)
    return parsed === undefined ? undefined : formatNetEndpoint(parsed)
  }
  assert.equal(endpoint('127.0.0.1'), '127.0.0.1:8333')
  assert.equal(endpoint('[::]:1'), '[::]:1')
  assert.equal(endpoint('::ffff:1.2.3.4'), '1.2.3.4:8333')
  assert.equal(endpoint('seed.example:8333'), undefined)
  assert.equal(endpoint(':::'), undefined)
})
