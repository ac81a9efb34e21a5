import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { splitAt } from '../../../test/split-at.ts'
import { concatBytes, hex } from '../../base/bytes/bytes.ts'
import { portableCrypto } from '../../base/crypto/portable.ts'
import { ChunkCollector, COLLECT_AHEAD_BYTES_MAX } from './chunk-collector.ts'
import type { TransportEvent } from './transport.ts'
import { V1_HEADER_SIZE, V1Transport } from './v1-transport.ts'

const MAGIC = hex('fabfb5da')

function transport(): V1Transport {
  return new V1Transport({ magic: MAGIC, hash: portableCrypto })
}

function stream(messages: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  return concatBytes(...messages.flatMap(([command, payload]) => transport().send(command, payload)))
}

function receive(chunks: readonly Uint8Array[]): TransportEvent[] {
  const receiver = transport()
  return chunks.flatMap(chunk => receiver.receive(chunk))
}

const COMMAND = fc.string({ unit: fc.constantFrom(...'abcxyz129_ ~'), maxLength: 12 })
const PAYLOAD = fc.uint8Array({ maxLength: 200 })
const CUTS = fc.array(fc.nat(2000), { maxLength: 12 })

test('messages come out as they went in, wherever the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(COMMAND, PAYLOAD), { maxLength: 6 }), CUTS, (messages, cuts) => {
      const bytes = stream(messages)
      const expected = messages.map(([command, payload]) => ({
        type: 'message',
        command,
        payload,
        wireBytes: V1_HEADER_SIZE + payload.length,
      }))
      assert.deepEqual(receive([bytes]), expected)
      assert.deepEqual(receive(splitAt(bytes, cuts)), expected)
      assert.deepEqual(receive([...bytes].map(byte => Uint8Array.of(byte))), expected)
    }),
  )
})

test('any bytes end in messages or in a failure, and cutting changes nothing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(COMMAND, PAYLOAD), { maxLength: 3 }),
      fc.nat(),
      fc.nat(255),
      CUTS,
      (list, at, by, cuts) => {
        const bytes = concatBytes(stream(list), hex('00'))
        bytes[at % bytes.length] ^= by
        const events = receive([bytes])
        assert.deepEqual(receive(splitAt(bytes, cuts)), events)
        const failed = events.findIndex(({ type }) => type === 'failed')
        assert.ok(failed === -1 || failed === events.length - 1)
      },
    ),
    { numRuns: 300 },
  )
})

test('a known message, byte by byte', () => {
  const [header, ...rest] = transport().send('verack', new Uint8Array(0))
  assert.deepEqual(header, hex('fabfb5da76657261636b000000000000000000005df6e0e2'))
  assert.deepEqual(rest, [])
})

test('wrong magic and too long a message end the connection', () => {
  const message = stream([['ping', new Uint8Array(8)]])
  const foreign = message.slice().fill(0xff, 0, 4)
  const receiver = transport()
  assert.deepEqual(receiver.receive(concatBytes(message, foreign, message)).slice(1), [
    { type: 'failed', code: 'wrong-magic', detail: 'Header error: Wrong MessageStart ffffffff received' },
  ])
  assert.deepEqual(receiver.receive(message), [])

  const long = stream([['bad<msg', new Uint8Array(0)]]).slice()
  long.set(hex('01093d00'), 16)
  assert.deepEqual(receive([long]), [
    { type: 'failed', code: 'message-too-large', detail: 'Header error: Size too large (badmsg, 4000001 bytes)' },
  ])
  const longest = stream([['block', new Uint8Array(4_000_000)]])
  assert.equal(receive([longest])[0].type, 'message')
})

test('a wrong checksum or command costs the message alone', () => {
  const good = stream([['ping', new Uint8Array(8)]])
  const bad = concatBytes(...transport().send('badmsg', hex('0164')))
  bad.fill(0xff, 20, 24)
  const odd = concatBytes(...transport().send('badmsg', hex('0164')))
  odd[7] = 0
  const events = receive([concatBytes(bad, odd, good)])
  assert.deepEqual(events.slice(0, 2), [
    {
      type: 'dropped',
      code: 'bad-checksum',
      detail: 'Header error: Wrong checksum (badmsg, 2 bytes), expected 78df0a04 was ffffffff',
      wireBytes: 26,
    },
    {
      type: 'dropped',
      code: 'bad-command',
      detail: 'Header error: Invalid message type (bad, 2 bytes)',
      wireBytes: 26,
    },
  ])
  assert.equal(events[2].type, 'message')
})

test('memory follows what has come, not what was promised', () => {
  const asked: number[] = []
  const collector = new ChunkCollector(length => {
    asked.push(length)
    return new Uint8Array(length)
  })
  collector.expect(4_000_000)
  collector.take(new Uint8Array(10), 0)
  assert.deepEqual(asked, [10 + COLLECT_AHEAD_BYTES_MAX])
  const chunk = new Uint8Array(1000).fill(7)
  while (!collector.complete) collector.take(chunk, 0)
  // Doubling: a handful of times, and less than twice the whole.
  assert.ok(asked.length <= 6)
  assert.equal(asked.at(-1), 4_000_000)
  const bytes = collector.finish()
  assert.equal(bytes.length, 4_000_000)
  assert.equal(bytes[3_999_999], 7)
})
