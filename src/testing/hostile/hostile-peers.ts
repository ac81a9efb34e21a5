import type { Crypto } from '../../base/crypto/backend.ts'
import type { NetEndpoint } from '../../bitcoin/wire/net-address.ts'
import type { SimNetwork } from '../sim-network.ts'
import { compactBlockAbuse, invalidBlocks, mutatedBlocks, stalling, withholding } from './block-conducts.ts'
import { addressFlood, eclipse, headerSpam, oversizedMessages, slowMessages } from './spam-conducts.ts'
import { type Conduct, WirePeer } from './wire-peer.ts'

/** Machines that an eclipse attacker has in each of its few groups of addresses. */
const ECLIPSE_MACHINES = 4
const ECLIPSE_LINKS = 6

const CONDUCTS: readonly (() => Conduct)[] = [
  invalidBlocks,
  mutatedBlocks,
  stalling,
  withholding,
  compactBlockAbuse,
  headerSpam,
  addressFlood,
  oversizedMessages,
  slowMessages,
]

/** An attacker with many addresses of one group. */
function eclipsePeers(world: SimNetwork, crypto: Crypto): WirePeer[] {
  const group = `${200 + world.random.below(20)}.${world.random.below(256)}`
  const own: NetEndpoint[] = []
  const peers = Array.from({ length: ECLIPSE_MACHINES }, (_, i) => {
    const options = { address: `${group}.${i}.1`, linksMax: ECLIPSE_LINKS }
    return new WirePeer(world, crypto, eclipse(own), options)
  })
  own.push(...peers.map(({ endpoint }) => endpoint))
  return peers
}

/** So many attackers, of kinds that the world's luck draws; one of them may have several machines. */
export async function hostilePeers(world: SimNetwork, count: number): Promise<WirePeer[]> {
  const crypto = await world.crypto()
  const peers: WirePeer[] = []
  for (let i = 0; i < count; i++) {
    const kind = world.random.below(CONDUCTS.length + 1)
    if (kind === CONDUCTS.length) peers.push(...eclipsePeers(world, crypto))
    else peers.push(new WirePeer(world, crypto, CONDUCTS[kind]()))
  }
  for (const peer of peers) await peer.start()
  for (const { conduct, endpoint } of peers) {
    world.say(`hostile: ${conduct.name} at ${Array.from(endpoint.address.bytes).join('.')}`)
  }
  return peers
}
