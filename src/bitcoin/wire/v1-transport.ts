import { equalBytes, toHex } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import type { HashBackend } from '../../base/crypto/backend.ts'
import { ChunkCollector } from './chunk-collector.ts'
import { COMMAND_SIZE, readCommand, writeCommand } from './command-field.ts'
import { WIRE_LIMITS } from './limits.ts'
import { safeText } from './safe-text.ts'
import type { Allocate, FailedEvent, Transport, TransportEvent } from './transport.ts'

/** Magic, command, length, checksum. */
export const V1_HEADER_SIZE = 24

const MAGIC_SIZE = 4
const LENGTH_OFFSET = MAGIC_SIZE + COMMAND_SIZE
const CHECKSUM_OFFSET = LENGTH_OFFSET + 4
const CHECKSUM_SIZE = 4
const LAST_CHARACTER = 0x7e

export interface V1TransportOptions {
  /** The network's four bytes that every message begins with. */
  readonly magic: Uint8Array
  readonly hash: Pick<HashBackend, 'sha256d'>
  readonly allocate?: Allocate
}

/** The plain transport: each message with a header that names it and guards its bytes against accidents. */
export class V1Transport implements Transport {
  readonly protocol = 'v1'
  readonly sessionId = undefined
  readonly canSend = true

  readonly #magic: Uint8Array
  readonly #hash: Pick<HashBackend, 'sha256d'>
  readonly #header = new Uint8Array(V1_HEADER_SIZE)
  #headerFilled = 0
  readonly #payload: ChunkCollector
  #failed = false

  constructor(options: V1TransportOptions) {
    this.#magic = options.magic
    this.#hash = options.hash
    this.#payload = new ChunkCollector(options.allocate)
  }

  start(): readonly Uint8Array[] {
    return []
  }

  send(command: string, payload: Uint8Array): readonly Uint8Array[] {
    const header = new Uint8Array(V1_HEADER_SIZE)
    header.set(this.#magic)
    writeCommand(command, header, MAGIC_SIZE)
    for (let i = 0; i < 4; i++) header[LENGTH_OFFSET + i] = payload.length >>> (8 * i)
    header.set(this.#hash.sha256d(payload).subarray(0, CHECKSUM_SIZE), CHECKSUM_OFFSET)
    return payload.length === 0 ? [header] : [header, payload]
  }

  receive(chunk: Uint8Array): readonly TransportEvent[] {
    const events: TransportEvent[] = []
    let at = 0
    while (at < chunk.length && !this.#failed) {
      if (this.#headerFilled < V1_HEADER_SIZE) {
        const run = Math.min(V1_HEADER_SIZE - this.#headerFilled, chunk.length - at)
        this.#header.set(chunk.subarray(at, at + run), this.#headerFilled)
        this.#headerFilled += run
        at += run
        if (this.#headerFilled < V1_HEADER_SIZE) break
        const failure = this.#beginPayload()
        if (failure !== undefined) {
          this.#failed = true
          events.push(failure)
        }
      } else {
        at = this.#payload.take(chunk, at)
      }
      if (!this.#failed && this.#payload.complete) events.push(this.#finishMessage())
    }
    return events
  }

  #beginPayload(): FailedEvent | undefined {
    const magic = this.#header.subarray(0, MAGIC_SIZE)
    if (!equalBytes(magic, this.#magic)) {
      const detail = `Header error: Wrong MessageStart ${toHex(magic)} received`
      return { type: 'failed', code: 'wrong-magic', detail }
    }
    const length = new ByteReader(this.#header, LENGTH_OFFSET).u32()
    if (length > WIRE_LIMITS.payloadBytesMax) {
      const { command } = readCommand(this.#header, MAGIC_SIZE, LAST_CHARACTER)
      const detail = `Header error: Size too large (${safeText(command)}, ${length} bytes)`
      return { type: 'failed', code: 'message-too-large', detail }
    }
    this.#payload.expect(length)
    return undefined
  }

  #finishMessage(): TransportEvent {
    const payload = this.#payload.finish()
    this.#headerFilled = 0
    this.#payload.expect(0)
    const { command, valid } = readCommand(this.#header, MAGIC_SIZE, LAST_CHARACTER)
    const told = this.#header.subarray(CHECKSUM_OFFSET)
    const checksum = this.#hash.sha256d(payload).subarray(0, CHECKSUM_SIZE)
    const wireBytes = V1_HEADER_SIZE + payload.length
    const name = `${safeText(command)}, ${payload.length} bytes`
    if (!equalBytes(checksum, told)) {
      const detail = `Header error: Wrong checksum (${name}), expected ${toHex(checksum)} was ${toHex(told)}`
      return { type: 'dropped', code: 'bad-checksum', detail, wireBytes }
    }
    if (!valid) {
      return { type: 'dropped', code: 'bad-command', detail: `Header error: Invalid message type (${name})`, wireBytes }
    }
    return { type: 'message', command, payload, wireBytes }
  }
}
