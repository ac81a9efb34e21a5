/** What a transport tells whoever drives it, in the order in which it must be dealt with. */
export type TransportEvent = MessageEvent | DroppedEvent | FailedEvent | SendEvent

/** A message arrived; whether it makes sense is for its codec to say. */
export interface MessageEvent {
  readonly type: 'message'
  readonly command: string
  /** Memory of its own, which nothing else writes to. */
  readonly payload: Uint8Array
  /** Bytes that it took on the wire, framing included. */
  readonly wireBytes: number
}

/** A message arrived that cannot be used; the connection goes on, and its bytes are counted under no command. */
export interface DroppedEvent {
  readonly type: 'dropped'
  readonly code: 'bad-checksum' | 'bad-command'
  /** For the log, in Core's words. */
  readonly detail: string
  readonly wireBytes: number
}

/** The stream makes no sense: the connection must be closed, and nothing more is read from it. */
export interface FailedEvent {
  readonly type: 'failed'
  readonly code: 'wrong-magic' | 'message-too-large' | 'missing-garbage-terminator' | 'packet-decryption-failed'
  readonly detail: string
}

/** The handshake goes on: these bytes must be sent before any message. */
export interface SendEvent {
  readonly type: 'send'
  readonly bytes: Uint8Array
}

/**
 * How messages become a stream of bytes and back, for one connection. Chunks may end anywhere.
 *
 * @example
 * for (const event of transport.receive(chunk)) {
 *   if (event.type === 'message') onMessage(event.command, event.payload)
 *   else if (event.type === 'send') socket.write(event.bytes)
 *   else if (event.type === 'failed') socket.destroy()
 * }
 */
export interface Transport {
  /** Which transport it turned out to be; RPC shows these names. */
  readonly protocol: 'detecting' | 'v1' | 'v2'
  /** BIP324: 32 bytes by which two people may notice that somebody sits between them. */
  readonly sessionId: Uint8Array | undefined
  /** Whether messages can be sent yet. */
  readonly canSend: boolean

  /** What must be sent as soon as the connection stands. */
  start(): readonly Uint8Array[]
  receive(chunk: Uint8Array): readonly TransportEvent[]
  /** The bytes of a message, to be sent one after the other; `payload` may be among them, and must not change any more. */
  send(command: string, payload: Uint8Array): readonly Uint8Array[]
}

/** Sets aside memory for a payload: ordinary, or shared where other threads are to read it. */
export type Allocate = (byteLength: number) => Uint8Array

export const allocateOrdinary: Allocate = byteLength => new Uint8Array(byteLength)
