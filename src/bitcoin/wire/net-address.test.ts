import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ARBITRARY_ADDRESS as ADDRESS } from '../../../test/arbitrary-address.ts'
import { hex, toHex } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { isValidAddress } from './address-class.ts'
import {
  ADDRESS_SIZES,
  addressKey,
  asCjdns,
  decodeLegacyAddress,
  encodeLegacyAddress,
  internalAddress,
  isLegacyCompatible,
  type NetAddress,
  readAddressV2,
  sameAddress,
  UNSPECIFIED_ADDRESS,
  writeAddressV2,
} from './net-address.ts'
import { formatNetAddress, parseNetAddress } from './net-address-text.ts'

const ONION = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion'

function v2(address: NetAddress): string {
  const writer = new ByteWriter()
  writeAddressV2(writer, address)
  return toHex(writer.finish())
}

function read(form: string): [text: string | undefined, left: number] {
  const reader = new ByteReader(hex(form))
  const address = readAddressV2(reader)
  return [reader.failure ?? formatNetAddress(address), reader.remaining]
}

test('addresses go through both forms and back', () => {
  fc.assert(
    fc.property(ADDRESS, address => {
      const reader = new ByteReader(hex(v2(address)))
      assert.deepEqual(readAddressV2(reader), address)
      assert.equal(reader.remaining, 0)
      assert.deepEqual(parseNetAddress(formatNetAddress(address)) ?? address, asPlain(address))
      const legacy = decodeLegacyAddress(encodeLegacyAddress(address))
      assert.ok(sameAddress(legacy, isLegacyCompatible(address) ? address : UNSPECIFIED_ADDRESS))
    }),
  )
})

function asPlain(address: NetAddress): NetAddress {
  return address.network === 'cjdns' ? { ...address, network: 'ipv6' } : address
}

test('any bytes are an address or a failure', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      const reader = new ByteReader(bytes)
      const address = readAddressV2(reader)
      assert.equal(address.bytes.length, ADDRESS_SIZES[address.network])
      assert.equal(decodeLegacyAddress(new Uint8Array(16).fill(bytes[0] ?? 0)).bytes.length, 16)
    }),
  )
})

test('16 bytes hold what fits', () => {
  const legacy = (text: string): string => toHex(encodeLegacyAddress(parseNetAddress(text)!))
  assert.equal(legacy('1.2.3.4'), '00000000000000000000ffff01020304')
  assert.equal(legacy('1a1b:2a2b:3a3b:4a4b:5a5b:6a6b:7a7b:8a8b'), '1a1b2a2b3a3b4a4b5a5b6a6b7a7b8a8b')
  assert.equal(legacy(ONION), '00'.repeat(16))
  assert.equal(toHex(encodeLegacyAddress(internalAddress('a'))), 'fd6b88c08724ca978112ca1bbdcafac2')
  assert.deepEqual(decodeLegacyAddress(hex('fd6b88c08724ca978112ca1bbdcafac2')), internalAddress('a'))
  assert.equal(v2(internalAddress('a')), '0210fd6b88c08724ca978112ca1bbdcafac2')
  assert.equal(formatNetAddress(internalAddress('esffpp')), 'esffpvrt3wpeaygy.internal')
})

test('BIP155: what is known, what is wrong, and what is not known yet', () => {
  const end = 'truncated'
  for (const [form, text, left] of [
    ['010401020304', '1.2.3.4', 0],
    ['01040102', end, 0],
    ['010501020304', 'BIP155 IPv4 address with length 5 (should be 4)', 0],
    ['01fd010201020304', 'Address too long: 513 > 512', 0],
    ['02100102030405060708090a0b0c0d0e0f10', '102:304:506:708:90a:b0c:d0e:f10', 0],
    ['0210fd6b88c08724ca978112ca1bbdcafac2', 'zklycewkdo64v6wc.internal', 0],
    ['020400', 'BIP155 IPv6 address with length 4 (should be 16)', 0],
    ['021000000000000000000000ffff01020304', '::', 0],
    ['0210fd87d87eeb430102030405060708090a', '::', 0],
    ['030af1f2f3f4f5f6f7f8f9fa', '::', 0],
    ['042079bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f', ONION, 0],
    ['040000', 'BIP155 TORv3 address with length 0 (should be 32)', 0],
    [
      '0520a2894dabaec08c0051a481a6dac88b64f98232ae42d4b6fd2fa81952dfe36a87',
      'ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p',
      0,
    ],
    ['050300', 'BIP155 I2P address with length 3 (should be 32)', 0],
    ['0610fc000001000200030004000500060007', 'fc00:1:2:3:4:5:6:7', 0],
    ['060100', 'BIP155 CJDNS address with length 1 (should be 16)', 0],
    ['aafe0000000201020304050607', 'Address too long: 33554432 > 512', 0],
    ['aa0401020304', '::', 0],
    ['aa00', '::', 0],
    ['aa00ff', '::', 1],
  ] as const) {
    assert.deepEqual(read(form), [text, left], form)
  }
  const foreign = readAddressV2(new ByteReader(hex('0610aa000001000200030004000500060007')))
  assert.ok(foreign.network === 'cjdns' && !isValidAddress(foreign))
})

test('CJDNS is told from IPv6 by who uses it', () => {
  const address = parseNetAddress('fc00:1:2:3:4:5:6:7')!
  assert.equal(address.network, 'ipv6')
  assert.equal(asCjdns(address).network, 'cjdns')
  assert.equal(asCjdns(parseNetAddress('fd00::1')!).network, 'ipv6')
  assert.notEqual(addressKey(address), addressKey(asCjdns(address)))
})
