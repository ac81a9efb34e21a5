import type { TrafficFigures } from './traffic.ts'

/** Silence either way after which a connection counts as dead; as Core has it. */
export const INACTIVITY_TIMEOUT_MS = 20 * 60 * 1000

/** What is asked of a connection. */
export interface ActivityState {
  readonly connectedAtMs: number
  readonly traffic: Pick<TrafficFigures, 'lastSendMs' | 'lastReceiveMs'>
  /** Both sides have said `verack`. */
  readonly established: boolean
  /** BIP324: which transport it is has not turned out. */
  readonly detecting: boolean
}

/**
 * Why a connection has been silent for too long, in Core's words; undefined where it has not.
 *
 * @param handshakeTimeoutMs -peertimeout: how long a connection may take until messages flow
 */
export function inactivityOf(state: ActivityState, nowMs: number, handshakeTimeoutMs: number): string | undefined {
  if (state.connectedAtMs + handshakeTimeoutMs >= nowMs) return undefined
  const { lastSendMs, lastReceiveMs } = state.traffic
  if (lastSendMs === 0 || lastReceiveMs === 0) {
    const received = lastReceiveMs === 0 ? ', never received from peer' : ''
    const sent = lastSendMs === 0 ? ', never sent to peer' : ''
    return `socket no message in first ${Math.floor(handshakeTimeoutMs / 1000)} seconds${received}${sent}`
  }
  const seconds = (since: number): number => Math.floor((nowMs - since) / 1000)
  if (nowMs > lastSendMs + INACTIVITY_TIMEOUT_MS) return `socket sending timeout: ${seconds(lastSendMs)}s`
  if (nowMs > lastReceiveMs + INACTIVITY_TIMEOUT_MS) return `socket receive timeout: ${seconds(lastReceiveMs)}s`
  if (state.established) return undefined
  return state.detecting ? 'V2 handshake timeout' : 'version handshake timeout'
}
