import { HANDSHAKE_BYTES } from '../wire/handshake.ts'
import type { HashRange } from '../wire/hash-messages.ts'
import { MessageReader, type MessageSink } from '../wire/message-reader.ts'
import { PeerSession } from './peer-session.ts'

/** For tests: a peer's session without a torrent around it. */
export function loneSession(id: number, v2 = false): PeerSession {
  const origin = { host: `9.9.9.${id}`, port: 1, incoming: false, identity: `${id}` }
  const peerId = new Uint8Array(20).fill(id)
  const handshake = { infohash: new Uint8Array(20), peerId, extensions: true, fast: true, dht: false, v2 }
  return new PeerSession(id, origin, handshake, v2, 16, 0)
}

export interface SaidToPeer {
  /** Payloads of extension messages, each with the number by which it goes. */
  readonly extended: (readonly [id: number, payload: Uint8Array])[]
  readonly hashRequests: HashRange[]
  hashes: number
  hashRejects: number
}

/** For tests: takes what waits to be sent to a peer. */
export function takeSaid(session: PeerSession): SaidToPeer {
  const said: SaidToPeer = { extended: [], hashRequests: [], hashes: 0, hashRejects: 0 }
  const sink: Partial<MessageSink> = {
    onHandshake: () => {},
    onExtended: (id, payload) => said.extended.push([id, payload.slice()]),
    onHashRequest: range => said.hashRequests.push(range),
    onHashes: () => said.hashes++,
    onHashReject: () => said.hashRejects++,
  }
  const reader = new MessageReader(sink as MessageSink)
  const hello = new Uint8Array(HANDSHAKE_BYTES)
  hello.set([19, ...[...'BitTorrent protocol'].map(letter => letter.charCodeAt(0))])
  for (const bytes of [hello, session.out.take() ?? new Uint8Array(0)]) reader.push(bytes, 0, bytes.length)
  return said
}
