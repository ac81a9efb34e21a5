import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OtherChain, REGTEST } from '../../../test/p2p-world.ts'
import { concatBytes } from '../../base/bytes/bytes.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import { loadCrypto } from '../../platform/crypto.ts'
import type { NetworkParams } from '../params/network-params.ts'
import { HEADER_SIZE } from '../primitives/block.ts'
import { HeaderBatch } from './header-batch.ts'
import { HeadersPresync, type PresyncResult } from './headers-presync.ts'

const crypto = await loadCrypto()
const PERIOD = 7
const BUFFER = 40
const params: NetworkParams = {
  ...REGTEST,
  headersSync: { commitmentPeriod: PERIOD, redownloadBufferSize: BUFFER },
}
const START_WORK = 2n
/** Work of a header on regtest. */
const WORK = 2n
const MESSAGE = 25

const honest = await OtherChain.create(300)
const other = await OtherChain.create(0)
other.growApart(300, 9)

function presyncOf(wantedHeight: number, changes: Partial<{ nowSeconds: number; params: NetworkParams }> = {}) {
  const log: string[] = []
  const presync = new HeadersPresync({
    params: changes.params ?? params,
    start: {
      height: 0,
      locator: [REGTEST.genesisHash],
      bits: REGTEST.genesisHeader.bits,
      work: START_WORK,
      medianTime: REGTEST.genesisHeader.time,
    },
    minimumWork: START_WORK + WORK * BigInt(wantedHeight),
    nowSeconds: changes.nowSeconds ?? REGTEST.genesisHeader.time + 86_400,
    random: seededRandom(5),
    log: message => log.push(message()),
    peer: 3,
  })
  return { presync, log }
}

function feed(presync: HeadersPresync, bytes: Uint8Array, full: boolean): PresyncResult {
  return presync.process(bytes, new HeaderBatch(bytes, crypto).hashes, full)
}

/** Feeds a chain's headers from a height on, message by message, until the answer is not to go on; all that was released. */
function feedAll(presync: HeadersPresync, chain: OtherChain, end: number): { last: PresyncResult; ready: Uint8Array } {
  const released: Uint8Array[] = []
  let last: PresyncResult = { ok: true, requestMore: true, ready: new Uint8Array(0) }
  for (let from = 1; from <= end && last.ok && last.requestMore; from += MESSAGE) {
    const to = Math.min(from + MESSAGE - 1, end)
    last = feed(presync, chain.headers(from, to).headers, to < end)
    released.push(last.ready)
    if (presync.progress === undefined && from > 1 && released.every(part => part.length === 0)) break
  }
  return { last, ready: concatBytes(...released) }
}

test('headers are fetched twice, and released in order when enough is known behind them', () => {
  const { presync, log } = presyncOf(250)
  for (let from = 1; from <= 250; from += MESSAGE) {
    assert.equal(presync.progress?.height, from - 1)
    const result = feed(presync, honest.headers(from, from + MESSAGE - 1).headers, true)
    assert.deepEqual([result.ok, result.requestMore, result.ready.length], [true, true, 0])
  }
  assert.equal(presync.progress, undefined)
  assert.deepEqual(presync.nextLocator[0], REGTEST.genesisHash)
  const released: Uint8Array[] = []
  for (let from = 1; from <= 300; from += MESSAGE) {
    const to = from + MESSAGE - 1
    const result = feed(presync, honest.headers(from, to).headers, to < 300)
    released.push(result.ready)
    const count = concatBytes(...released).length / HEADER_SIZE
    // Until the chain has shown its work again, so many are held back.
    assert.equal(count, to < 250 ? Math.max(0, to - BUFFER) : to)
    if (presync.isDone) break
  }
  assert.equal(presync.isDone, true)
  const all = concatBytes(...released)
  assert.deepEqual(all, honest.headers(1, all.length / HEADER_SIZE).headers)
  assert.ok(log.some(line => line.includes('releasing all at height=250')))
})

test('a chain that ends before it has shown enough work is dropped, and nobody blamed', () => {
  const { presync, log } = presyncOf(299)
  const { last, ready } = feedAll(presync, honest, 298)
  assert.deepEqual([last.ok, last.requestMore, ready.length], [true, false, 0])
  assert.equal(presync.isDone, true)
  assert.match(log.at(-1)!, /incomplete headers message at height=298 \(presync phase\)/)
})

test('another chain the second time is noticed before anything of it is released', () => {
  const { presync, log } = presyncOf(250)
  feedAll(presync, honest, 250)
  assert.equal(presync.progress, undefined)
  const { last, ready } = feedAll(presync, other, 300)
  assert.deepEqual([last.ok, ready.length], [false, 0])
  assert.equal(presync.isDone, true)
  assert.match(log.at(-1)!, /commitment mismatch at height=\d+ \(redownload phase\)/)
})

test('headers that do not follow on the last ones end it, the first time and the second', () => {
  const first = presyncOf(250)
  feed(first.presync, honest.headers(1, 25).headers, true)
  assert.equal(feed(first.presync, honest.headers(27, 50).headers, true).ok, false)
  assert.match(first.log.at(-1)!, /non-continuous headers at height=25 \(presync phase\)/)

  const second = presyncOf(250)
  feedAll(second.presync, honest, 250)
  assert.equal(feed(second.presync, honest.headers(2, 26).headers, true).ok, false)
  assert.match(second.log.at(-1)!, /non-continuous headers at height=1 \(redownload phase\)/)
})

test('a difficulty that cannot change so ends it', () => {
  const strict = { ...params, allowMinDifficultyBlocks: false, noRetargeting: false }
  const { presync, log } = presyncOf(250, { params: strict })
  const bytes = honest.headers(1, 10).headers.slice()
  bytes[HEADER_SIZE * 9 + 72] ^= 1
  assert.equal(feed(presync, bytes, true).ok, false)
  assert.match(log.at(-1)!, /invalid difficulty transition at height=10/)
})

test('no more is remembered than a chain can have grown by since its start', () => {
  // Six blocks a second at the most: sixty in these ten, each seventh committed to.
  const nowSeconds = REGTEST.genesisHeader.time - 7200 + 10
  const { presync, log } = presyncOf(250, { nowSeconds })
  const { last } = feedAll(presync, honest, 250)
  assert.equal(last.ok, false)
  const height = Number(/exceeded max commitments at height=(\d+)/.exec(log.at(-1)!)?.[1])
  const commitmentsMax = Math.floor(60 / PERIOD)
  assert.ok(height > PERIOD * commitmentsMax && height <= PERIOD * (commitmentsMax + 1), `${height}`)
})

test('the second time, all is released as soon as the work is there, whatever comes behind', () => {
  const { presync } = presyncOf(100)
  feedAll(presync, honest, 100)
  const result = feed(presync, honest.headers(1, 120).headers, true)
  assert.equal(result.ready.length, 120 * HEADER_SIZE)
  assert.equal(presync.isDone, true)
})
