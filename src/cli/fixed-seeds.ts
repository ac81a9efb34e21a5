import { readFileSync } from 'node:fs'
import type { NetworkParams } from '../bitcoin/params/network-params.ts'
import type { GossipedAddress } from '../bitcoin/wire/address-messages.ts'
import { parseNetEndpoint } from '../bitcoin/wire/net-address-text.ts'
import { SERVICES } from '../bitcoin/wire/services.ts'

/** Two folders up: from src/cli, from dist/cli, and from the bundled programs in dist/programs. */
const FOLDER = new URL('../../seeds/', import.meta.url)

/** Nodes of a public network that its newcomers begin with; none for networks without a list. */
export function fixedSeeds(network: NetworkParams): GossipedAddress[] {
  let text: string
  try {
    text = readFileSync(new URL(`${network.name}.txt`, FOLDER), 'utf8')
  } catch {
    return []
  }
  // How long ago they were seen says nothing: they were good when the list was made.
  const services = SERVICES.NODE_NETWORK | SERVICES.NODE_WITNESS
  return text
    .split('\n')
    .map(line => parseNetEndpoint(line.trim(), network.defaultPort))
    .filter(endpoint => endpoint !== undefined)
    .map(endpoint => ({ timeSeconds: 0, services, endpoint }))
}
