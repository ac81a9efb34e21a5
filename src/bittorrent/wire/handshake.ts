import { concatBytes } from '../../base/bytes/bytes.ts'

/** BEP 3: 19, the protocol's name, 8 reserved bytes, infohash, peer id. */
export const HANDSHAKE_BYTES = 68

const PROTOCOL = 'BitTorrent protocol'

/** What both sides say first. The infohash is a v1 one or the first 20 bytes of a v2 one (BEP 52). */
export interface Handshake {
  readonly infohash: Uint8Array
  readonly peerId: Uint8Array
  /** BEP 10. */
  readonly extensions: boolean
  /** BEP 6. */
  readonly fast: boolean
  /** BEP 5. */
  readonly dht: boolean
  /** BEP 52: on a hybrid torrent, whether the peer would rather speak v2. */
  readonly v2: boolean
}

export function encodeHandshake(handshake: Handshake): Uint8Array {
  const head = new Uint8Array(28)
  head[0] = PROTOCOL.length
  for (let i = 0; i < PROTOCOL.length; i++) head[1 + i] = PROTOCOL.charCodeAt(i)
  if (handshake.extensions) head[25] |= 0x10
  if (handshake.dht) head[27] |= 0x01
  if (handshake.fast) head[27] |= 0x04
  if (handshake.v2) head[27] |= 0x10
  return concatBytes(head, handshake.infohash, handshake.peerId)
}

/** Reads a handshake; `undefined` where it is not BitTorrent's. */
export function decodeHandshake(bytes: Uint8Array): Handshake | undefined {
  if (bytes.length !== HANDSHAKE_BYTES || bytes[0] !== PROTOCOL.length) return undefined
  for (let i = 0; i < PROTOCOL.length; i++) if (bytes[1 + i] !== PROTOCOL.charCodeAt(i)) return undefined
  return {
    infohash: bytes.slice(28, 48),
    peerId: bytes.slice(48, 68),
    extensions: (bytes[25] & 0x10) !== 0,
    dht: (bytes[27] & 0x01) !== 0,
    fast: (bytes[27] & 0x04) !== 0,
    v2: (bytes[27] & 0x10) !== 0,
  }
}
