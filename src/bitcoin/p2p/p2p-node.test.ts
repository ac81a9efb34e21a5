import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OtherChain, P2pWorld, type ScriptedPeer } from '../../../test/p2p-world.ts'
import { INVENTORY } from '../wire/inventory-messages.ts'
import { type Command, encodePayload, MESSAGE_CODECS, type Messages } from '../wire/messages.ts'
import { parseNetEndpoint } from '../wire/net-address-text.ts'
import { PROTOCOL_VERSION } from '../wire/version-message.ts'
import { ADDRESSES_TO_SEND_MAX } from './addresses/peer-addresses.ts'
import {
  GETDATA_QUEUE_MAX,
  HIGH_BANDWIDTH_PEERS_MAX,
  MAX_BLOCKS_IN_TRANSIT_PER_PEER,
  MAX_BLOCKS_TO_ANNOUNCE,
  MAX_CMPCTBLOCKS_INFLIGHT_PER_BLOCK,
} from './limits.ts'

const SEQUENCES = 2000
const HEIGHT = 20
const PEERS = 3
const COMMANDS = Object.keys(MESSAGE_CODECS) as Command[]

const others = await OtherChain.create(HEIGHT + 10)
const branch = await OtherChain.create(HEIGHT - 5)
branch.growApart(12, 3)

/** Messages of every command that make sense at some time; a number picks one. */
const SENSIBLE: { readonly [C in Command]: (n: number) => Messages[C] } = {
  version: n => ({
    version: PROTOCOL_VERSION - (n % 3),
    services: BigInt(n % 2048),
    timeSeconds: BigInt(n),
    receiver: parseNetEndpoint(`${n % 256}.2.3.4:5`, 0)!,
    receiverServices: 0n,
    nonce: BigInt(n),
    userAgent: '/x/',
    startHeight: n - 1000,
    relay: n % 2 === 0,
  }),
  verack: () => ({}),
  addr: n => ({ addresses: addressesOf(n) }),
  addrv2: n => ({ addresses: addressesOf(n) }),
  sendaddrv2: () => ({}),
  inv: n => ({ entries: entriesOf(n) }),
  getdata: n => ({ entries: entriesOf(n) }),
  merkleblock: () => ({
    header: others.headers(1, 1).headers,
    transactionCount: 0,
    hashes: [],
    flags: new Uint8Array(0),
  }),
  getblocks: n => ({
    version: PROTOCOL_VERSION,
    locator: [chainOf(n).hash(heightOf(n))],
    stopHash: new Uint8Array(32),
  }),
  getheaders: n => ({ version: PROTOCOL_VERSION, locator: [], stopHash: chainOf(n).hash(heightOf(n)) }),
  tx: n => ({ bytes: chainOf(n).transactions(heightOf(n))[0] }),
  headers: n => chainOf(n).headers(heightOf(n), Math.min(heightOf(n) + (n % 9), chainOf(n).height)),
  block: n => ({ bytes: chainOf(n).block(heightOf(n)) }),
  getaddr: () => ({}),
  mempool: () => ({}),
  ping: n => ({ nonce: BigInt(n) }),
  pong: n => ({ nonce: BigInt(n) }),
  notfound: n => ({ entries: entriesOf(n) }),
  filterload: n => ({ filter: new Uint8Array(1 + (n % 50)), hashFunctions: n % 20, tweak: n, flags: n % 3 }),
  filteradd: n => ({ element: new Uint8Array(n % 100) }),
  filterclear: () => ({}),
  sendheaders: () => ({}),
  feefilter: n => ({ feeRateSats: BigInt(n) }),
  sendcmpct: n => ({ highBandwidth: n % 2 === 0, version: 1n + BigInt(n % 2) }),
  cmpctblock: n => chainOf(n).compact(heightOf(n)),
  getblocktxn: n => ({ blockHash: chainOf(n).hash(heightOf(n)), indexes: [n % 3] }),
  blocktxn: n => ({
    blockHash: chainOf(n).hash(heightOf(n)),
    transactions: chainOf(n)
      .transactions(heightOf(n))
      .slice(n % 2),
  }),
  getcfilters: n => ({ filterType: 0, startHeight: n % 30, stopHash: chainOf(n).hash(heightOf(n)) }),
  cfilter: n => ({ filterType: 0, blockHash: chainOf(n).hash(heightOf(n)), filter: new Uint8Array(n % 9) }),
  getcfheaders: n => ({ filterType: 0, startHeight: n % 30, stopHash: chainOf(n).hash(heightOf(n)) }),
  cfheaders: n => ({
    filterType: 0,
    stopHash: chainOf(n).hash(1),
    previousHeader: new Uint8Array(32),
    filterHashes: [],
  }),
  getcfcheckpt: n => ({ filterType: 0, stopHash: chainOf(n).hash(heightOf(n)) }),
  cfcheckpt: n => ({ filterType: 0, stopHash: chainOf(n).hash(1), filterHeaders: [] }),
  wtxidrelay: () => ({}),
  sendtxrcncl: n => ({ version: 1 + (n % 2), salt: BigInt(n) }),
}

function chainOf(n: number): OtherChain {
  return n % 3 === 0 ? branch : others
}

function heightOf(n: number): number {
  return 1 + (Math.floor(n / 3) % branch.height)
}

