/** Core's numbers of connections of each kind. */
export const MAX_OUTBOUND_FULL_RELAY_CONNECTIONS = 8
export const MAX_BLOCK_RELAY_ONLY_CONNECTIONS = 2
export const MAX_FEELER_CONNECTIONS = 1
export const MAX_ADDNODE_CONNECTIONS = 8

/** How many connections of each kind there may be. */
export interface ConnectionSlots {
  readonly fullRelay: number
  readonly blockRelayOnly: number
  /** Automatic outbound connections of all kinds. */
  readonly outbound: number
  readonly inbound: number
  /** Inbound connections that are told of transactions. */
  readonly inboundFullRelay: number
}

/**
 * Divides what -maxconnections allows.
 *
 * @param relayPercent -inboundrelaypercent
 */
export function connectionSlots(connectionsMax: number, relayPercent: number): ConnectionSlots {
  const fullRelay = Math.min(MAX_OUTBOUND_FULL_RELAY_CONNECTIONS, connectionsMax)
  const blockRelayOnly = Math.min(MAX_BLOCK_RELAY_ONLY_CONNECTIONS, connectionsMax - fullRelay)
  const outbound = fullRelay + blockRelayOnly + MAX_FEELER_CONNECTIONS
  const inbound = Math.max(0, connectionsMax - outbound)
  return { fullRelay, blockRelayOnly, outbound, inbound, inboundFullRelay: Math.floor((inbound * relayPercent) / 100) }
}
