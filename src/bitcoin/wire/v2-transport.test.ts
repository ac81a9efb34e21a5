import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { splitAt } from '../../../test/split-at.ts'
import { concatBytes, hex, toHex } from '../../base/bytes/bytes.ts'
import { portableChaCha20Poly1305 } from '../../base/crypto/chacha20-poly1305.ts'
import { encodeElligatorSwift } from '../../base/crypto/elligator-swift.ts'
import { portableCrypto } from '../../base/crypto/portable.ts'
import { InvariantError } from '../../base/errors.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import type { TransportEvent } from './transport.ts'
import { V1Transport } from './v1-transport.ts'
import { GARBAGE_BYTES_MAX, V2Transport } from './v2-transport.ts'

const MAGIC = hex('fabfb5da')
const random = seededRandom(324)

/** Making a key takes some milliseconds; a few serve all tests. */
const KEYS = Array.from({ length: 4 }, () => {
  const secretKey = random.bytes(32)
  return { secretKey, publicKey: encodeElligatorSwift(secretKey, random) }
})

function peer(
  role: 'initiator' | 'responder',
  garbage: Uint8Array = new Uint8Array(0),
  key = role === 'initiator' ? 0 : 1,
) {
  const aead = portableChaCha20Poly1305
  return new V2Transport({ role, magic: MAGIC, ...KEYS[key], garbage, aead, hash: portableCrypto })
}

function sends(events: readonly TransportEvent[]): Uint8Array {
  return concatBytes(...events.flatMap(event => (event.type === 'send' ? [event.bytes] : [])))
}

interface Pair {
  initiator: V2Transport
  responder: V2Transport
}

/** Two ends that have shaken hands. */
function connected(garbage: readonly Uint8Array[] = [], cuts: readonly number[] = []): Pair {
  const initiator = peer('initiator', garbage[0])
  const responder = peer('responder', garbage[1])
  const pass = (to: V2Transport, bytes: Uint8Array) => sends(splitAt(bytes, cuts).flatMap(chunk => to.receive(chunk)))
  const answer = pass(responder, concatBytes(...initiator.start()))
  const rest = pass(initiator, answer)
  assert.deepEqual([initiator.protocol, responder.protocol], ['v2', 'detecting'])
  assert.equal(pass(responder, rest).length, 0)
  assert.equal(responder.protocol, 'v2')
  return { initiator, responder }
}

const CUTS = fc.array(fc.nat(6000), { maxLength: 10 })
const GARBAGE = fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.constant(random.bytes(GARBAGE_BYTES_MAX)))
const COMMAND = fc.constantFrom('ping', 'block', 'addrv2', 'version', 'wtxidrelay', 'twelve_chars')

test('two ends find each other, whatever garbage they send and however it is cut', () => {
  fc.assert(
    fc.property(GARBAGE, GARBAGE, CUTS, (a, b, cuts) => {
      const { initiator, responder } = connected([a, b], cuts)
      assert.ok(initiator.sessionId !== undefined)
      assert.deepEqual(initiator.sessionId, responder.sessionId)
      assert.ok(initiator.canSend && responder.canSend)
    }),
    { numRuns: 20 },
  )
})

test('messages come out as they went in, decoys do not, wherever the stream is cut', () => {
  const message = fc.record({ command: COMMAND, payload: fc.uint8Array({ maxLength: 100 }), decoy: fc.boolean() })
  const { initiator, responder } = connected()
  fc.assert(
    fc.property(fc.array(message, { maxLength: 8 }), CUTS, fc.boolean(), (messages, cuts, there) => {
      const [from, to] = there ? [initiator, responder] : [responder, initiator]
      const parts = messages.flatMap(({ command, payload, decoy }) => [
        ...(decoy ? from.sendDecoy(payload.length) : []),
        ...from.send(command, payload),
      ])
      const events = splitAt(concatBytes(...parts), cuts).flatMap(chunk => to.receive(chunk))
      assert.deepEqual(
        events,
        messages.map(({ command, payload }) => ({
          type: 'message',
          command,
          payload,
          wireBytes: 20 + (command === 'ping' || command === 'block' || command === 'addrv2' ? 1 : 13) + payload.length,
        })),
      )
    }),
    { numRuns: 200 },
  )
})

