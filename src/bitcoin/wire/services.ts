/** What a peer offers, as bits of the services field; the names are Core's. */
export const SERVICES = {
  NODE_NETWORK: 1n << 0n,
  /** BIP111 */
  NODE_BLOOM: 1n << 2n,
  /** BIP144 */
  NODE_WITNESS: 1n << 3n,
  /** BIP157 */
  NODE_COMPACT_FILTERS: 1n << 6n,
  /** BIP159: the last 288 blocks at least. */
  NODE_NETWORK_LIMITED: 1n << 10n,
  /** BIP324 */
  NODE_P2P_V2: 1n << 11n,
} as const

const NAMES: ReadonlyMap<bigint, string> = new Map(
  Object.entries(SERVICES).map(([name, bit]) => [bit, name.slice('NODE_'.length)]),
)

/** The names of the services that are set, as RPC shows them. */
export function serviceNames(services: bigint): string[] {
  const names: string[] = []
  for (let i = 0n; i < 64n; i++) {
    const bit = 1n << i
    if ((services & bit) !== 0n) names.push(NAMES.get(bit) ?? `UNKNOWN[2^${i}]`)
  }
  return names
}
