import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CANDIDATE_OPTIONS, type CandidateSource, Candidates } from './candidates.ts'

test('addresses that we heard of more directly come first, then those that BEP 40 wants', () => {
  const candidates = new Candidates()
  candidates.ownAddress = { host: '123.213.32.10', port: 6881 }
  // 0x99568189 and 0xec2d7224.
  candidates.add({ host: '123.213.32.234', port: 1 }, 'tracker')
  candidates.add({ host: '98.76.54.32', port: 1 }, 'tracker')
  candidates.add({ host: '9.9.9.9', port: 1 }, 'pex')
  candidates.add({ host: '8.8.8.8', port: 1 }, 'user')
  const order = Array.from({ length: 5 }, () => candidates.next(0)?.host)
  assert.deepEqual(order, ['8.8.8.8', '98.76.54.32', '123.213.32.234', '9.9.9.9', undefined])
})

/** In which minutes an address is called that never answers. */
function minutesCalled(source: CandidateSource, until: number): number[] {
  const candidates = new Candidates()
  const address = { host: '1.1.1.1', port: 1 }
  candidates.add(address, source)
  const minutes: number[] = []
  for (let second = 0; second < 60 * until; second += 15) {
    if (candidates.next(second * 1000) === undefined) continue
    minutes.push(second / 60)
    candidates.ended(address, 'failed', second * 1000)
  }
  return minutes
}

test('whoever fails waits longer each time, but never longer than an hour, and a minute if the user named it', () => {
  assert.deepEqual(
    minutesCalled('tracker', 300),
    [0, 0.25, 0.75, 1.75, 3.75, 7.75, 15.75, 31.75, 63.75, 123.75, 183.75, 243.75],
  )
  assert.deepEqual(minutesCalled('user', 5), [0, 0.25, 0.75, 1.75, 2.75, 3.75, 4.75])
})

test('what failed is called at once when it is to be tried again', () => {
  const candidates = new Candidates()
  candidates.add({ host: '1.1.1.1', port: 1 }, 'pex')
  candidates.ended(candidates.next(0)!, 'failed', 0)
  assert.equal(candidates.next(0), undefined)
  candidates.retry()
  assert.equal(candidates.next(0)?.port, 1)
})

test('where nothing is to be had is tried again after an hour; our own address never, whoever names it', () => {
  const candidates = new Candidates()
  const [idle, own] = [
    { host: '1.1.1.1', port: 1 },
    { host: '2.2.2.2', port: 2 },
  ]
  for (const address of [idle, own]) candidates.add(address, 'tracker')
  candidates.next(0)
  candidates.next(0)
  candidates.ended(idle, 'idle', 0)
  candidates.ended(own, 'forbidden', 0)
  candidates.add(own, 'user')
  candidates.retry()
  assert.deepEqual([candidates.next(0)?.port, candidates.next(0)], [1, undefined])
  candidates.ended(idle, 'idle', 0)
  assert.deepEqual([candidates.next(3_599_999), candidates.next(3_600_000)?.port], [undefined, 1])
  // The only friend there is may begin anew with nothing.
  candidates.add(idle, 'user')
  candidates.next(4_000_000)
  candidates.ended(idle, 'idle', 4_000_000)
  assert.deepEqual([candidates.next(4_059_999), candidates.next(4_060_000)?.port], [undefined, 1])
})

test('there is room for so many, and for better ones in place of those that failed', () => {
  const candidates = new Candidates({ ...CANDIDATE_OPTIONS, countMax: 2 })
  for (const host of ['1.1.1.1', '2.2.2.2', '3.3.3.3']) candidates.add({ host, port: 1 }, 'tracker')
  assert.equal(candidates.size, 2)
  const tried = candidates.next(0)!
  candidates.ended(tried, 'failed', 0)
  candidates.add({ host: '4.4.4.4', port: 1 }, 'tracker')
  assert.deepEqual([candidates.next(0)?.host, candidates.next(0)?.host, candidates.size], ['2.2.2.2', '4.4.4.4', 2])
})

test('what a stranger told in mass makes room for what a tracker says', () => {
  const candidates = new Candidates({ ...CANDIDATE_OPTIONS, countMax: 100 })
  for (let i = 0; i < 200; i++) candidates.add({ host: `9.9.9.${i}`, port: 1 }, 'pex')
  assert.equal(candidates.size, 100)
  candidates.add({ host: '1.1.1.1', port: 1 }, 'tracker')
  assert.equal(candidates.size, 100)
  assert.equal(candidates.next(0)?.host, '1.1.1.1')
  candidates.add({ host: '2.2.2.2', port: 1 }, 'pex')
  // Another's word of mouth is worth no more than that of those before.
  assert.equal(candidates.next(0)?.host, '9.9.9.1')
})

test('addresses at which nobody can be are not tried, unless somebody insists', () => {
  const candidates = new Candidates()
  for (const host of ['0.0.0.0', '224.0.0.251', '255.255.255.255', '::', 'ff02::1']) {
    candidates.add({ host, port: 1 }, 'tracker')
    candidates.add({ host, port: 1 }, 'pex')
  }
  assert.equal(candidates.size, 0)
  candidates.add({ host: '0.0.0.0', port: 1 }, 'user')
  assert.equal(candidates.size, 1)
})
