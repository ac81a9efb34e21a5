import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toHex } from '../../base/bytes/bytes.ts'
import { formatMagnet, parseMagnet } from './magnet.ts'

const V1 = 'c12fe1c06bba254a9dc9f519b335aa7c1367a88a'
const V2 = 'caf1e1c30e81cb361b9ee167c4aa64228a7fa4fa9f6105232b28ad099f3a302e'

test('reads the forms of BEP 9 and BEP 52', () => {
  const both = parseMagnet(
    `magnet:?xt=urn:btih:${V1}&xt=urn:btmh:1220${V2}&dn=my+album%21&tr=http%3A%2F%2Ft%2Fa&tr.2=udp://u:1`,
  )
  assert.ok(both.ok)
  assert.equal(toHex(both.value.infohashV1!), V1)
  assert.equal(toHex(both.value.infohashV2!), V2)
  assert.equal(both.value.displayName, 'my album!')
  assert.deepEqual(both.value.trackers, ['http://t/a', 'udp://u:1'])
  const base32 = parseMagnet('magnet:?xt=urn:btih:YEX6DQDLXISUVHOJ6UM3GNNKPQJWPKEK')
  assert.ok(base32.ok)
  assert.equal(toHex(base32.value.infohashV1!), V1)
})

test('reads peers, web seeds and the selection of BEP 53', () => {
  const magnet = parseMagnet(`magnet:?xt=urn:btih:${V1}&x.pe=127.0.0.1:6881&x.pe=[::1]:1&ws=http://w/&so=0,2,4-6,5`)
  assert.ok(magnet.ok)
  assert.deepEqual(magnet.value.peers, ['127.0.0.1:6881', '[::1]:1'])
  assert.deepEqual(magnet.value.webSeeds, ['http://w/'])
  assert.deepEqual(magnet.value.selectOnly, [0, 2, 4, 5, 6])
})

test('refuses what is no magnet link', () => {
  const refused: [string, string][] = [
    ['http://example.com', 'magnet-scheme'],
    ['magnet:?dn=x', 'magnet-infohash-missing'],
    ['magnet:?xt=urn:btih:123', 'magnet-infohash-invalid'],
    [`magnet:?xt=urn:btmh:1120${V2}`, 'magnet-infohash-invalid'],
    [`magnet:?xt=urn:btih:${V1}&so=0-999999999`, 'magnet-selection-invalid'],
    [`magnet:?xt=urn:btih:${V1}&so=x`, 'magnet-selection-invalid'],
    [`magnet:?xt=urn:btih:${V1}${'&a=b'.repeat(100_000)}`, 'magnet-too-long'],
  ]
  for (const [link, code] of refused) {
    const parsed = parseMagnet(link)
    assert.equal(parsed.ok ? 'accepted' : parsed.code, code)
  }
})

test('reading undoes writing', () => {
  const text = fc.string({ minLength: 1, maxLength: 20 })
  const magnet = fc.record(
    {
      infohashV1: fc.uint8Array({ minLength: 20, maxLength: 20 }),
      infohashV2: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }), { nil: undefined }),
      displayName: fc.option(text, { nil: undefined }),
      trackers: fc.uniqueArray(text, { maxLength: 3 }),
      webSeeds: fc.uniqueArray(text, { maxLength: 3 }),
      peers: fc.uniqueArray(text, { maxLength: 3 }),
      selectOnly: fc.uniqueArray(fc.nat(300), { maxLength: 9 }).map(list => list.sort((a, b) => a - b)),
    },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(magnet, value => {
      const parsed = parseMagnet(formatMagnet(value))
      assert.ok(parsed.ok)
      assert.deepEqual(parsed.value, value)
    }),
  )
  fc.assert(fc.property(fc.string(), tail => void parseMagnet(`magnet:?${tail}`)))
})