test('keys are replaced every 224 packets, on both sides at once', () => {
  const { initiator, responder } = connected()
  for (let i = 0; i < 700; i++) {
    const payload = Uint8Array.of(i, i >> 8)
    for (const [from, to] of [
      [initiator, responder],
      [responder, initiator],
    ]) {
      const events = to.receive(concatBytes(...from.send('ping', payload)))
      assert.ok(events.length === 1 && events[0].type === 'message')
      assert.deepEqual(events[0].payload, payload)
    }
  }
})

test('a packet that was tampered with ends the connection, once', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), CUTS, (at, by, cuts) => {
      const { initiator, responder } = connected()
      const packet = concatBytes(...initiator.send('ping', new Uint8Array(8)))
      // A changed length makes the receiver wait, or refuse: that is the next test's.
      packet[3 + (at % (packet.length - 3))] ^= by
      const events = splitAt(packet, cuts).flatMap(chunk => responder.receive(chunk))
      assert.deepEqual(events, [
        {
          type: 'failed',
          code: 'packet-decryption-failed',
          detail: 'V2 transport error: packet decryption failure (9 bytes)',
        },
      ])
      assert.deepEqual(responder.receive(packet), [])
    }),
    { numRuns: 12 },
  )
})

test('a length that no message has is refused before anything is set aside for it', () => {
  const { initiator, responder } = connected()
  const packet = concatBytes(...initiator.sendDecoy(4_000_014))
  assert.deepEqual(responder.receive(packet.subarray(0, 3)), [
    { type: 'failed', code: 'message-too-large', detail: 'V2 transport error: packet too large (4000014 bytes)' },
  ])
  const fresh = connected()
  const longest = concatBytes(...fresh.initiator.send('unknown', new Uint8Array(4_000_000)))
  const [event] = fresh.responder.receive(longest)
  assert.ok(event.type === 'message' && event.payload.length === 4_000_000)
})

test('garbage is vouched for by the packet behind it', () => {
  const initiator = peer('initiator', random.bytes(100))
  const responder = peer('responder')
  const greeting = concatBytes(...initiator.start())
  greeting[70] ^= 1
  const answer = sends(responder.receive(greeting))
  const events = responder.receive(sends(initiator.receive(answer)))
  assert.equal(events[0].type === 'failed' && events[0].code, 'packet-decryption-failed')
  assert.equal(responder.sessionId, undefined)
})

test('garbage without an end is too much at 4096 bytes', () => {
  const responder = peer('responder')
  const events = responder.receive(concatBytes(KEYS[0].publicKey, new Uint8Array(GARBAGE_BYTES_MAX + 15)))
  assert.deepEqual(
    events.map(({ type }) => type),
    ['send', 'send'],
  )
  assert.deepEqual(responder.receive(new Uint8Array(1)), [
    {
      type: 'failed',
      code: 'missing-garbage-terminator',
      detail: 'V2 transport error: missing garbage terminator',
    },
  ])
})

test('commands that cannot be read are dropped', () => {
  const { initiator, responder } = connected()
  const garbled = concatBytes(...initiator.send('a\tb', hex('00')), ...initiator.sendDecoy(5))
  assert.deepEqual(responder.receive(garbled), [
    {
      type: 'dropped',
      code: 'bad-command',
      detail: 'V2 transport error: invalid message type (14 bytes contents)',
      wireBytes: 34,
    },
  ])
})

