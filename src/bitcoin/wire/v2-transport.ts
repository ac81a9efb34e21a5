import { concatBytes, emptyBytes, equalBytes, toHex } from '../../base/bytes/bytes.ts'
import { utf8 } from '../../base/bytes/utf8.ts'
import type { HashBackend } from '../../base/crypto/backend.ts'
import { type ChaCha20Poly1305, POLY1305_TAG_SIZE } from '../../base/crypto/chacha20-poly1305.ts'
import { bip324SharedSecret, ELLIGATOR_SWIFT_SIZE } from '../../base/crypto/elligator-swift.ts'
import { invariant } from '../../base/errors.ts'
import { ChunkCollector } from './chunk-collector.ts'
import { WIRE_LIMITS } from './limits.ts'
import { type Allocate, allocateOrdinary, type FailedEvent, type Transport, type TransportEvent } from './transport.ts'
import { V1_HEADER_SIZE, V1Transport } from './v1-transport.ts'
import {
  deriveV2Keys,
  GARBAGE_TERMINATOR_SIZE,
  PACKET_EXPANSION,
  PACKET_LENGTH_SIZE,
  V2Cipher,
  type V2Keys,
} from './v2-cipher.ts'
import { readV2Command, V2_COMMAND_SIZE_MAX, v2CommandSize, writeV2Command } from './v2-message-ids.ts'

/** BIP324: bytes without meaning that either side may send behind its key. */
export const GARBAGE_BYTES_MAX = 4095

/** What a plain connection begins with behind the magic: its first message is a version message. */
const V1_FIRST_COMMAND = concatBytes(utf8('version'), new Uint8Array(5))
const MAGIC_SIZE = 4
const V1_PREFIX_SIZE = MAGIC_SIZE + V1_FIRST_COMMAND.length

const CONTENTS_BYTES_MAX = V2_COMMAND_SIZE_MAX + WIRE_LIMITS.payloadBytesMax

export interface V2TransportOptions {
  /** Who made the connection: the initiator speaks first, and the responder finds out whether it speaks BIP324 at all. */
  readonly role: 'initiator' | 'responder'
  readonly magic: Uint8Array
  /** A fresh secret key of this connection alone, and its public key (encodeElligatorSwift). */
  readonly secretKey: Uint8Array
  readonly publicKey: Uint8Array
  /** Random bytes of a random length up to {@link GARBAGE_BYTES_MAX}. */
  readonly garbage: Uint8Array
  readonly aead: ChaCha20Poly1305
  /** For connections that turn out to be plain. */
  readonly hash: Pick<HashBackend, 'sha256d'>
  readonly allocate?: Allocate
}

type Stage = 'maybe-v1' | 'key' | 'garbage' | 'length' | 'packet' | 'v1' | 'failed'

/**
 * BIP324: the encrypted transport, of which a watcher sees random bytes alone.
 *
 * ```
 * initiator  key ‖ garbage ──────────────▶ first bytes are no version message: it is BIP324
 *            ◀────────────── key ‖ garbage ‖ terminator ‖ version packet
 *            terminator ‖ version packet ‖ messages ─▶ …
 * ```
 */
export class V2Transport implements Transport {
  readonly #options: V2TransportOptions
  readonly #initiating: boolean
  readonly #allocate: Allocate
  readonly #collector: ChunkCollector
  #stage: Stage
  /** Bytes of the handshake: the other side's key, then its garbage. */
  #handshake: Uint8Array = new Uint8Array(GARBAGE_BYTES_MAX + GARBAGE_TERMINATOR_SIZE)
  #handshakeFilled = 0
  #heardAnything = false
  #keys: V2Keys | undefined
  #cipher: V2Cipher | undefined
  /** What the next packet vouches for: their garbage, until a packet did. */
  #aad: Uint8Array = emptyBytes()
  #versionReceived = false
  #plain: V1Transport | undefined

  constructor(options: V2TransportOptions) {
    invariant(options.garbage.length <= GARBAGE_BYTES_MAX, 'too much garbage')
    invariant(options.publicKey.length === ELLIGATOR_SWIFT_SIZE, 'not an ElligatorSwift key')
    this.#options = options
    this.#initiating = options.role === 'initiator'
    this.#allocate = options.allocate ?? allocateOrdinary
    // Ciphertext is private to this object; only what comes out of it needs the caller's kind of memory.
    this.#collector = new ChunkCollector()
    this.#stage = this.#initiating ? 'key' : 'maybe-v1'
  }

