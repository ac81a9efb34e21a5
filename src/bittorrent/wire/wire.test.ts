import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, hex } from '../../base/bytes/bytes.ts'
import { utf8 } from '../../base/bytes/utf8.ts'
import { allowedFastSet } from './allowed-fast.ts'
import { Bitfield } from './bitfield.ts'
import { decodeCompactPeers, encodeCompactPeers, formatIpv6, parseIpv4, parseIpv6 } from './compact-peers.ts'
import {
  decodeExtensionHandshake,
  decodeMetadataMessage,
  decodePex,
  encodeExtensionHandshake,
  encodeMetadataMessage,
  encodePex,
} from './extensions.ts'
import { encodeHandshake, type Handshake } from './handshake.ts'
import { MessageReader, type MessageSink } from './message-reader.ts'
import { MessageWriter, writePieceHeader } from './message-writer.ts'

/** Writes down what it hears; blocks as one entry with their bytes. */
class Recorder {
  readonly heard: unknown[][] = []
  readonly sink: MessageSink
  #block: number[] = []

  constructor() {
    this.sink = new Proxy({} as MessageSink, {
      get:
        (_, name: string) =>
        (...args: unknown[]) =>
          this.#record(name, args),
    })
  }

  #record(name: string, args: unknown[]): void {
    if (name === 'onBlockBytes') {
      const [source, start, end] = args as [Uint8Array, number, number]
      this.#block.push(...source.subarray(start, end))
    } else if (name === 'onBlockEnd') this.heard.push([name, ...this.#block.splice(0)])
    else this.heard.push([name, ...args.map(arg => (arg instanceof Uint8Array ? arg.slice() : arg))])
  }
}

const HANDSHAKE: Handshake = {
  infohash: new Uint8Array(20).fill(7),
  peerId: utf8('-PE0100-abcdefghijkl'),
  extensions: true,
  fast: true,
  dht: false,
  v2: true,
}

const RANGE = { piecesRoot: new Uint8Array(32).fill(1), baseLayer: 2, index: 4, length: 4, proofLayers: 3 }

/** One of each, with what a reader should make of it. */
function everyMessage(): { bytes: Uint8Array; heard: unknown[][] } {
  const block = new Uint8Array(13 + 3)
  writePieceHeader(block, 0, 5, 16_384, 3)
  block.set([9, 8, 7], 13)
  const hashes = { ...RANGE, hashes: new Uint8Array(32 * 6).fill(2) }
  const bytes = new MessageWriter()
    .raw(encodeHandshake(HANDSHAKE))
    .keepAlive()
    .choke()
    .unchoke()
    .interested()
    .notInterested()
    .have(3)
    .bitfield(Uint8Array.of(0xf0))
    .request(1, 2, 3)
    .raw(block)
    .cancel(4, 5, 6)
    .port(6881)
    .suggest(1)
    .haveAll()
    .haveNone()
    .reject(7, 8, 9)
    .allowedFast(2)
    .extended(3, utf8('de'))
    .hashRequest(RANGE)
    .hashes(hashes)
    .hashReject(RANGE)
    .take()!
  const heard = [
    ['onHandshake', HANDSHAKE],
    ['onKeepAlive'],
    ['onChoke'],
    ['onUnchoke'],
    ['onInterested'],
    ['onNotInterested'],
    ['onHave', 3],
    ['onBitfield', Uint8Array.of(0xf0)],
    ['onRequest', 1, 2, 3],
    ['onBlockStart', 5, 16_384, 3],
    ['onBlockEnd', 9, 8, 7],
    ['onCancel', 4, 5, 6],
    ['onPort', 6881],
    ['onSuggest', 1],
    ['onHaveAll'],
    ['onHaveNone'],
    ['onReject', 7, 8, 9],
    ['onAllowedFast', 2],
    ['onExtended', 3, utf8('de')],
    ['onHashRequest', RANGE],
    ['onHashes', hashes],
    ['onHashReject', RANGE],
  ]
  return { bytes, heard }
}

test('reads every message, wherever the reads end', () => {
  const { bytes, heard } = everyMessage()
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 60 }), cuts => {
      const recorder = new Recorder()
      const reader = new MessageReader(recorder.sink)
      let at = 0
      for (const cut of [...cuts, bytes.length]) {
        const end = Math.min(bytes.length, at + cut)
        // A buffer of its own each time, spoiled afterwards: nothing may be kept but copies.
        const buffer = bytes.slice(at, end)
        assert.equal(reader.push(buffer, 0, buffer.length), undefined)
        buffer.fill(0xee)
        at = end
      }
      assert.deepEqual(recorder.heard, heard)
    }),
  )
})

function failureOf(message: Uint8Array): string | undefined {
  const reader = new MessageReader(new Recorder().sink)
  const hello = encodeHandshake(HANDSHAKE)
  assert.equal(reader.push(hello, 0, hello.length), undefined)
  return reader.push(message, 0, message.length)
}

