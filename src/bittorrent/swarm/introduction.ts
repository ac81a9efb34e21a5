import { ALLOWED_FAST_COUNT, allowedFastSet } from '../wire/allowed-fast.ts'
import type { Bitfield } from '../wire/bitfield.ts'
import { encodeHandshake, type Handshake } from '../wire/handshake.ts'
import type { Infohashes } from './metadata-transfer.ts'
import type { PeerSession } from './peer-session.ts'

/** The infohash that goes into handshakes: v1's where there is one, else the beginning of v2's (BEP 52). */
export function wireInfohash({ v1, v2 }: Infohashes): Uint8Array {
  return v1 ?? v2!.subarray(0, 20)
}

/** The handshake that we send: by the same infohash as what it answers, unless a hybrid's peer would rather speak v2 (BEP 52). */
export function ownHandshake(
  { v1, v2 }: Infohashes,
  peerId: Uint8Array,
  answering: Pick<Handshake, 'infohash' | 'v2'>,
): Uint8Array {
  const upgrade = v1 !== undefined && v2 !== undefined && answering.v2
  return encodeHandshake({
    infohash: upgrade ? v2.subarray(0, 20) : answering.infohash,
    peerId,
    extensions: true,
    fast: true,
    dht: false,
    v2: v2 !== undefined,
  })
}

/** Says what we have, as the first thing after the handshakes, and what a newcomer may fetch while it is choked. */
export function introduce(session: PeerSession, have: Bitfield, infohash: Uint8Array): void {
  if (session.fast && have.isFull) session.out.haveAll()
  else if (session.fast && have.count === 0) session.out.haveNone()
  else if (have.count > 0) session.out.bitfield(have.bytes)
  // A whole crowd waits for a seed's line: what it gave to those that it chokes, it would give of the same few pieces again and again.
  if (!session.fast || have.count === 0 || have.isFull) return
  for (const piece of allowedFastSet(session.origin.host, infohash, have.size, ALLOWED_FAST_COUNT)) {
    session.grantedFast.add(piece)
    session.out.allowedFast(piece)
  }
}

/** Says what we have to a peer that was told before that we had nothing. */
export function tellHaves(session: PeerSession, have: Bitfield): void {
  if (have.count === 0) return
  if (!session.fast) {
    session.out.bitfield(have.bytes)
    return
  }
  for (let piece = 0; piece < have.size; piece++) {
    if (have.has(piece) && !session.has(piece)) session.out.have(piece)
  }
}