function entriesOf(n: number): { type: number; hash: Uint8Array }[] {
  const types = Object.values(INVENTORY)
  return Array.from({ length: n % 6 }, (_, i) => ({
    type: types[(n + i) % types.length],
    hash: n % 5 === 0 ? new Uint8Array(32).fill(n) : chainOf(n + i).hash(heightOf(n + 3 * i)),
  }))
}

function addressesOf(n: number): Messages['addr']['addresses'] {
  return Array.from({ length: n % 12 }, (_, i) => ({
    timeSeconds: 1_296_689_000 + n,
    services: 1n,
    endpoint: parseNetEndpoint(`${n % 256}.${i}.3.4:${1 + (n % 9)}`, 0)!,
  }))
}

type Step =
  | {
      readonly what: 'sensible' | 'mutated'
      readonly peer: number
      readonly command: Command
      readonly n: number
      readonly at: number
    }
  | { readonly what: 'random'; readonly peer: number; readonly command: string; readonly bytes: Uint8Array }
  | { readonly what: 'congested' | 'drained' | 'leave'; readonly peer: number }
  | { readonly what: 'pass'; readonly ms: number }

const command = fc.constantFrom(...COMMANDS)
const peer = fc.nat(PEERS - 1)
const number = fc.nat(5000)
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ what: fc.constant('sensible' as const), peer, command, n: number, at: number }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('mutated' as const), peer, command, n: number, at: number }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('random' as const),
      peer,
      command: fc.oneof(command, fc.string({ maxLength: 12 })),
      bytes: fc.uint8Array({ maxLength: 200 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constantFrom('congested', 'drained', 'leave'), peer }) as fc.Arbitrary<Step>,
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('pass' as const), ms: fc.constantFrom(100, 5000, 1_300_000) }),
  },
)

/** A peer in some state: silent, or introduced. */
function arrive(world: P2pWorld, i: number): ScriptedPeer {
  if (i === 0) return world.outbound()
  return i === 1 ? world.inbound() : world.accept()
}

function perform(world: P2pWorld, peers: ScriptedPeer[], step: Step): void {
  if (step.what === 'pass') {
    world.pass(step.ms, 1000)
    return
  }
  if (peers[step.peer].isClosed) peers[step.peer] = arrive(world, step.peer)
  const scripted = peers[step.peer]
  if (step.what === 'leave') scripted.leave()
  else if (step.what === 'random') scripted.sayBytes(step.command, step.bytes)
  else if (step.what === 'sensible' || step.what === 'mutated') {
    const payload = encodePayload(step.command, SENSIBLE[step.command](step.n) as never).slice()
    if (step.what === 'mutated' && payload.length > 0) payload[step.at % payload.length] ^= 1 + (step.n % 255)
    const cut =
      step.what === 'mutated' && step.n % 4 === 0 ? payload.subarray(0, step.at % (payload.length + 1)) : payload
    scripted.sayBytes(step.command, cut)
  } else {
    world.input({ type: step.what, connection: scripted.connection })
    world.settle()
  }
}

function checkLimits(world: P2pWorld): void {
  let highBandwidth = 0
  for (const remote of world.node.context.peers.values()) {
    assert.ok(remote.requests.length <= MAX_BLOCKS_IN_TRANSIT_PER_PEER, 'blocks in transit')
    assert.ok(remote.blocksUnderway <= MAX_BLOCKS_IN_TRANSIT_PER_PEER, 'blocks under way')
    assert.ok(remote.preparing.length <= remote.blocksUnderway, 'blocks being prepared')
    assert.ok(remote.getdataRequests.length <= GETDATA_QUEUE_MAX, 'questions')
    assert.ok(remote.blocksForHeaders.length <= MAX_BLOCKS_TO_ANNOUNCE + 1, 'blocks to announce')
    assert.equal(remote.blocksForInv.length === 0 || remote.congested, true, 'invs')
    assert.ok(remote.addresses.waiting <= ADDRESSES_TO_SEND_MAX, 'addresses to send')
    assert.equal(remote.queue.first === undefined || remote.congested, true, 'messages')
    for (const { block } of remote.requests) {
      assert.ok(
        world.node.download.requests.of(block).length <= MAX_CMPCTBLOCKS_INFLIGHT_PER_BLOCK,
        'askers of a block',
      )
    }
    if (remote.highBandwidthTo) highBandwidth++
  }
  assert.ok(highBandwidth <= HIGH_BANDWIDTH_PEERS_MAX, 'high bandwidth peers')
}

test('whatever peers say, the node never throws, and all that waits is limited', async () => {
  const ran = { sequences: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(stepArbitrary, { minLength: 1, maxLength: 25 }), async steps => {
      const world = await P2pWorld.create({ blocks: HEIGHT, p2p: { whitelist: ['bloomfilter@0.0.0.0/0'] } })
      const peers = Array.from({ length: PEERS }, (_, i) => arrive(world, i))
      for (const step of steps) {
        perform(world, peers, step)
        checkLimits(world)
      }
      // What is right stays right, and an honest peer is heard.
      assert.ok(world.chain.height >= HEIGHT)
      const honest = world.inbound()
      for (let height = HEIGHT - 4; height <= others.height; height++)
        honest.say('block', { bytes: others.block(height) })
      assert.equal(world.memory.tipHash, others.memory.tipHash)
      ran.sequences++
    }),
    { numRuns: SEQUENCES, seed: 2026 },
  )
  assert.equal(ran.sequences, SEQUENCES)
})