test('ends with a peer whose lengths are wrong, before anything is kept', () => {
  const cases: [string, string | undefined][] = [
    ['ffffffff05', 'wire-message-too-long'],
    ['4000000014', 'wire-message-too-long'],
    ['0001000263', 'wire-message-too-long'],
    ['0000000200', 'wire-bad-message-length'],
    ['0000000404', 'wire-bad-message-length'],
    ['0000000807', 'wire-bad-block-length'],
    ['0000400a07', 'wire-bad-block-length'],
    ['0000400907', undefined],
    ['0000000114', 'wire-bad-message-length'],
    [`0000003115${'00'.repeat(48)}`, 'wire-bad-hash-range'],
    [`0000003116${'00'.repeat(48)}`, 'wire-bad-hashes'],
    ['0000000363aabb', undefined],
  ]
  for (const [message, failure] of cases) assert.equal(failureOf(hex(message)), failure, message)
  const reader = new MessageReader(new Recorder().sink)
  assert.equal(reader.push(new Uint8Array(68), 0, 68), 'wire-bad-handshake')
})

test('any bytes after the handshake are read or refused, never thrown over', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 30 }),
          fc.nat(30).map(n => Uint8Array.of(0, 0, 0, n)),
        ),
      ),
      parts => {
        failureOf(concatBytes(...parts))
      },
    ),
    { numRuns: 3000 },
  )
})

test('a bitfield of the wrong size or with spare bits set is none', () => {
  assert.equal(Bitfield.fromBytes(Uint8Array.of(0xff), 9), undefined)
  assert.equal(Bitfield.fromBytes(Uint8Array.of(0xff, 0xc0), 9), undefined)
  const field = Bitfield.fromBytes(Uint8Array.of(0xf0, 0x80), 9)!
  assert.equal(field.count, 5)
  assert.deepEqual([field.has(0), field.has(4), field.has(8)], [true, false, true])
  assert.deepEqual(
    [field.add(4), field.add(4), field.remove(0), field.remove(0), field.count],
    [true, false, true, false, 5],
  )
  field.fill()
  assert.deepEqual([field.isFull, field.bytes[1]], [true, 0x80])
})

test('BEP 10, 9 and 11 messages survive the way', () => {
  const payload = encodeExtensionHandshake({
    client: 'Peers 0.1',
    port: 6881,
    metadataSize: 31_235,
    requestQueue: 500,
    uploadOnly: true,
    peerHost: '1.2.3.4',
    private: false,
  })
  assert.deepEqual(decodeExtensionHandshake(payload), {
    ids: { ut_metadata: 1, ut_pex: 2, lt_donthave: 3, upload_only: 4 },
    client: 'Peers 0.1',
    port: 6881,
    metadataSize: 31_235,
    requestQueue: 500,
    uploadOnly: true,
    yourIp: '1.2.3.4',
  })
  for (const message of [
    { type: 'request', piece: 2 },
    { type: 'reject', piece: 0 },
    { type: 'data', piece: 1, totalSize: 34_256, bytes: utf8('xxxxxxxx') },
  ] as const) {
    assert.deepEqual(decodeMetadataMessage(encodeMetadataMessage(message)), message)
  }
  const pex = {
    added: [
      { host: '10.0.0.1', port: 1, flags: 2 },
      { host: '2001:db8::1', port: 65_535, flags: 0 },
    ],
    dropped: [{ host: '10.0.0.2', port: 7 }],
  }
  assert.deepEqual(decodePex(encodePex(pex)), pex)
})

test('extension payloads of strangers are read or ignored', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), payload => {
      decodeExtensionHandshake(payload)
      decodeMetadataMessage(payload)
      decodePex(payload)
    }),
  )
  assert.deepEqual(decodeExtensionHandshake(utf8('d1:md11:ut_metadatai-1e6:ut_pexi256ee1:pi0e4:reqqi-5ee')), {
    ids: {},
    client: undefined,
    port: undefined,
    metadataSize: undefined,
    requestQueue: undefined,
    uploadOnly: undefined,
    yourIp: undefined,
  })
})

test('addresses in compact form', () => {
  const v4 = [{ host: '1.2.3.4', port: 80 }]
  assert.deepEqual(decodeCompactPeers(encodeCompactPeers([...v4, { host: '::1', port: 1 }], 4), 4, 9), v4)
  assert.deepEqual(decodeCompactPeers(hex('010203040000'), 4, 9), [])
  assert.equal(parseIpv4('1.2.3.256'), undefined)
  for (const text of ['::', '::1', '2001:db8::1', 'fe80::1:2:3:4', '1:2:3:4:5:6:7:8', '1:0:0:2::3']) {
    assert.equal(formatIpv6(parseIpv6(text)!), text)
  }
  assert.equal(formatIpv6(parseIpv6('::ffff:1.2.3.4')!), '::ffff:102:304')
  for (const text of ['1.2.3.4::', '::1.2.3.4:5', '', '1', ':::', '1::2::3', '1:2:3:4:5:6:7:8:9', '12345::'])
    assert.equal(parseIpv6(text), undefined, text)
})

test('BEP 6: the allowed-fast sets of the text', () => {
  const infohash = new Uint8Array(20).fill(0xaa)
  assert.deepEqual(allowedFastSet('80.4.4.200', infohash, 1313, 7), [1059, 431, 808, 1217, 287, 376, 1188])
  assert.deepEqual(allowedFastSet('80.4.4.200', infohash, 1313, 9), [1059, 431, 808, 1217, 287, 376, 1188, 353, 508])
  assert.deepEqual(allowedFastSet('80.4.4.200', infohash, 2).toSorted(), [0, 1])
})
