import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, equalBytes, hex } from '../../../base/bytes/bytes.ts'
import { ByteWriter } from '../../../base/bytes/writer.ts'
import { sha256d } from '../../../base/crypto/hash.ts'
import { portableCrypto } from '../../../base/crypto/portable.ts'
import { seededRandom } from '../../../base/ports/seeded-random.ts'
import type { GossipedAddress } from '../../wire/address-messages.ts'
import { internalAddress, type NetAddress } from '../../wire/net-address.ts'
import { formatNetEndpoint, parseNetAddress } from '../../wire/net-address-text.ts'
import { ADDRESS_FILE_CORRUPT } from './address-file.ts'
import { AddressManager, DETERMINISTIC_BUCKET_KEY } from './address-manager.ts'
import { ANCHORS_MAX, decodeAnchorsFile, encodeAnchorsFile } from './anchors-file.ts'
import { decodePeersFile, encodePeersFile, PEERS_FILE_INCOMPATIBLE } from './peers-file.ts'

const NOW = 1_700_000_000
const MAGIC = hex('fabfb5da')
const OPTIONS = { random: seededRandom(1), hash: portableCrypto }

function gossiped(address: NetAddress, port = 8333): GossipedAddress {
  return { endpoint: { address, port }, services: 1033n, timeSeconds: NOW }
}

function ip(text: string): NetAddress {
  return parseNetAddress(text)!
}

const ONION = ip('pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion')
const I2P = ip('c4gfnttsuwqomiygupdqqqyy5y5emnk5c73hrfvatri67prd7vyq.b32.i2p')

function filled(): AddressManager {
  const manager = new AddressManager({ key: DETERMINISTIC_BUCKET_KEY, ...OPTIONS })
  const addresses = Array.from({ length: 600 }, (_, i) => gossiped(ip(`${1 + (i % 99)}.${i % 7}.${i % 256}.1`), 1 + i))
  manager.add(addresses, internalAddress('seed.example'), 0, NOW)
  for (let i = 0; i < 8; i++) {
    const later = addresses.map(address => ({ ...address, timeSeconds: NOW + 1 }))
    manager.add(later, ip(`9.${i}.1.1`), 7200, NOW + 10)
  }
  manager.add([gossiped(ONION), gossiped(I2P), gossiped(ip('2803:0:1234:abcd::1'))], ONION, 0, NOW)
  for (const { endpoint } of [...addresses.slice(0, 60), gossiped(I2P)]) manager.good(endpoint, NOW + 5)
  manager.attempt(addresses[100].endpoint, true, NOW + 20)
  return manager
}

/** What Core's own test writes: an address manager with nobody in it, or with a wrong count. */
function emptyFile({ format = 1, compatible = 4, magic = MAGIC, key = 1, inNew = 0, inTried = 0 } = {}): Uint8Array {
  const writer = new ByteWriter()
    .bytes(magic)
    .u8(format)
    .u8(32 + compatible)
  writer.bytes(Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? key : 0)))
  writer
    .u32(inNew)
    .u32(inTried)
    .u32(1024 ^ (1 << 30))
  for (let bucket = 0; bucket < 1024; bucket++) writer.u32(0)
  return withChecksum(writer.finish())
}

function withChecksum(bytes: Uint8Array): Uint8Array {
  return concatBytes(bytes, sha256d(bytes))
}

function failure(bytes: Uint8Array): string | undefined {
  const decoded = decodePeersFile(bytes, MAGIC, OPTIONS)
  if (decoded.ok) return undefined
  assert.equal(decoded.code, ADDRESS_FILE_CORRUPT)
  return decoded.detail
}

test('what is written is read again: every address in every place, with all that is kept of it', () => {
  const manager = filled()
  const bytes = encodePeersFile(manager.records(), MAGIC, portableCrypto)
  const again = decodePeersFile(bytes, MAGIC, OPTIONS)
  assert.ok(again.ok)
  for (const table of ['new', 'tried'] as const) {
    assert.ok(manager.entries(table).length > 50)
    assert.deepEqual(again.value.entries(table), manager.entries(table))
  }
  assert.ok(manager.entries('new').some(entry => entry.multiplicity > 1))
  assert.deepEqual(encodePeersFile(again.value.records(), MAGIC, portableCrypto), bytes)
  assert.deepEqual(again.value.counts('onion'), { new: 1, tried: 0, total: 1 })
})

test('the bytes are those of format 4', () => {
  const manager = new AddressManager({ key: DETERMINISTIC_BUCKET_KEY, ...OPTIONS })
  manager.add([gossiped(ip('2.0.0.0'))], ip('2.0.0.0'), 0, NOW)
  const bytes = encodePeersFile(manager.records(), MAGIC, portableCrypto)
  const record = hex('605b032000f15365fd0904010402000000208d010402000000')
  const head = concatBytes(MAGIC, hex('0424'), DETERMINISTIC_BUCKET_KEY, hex('010000000000000000040040'), record)
  assert.ok(equalBytes(bytes.subarray(0, head.length), head))
  // The last success, the attempts; then one bucket, the 82nd, that has one entry; the map of autonomous systems; the checksum.
  const buckets = head.length + 12
  assert.equal(bytes.length, buckets + 4 * 1025 + 64)
  assert.ok(bytes.subarray(head.length, buckets).every(byte => byte === 0))
  assert.equal(
    bytes.findIndex((byte, i) => i >= buckets && byte !== 0),
    buckets + 4 * 82,
  )
})

