import { decodeHandshake, HANDSHAKE_BYTES, type Handshake } from './handshake.ts'
import { decodeHashes, decodeHashRange, HASH_RANGE_BYTES, type HashesMessage, type HashRange } from './hash-messages.ts'
import { MESSAGE, PIECE_HEADER_BYTES, REQUEST_BYTES, WIRE_LIMITS } from './message-ids.ts'

/** Whoever listens to a peer. Views of bytes are valid during the call only. */
export interface MessageSink {
  onHandshake(handshake: Handshake): void
  onKeepAlive(): void
  onChoke(): void
  onUnchoke(): void
  onInterested(): void
  onNotInterested(): void
  onHave(piece: number): void
  onBitfield(bits: Uint8Array): void
  onRequest(piece: number, begin: number, length: number): void
  onCancel(piece: number, begin: number, length: number): void
  onPort(port: number): void
  onSuggest(piece: number): void
  onHaveAll(): void
  onHaveNone(): void
  onReject(piece: number, begin: number, length: number): void
  onAllowedFast(piece: number): void
  onExtended(id: number, payload: Uint8Array): void
  onHashRequest(range: HashRange): void
  onHashes(message: HashesMessage): void
  onHashReject(range: HashRange): void
  /** A block begins; its bytes follow in one or more calls, then its end. */
  onBlockStart(piece: number, begin: number, length: number): void
  onBlockBytes(source: Uint8Array, start: number, end: number): void
  onBlockEnd(): void
}

/** Length of the payload (after the id) of messages that have but one. */
const FIXED_LENGTHS: ReadonlyMap<number, number> = new Map([
  [MESSAGE.choke, 0],
  [MESSAGE.unchoke, 0],
  [MESSAGE.interested, 0],
  [MESSAGE.notInterested, 0],
  [MESSAGE.have, 4],
  [MESSAGE.request, 12],
  [MESSAGE.cancel, 12],
  [MESSAGE.port, 2],
  [MESSAGE.suggest, 4],
  [MESSAGE.haveAll, 0],
  [MESSAGE.haveNone, 0],
  [MESSAGE.reject, 12],
  [MESSAGE.allowedFast, 4],
  [MESSAGE.hashRequest, HASH_RANGE_BYTES],
  [MESSAGE.hashReject, HASH_RANGE_BYTES],
])

const LONGEST: ReadonlyMap<number, number> = new Map([
  [MESSAGE.bitfield, WIRE_LIMITS.bitfieldBytesMax],
  [MESSAGE.extended, WIRE_LIMITS.extendedBytesMax],
  [MESSAGE.hashes, WIRE_LIMITS.hashesBytesMax],
])

function u32be(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
}

const NO_PAYLOAD = new Uint8Array(0)

/** Messages that need no judgement beyond their length. */
const SIMPLE_MESSAGES: ReadonlyMap<number, (sink: MessageSink, payload: Uint8Array) => void> = new Map([
  [MESSAGE.choke, sink => sink.onChoke()],
  [MESSAGE.unchoke, sink => sink.onUnchoke()],
  [MESSAGE.interested, sink => sink.onInterested()],
  [MESSAGE.notInterested, sink => sink.onNotInterested()],
  [MESSAGE.have, (sink, payload) => sink.onHave(u32be(payload, 0))],
  [MESSAGE.bitfield, (sink, payload) => sink.onBitfield(payload)],
  [MESSAGE.request, (sink, payload) => sink.onRequest(u32be(payload, 0), u32be(payload, 4), u32be(payload, 8))],
  [MESSAGE.cancel, (sink, payload) => sink.onCancel(u32be(payload, 0), u32be(payload, 4), u32be(payload, 8))],
  [MESSAGE.port, (sink, payload) => sink.onPort((payload[0] << 8) | payload[1])],
  [MESSAGE.suggest, (sink, payload) => sink.onSuggest(u32be(payload, 0))],
  [MESSAGE.haveAll, sink => sink.onHaveAll()],
  [MESSAGE.haveNone, sink => sink.onHaveNone()],
  [MESSAGE.reject, (sink, payload) => sink.onReject(u32be(payload, 0), u32be(payload, 4), u32be(payload, 8))],
  [MESSAGE.allowedFast, (sink, payload) => sink.onAllowedFast(u32be(payload, 0))],
])

