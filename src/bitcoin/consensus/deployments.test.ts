import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HeaderList } from '../../../test/header-list.ts'
import { ALWAYS_ACTIVE, type Deployment, NEVER_ACTIVE, type NetworkParams } from '../params/network-params.ts'
import { builtInNetwork } from '../params/networks.ts'
import { type DeploymentState, Deployments, VERSIONBITS_TOP_BITS } from './deployments.ts'
import { medianTimePast } from './header-source.ts'

const PERIOD = 6
const BIT = 3

function networkOf(deployment: Partial<Deployment>): NetworkParams {
  const fork = {
    bit: BIT,
    startTime: 0,
    timeout: 1e9,
    minActivationHeight: 0,
    period: PERIOD,
    threshold: 4,
    ...deployment,
  }
  return { ...builtInNetwork('regtest')!, deployments: { fork } }
}

/** BIP9 as its text has it: from the first block on, period by period. */
function naiveState(list: HeaderList, previous: number, { deployments }: NetworkParams): DeploymentState {
  const { startTime, timeout, threshold, minActivationHeight } = deployments['fork']
  const chain: number[] = []
  for (let at = previous; at >= 0; at = list.previous(at)) chain.unshift(at)
  let state: DeploymentState = 'defined'
  for (let end = PERIOD; end <= chain.length; end += PERIOD) {
    const time = medianTimePast(list, chain[end - 1])
    const votes = chain.slice(end - PERIOD, end).filter(id => {
      const version = list.version(id)
      return version >>> 29 === 1 && ((version >>> BIT) & 1) === 1
    }).length
    if (state === 'defined') state = time >= startTime ? 'started' : 'defined'
    else if (state === 'started') state = votes >= threshold ? 'locked_in' : time >= timeout ? 'failed' : 'started'
    else if (state === 'locked_in' && end >= minActivationHeight) state = 'active'
  }
  return state
}

test('states are those of the plain machine, on every branch and in any order of asking', () => {
  const header = fc.record({
    votes: fc.boolean(),
    topBits: fc.integer({ min: 0, max: 9 }),
    step: fc.nat(20),
    back: fc.nat(60),
  })
  fc.assert(
    fc.property(
      fc.array(header, { minLength: 1, maxLength: 80 }),
      fc.nat(600),
      fc.nat(900),
      fc.nat(40),
      fc.array(fc.nat(1000), { maxLength: 30 }),
      (headers, startTime, length, minActivationHeight, questions) => {
        const params = networkOf({ startTime, timeout: startTime + length, minActivationHeight })
        const list = new HeaderList()
        list.add({ time: 1 })
        for (const { votes, topBits, step, back } of headers) {
          const previous = back < 6 ? Math.max(0, list.count - 1 - back) : list.count - 1
          const top = topBits === 0 ? 0x40000000 : VERSIONBITS_TOP_BITS
          list.add({ time: list.time(previous) + step, version: top | (votes ? 1 << BIT : 0), previous })
        }
        const deployments = new Deployments(list, params)
        const asked = [...questions.map(n => n % list.count), ...Array.from({ length: list.count }, (_, id) => id), -1]
        for (const previous of asked) {
          const state = naiveState(list, previous, params)
          assert.equal(deployments.stateAfter('fork', previous), state)
          const signals = state === 'started' || state === 'locked_in'
          assert.equal(
            deployments.blockVersion(previous),
            signals ? VERSIONBITS_TOP_BITS | (1 << BIT) : VERSIONBITS_TOP_BITS,
          )
          // The state has held since that height, and did not before.
          const since = deployments.sinceHeight('fork', previous)
          if (state === 'defined') assert.equal(since, 0)
          else {
            assert.equal(naiveState(list, list.ancestor(previous, since - 1), params), state)
            assert.notEqual(naiveState(list, since < 2 ? -1 : list.ancestor(previous, since - 2), params), state)
          }
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('some deployments are always active, some never', () => {
  const list = new HeaderList()
  list.add({ time: 1 })
  for (const [startTime, state] of [
    [ALWAYS_ACTIVE, 'active'],
    [NEVER_ACTIVE, 'failed'],
  ] as const) {
    const deployments = new Deployments(list, networkOf({ startTime }))
    assert.equal(deployments.stateAfter('fork', -1), state)
    assert.equal(deployments.stateAfter('fork', 0), state)
    assert.equal(deployments.sinceHeight('fork', 0), 0)
  }
})

test('a period is counted block by block, until the threshold is out of reach', () => {
  const list = new HeaderList()
  const votes = [true, false, true, false, false, true]
  for (const vote of votes) list.add({ time: 1, version: VERSIONBITS_TOP_BITS | (vote ? 1 << BIT : 0) })
  const deployments = new Deployments(list, networkOf({}))
  const statistics = votes.map((_, id) => deployments.statistics('fork', id))
  assert.deepEqual(
    statistics.map(({ count }) => count),
    [1, 1, 2, 2, 2, 3],
  )
  assert.deepEqual(
    statistics.map(({ elapsed }) => elapsed),
    [1, 2, 3, 4, 5, 6],
  )
  assert.deepEqual(
    statistics.map(({ possible }) => possible),
    [true, true, true, true, false, false],
  )
  assert.deepEqual(statistics[5].signalling, votes)
})
