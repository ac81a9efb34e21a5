import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha1 } from '../../base/crypto/hash.ts'
import {
  decodeMetadataMessage,
  type ExtensionHandshake,
  encodeMetadataMessage,
  METADATA_PIECE_BYTES,
  type MetadataMessage,
} from '../wire/extensions.ts'
import { loneSession, takeSaid } from './lone-session.ts'
import { MetadataTransfer } from './metadata-transfer.ts'
import type { PeerSession } from './peer-session.ts'

const METADATA = Uint8Array.from({ length: 11 * METADATA_PIECE_BYTES - 7 }, (_, i) => (i * 7 + (i >> 9)) & 255)
const HASHES = { v1: sha1(METADATA), v2: undefined }

/** The metadata messages that wait for a peer. */
function takeMessages(session: PeerSession): MetadataMessage[] {
  return takeSaid(session).extended.map(([, payload]) => decodeMetadataMessage(payload)!)
}

/** What a peer says when it is asked for a piece; `undefined` for one that is silent. */
type Answer = (piece: number) => MetadataMessage | undefined

const honest: Answer = piece => {
  const start = piece * METADATA_PIECE_BYTES
  const bytes = METADATA.subarray(start, start + METADATA_PIECE_BYTES)
  return { type: 'data', piece, totalSize: METADATA.length, bytes }
}
const spoiled: Answer = piece => {
  const answer = honest(piece) as MetadataMessage & { type: 'data' }
  return { ...answer, bytes: answer.bytes.map(byte => byte ^ 1) }
}
const silent: Answer = () => undefined

/** Peers around one that wants the metadata. */
class Circle {
  readonly transfer = new MetadataTransfer(HASHES)
  readonly #peers: { session: PeerSession; answer: Answer }[] = []
  #found: Uint8Array | undefined
  #now = 0

  join(answer: Answer, metadataSize = METADATA.length): PeerSession {
    const session = loneSession(this.#peers.length + 1)
    session.handshake = { ids: { ut_metadata: 1 }, metadataSize } as ExtensionHandshake
    this.#peers.push({ session, answer })
    return session
  }

  /** Lets seconds pass until the metadata is there; how many it took. */
  run(secondsMax: number): number | undefined {
    const sessions = this.#peers.map(({ session }) => session)
    for (let second = 0; second <= secondsMax; second++) {
      this.#now += 1000
      this.transfer.tick(sessions, this.#now)
      for (let round = 0; round < 20; round++) this.#answerAll()
      if (this.#found !== undefined) return second
    }
    return undefined
  }

  #answerAll(): void {
    for (const { session, answer } of this.#peers) {
      for (const message of takeMessages(session)) {
        if (message.type !== 'request') continue
        const said = answer(message.piece)
        if (said !== undefined) this.#found ??= this.transfer.received(session, encodeMetadataMessage(said), this.#now)
      }
      this.transfer.fill(session, this.#now)
    }
  }

  get found(): Uint8Array | undefined {
    return this.#found
  }
}

test('metadata comes from several peers at once', () => {
  const circle = new Circle()
  circle.join(honest)
  circle.join(honest)
  assert.equal(circle.run(0), 0)
  assert.deepEqual(circle.found, METADATA)
})

test('peers that claim another size and say nothing more do not stand in the way', () => {
  const circle = new Circle()
  for (const size of [1, 5000, 20_000, 16 * 1024 * 1024, 16 * 1024 * 1024 - 1, 12_345_678]) circle.join(silent, size)
  circle.join(honest)
  const seconds = circle.run(300)
  assert.ok(seconds !== undefined && seconds < 60, `${seconds}`)
})

test('a peer that is always the first and never answers does not stand in the way', () => {
  const circle = new Circle()
  for (let i = 0; i < 3; i++) circle.join(silent)
  circle.join(honest)
  const seconds = circle.run(300)
  assert.ok(seconds !== undefined && seconds < 60, `${seconds}`)
})

test('liars among honest peers are found out one by one, wherever they stand', () => {
  for (const order of [
    [spoiled, honest, honest],
    [honest, spoiled, honest],
    [spoiled, spoiled, honest, spoiled],
  ]) {
    const circle = new Circle()
    for (const answer of order) circle.join(answer)
    const seconds = circle.run(300)
    assert.ok(seconds !== undefined && seconds < 60, `${seconds}`)
    assert.deepEqual(circle.found, METADATA)
  }
})

test('a peer that refuses is asked again later', () => {
  const circle = new Circle()
  let refusals = 0
  circle.join(piece => (refusals++ < 4 ? { type: 'reject', piece } : honest(piece)))
  const seconds = circle.run(300)
  assert.ok(seconds !== undefined && seconds > 10, `${seconds}`)
})

test('a peer that asks for more than it could use in a second is refused', () => {
  const large = new Uint8Array(8 * 1024 * 1024)
  const transfer = new MetadataTransfer({ v1: sha1(large), v2: undefined }, large)
  const session = new Circle().join(silent)
  for (let piece = 0; piece < 512; piece++) {
    transfer.received(session, encodeMetadataMessage({ type: 'request', piece }), 5000)
  }
  assert.ok(session.out.length < 1.1 * 1024 * 1024, `${session.out.length}`)
  const types = takeMessages(session).map(({ type }) => type)
  assert.deepEqual([types.length, types[0], types.at(-1)], [512, 'data', 'reject'])
  transfer.received(session, encodeMetadataMessage({ type: 'request', piece: 511 }), 6001)
  assert.deepEqual(
    takeMessages(session).map(({ type }) => type),
    ['data'],
  )
})
