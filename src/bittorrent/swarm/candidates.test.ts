import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Candidates } from './candidates.ts'

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

test('whoever fails waits longer each time, and is let go in the end', () => {
  const candidates = new Candidates({ countMax: 2, failuresMax: 3, retryMs: 1000 })
  const address = { host: '1.1.1.1', port: 1 }
  candidates.add(address, 'tracker')
  const waits: number[] = []
  for (let now = 0; now < 20_000; now += 500) {
    if (candidates.next(now) === undefined) continue
    waits.push(now)
    candidates.ended(address, false, now)
  }
  assert.deepEqual(waits, [0, 1000, 3000])
})

test('there is room for so many, and for better ones in place of those that failed', () => {
  const candidates = new Candidates({ countMax: 2, failuresMax: 3, retryMs: 1000 })
  for (const host of ['1.1.1.1', '2.2.2.2', '3.3.3.3']) candidates.add({ host, port: 1 }, 'tracker')
  assert.equal(candidates.size, 2)
  const tried = candidates.next(0)!
  candidates.ended(tried, false, 0)
  candidates.add({ host: '4.4.4.4', port: 1 }, 'tracker')
  assert.deepEqual([candidates.next(0)?.host, candidates.next(0)?.host, candidates.size], ['2.2.2.2', '4.4.4.4', 2])
})

test('what a stranger told in mass makes room for what a tracker says', () => {
  const candidates = new Candidates({ countMax: 100, failuresMax: 3, retryMs: 1000 })
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
