import { mayTellOf } from '../wire/address-scope.ts'
import { decodePex, encodePex, PEX_FLAG, type PexPeer } from '../wire/extensions.ts'
import { addressKey } from './candidates.ts'
import type { PeerSession } from './peer-session.ts'

/** BEP 11: at most one message a minute. */
export const PEX_INTERVAL_MS = 60_000
/** A peer that sends them much faster than that, again and again, is not sane. */
const TOLERATED_INTERVAL_MS = 30_000
const TOLERATED_HASTE = 10
/** BEP 11: at most so many newcomers and leavers each. */
const PEERS_MAX = 50

function asPexPeer(session: PeerSession): PexPeer | undefined {
  // Whom we have called is where we called him, whatever he says.
  const port = session.origin.port ?? session.handshake?.port
  if (port === undefined) return undefined
  const uploadOnly = session.isSeed || session.uploadOnly ? PEX_FLAG.uploadOnly : 0
  const reachable = session.origin.incoming ? 0 : PEX_FLAG.reachable
  return { host: session.origin.host, port, flags: uploadOnly | reachable }
}

/** Tells a peer who came and went since it was last told, if it is time. */
export function sendPex(session: PeerSession, sessions: Iterable<PeerSession>, now: number): void {
  const id = session.handshake?.ids.ut_pex
  if (id === undefined || now - session.pexSentAt < PEX_INTERVAL_MS) return
  const present = new Map<string, PexPeer>()
  for (const other of sessions) {
    const peer = other === session ? undefined : asPexPeer(other)
    if (peer !== undefined && mayTellOf(session.origin.host, peer.host)) present.set(addressKey(peer), peer)
  }
  const added: PexPeer[] = []
  for (const [key, peer] of present) {
    if (added.length >= PEERS_MAX) break
    if (!session.pexSent.has(key)) added.push(peer)
  }
  const gone = [...session.pexSent].filter(key => !present.has(key)).slice(0, PEERS_MAX)
  if (added.length === 0 && gone.length === 0) return
  for (const peer of added) session.pexSent.add(addressKey(peer))
  for (const key of gone) session.pexSent.delete(key)
  session.pexSentAt = now
  const dropped = gone.map(key => {
    const colon = key.lastIndexOf(':')
    return { host: key.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(key.slice(colon + 1)) }
  })
  session.out.extended(id, encodePex({ added, dropped }))
}

/** Peers that a peer tells of, and may; a verdict's code where it tells too often. */
export function receivePex(session: PeerSession, payload: Uint8Array, now: number): readonly PexPeer[] | string {
  if (now - session.lastPexAt < TOLERATED_INTERVAL_MS && ++session.pexMessages > TOLERATED_HASTE)
    return 'peer-pex-flood'
  session.lastPexAt = now
  const added = decodePex(payload)?.added ?? []
  return added.filter(peer => mayTellOf(session.origin.host, peer.host))
}
