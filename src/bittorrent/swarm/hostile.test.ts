import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeBencode } from '../bencode/encode.ts'
import { encodeMetadataMessage, encodePex } from '../wire/extensions.ts'
import { encodeHandshake } from '../wire/handshake.ts'
import { MessageReader } from '../wire/message-reader.ts'
import { MessageWriter, writePieceHeader } from '../wire/message-writer.ts'
import { SessionSink } from './session-sink.ts'
import { type VirtualPeer, VirtualSwarm } from './virtual-swarm.ts'

const KIB = 1024
/** Sequences; 100,000 in a campaign of its own. */
const RUNS = Number(process.env['HOSTILE_RUNS'] ?? 1500)
/** What we may have to say to one hostile peer between two rounds. */
const SAID_BYTES_MAX = 2 ** 20

function block(piece: number, begin: number, length: number): Uint8Array {
  const bytes = new Uint8Array(13 + length).fill(0xbb)
  writePieceHeader(bytes, 0, piece, begin, length)
  return bytes
}

const index = fc.oneof(fc.nat(9), fc.nat(), fc.constant(0xffff_ffff))
const begin = fc.oneof(
  fc.nat(4).map(n => n * 16 * KIB),
  fc.nat(),
  fc.constant(0xffff_fff0),
)
const length = fc.oneof(fc.constant(16 * KIB), fc.nat(70_000), fc.constant(0xffff_ffff))
const range = fc.record({
  piecesRoot: fc.constant(new Uint8Array(32)),
  baseLayer: fc.nat(60),
  index: fc.nat(2000),
  length: fc.constantFrom(0, 1, 2, 4, 512, 1024),
  proofLayers: fc.nat(60),
})
const extensionPayload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .record({
      m: fc.constant({ ut_metadata: 3, ut_pex: 4 }),
      metadata_size: fc.nat(),
      p: fc.nat(70_000),
      reqq: fc.nat(9),
    })
    .map(encodeBencode),
  fc
    .tuple(fc.nat(5), fc.nat(200_000))
    .map(([piece, totalSize]) => encodeMetadataMessage({ type: 'data', piece, totalSize, bytes: new Uint8Array(20) })),
  fc.nat(9).map(piece => encodeMetadataMessage({ type: 'request', piece })),
  fc
    .array(fc.nat(255), { maxLength: 60 })
    .map(hosts => encodePex({ added: hosts.map(h => ({ host: `9.9.9.${h}`, port: 1 + h, flags: h })), dropped: [] })),
)

/** One message of a peer that means no good, or has lost its mind. */
const message = fc.oneof(
  fc
    .constantFrom('choke', 'unchoke', 'interested', 'notInterested', 'haveAll', 'haveNone', 'keepAlive')
    .map(name => (w: MessageWriter) => w[name as 'choke']()),
  index.map(piece => (w: MessageWriter) => w.have(piece)),
  index.map(piece => (w: MessageWriter) => w.allowedFast(piece)),
  fc.uint8Array({ maxLength: 4 }).map(bits => (w: MessageWriter) => w.bitfield(bits)),
  fc.tuple(index, begin, length).map(
    ([p, b, l]) =>
      (w: MessageWriter) =>
        w.request(p, b, l),
  ),
  fc.tuple(index, begin, length).map(
    ([p, b, l]) =>
      (w: MessageWriter) =>
        w.cancel(p, b, l),
  ),
  fc.tuple(index, begin, length).map(
    ([p, b, l]) =>
      (w: MessageWriter) =>
        w.reject(p, b, l),
  ),
  fc.tuple(index, begin, fc.constantFrom(0, 1, 16 * KIB)).map(
    ([p, b, l]) =>
      (w: MessageWriter) =>
        w.raw(block(p, b, l)),
  ),
  fc.tuple(fc.nat(6), extensionPayload).map(
    ([id, payload]) =>
      (w: MessageWriter) =>
        w.extended(id, payload),
  ),
  range.map(r => (w: MessageWriter) => w.hashRequest(r)),
  range.map(r => (w: MessageWriter) => w.hashReject(r)),
  range.map(r => (w: MessageWriter) => w.hashes({ ...r, hashes: new Uint8Array(64) })),
  fc.uint8Array({ maxLength: 12 }).map(noise => (w: MessageWriter) => w.raw(noise)),
)

