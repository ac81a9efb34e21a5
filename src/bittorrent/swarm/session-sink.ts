import type { HashesMessage, HashRange } from '../wire/hash-messages.ts'
import type { MessageSink } from '../wire/message-reader.ts'
import type { PeerSession } from './peer-session.ts'

/** What a torrent does with the messages of a peer; each returns why the peer must go, if it must. */
export interface SessionEvents {
  hasPieces(session: PeerSession, pieces: Uint8Array | 'all' | 'none'): string | undefined
  hasPiece(session: PeerSession, piece: number): string | undefined
  choke(session: PeerSession, choking: boolean): void
  interest(session: PeerSession, interested: boolean): void
  request(session: PeerSession, piece: number, begin: number, length: number): string | undefined
  cancel(session: PeerSession, piece: number, begin: number, length: number): void
  reject(session: PeerSession, piece: number, begin: number): void
  allowedFast(session: PeerSession, piece: number): void
  extended(session: PeerSession, id: number, payload: Uint8Array): string | undefined
  hashRequest(session: PeerSession, range: HashRange): void
  hashes(session: PeerSession, message: HashesMessage): void
  hashReject(session: PeerSession, range: HashRange): void
  blockStarts(session: PeerSession, piece: number, begin: number, length: number): string | undefined
  blockBytes(session: PeerSession, source: Uint8Array, start: number, end: number): void
  blockEnds(session: PeerSession): void
}

/** Passes a peer's messages to its torrent and remembers the first fault. */
export class SessionSink implements MessageSink {
  readonly #session: PeerSession
  readonly #events: SessionEvents
  readonly #fail: (code: string) => void

  /** @param fail stops the reader, so that nothing more is heard of this peer */
  constructor(session: PeerSession, events: SessionEvents, fail: (code: string) => void) {
    this.#session = session
    this.#events = events
    this.#fail = fail
  }

  #check(code: string | undefined): void {
    if (code !== undefined) this.#fail(code)
  }

  onHandshake(): void {}

  onKeepAlive(): void {}

  onChoke(): void {
    this.#events.choke(this.#session, true)
  }

  onUnchoke(): void {
    this.#events.choke(this.#session, false)
  }

  onInterested(): void {
    this.#events.interest(this.#session, true)
  }

  onNotInterested(): void {
    this.#events.interest(this.#session, false)
  }

  onHave(piece: number): void {
    this.#check(this.#events.hasPiece(this.#session, piece))
  }

  onBitfield(bits: Uint8Array): void {
    this.#check(this.#events.hasPieces(this.#session, bits))
  }

  onHaveAll(): void {
    this.#check(this.#session.fast ? this.#events.hasPieces(this.#session, 'all') : 'peer-fast-not-agreed')
  }

  onHaveNone(): void {
    this.#check(this.#session.fast ? this.#events.hasPieces(this.#session, 'none') : 'peer-fast-not-agreed')
  }

  onRequest(piece: number, begin: number, length: number): void {
    this.#check(this.#events.request(this.#session, piece, begin, length))
  }

  onCancel(piece: number, begin: number, length: number): void {
    this.#events.cancel(this.#session, piece, begin, length)
  }

  onReject(piece: number, begin: number): void {
    this.#events.reject(this.#session, piece, begin)
  }

  onAllowedFast(piece: number): void {
    this.#events.allowedFast(this.#session, piece)
  }

  /** BEP 6: a suggestion is a hint, which our picker has no use for. */
  onSuggest(): void {}

  /** BEP 5: the peer's DHT node is of no use to one torrent alone. */
  onPort(): void {}

  onExtended(id: number, payload: Uint8Array): void {
    this.#check(this.#events.extended(this.#session, id, payload))
  }

  onHashRequest(range: HashRange): void {
    this.#events.hashRequest(this.#session, range)
  }

  onHashes(message: HashesMessage): void {
    this.#events.hashes(this.#session, message)
  }

  onHashReject(range: HashRange): void {
    this.#events.hashReject(this.#session, range)
  }

  onBlockStart(piece: number, begin: number, length: number): void {
    this.#check(this.#events.blockStarts(this.#session, piece, begin, length))
  }

  onBlockBytes(source: Uint8Array, start: number, end: number): void {
    this.#events.blockBytes(this.#session, source, start, end)
  }

  onBlockEnd(): void {
    this.#events.blockEnds(this.#session)
  }
}
