import type { AddressClass } from '../../wire/address-class.ts'
import type { ConnectionType } from '../remote-peer.ts'

/** What is known of a connection when one has to go so that another can come in. */
export interface EvictionCandidate {
  /** RPC's number of the peer: the later one came later. */
  readonly id: number
  readonly type: ConnectionType
  readonly connectedAtMs: number
  /** Infinity before the first answer to a ping. */
  readonly minPingMs: number
  /** When it last gave us a block that was new and valid, or a transaction that we took; 0 for never. */
  readonly lastBlockMs: number
  readonly lastTransactionMs: number
  /** Whether it offers all that we want of peers. */
  readonly offersWantedServices: boolean
  readonly relaysTransactions: boolean
  /** BIP37: whether it has set a filter. */
  readonly hasBloomFilter: boolean
  /** The group of its address, hashed under a key of ours. */
  readonly keyedNetGroup: bigint
  /** It is discouraged: it goes first, unless something speaks for it. */
  readonly preferEvict: boolean
  readonly isLocal: boolean
  /** The network it came in through. */
  readonly network: AddressClass
  /** Has the permission `noban`. */
  readonly noBan: boolean
}

type Candidate = EvictionCandidate
type Order = (a: Candidate, b: Candidate) => number

const PROTECTED_BY_NET_GROUP = 4
const PROTECTED_BY_PING = 8
const PROTECTED_BY_TRANSACTIONS = 4
const PROTECTED_BLOCK_RELAY_ONLY = 8
const PROTECTED_BY_BLOCKS = 4

/** Whoever has been here longer comes later; ties go by number, so that luck has no part in it. */
const youngestFirst: Order = (a, b) => b.connectedAtMs - a.connectedAtMs || b.id - a.id

function falseFirst(a: boolean, b: boolean): number {
  return Number(a) - Number(b)
}

/** The later of the orders decide what the earlier leave open. */
function inTurn(...orders: Order[]): Order {
  return (a, b) => {
    for (const order of orders) {
      const difference = order(a, b)
      if (difference !== 0) return difference
    }
    return youngestFirst(a, b)
  }
}

const byNetGroup = inTurn((a, b) =>
  a.keyedNetGroup < b.keyedNetGroup ? -1 : Number(a.keyedNetGroup > b.keyedNetGroup),
)
/** Subtraction would find no order between two that never answered. */
const byPing = inTurn((a, b) => (a.minPingMs > b.minPingMs ? -1 : Number(a.minPingMs < b.minPingMs)))
const byTransactions = inTurn(
  (a, b) => a.lastTransactionMs - b.lastTransactionMs,
  (a, b) => falseFirst(a.relaysTransactions, b.relaysTransactions),
  (a, b) => falseFirst(b.hasBloomFilter, a.hasBloomFilter),
)
const byBlocks = inTurn(
  (a, b) => a.lastBlockMs - b.lastBlockMs,
  (a, b) => falseFirst(a.offersWantedServices, b.offersWantedServices),
)
const blockRelayOnlyLast = inTurn((a, b) => falseFirst(b.relaysTransactions, a.relaysTransactions), byBlocks)

/** The candidates in an order, without those of the last `count` that `isProtected`. */
function withoutLast(
  candidates: readonly Candidate[],
  order: Order,
  count: number,
  isProtected: (candidate: Candidate) => boolean = () => true,
): Candidate[] {
  const sorted = [...candidates].sort(order)
  const kept = Math.max(0, sorted.length - count)
  return [...sorted.slice(0, kept), ...sorted.slice(kept).filter(candidate => !isProtected(candidate))]
}

/** Networks whose peers are slower for reasons that are not theirs. */
const DISADVANTAGED: readonly ((candidate: Candidate) => boolean)[] = [
  candidate => candidate.network === 'cjdns',
  candidate => candidate.network === 'i2p',
  candidate => candidate.isLocal,
  candidate => candidate.network === 'onion',
]

/**
 * Leaves out half of the candidates: a quarter of them, as far as there are so many, from disadvantaged networks, shared evenly, the
 * rest those that have been here longest. What remains is sorted, youngest first.
 */
export function protectByRatio(all: readonly EvictionCandidate[]): EvictionCandidate[] {
  const total = Math.floor(all.length / 2)
  const byNetworkMax = Math.floor(total / 2)
  let candidates = [...all]
  const networks = DISADVANTAGED.map(matches => ({ matches, left: all.filter(matches).length }))
  // Who has fewer comes first, so that what it does not need falls to the others.
  networks.sort((a, b) => a.left - b.left)
  const protectedCount = (): number => all.length - candidates.length
  for (let before = -1; protectedCount() < byNetworkMax && protectedCount() > before; ) {
    before = protectedCount()
    const sharing = networks.filter(network => network.left > 0)
    if (sharing.length === 0) break
    const each = Math.max(1, Math.floor((byNetworkMax - before) / sharing.length))
    for (const network of sharing) {
      if (protectedCount() >= byNetworkMax) break
      const { matches } = network
      const order = inTurn((a, b) => falseFirst(matches(a), matches(b)))
      const count = protectedCount()
      candidates = withoutLast(candidates, order, each, matches)
      network.left -= protectedCount() - count
    }
  }
  return withoutLast(candidates, youngestFirst, total - protectedCount())
}

/** The youngest connection of the group that has most; of equals, of the one whose youngest came last. */
function youngestOfBiggestGroup(candidates: readonly Candidate[]): Candidate | undefined {
  const groups = new Map<bigint, Candidate[]>()
  let biggest: Candidate[] = []
  for (const candidate of candidates) {
    const group = groups.get(candidate.keyedNetGroup) ?? []
    group.push(candidate)
    groups.set(candidate.keyedNetGroup, group)
    const isLater = group.length === biggest.length && youngestFirst(group[0], biggest[0]) < 0
    if (group.length > biggest.length || isLater) biggest = group
  }
  return biggest[0]
}

/**
 * The inbound connection that makes room for a new one; undefined if each is worth keeping. An attacker who wants to take all slots
 * would have to beat honest peers in everything that protects: groups, distance, transactions, blocks, time. As Core's.
 *
 * @returns its number
 */
export function selectNodeToEvict(all: readonly EvictionCandidate[]): number | undefined {
  let candidates = all.filter(candidate => candidate.type === 'inbound' && !candidate.noBan)
  candidates = withoutLast(candidates, byNetGroup, PROTECTED_BY_NET_GROUP)
  candidates = withoutLast(candidates, byPing, PROTECTED_BY_PING)
  candidates = withoutLast(candidates, byTransactions, PROTECTED_BY_TRANSACTIONS)
  candidates = withoutLast(
    candidates,
    blockRelayOnlyLast,
    PROTECTED_BLOCK_RELAY_ONLY,
    candidate => !candidate.relaysTransactions && candidate.offersWantedServices,
  )
  candidates = withoutLast(candidates, byBlocks, PROTECTED_BY_BLOCKS)
  candidates = protectByRatio(candidates)
  const preferred = candidates.filter(candidate => candidate.preferEvict)
  return youngestOfBiggestGroup(preferred.length > 0 ? preferred : candidates)?.id
}
