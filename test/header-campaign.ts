import type { Crypto } from '../src/base/crypto/backend.ts'
import type { Random } from '../src/base/ports/random.ts'
import { solveBlock } from '../src/bitcoin/mining/assemble-block.ts'
import { encodeHeader, HEADER_SIZE } from '../src/bitcoin/primitives/block.ts'
import { WIRE_LIMITS } from '../src/bitcoin/wire/limits.ts'
import { encodePayload } from '../src/bitcoin/wire/messages.ts'
import { P2pWorld, REGTEST, type ScriptedPeer } from './p2p-world.ts'

/** Headers of the branch that is offered again and again; one in so many blocks begins a branch of its own. */
const BRANCH_HEADERS = 40_000
const PEERS_MAX = 100
/** Far more than all that is offered. */
const MINIMUM_CHAIN_WORK = 1n << 60n
const DAY_MS = 24 * 60 * 60 * 1000
const BATCH = WIRE_LIMITS.headersMax
/** Messages between two looks at memory. */
const LOOK_EVERY = 50

export interface HeaderCampaignReport {
  readonly offered: number
  /** Headers in the index that were not there before. */
  readonly stored: number
  /** Peers that were followed some way, at the most at a time. */
  readonly followed: number
  readonly peers: number
  readonly memoryGrowthBytes: number
  readonly headersPerSecond: number
}

/** Headers with the least proof of work there is, one upon the other. */
function mineBranch(from: Uint8Array, firstTime: number, count: number, crypto: Crypto, random: Random): Uint8Array {
  const { bits } = REGTEST.genesisHeader
  const headers = new Uint8Array(HEADER_SIZE * count)
  let previous = from
  for (let i = 0; i < count; i++) {
    const merkleRoot = random.bytes(32)
    const header = encodeHeader({ version: 4, previous, merkleRoot, time: firstTime + i, bits, nonce: 0 })
    solveBlock(header, bits, 0x1_0000_0000, crypto)
    headers.set(header, HEADER_SIZE * i)
    previous = crypto.sha256d(header)
  }
  return headers
}

/** A peer on its way through what it offers. */
interface Offerer {
  readonly peer: ScriptedPeer
  at: number
}

/**
 * Offers so many headers of little work: a long branch by many peers at once, each at a place of its own and many of them more than once,
 * with batches of other branches, short ones and broken ones in between.
 */
export async function headerCampaign(
  count: number,
  crypto: Crypto,
  random: Random,
  measure: { memoryBytes: () => number; nowMs: () => number; progress: (text: string) => void },
): Promise<HeaderCampaignReport> {
  const world = await P2pWorld.create({ blocks: 10, minimumChainWork: MINIMUM_CHAIN_WORK })
  world.nowMs += DAY_MS
  const genesis = world.chain.index.hash(0).slice()
  const firstTime = REGTEST.genesisHeader.time + 1
  const branch = mineBranch(genesis, firstTime, BRANCH_HEADERS, crypto, random)
  const others = [1, 2, 3].map(i => mineBranch(genesis, firstTime, i === 1 ? 500 : BATCH, crypto, random))
  const batches = Array.from({ length: BRANCH_HEADERS / BATCH }, (_, i) =>
    encodePayload('headers', { headers: branch.subarray(HEADER_SIZE * BATCH * i, HEADER_SIZE * BATCH * (i + 1)) }),
  )
  const odd = others.map(headers => encodePayload('headers', { headers }))
  const before = world.chain.index.count
  const offerers: Offerer[] = []
  let [offered, peers, followed, messages, growth, spentMs] = [0, 0, 0, 0, 0, 0]
  const memoryBefore = measure.memoryBytes()
  while (offered < count) {
    const drawn = random.below(PEERS_MAX)
    let offerer = offerers[drawn]
    if (offerer === undefined || offerer.peer.isClosed) {
      const address = `${20 + random.below(150)}.${random.below(256)}.${random.below(256)}.5:18444`
      offerer = { peer: world.inbound({ address }), at: 0 }
      offerers[drawn] = offerer
      peers++
    }
    const isOdd = random.below(20) === 0
    const payload = isOdd ? odd[random.below(odd.length)] : batches[offerer.at]
    const began = measure.nowMs()
    offerer.peer.sayBytes('headers', payload)
    spentMs += measure.nowMs() - began
    offered += isOdd ? Math.floor(payload.length / (HEADER_SIZE + 1)) : BATCH
    offerer.at = isOdd || offerer.at + 1 === batches.length ? 0 : offerer.at + 1
    // The world remembers for its tests what a node forgets.
    offerer.peer.forget()
    world.log.length = 0
    world.effects.length = 0
    if (++messages % LOOK_EVERY > 0) continue
    growth = Math.max(growth, measure.memoryBytes() - memoryBefore)
    const inPresync = [...world.node.context.peers.values()].filter(peer => peer.headersPresync !== undefined).length
    followed = Math.max(followed, inPresync)
    measure.progress(`${offered} headers, ${inPresync} peers followed`)
  }
  return {
    offered,
    stored: world.chain.index.count - before,
    followed,
    peers,
    memoryGrowthBytes: growth,
    headersPerSecond: Math.round((1000 * offered) / spentMs),
  }
}
