import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressScope, mayTellOf } from './address-scope.ts'

test('addresses are of the scope that their networks have, in whatever clothes they come', () => {
  const cases: [string, string | undefined][] = [
    ['8.8.8.8', 'public'],
    ['172.15.255.255', 'public'],
    ['172.16.0.0', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.0', 'public'],
    ['100.127.0.1', 'private'],
    ['169.254.169.254', 'private'],
    ['127.255.0.1', 'loopback'],
    ['0.0.0.0', 'nobody'],
    ['224.0.0.1', 'nobody'],
    ['255.255.255.255', 'nobody'],
    ['2606:4700::1111', 'public'],
    ['::', 'nobody'],
    ['::1', 'loopback'],
    ['::127.0.0.1', 'loopback'],
    ['::ffff:10.0.0.1', 'private'],
    ['::ffff:7f00:1', 'loopback'],
    ['::ffff:0:127.0.0.1', 'loopback'],
    ['64:ff9b::192.168.0.1', 'private'],
    ['64:ff9b::8.8.8.8', 'public'],
    ['64:ff9b:1::808:808', 'private'],
    ['2002:7f00:1::', 'tunnel'],
    ['2001:0:1::', 'tunnel'],
    ['2001:4860::8888', 'public'],
    ['fd00::1', 'private'],
    ['fe80::1', 'private'],
    ['febf::1', 'private'],
    ['ff02::1', 'nobody'],
    // Scopes of machines are no business of strangers.
    ['fe80::1%eth0', undefined],
    ['127.1', undefined],
    ['0x7f000001', undefined],
    ['localhost', undefined],
    ['', undefined],
  ]
  for (const [address, scope] of cases) assert.equal(addressScope(address), scope, address)
})

test('who is far away cannot tell of addresses in our network', () => {
  for (const [teller, address, may] of [
    ['8.8.8.8', '9.9.9.9', true],
    ['8.8.8.8', '192.168.1.1', false],
    ['8.8.8.8', '127.0.0.1', false],
    ['8.8.8.8', '::ffff:127.0.0.1', false],
    ['192.168.1.2', '192.168.1.1', true],
    ['192.168.1.2', '127.0.0.1', false],
    ['127.0.0.1', '127.0.0.2', true],
    ['127.0.0.1', '224.0.0.1', false],
    ['127.0.0.1', 'localhost', false],
  ] as const) {
    assert.equal(mayTellOf(teller, address), may, `${teller} of ${address}`)
  }
})