/** Bytes that say how long a message is. */
const LENGTH_BYTES = 4
/** Bytes of a piece message between its id and its block. */
const BLOCK_PREFIX_BYTES = 8

type Stage = 'handshake' | 'length' | 'id' | 'body' | 'block-prefix' | 'block' | 'skip' | 'failed'

/**
 * Cuts a peer's stream into messages. Reads may end anywhere: what is not whole is kept, except the bytes of blocks, which
 * pass straight through to the sink.
 *
 * @example
 * const failure = reader.push(buffer, 0, bytesRead)
 * if (failure !== undefined) close(failure)
 */
export class MessageReader {
  #sink: MessageSink
  #stage: Stage = 'handshake'
  #failure: string | undefined
  /** Bytes that the stage needs before it can go on. */
  #needed = HANDSHAKE_BYTES
  /** The beginning of what the stage needs, where a read ended within it. */
  #held: Uint8Array | undefined
  #heldLength = 0
  #id = 0
  #payloadLength = 0

  constructor(sink: MessageSink) {
    this.#sink = sink
  }

  /** From now on somebody else listens: who the peer is, is known after its handshake. */
  handOver(sink: MessageSink): void {
    this.#sink = sink
  }

  /** Stops all reading: for a sink that has had enough. */
  fail(code: string): void {
    this.#failure ??= code
    this.#stage = 'failed'
    this.#held = undefined
  }

