/** A peer as the choker sees it. Only peers that want something of us are shown to it. */
export interface ChokerPeer {
  readonly id: number
  /** Bytes a second that it gives us. */
  readonly downloadRate: number
  /** Bytes a second that we give it. */
  readonly uploadRate: number
  readonly unchoked: boolean
  /** When it was last choked or unchoked, in milliseconds; for one never unchoked, when it came. */
  readonly since: number
  /** It owes us blocks and has not sent any for long (BEP 3's anti-snubbing). */
  readonly snubbed: boolean
}

export interface ChokerState {
  readonly now: number
  /** Peers served at once, the optimistic one included. */
  readonly slots: number
  /** Whether we have all we want, so that nobody can repay us. */
  readonly seeding: boolean
  /** The peer that is served on trust at present. */
  readonly optimistic: number | undefined
  /** When the optimistic peer was chosen, in milliseconds. */
  readonly optimisticSince: number
}

export interface ChokerChoice {
  readonly unchoked: ReadonlySet<number>
  readonly optimistic: number | undefined
  readonly optimisticSince: number
}

/** How long a peer is served on trust before another gets the chance. */
export const OPTIMISTIC_MS = 30_000
/** How long a seed serves a peer before others that wait come first. */
export const SEED_TURN_MS = 60_000

/** Those who give most come first; a snubbing peer has given up its claim. */
export function byReturn(a: ChokerPeer, b: ChokerPeer): number {
  return Number(a.snubbed) - Number(b.snubbed) || b.downloadRate - a.downloadRate || a.since - b.since || a.id - b.id
}

/** A seed goes round: whoever is in its turn stays, then those who wait longest, then those whose turn is over. */
function byTurn(now: number): (a: ChokerPeer, b: ChokerPeer) => number {
  const group = (peer: ChokerPeer) => (!peer.unchoked ? 1 : now - peer.since < SEED_TURN_MS ? 0 : 2)
  return (a, b) => group(a) - group(b) || b.uploadRate - a.uploadRate || a.since - b.since || a.id - b.id
}

/** The peer that waits longest: each gets its chance in turn. */
function longestWaiting(peers: readonly ChokerPeer[]): ChokerPeer | undefined {
  let best: ChokerPeer | undefined
  for (const peer of peers) {
    if (best === undefined || peer.since < best.since || (peer.since === best.since && peer.id < best.id)) best = peer
  }
  return best
}

/**
 * Chooses whom to serve among the interested peers.
 *
 * @example
 * const choice = chooseUnchoked(interested, { now, slots: 8, seeding: false, optimistic, optimisticSince })
 */
export function chooseUnchoked(peers: readonly ChokerPeer[], state: ChokerState): ChokerChoice {
  const { now, slots, seeding } = state
  const ranked = peers.toSorted(seeding ? byTurn(now) : byReturn)
  if (ranked.length <= slots) {
    return { unchoked: new Set(ranked.map(peer => peer.id)), optimistic: undefined, optimisticSince: now }
  }
  const unchoked = new Set(ranked.slice(0, Math.max(0, slots - 1)).map(peer => peer.id))
  const rest = ranked.filter(peer => !unchoked.has(peer.id))
  const keeps = now - state.optimisticSince < OPTIMISTIC_MS && rest.some(peer => peer.id === state.optimistic)
  if (keeps) {
    unchoked.add(state.optimistic!)
    return { unchoked, optimistic: state.optimistic, optimisticSince: state.optimisticSince }
  }
  const waiting = rest.filter(peer => !peer.unchoked)
  const chosen = longestWaiting(waiting.length > 0 ? waiting : rest)
  if (slots > 0 && chosen !== undefined) unchoked.add(chosen.id)
  return { unchoked, optimistic: chosen?.id, optimisticSince: now }
}
