import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RateLimiter, REFILL_MS } from './rate-limiter.ts'

const LIMIT = 4_000_000
const BLOCK_BYTES = 16_384

/** Sends blocks whenever it may, at times that are as far apart as it is told; returns when each block went. */
function send(limiter: RateLimiter, delaysMs: readonly number[]): number[] {
  const sent: number[] = []
  let now = 0
  for (const delayMs of delaysMs) {
    now += delayMs
    while (limiter.available(now) > 0) {
      limiter.take(BLOCK_BYTES, now)
      sent.push(now)
    }
  }
  return sent
}

test('no second holds more than the limit and a two-hundredth, however late refills come', () => {
  const delays = fc.array(fc.oneof(fc.constant(REFILL_MS), fc.integer({ min: 1, max: 400 })), {
    minLength: 100,
    maxLength: 300,
  })
  fc.assert(
    fc.property(delays, delaysMs => {
      const sent = send(new RateLimiter(LIMIT, 0), delaysMs)
      for (let from = 0, to = 0; to < sent.length; to++) {
        while (sent[from] <= sent[to] - 1000) from++
        const bytes = (to - from + 1) * BLOCK_BYTES
        assert.ok(bytes <= 1.005 * LIMIT + BLOCK_BYTES, `${bytes} bytes in the second before ${sent[to]} ms`)
      }
    }),
    { numRuns: 200 },
  )
})

test('the limit is reached in every second of even refills, and on the whole where some come late', () => {
  const even = send(new RateLimiter(LIMIT, 0), new Array(1000).fill(REFILL_MS))
  for (let start = 0; start < 4000; start += 100) {
    const bytes = even.filter(at => at > start && at <= start + 1000).length * BLOCK_BYTES
    assert.ok(bytes >= 0.98 * LIMIT, `${bytes} bytes in the second from ${start} ms on`)
  }
  const late = new Array(500).fill(0).map((_, i) => (i % 10 === 9 ? 60 : 8))
  const seconds = late.reduce((sum, delayMs) => sum + delayMs, 0) / 1000
  assert.ok((send(new RateLimiter(LIMIT, 0), late).length * BLOCK_BYTES) / seconds >= 0.96 * LIMIT)
})

test('nothing is saved up while nothing moves', () => {
  const limiter = new RateLimiter(LIMIT, 0)
  assert.equal(limiter.available(5000), BLOCK_BYTES)
  limiter.take(BLOCK_BYTES, 5000)
  assert.equal(limiter.available(5010), 0.01 * LIMIT)
  assert.equal(limiter.available(9000), BLOCK_BYTES)
})

test('what is not used is given back, and a new limit holds at once', () => {
  const limiter = new RateLimiter(LIMIT, 0)
  const available = limiter.available(50)
  limiter.take(available, 50)
  assert.equal(limiter.available(50), 0)
  limiter.take(-available, 50)
  assert.equal(limiter.available(50), available)
  limiter.setLimit(Number.POSITIVE_INFINITY)
  assert.equal(limiter.available(51), Number.POSITIVE_INFINITY)
})

test('what comes in after a standstill counts from when it came', () => {
  const limiter = new RateLimiter(LIMIT, 0)
  for (let now = 10; now <= 1000; now += 10) limiter.take(Math.max(0, limiter.available(now)), now)
  // Nobody has asked for the time in between.
  limiter.take(1.1 * LIMIT, 1900)
  assert.ok(limiter.available(2600) <= 0)
  assert.ok(limiter.available(2950) > 0)
})