  /**
   * Takes the next bytes of the stream.
   *
   * @returns why the peer must be left, if it must
   */
  push(source: Uint8Array, start: number, end: number): string | undefined {
    let at = start
    while (this.#failure === undefined) {
      if (this.#stage === 'block' || this.#stage === 'skip') {
        const run = Math.min(this.#needed, end - at)
        if (run > 0 && this.#stage === 'block') this.#sink.onBlockBytes(source, at, at + run)
        at += run
        this.#needed -= run
        if (this.#needed > 0) break
        if (this.#stage === 'block' && this.#failure === undefined) this.#sink.onBlockEnd()
        this.#expect('length', LENGTH_BYTES)
        continue
      }
      const taken = this.#stage === 'length' && this.#held === undefined ? this.#takeAtOnce(source, at, end) : 0
      if (taken > 0) {
        at += taken
        continue
      }
      if (this.#held === undefined && end - at >= this.#needed) {
        const from = at
        at += this.#needed
        this.#take(source, from)
        continue
      }
      if (at === end) break
      at = this.#hold(source, at, end)
    }
    return this.#failure
  }

  /**
   * Takes the head of a block, or a request, where it lies whole in one read: nearly all that comes. Returns its length; 0 for whatever
   * has to go step by step.
   */
  #takeAtOnce(source: Uint8Array, at: number, end: number): number {
    if (end - at < PIECE_HEADER_BYTES) return 0
    const length = u32be(source, at)
    const id = source[at + LENGTH_BYTES]
    if (id === MESSAGE.piece) {
      const blockLength = length - (PIECE_HEADER_BYTES - LENGTH_BYTES)
      if (blockLength < 0 || blockLength > WIRE_LIMITS.blockBytesMax) return 0
      this.#expect('block', blockLength)
      this.#sink.onBlockStart(u32be(source, at + 5), u32be(source, at + 9), blockLength)
      return PIECE_HEADER_BYTES
    }
    if (id !== MESSAGE.request || length !== REQUEST_BYTES - LENGTH_BYTES || end - at < REQUEST_BYTES) return 0
    this.#sink.onRequest(u32be(source, at + 5), u32be(source, at + 9), u32be(source, at + 13))
    return REQUEST_BYTES
  }

  #expect(stage: Stage, bytes: number): void {
    if (this.#failure !== undefined) return
    this.#stage = stage
    this.#needed = bytes
  }

  /** Keeps what came of a message that is not whole yet, and takes it once it is. */
  #hold(source: Uint8Array, at: number, end: number): number {
    this.#held ??= new Uint8Array(this.#needed)
    const run = Math.min(this.#needed - this.#heldLength, end - at)
    this.#held.set(source.subarray(at, at + run), this.#heldLength)
    this.#heldLength += run
    if (this.#heldLength === this.#needed) {
      const held = this.#held
      this.#held = undefined
      this.#heldLength = 0
      this.#take(held, 0)
    }
    return at + run
  }

  /** The stage's bytes are all there, from `at` on. */
  #take(source: Uint8Array, at: number): void {
    if (this.#stage === 'length') {
      const length = u32be(source, at)
      if (length === 0) {
        this.#sink.onKeepAlive()
      } else {
        this.#payloadLength = length - 1
        this.#expect('id', 1)
      }
    } else if (this.#stage === 'id') {
      this.#begin(source[at])
    } else if (this.#stage === 'block-prefix') {
      this.#expect('block', this.#payloadLength - BLOCK_PREFIX_BYTES)
      this.#sink.onBlockStart(u32be(source, at), u32be(source, at + 4), this.#needed)
    } else if (this.#stage === 'body') {
      this.#expect('length', LENGTH_BYTES)
      this.#deliver(source.subarray(at, at + this.#payloadLength))
    } else {
      const handshake = decodeHandshake(source.subarray(at, at + HANDSHAKE_BYTES))
      this.#expect('length', LENGTH_BYTES)
      if (handshake === undefined) this.fail('wire-bad-handshake')
      else this.#sink.onHandshake(handshake)
    }
  }

  #begin(id: number): void {
    this.#id = id
    const length = this.#payloadLength
    if (id === MESSAGE.piece) {
      const blockLength = length - BLOCK_PREFIX_BYTES
      if (blockLength < 0 || blockLength > WIRE_LIMITS.blockBytesMax) this.fail('wire-bad-block-length')
      else this.#expect('block-prefix', BLOCK_PREFIX_BYTES)
      return
    }
    const fixed = FIXED_LENGTHS.get(id)
    const longest = LONGEST.get(id)
    if (fixed !== undefined && fixed !== length) this.fail('wire-bad-message-length')
    else if (length > (fixed ?? longest ?? WIRE_LIMITS.unknownBytesMax)) this.fail('wire-message-too-long')
    else if (fixed === undefined && longest === undefined) this.#expect('skip', length)
    else if (length > 0) this.#expect('body', length)
    else {
      this.#expect('length', LENGTH_BYTES)
      this.#deliver(NO_PAYLOAD)
    }
  }

  #deliver(payload: Uint8Array): void {
    if (this.#id === MESSAGE.extended) {
      if (payload.length === 0) this.fail('wire-bad-message-length')
      else this.#sink.onExtended(payload[0], payload.subarray(1))
    } else if (this.#id === MESSAGE.hashes) {
      const message = decodeHashes(payload)
      if (message === undefined) this.fail('wire-bad-hashes')
      else this.#sink.onHashes(message)
    } else if (this.#id === MESSAGE.hashRequest || this.#id === MESSAGE.hashReject) {
      const range = decodeHashRange(payload)
      if (range === undefined) this.fail('wire-bad-hash-range')
      else if (this.#id === MESSAGE.hashRequest) this.#sink.onHashRequest(range)
      else this.#sink.onHashReject(range)
    } else {
      SIMPLE_MESSAGES.get(this.#id)!(this.#sink, payload)
    }
  }
}
