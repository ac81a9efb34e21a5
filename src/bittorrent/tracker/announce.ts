import type { PeerAddress } from '../wire/compact-peers.ts'

/** BEP 3: why a client announces; `undefined` for the regular call. */
export type AnnounceEvent = 'started' | 'stopped' | 'completed'

export interface AnnounceRequest {
  /** 20 bytes. */
  readonly infohash: Uint8Array
  readonly peerId: Uint8Array
  readonly port: number
  /** Bytes since the start. */
  readonly uploaded: number
  readonly downloaded: number
  /** Bytes that are missing; for a magnet link whose size nobody knows yet, any number above zero. */
  readonly left: number
  readonly event: AnnounceEvent | undefined
  /** Peers wanted. */
  readonly wanted: number
  /** Tells clients apart whose address changes. */
  readonly key: number
  /** BEP 21: it has all it wants, if not all there is. */
  readonly uploadOnly?: boolean
}

export interface AnnounceResponse {
  readonly intervalMs: number
  /** No announces more often than that. */
  readonly minIntervalMs: number | undefined
  readonly seeders: number | undefined
  readonly leechers: number | undefined
  readonly peers: readonly PeerAddress[]
  /** BEP 24: our address as the tracker sees it. */
  readonly externalIp: string | undefined
  readonly warning: string | undefined
  /** To be sent back with the next announce. */
  readonly trackerId: Uint8Array | undefined
}

/** BEP 48. */
export interface ScrapeEntry {
  readonly seeders: number
  readonly completed: number
  readonly leechers: number
}

export const TRACKER_LIMITS = {
  /** Peers taken out of one answer. */
  peersMax: 400,
  responseBytesMax: 1024 * 1024,
  textMax: 500,
  intervalMinMs: 60_000,
  intervalMaxMs: 6 * 3_600_000,
  intervalDefaultMs: 1_800_000,
} as const

/** A tracker's wish for an interval, within reason. */
export function saneIntervalMs(seconds: number | undefined): number {
  if (seconds === undefined || seconds <= 0) return TRACKER_LIMITS.intervalDefaultMs
  return Math.min(TRACKER_LIMITS.intervalMaxMs, Math.max(TRACKER_LIMITS.intervalMinMs, 1000 * seconds))
}