test("damage, in Core's words", () => {
  assert.equal(failure(emptyFile()), undefined)
  assert.equal(
    failure(emptyFile({ compatible: -32 })),
    'Corrupted addrman database: The compat value (0) is lower than the expected minimum value 32.: iostream error',
  )
  assert.equal(failure(emptyFile().subarray(0, -1)), 'AutoFile::read: end of file: iostream error')
  assert.equal(failure(new Uint8Array()), 'AutoFile::read: end of file: iostream error')
  assert.equal(failure(emptyFile({ magic: hex('0a03cf40') })), 'Invalid network magic number')
  const damaged = emptyFile()
  damaged[damaged.length - 1] ^= 1
  assert.equal(failure(damaged), 'Checksum mismatch, data corrupted')
  const counts: [counts: { inNew?: number; inTried?: number }, text: string][] = [
    [{ inTried: -1 }, 'nTried=-1, should be in [0, 16384]'],
    [{ inTried: 16385 }, 'nTried=16385, should be in [0, 16384]'],
    [{ inNew: -1 }, 'nNew=-1, should be in [0, 65536]'],
    [{ inNew: 65537 }, 'nNew=65537, should be in [0, 65536]'],
  ]
  for (const [wrong, text] of counts) {
    assert.equal(failure(emptyFile(wrong)), `Corrupt AddrMan serialization: ${text}: iostream error`)
  }
  assert.equal(failure(emptyFile({ key: 0 })), 'Corrupt data. Consistency check failed with code -16: iostream error')
})

test('a file of the future is told apart from a damaged one', () => {
  const decoded = decodePeersFile(emptyFile({ compatible: 111 }), MAGIC, OPTIONS)
  assert.equal(decoded.ok ? undefined : decoded.code, PEERS_FILE_INCOMPATIBLE)
})

test('records that cannot be: one address twice, a tried one that never worked', () => {
  const records = filled().records()
  const check = (wrong: Partial<typeof records>): string | undefined =>
    failure(encodePeersFile({ ...records, ...wrong }, MAGIC, portableCrypto))
  assert.match(check({ tried: [records.new[0]] }) ?? '', /code -(1|5):/)
  const [first] = records.tried
  assert.match(check({ tried: [{ ...first, lastSuccessSeconds: 0 }] }) ?? '', /code -1:/)
  assert.equal(check({ tried: [first, first] }), undefined, 'the second finds no place')
})

test('a file with other buckets is placed anew; what is no address of a host is left out', () => {
  const manager = filled()
  const records = { ...manager.records(), sameBuckets: false }
  const moved = AddressManager.fromRecords(OPTIONS, records)
  assert.ok(moved.ok)
  assert.deepEqual(moved.value.entries('tried'), manager.entries('tried'))
  assert.ok(moved.value.entries('new').length > 0.8 * records.new.length)
  const nowhere = { ...records.new[0], endpoint: { address: ip('0.0.0.0'), port: 1 } }
  const cleaned = AddressManager.fromRecords(OPTIONS, {
    ...records,
    new: [nowhere],
    tried: [nowhere],
    references: [5, 0],
  })
  assert.ok(cleaned.ok && cleaned.value.counts().total === 0)
})

test('any bytes give a verdict', () => {
  const bytes = encodePeersFile(filled().records(), MAGIC, portableCrypto)
  const body = bytes.subarray(0, -32)
  fc.assert(
    fc.property(fc.nat(body.length - 1), fc.nat(255), fc.boolean(), (at, value, cut) => {
      const changed = body.slice()
      changed[at] = value
      const decoded = decodePeersFile(withChecksum(cut ? changed.subarray(0, at) : changed), MAGIC, OPTIONS)
      if (!decoded.ok) assert.notEqual(decoded.detail, undefined)
    }),
    { numRuns: 60 },
  )
})

test('anchors: two at most, of any network', () => {
  const anchors = [gossiped(ip('1.2.3.4')), gossiped(ONION, 9), gossiped(I2P, 0)]
  const bytes = encodeAnchorsFile(anchors, MAGIC, portableCrypto)
  assert.deepEqual(decodeAnchorsFile(bytes, MAGIC, portableCrypto), { ok: true, value: anchors.slice(0, ANCHORS_MAX) })
  assert.ok(!decodeAnchorsFile(bytes.subarray(1), MAGIC, portableCrypto).ok)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), content => {
      const decoded = decodeAnchorsFile(withChecksum(concatBytes(MAGIC, content)), MAGIC, portableCrypto)
      if (decoded.ok) assert.ok(decoded.value.every(anchor => formatNetEndpoint(anchor.endpoint) !== ''))
    }),
  )
})
