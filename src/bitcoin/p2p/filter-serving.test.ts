import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OtherChain, P2pWorld } from '../../../test/p2p-world.ts'
import { SERVICES } from '../wire/services.ts'
import type { FilterSource } from './p2p-context.ts'

const others = await OtherChain.create(2010)

/** Bytes that tell a block and a kind of answer apart. */
function mark(kind: number, block: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i === 0 ? kind : i === 1 ? block & 255 : i === 2 ? block >> 8 : 0))
}

function source(indexedUpTo = Number.POSITIVE_INFINITY): FilterSource {
  const ifIndexed = (block: number, bytes: Uint8Array): Uint8Array | undefined =>
    block > indexedUpTo ? undefined : bytes
  return {
    filter: block => ifIndexed(block, mark(1, block, 5)),
    filterHash: block => ifIndexed(block, mark(2, block, 32)),
    filterHeader: block => ifIndexed(block, mark(3, block, 32)),
  }
}

function world(blocks: number, filters: FilterSource | undefined = source()): Promise<P2pWorld> {
  const services = SERVICES.NODE_NETWORK | SERVICES.NODE_WITNESS | SERVICES.NODE_COMPACT_FILTERS
  return P2pWorld.create({ blocks, filters, p2p: { services } })
}

function range(startHeight: number, stop: number): { filterType: number; startHeight: number; stopHash: Uint8Array } {
  return { filterType: 0, startHeight, stopHash: others.hash(stop) }
}

test('filters of a range, each in a message', async () => {
  const w = await world(20)
  const peer = w.inbound()
  peer.say('getcfilters', range(5, 8))
  assert.deepEqual(
    peer.all('cfilter'),
    [5, 6, 7, 8].map(height => ({
      filterType: 0,
      blockHash: others.hash(height),
      filter: mark(1, w.chain.at(height), 5),
    })),
  )
})

test('hashes of filters, and the header before them', async () => {
  const w = await world(20)
  const peer = w.inbound()
  peer.say('getcfheaders', range(5, 8))
  assert.deepEqual(peer.last('cfheaders'), {
    filterType: 0,
    stopHash: others.hash(8),
    previousHeader: mark(3, w.chain.at(4), 32),
    filterHashes: [5, 6, 7, 8].map(height => mark(2, w.chain.at(height), 32)),
  })
  peer.say('getcfheaders', range(0, 1))
  assert.deepEqual(peer.last('cfheaders')!.previousHeader, new Uint8Array(32))
})

test('headers of every thousandth block', async () => {
  const w = await world(2010)
  const peer = w.inbound()
  peer.say('getcfcheckpt', { filterType: 0, stopHash: others.hash(2009) })
  assert.deepEqual(
    peer.last('cfcheckpt')!.filterHeaders,
    [1000, 2000].map(height => mark(3, w.chain.at(height), 32)),
  )
  peer.say('getcfcheckpt', { filterType: 0, stopHash: others.hash(999) })
  assert.deepEqual(peer.last('cfcheckpt')!.filterHeaders, [])
})

test('a thousand filters and two thousand headers at the most', async () => {
  const w = await world(2010)
  for (const [command, count] of [
    ['getcfilters', 1000],
    ['getcfheaders', 2000],
  ] as const) {
    const peer = w.inbound()
    peer.say(command, range(3, 3 + count - 1))
    assert.equal(peer.isClosed, false)
    peer.say(command, range(3, 3 + count))
    assert.equal(peer.isClosed, true)
  }
  assert.ok(w.logged(/requested too many cfilters\/cfheaders: 2001 \/ 2000/))
})

test('questions that nobody asks in good faith end the connection', async () => {
  const w = await world(20)
  for (const question of [
    { ...range(1, 2), filterType: 1 },
    range(9, 8),
    { ...range(1, 2), stopHash: others.hash(30) },
  ]) {
    const peer = w.inbound()
    peer.say('getcfilters', question)
    assert.equal(peer.isClosed, true)
  }
  const without = await P2pWorld.create({ blocks: 20, filters: source() })
  const peer = without.inbound()
  peer.say('getcfheaders', range(1, 2))
  assert.equal(peer.isClosed, true, 'the service was not offered')
})

test('what is not indexed yet is not answered', async () => {
  const w = await world(20, source(7))
  const peer = w.inbound()
  peer.say('getcfilters', range(5, 8))
  peer.say('getcfheaders', range(5, 8))
  peer.say('getcfheaders', range(9, 9))
  assert.ok(!peer.heard.some(command => command.startsWith('cf')))
  assert.equal(peer.isClosed, false)
  const missing = await P2pWorld.create({
    blocks: 20,
    p2p: { services: SERVICES.NODE_NETWORK | SERVICES.NODE_COMPACT_FILTERS },
  })
  const other = missing.inbound()
  other.say('getcfilters', range(5, 8))
  assert.equal(other.isClosed, false)
})