test('BIP324: a peer that speaks in plain is answered in plain', () => {
  const plain = new V1Transport({ magic: MAGIC, hash: portableCrypto })
  const stream = concatBytes(...plain.send('version', hex('0102')), ...plain.send('verack', new Uint8Array(0)))
  fc.assert(
    fc.property(CUTS, cuts => {
      const responder = peer('responder')
      assert.deepEqual([responder.protocol, responder.canSend], ['detecting', false])
      const events = splitAt(stream, cuts).flatMap(chunk => responder.receive(chunk))
      assert.deepEqual(
        events.map(event => event.type === 'message' && event.command),
        ['version', 'verack'],
      )
      assert.deepEqual([responder.protocol, responder.canSend, responder.sessionId], ['v1', true, undefined])
      assert.deepEqual(responder.send('ping', hex('00')), plain.send('ping', hex('00')))
    }),
  )
})

test('a plain peer of another network is told from a key', () => {
  const foreign = new V1Transport({ magic: hex('f9beb4d9'), hash: portableCrypto }).send('version', new Uint8Array(90))
  for (const cuts of [[], [1, 5, 15], [16], [17]]) {
    const responder = peer('responder')
    const events = splitAt(concatBytes(...foreign), cuts).flatMap(chunk => responder.receive(chunk))
    assert.deepEqual(events.at(-1), {
      type: 'failed',
      code: 'wrong-magic',
      detail: 'V2 transport error: V1 peer with wrong MessageStart f9beb4d9',
    })
  }
})

test('the responder keeps silent until it knows', () => {
  const responder = peer('responder')
  assert.deepEqual(responder.start(), [])
  assert.deepEqual(responder.receive(concatBytes(MAGIC, hex('7665'))), [])
  const [event] = responder.receive(hex('00'))
  assert.ok(event.type === 'send')
  assert.equal(toHex(event.bytes), toHex(KEYS[1].publicKey))
})

test('trying again in plain is for those who heard nothing', () => {
  const initiator = peer('initiator')
  assert.equal(initiator.shouldReconnectV1(23), false)
  assert.equal(initiator.shouldReconnectV1(24), true)
  initiator.receive(hex('00'))
  assert.equal(initiator.shouldReconnectV1(64), false)
  assert.equal(peer('responder').shouldReconnectV1(64), false)
})

test('what only a bug of ours could do is refused as such', () => {
  assert.throws(() => peer('initiator').send('ping', new Uint8Array(8)), InvariantError)
  assert.throws(() => peer('initiator', new Uint8Array(GARBAGE_BYTES_MAX + 1)), InvariantError)
})

test('any bytes are borne', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('initiator', 'responder'),
      fc.uint8Array({ maxLength: 5000 }),
      CUTS,
      (role, bytes, cuts) => {
        const [whole, cut] = [peer(role), peer(role)]
        assert.deepEqual(
          splitAt(bytes, cuts).flatMap(chunk => cut.receive(chunk)),
          whole.receive(bytes),
        )
      },
    ),
    { numRuns: 30 },
  )
})

test('payloads lie in the memory that the caller chose', () => {
  const allocate = (byteLength: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(byteLength))
  const options = {
    magic: MAGIC,
    hash: portableCrypto,
    aead: portableChaCha20Poly1305,
    garbage: new Uint8Array(0),
    allocate,
  }
  const initiator = new V2Transport({ role: 'initiator', ...KEYS[2], ...options })
  const responder = new V2Transport({ role: 'responder', ...KEYS[3], ...options })
  const answer = sends(responder.receive(concatBytes(...initiator.start())))
  responder.receive(sends(initiator.receive(answer)))
  const plain = new V1Transport(options)
  const payload = random.bytes(1000)
  for (const [from, to] of [
    [initiator, responder],
    [plain, plain],
  ]) {
    const [event] = from.send('block', payload).flatMap(part => to.receive(part))
    assert.ok(event.type === 'message')
    assert.ok(event.payload.buffer instanceof SharedArrayBuffer)
    assert.equal(toHex(event.payload), toHex(payload))
  }
})