  get protocol(): 'detecting' | 'v1' | 'v2' {
    if (this.#plain !== undefined) return 'v1'
    // Only an authentic packet shows that the other side has the same keys.
    return this.#versionReceived ? 'v2' : 'detecting'
  }

  get sessionId(): Uint8Array | undefined {
    return this.#versionReceived ? this.#keys?.sessionId : undefined
  }

  get canSend(): boolean {
    return this.#plain !== undefined || this.#cipher !== undefined
  }

  start(): readonly Uint8Array[] {
    return this.#initiating ? [this.#greeting()] : []
  }

  /**
   * Whether a connection that closed should be tried again in plain: we began it, nothing ever came back, and enough was sent
   * (`bytesSent`) for a peer without BIP324 to have hung up on it.
   */
  shouldReconnectV1(bytesSent: number): boolean {
    return this.#initiating && !this.#heardAnything && bytesSent >= V1_HEADER_SIZE
  }

  send(command: string, payload: Uint8Array): readonly Uint8Array[] {
    if (this.#plain !== undefined) return this.#plain.send(command, payload)
    const prefix = 1 + v2CommandSize(command)
    const plaintext = new Uint8Array(prefix + payload.length)
    writeV2Command(command, plaintext, 1)
    plaintext.set(payload, prefix)
    return [this.#readyCipher().seal(plaintext, emptyBytes())]
  }

  /** A packet that the other side decrypts and forgets, so that what is said cannot be told from sizes and times. */
  sendDecoy(contentsBytes: number): readonly Uint8Array[] {
    return [this.#readyCipher().seal(new Uint8Array(1 + contentsBytes), emptyBytes(), true)]
  }

  receive(chunk: Uint8Array): readonly TransportEvent[] {
    if (chunk.length > 0) this.#heardAnything = true
    const events: TransportEvent[] = []
    let at = 0
    while (at < chunk.length) {
      if (this.#stage === 'failed') break
      if (this.#plain !== undefined) {
        events.push(...this.#plain.receive(chunk.subarray(at)))
        break
      }
      if (this.#stage === 'maybe-v1') at = this.#takeFirstBytes(chunk, at, events)
      else if (this.#stage === 'key') at = this.#takeKey(chunk, at, events)
      else if (this.#stage === 'garbage') at = this.#takeGarbage(chunk, at, events)
      else at = this.#takePacket(chunk, at, events)
    }
    return events
  }

  #greeting(): Uint8Array {
    return concatBytes(this.#options.publicKey, this.#options.garbage)
  }

  #readyCipher(): V2Cipher {
    invariant(this.#cipher !== undefined, 'sent before the keys were agreed on')
    return this.#cipher
  }

  #fail(code: FailedEvent['code'], detail: string, events: TransportEvent[]): void {
    this.#stage = 'failed'
    events.push({ type: 'failed', code, detail: `V2 transport error: ${detail}` })
  }

  #hold(chunk: Uint8Array, at: number, size: number): number {
    const run = Math.min(size - this.#handshakeFilled, chunk.length - at)
    this.#handshake.set(chunk.subarray(at, at + run), this.#handshakeFilled)
    this.#handshakeFilled += run
    return at + run
  }

  #held(): Uint8Array {
    return this.#handshake.subarray(0, this.#handshakeFilled)
  }

  /** The responder waits with its key until the other side's bytes differ from what a plain connection begins with. */
  #takeFirstBytes(chunk: Uint8Array, at: number, events: TransportEvent[]): number {
    const next = this.#hold(chunk, at, V1_PREFIX_SIZE)
    const held = this.#held()
    const plainStart = concatBytes(this.#options.magic, V1_FIRST_COMMAND)
    if (!equalBytes(held, plainStart.subarray(0, held.length))) {
      this.#stage = 'key'
      events.push({ type: 'send', bytes: this.#greeting() })
      this.#checkKey(events)
    } else if (held.length === V1_PREFIX_SIZE) {
      this.#stage = 'v1'
      this.#plain = new V1Transport(this.#options)
      this.#plain.receive(held)
      this.#handshake = emptyBytes()
    }
    return next
  }

  #takeKey(chunk: Uint8Array, at: number, events: TransportEvent[]): number {
    const next = this.#hold(chunk, at, ELLIGATOR_SWIFT_SIZE)
    this.#checkKey(events)
    if (this.#stage === 'key' && this.#handshakeFilled === ELLIGATOR_SWIFT_SIZE) this.#agree(events)
    return next
  }

  /** A plain version message with another network's magic would be taken for a key: it is told apart here. */
  #checkKey(events: TransportEvent[]): void {
    if (this.#initiating || this.#handshakeFilled < V1_PREFIX_SIZE) return
    const command = this.#handshake.subarray(MAGIC_SIZE, V1_PREFIX_SIZE)
    if (!equalBytes(command, V1_FIRST_COMMAND)) return
    const magic = toHex(this.#handshake.subarray(0, MAGIC_SIZE))
    this.#fail('wrong-magic', `V1 peer with wrong MessageStart ${magic}`, events)
  }

  #agree(events: TransportEvent[]): void {
    const { secretKey, publicKey, magic, aead, garbage } = this.#options
    const secret = bip324SharedSecret(secretKey, publicKey, this.#held().slice(), this.#initiating)
    const keys = deriveV2Keys(secret, magic)
    this.#keys = keys
    this.#cipher = new V2Cipher(keys, this.#initiating, aead)
    this.#handshakeFilled = 0
    this.#stage = 'garbage'
    const terminator = this.#initiating ? keys.initiatorTerminator : keys.responderTerminator
    // BIP324: the contents of the version packet are for extensions to come; it vouches for the garbage.
    const version = this.#cipher.seal(new Uint8Array(1), garbage)
    events.push({ type: 'send', bytes: concatBytes(terminator, version) })
  }

  /** Byte by byte, for the terminator may be anywhere, and what follows it is a packet. */
  #takeGarbage(chunk: Uint8Array, start: number, events: TransportEvent[]): number {
    const keys = this.#keys!
    const terminator = this.#initiating ? keys.responderTerminator : keys.initiatorTerminator
    for (let at = start; at < chunk.length; ) {
      this.#handshake[this.#handshakeFilled++] = chunk[at++]
      const filled = this.#handshakeFilled
      const from = filled - GARBAGE_TERMINATOR_SIZE
      if (from >= 0 && equalBytes(this.#handshake.subarray(from, filled), terminator)) {
        this.#aad = this.#handshake.slice(0, from)
        this.#handshake = emptyBytes()
        this.#expectLength()
        return at
      }
      if (from === GARBAGE_BYTES_MAX) {
        this.#fail('missing-garbage-terminator', 'missing garbage terminator', events)
        return at
      }
    }
    return chunk.length
  }

  #expectLength(): void {
    this.#stage = 'length'
    this.#collector.expect(PACKET_LENGTH_SIZE)
  }

  #takePacket(chunk: Uint8Array, at: number, events: TransportEvent[]): number {
    const next = this.#collector.take(chunk, at)
    if (!this.#collector.complete) return next
    if (this.#stage === 'length') {
      const length = this.#readyCipher().openLength(this.#collector.finish())
      if (length > CONTENTS_BYTES_MAX) this.#fail('message-too-large', `packet too large (${length} bytes)`, events)
      else {
        this.#stage = 'packet'
        this.#collector.expect(length + PACKET_EXPANSION - PACKET_LENGTH_SIZE)
      }
      return next
    }
    this.#openPacket(this.#collector.finish(), events)
    return next
  }

  #openPacket(sealed: Uint8Array, events: TransportEvent[]): void {
    const out = this.#allocate(sealed.length - POLY1305_TAG_SIZE)
    const packet = this.#readyCipher().open(sealed, this.#aad, out)
    if (packet === undefined) {
      const detail = `packet decryption failure (${out.length - 1} bytes)`
      this.#fail('packet-decryption-failed', detail, events)
      return
    }
    this.#aad = emptyBytes()
    this.#expectLength()
    if (packet.ignore) return
    if (this.#versionReceived) events.push(messageOf(packet.contents))
    this.#versionReceived = true
  }
}

function messageOf(contents: Uint8Array): TransportEvent {
  const wireBytes = contents.length + PACKET_EXPANSION
  const command = readV2Command(contents)
  if (command === undefined) {
    const detail = `V2 transport error: invalid message type (${contents.length} bytes contents)`
    return { type: 'dropped', code: 'bad-command', detail, wireBytes }
  }
  const payload = contents.subarray(contents[0] === 0 ? V2_COMMAND_SIZE_MAX : 1)
  return { type: 'message', command, payload, wireBytes }
}
