import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { statusLine, statusText } from './status-text.ts'
import { type ChainFigures, movingShare, SyncRate, syncState } from './sync-state.ts'

const PACE = { genesisTimeSeconds: 1_000_000, targetSpacingSeconds: 600 }
const NOW = PACE.genesisTimeSeconds + 1000 * 600
const DONE: ChainFigures = {
  connections: 3,
  initialDownload: false,
  blocks: 1000,
  headers: 1000,
  blocksWork: 2000n,
  headersWork: 2000n,
  headersTimeSeconds: NOW - 100,
  presyncHeight: -1,
  verificationProgress: 1,
}
const FETCHING: ChainFigures = { ...DONE, initialDownload: true }

test('each stage by what is missing', () => {
  const cases: [Partial<ChainFigures>, string, number, number][] = [
    [{ blocks: 250, blocksWork: 500n }, 'blocks', 1, 0.25],
    [{ headersTimeSeconds: NOW - 600 * 1000, blocks: 500, blocksWork: 1000n }, 'headers', 0.5, 0.25],
    [{ connections: 0, blocksWork: 500n }, 'alone', 1, 0.25],
    // All that is known is here, and still the node does not believe that it is all there is.
    [{}, 'headers', 1, 1],
  ]
  for (const [changes, stage, headersShare, blocksShare] of cases) {
    const state = syncState({ ...FETCHING, ...changes }, PACE, NOW)
    assert.deepEqual([state.stage, state.headersShare, state.blocksShare], [stage, headersShare, blocksShare])
  }
  assert.equal(syncState(DONE, PACE, NOW).stage, 'synced')
  const presync = syncState({ ...FETCHING, headers: 0, presyncHeight: 250 }, PACE, NOW)
  assert.deepEqual([presync.stage, presync.presyncShare], ['presync', 0.25])
})

test('it is never synced before it is, and never shown as whole', () => {
  const figures = fc.record({
    connections: fc.nat(3),
    initialDownload: fc.boolean(),
    blocks: fc.nat(1000),
    headers: fc.nat(1000),
    blocksWork: fc.bigInt({ min: 0n, max: 1n << 96n }),
    headersWork: fc.bigInt({ min: 0n, max: 1n << 96n }),
    headersTimeSeconds: fc.integer({ min: NOW - 10_000_000, max: NOW + 7200 }),
    presyncHeight: fc.integer({ min: -1, max: 2_000_000 }),
    verificationProgress: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  fc.assert(
    fc.property(figures, given => {
      const state = syncState(given, PACE, NOW)
      for (const share of [state.headersShare, state.blocksShare, state.presyncShare ?? 0]) {
        assert.ok(share >= 0 && share <= 1)
      }
      if (state.stage === 'synced') {
        assert.ok(given.connections > 0 && !given.initialDownload && given.blocksWork >= given.headersWork)
      }
      if (given.blocksWork < given.headersWork) assert.ok(state.blocksShare < 1)
      assert.ok(Number.isFinite(movingShare(state, given)))
    }),
  )
})

test('time left follows the rate of the last minute, and forgets other stages', () => {
  const rate = new SyncRate()
  rate.add('headers', 0.5, 0)
  assert.equal(rate.secondsLeft, undefined)
  rate.add('headers', 0.6, 1000)
  assert.ok(Math.abs(rate.secondsLeft! - 4) < 1e-9)
  rate.add('blocks', 0, 2000)
  assert.equal(rate.secondsLeft, undefined)
  for (let second = 1; second <= 100; second++)
    rate.add('blocks', second < 40 ? 0.2 : 0.2 + (second - 40) / 100, 2000 + 1000 * second)
  assert.ok(Math.abs(rate.secondsLeft! - 20) < 1e-6, 'what was slow before that minute does not count')
  rate.add('blocks', 0.8, 200_000)
  rate.add('blocks', 0.8, 230_000)
  assert.equal(rate.secondsLeft, undefined, 'nothing moves: nobody knows')
  rate.add('synced', 1, 231_000)
  assert.equal(rate.secondsLeft, undefined)
})

test('people read a page, logs a line', () => {
  const status = {
    network: 'signet',
    uptimeSeconds: 7200,
    stage: 'blocks',
    headers: { height: 231_004, share: 1 },
    presync: undefined,
    blocks: { height: 71_020, share: 0.31299 },
    secondsLeft: 2520,
    peers: { in: 1, out: 8, byNetwork: { onion: 2, ipv4: 7 }, byTransport: { v2: 8, v1: 1 } },
    traffic: { receivedBytes: 2.1e9, sentBytes: 1.4e8 },
    storage: { bytes: 2.1e9, budgetBytes: 1e10 },
  } as const
  assert.equal(
    statusText(status),
    `signet    fetching blocks   up 2.0 h
headers   100 %   height 231004
blocks    31.2 % of work   height 71020   about 42 min left
peers     9   8 out, 1 in   ipv4 7, onion 2   v1 1, v2 8
traffic   2.10 GB received, 140 MB sent
storage   2.10 GB of 10.0 GB
`,
  )
  assert.equal(
    statusLine(status),
    'headers 100 %   blocks 31.2 % of work   2.10 GB of 10.0 GB   9 peers   about 42 min left',
  )
  const waiting = {
    ...status,
    stage: 'presync',
    presync: { height: 50_000, share: 0.99999 },
    headers: { height: 0, share: 0.1 },
    secondsLeft: undefined,
    storage: { bytes: 300, budgetBytes: undefined },
  } as const
  assert.match(statusText(waiting), /^presync {3}99\.9 % {3}height 50000$/m)
  assert.match(statusLine(waiting), /^presync 99\.9 % .* work {3}300 B {3}9 peers {3}following a chain/)
})
