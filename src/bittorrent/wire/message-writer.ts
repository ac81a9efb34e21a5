import { encodeHashRange, type HashesMessage, type HashRange } from './hash-messages.ts'
import { MESSAGE, PIECE_HEADER_BYTES } from './message-ids.ts'

/** Writes the 13 bytes that stand before a block of `length` bytes. */
export function writePieceHeader(target: Uint8Array, at: number, piece: number, begin: number, length: number): void {
  writeU32(target, at, length + PIECE_HEADER_BYTES - 4)
  target[at + 4] = MESSAGE.piece
  writeU32(target, at + 5, piece)
  writeU32(target, at + 9, begin)
}

function writeU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
}

/** Collects small messages for one peer, to be sent in one write. */
export class MessageWriter {
  #buffer = new Uint8Array(64)
  #length = 0

  /** Bytes that wait to be taken. */
  get length(): number {
    return this.#length
  }

  /** What was written since the last time; `undefined` if nothing. The bytes are the caller's. */
  take(): Uint8Array | undefined {
    if (this.#length === 0) return undefined
    const taken = this.#buffer.slice(0, this.#length)
    this.#length = 0
    // One long message should not keep its room for ever, for each of thousands of peers.
    if (this.#buffer.length > 4096) this.#buffer = new Uint8Array(64)
    return taken
  }

  /** Bytes as they are, such as a handshake. */
  raw(bytes: Uint8Array): this {
    const at = this.#room(bytes.length)
    this.#buffer.set(bytes, at)
    return this
  }

  #room(extra: number): number {
    const at = this.#length
    if (at + extra > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(at + extra, 2 * this.#buffer.length))
      grown.set(this.#buffer.subarray(0, at))
      this.#buffer = grown
    }
    this.#length = at + extra
    return at
  }

  /** A message's length and id; returns where its payload goes. */
  #begin(id: number, payloadLength: number): number {
    const at = this.#room(5 + payloadLength)
    writeU32(this.#buffer, at, 1 + payloadLength)
    this.#buffer[at + 4] = id
    return at + 5
  }

  #plain(id: number): this {
    this.#begin(id, 0)
    return this
  }

  #index(id: number, piece: number): this {
    const at = this.#begin(id, 4)
    writeU32(this.#buffer, at, piece)
    return this
  }

  #block(id: number, piece: number, begin: number, length: number): this {
    const at = this.#begin(id, 12)
    writeU32(this.#buffer, at, piece)
    writeU32(this.#buffer, at + 4, begin)
    writeU32(this.#buffer, at + 8, length)
    return this
  }

  #payload(id: number, payload: Uint8Array): this {
    const at = this.#begin(id, payload.length)
    this.#buffer.set(payload, at)
    return this
  }

  keepAlive(): this {
    const at = this.#room(4)
    this.#buffer.fill(0, at, at + 4)
    return this
  }

  choke(): this {
    return this.#plain(MESSAGE.choke)
  }

  unchoke(): this {
    return this.#plain(MESSAGE.unchoke)
  }

  interested(): this {
    return this.#plain(MESSAGE.interested)
  }

  notInterested(): this {
    return this.#plain(MESSAGE.notInterested)
  }

  have(piece: number): this {
    return this.#index(MESSAGE.have, piece)
  }

  bitfield(bits: Uint8Array): this {
    return this.#payload(MESSAGE.bitfield, bits)
  }

  request(piece: number, begin: number, length: number): this {
    return this.#block(MESSAGE.request, piece, begin, length)
  }

  cancel(piece: number, begin: number, length: number): this {
    return this.#block(MESSAGE.cancel, piece, begin, length)
  }

  port(port: number): this {
    const at = this.#begin(MESSAGE.port, 2)
    this.#buffer[at] = port >>> 8
    this.#buffer[at + 1] = port
    return this
  }

  suggest(piece: number): this {
    return this.#index(MESSAGE.suggest, piece)
  }

  haveAll(): this {
    return this.#plain(MESSAGE.haveAll)
  }

  haveNone(): this {
    return this.#plain(MESSAGE.haveNone)
  }

  reject(piece: number, begin: number, length: number): this {
    return this.#block(MESSAGE.reject, piece, begin, length)
  }

  allowedFast(piece: number): this {
    return this.#index(MESSAGE.allowedFast, piece)
  }

  extended(id: number, payload: Uint8Array): this {
    const at = this.#begin(MESSAGE.extended, 1 + payload.length)
    this.#buffer[at] = id
    this.#buffer.set(payload, at + 1)
    return this
  }

  hashRequest(range: HashRange): this {
    return this.#payload(MESSAGE.hashRequest, encodeHashRange(range))
  }

  hashReject(range: HashRange): this {
    return this.#payload(MESSAGE.hashReject, encodeHashRange(range))
  }

  hashes(message: HashesMessage): this {
    const range = encodeHashRange(message)
    const at = this.#begin(MESSAGE.hashes, range.length + message.hashes.length)
    this.#buffer.set(range, at)
    this.#buffer.set(message.hashes, at + range.length)
    return this
  }
}