/** A peer outside the swarm's lines, which says whatever it is told to. */
class HostilePeer {
  readonly #victim: VirtualPeer
  readonly #swarm: VirtualSwarm
  readonly #reader: MessageReader | undefined
  readonly #session: ReturnType<VirtualPeer['torrent']['join']>
  #gone = false

  constructor(swarm: VirtualSwarm, victim: VirtualPeer, number: number) {
    this.#swarm = swarm
    this.#victim = victim
    const handshake = {
      infohash: victim.torrent.wireInfohash,
      peerId: new Uint8Array(20).fill(200 + number),
      extensions: true,
      fast: true,
      dht: false,
      v2: false,
    }
    const origin = { host: `66.6.6.${number}`, port: 666, incoming: number % 2 === 0, identity: `hostile ${number}` }
    this.#session = victim.torrent.join(handshake, origin, swarm.now)
    if (typeof this.#session === 'string') return
    const reader: MessageReader = new MessageReader(
      new SessionSink(this.#session, victim.torrent, code => reader.fail(code)),
    )
    this.#reader = reader
    const hello = encodeHandshake(handshake)
    reader.push(hello, 0, hello.length)
  }

  say(write: (writer: MessageWriter) => unknown): void {
    if (typeof this.#session === 'string' || this.#gone) return
    const writer = new MessageWriter()
    write(writer)
    const bytes = writer.take() ?? new Uint8Array(0)
    this.#victim.torrent.hearing(this.#session, this.#swarm.now)
    const failure = this.#reader!.push(bytes, 0, bytes.length)
    this.#victim.torrent.heard(this.#session)
    assert.ok(this.#session.out.length <= SAID_BYTES_MAX, 'too much is said to a hostile peer')
    this.#session.out.take()
    assert.ok(this.#session.uploads.length <= 500 && this.#session.outstanding.size <= 500)
    this.#swarm.settle(this.#victim)
    if (failure !== undefined || this.#session.closed) this.leave()
  }

  leave(): void {
    if (this.#gone || typeof this.#session === 'string') return
    this.#gone = true
    this.#victim.torrent.left(this.#session, this.#swarm.now)
    this.#swarm.settle(this.#victim)
  }
}

test('whatever hostile peers say, nothing is thrown, little is kept, and honest peers finish', () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(fc.tuple(fc.nat(2), message), { maxLength: 40 }), (seed, script) => {
      const swarm = new VirtualSwarm({ seed, sizeBytes: 256 * KIB, pieceLength: 32 * KIB, latencyMs: 5 })
      const giver = swarm.add({ uploadBytesPerSecond: 200 * KIB, complete: true })
      const taker = swarm.add({ uploadBytesPerSecond: 200 * KIB, complete: false })
      swarm.connectAll()
      const hostile = [0, 1, 2].map(number => new HostilePeer(swarm, number === 2 ? giver : taker, number))
      for (const [who, write] of script) {
        hostile[who].say(write)
        swarm.runUntil(() => false, 20)
      }
      for (const peer of hostile) peer.leave()
      assert.ok(
        swarm.runUntil(() => taker.doneAt !== undefined, 120_000),
        `no end, ${swarm.repro}`,
      )
      for (const { torrent } of [giver, taker]) {
        assert.ok(torrent.candidates.size <= 2000)
        assert.equal(torrent.picker!.activePieces.size, 0)
      }
      assert.ok(
        ![...taker.banned, ...giver.banned].some(identity => !identity.startsWith('hostile')),
        'an honest peer was banned',
      )
    }),
    { numRuns: RUNS },
  )
})
