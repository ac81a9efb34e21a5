import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OperationError } from '../base/errors.ts'
import type { ByteStream, StreamHandlers } from '../base/ports/net.ts'
import { seededRandom } from '../base/ports/seeded-random.ts'
import { type LineOptions, type SimHost, SimNet } from './sim-net.ts'
import { VirtualClock } from './virtual-clock.ts'

const LINE: LineOptions = { latencyMs: [100, 100], bytesPerSecond: 10_000, lossRate: 0 }

class Recorder implements StreamHandlers {
  readonly stream: ByteStream
  readonly clock: VirtualClock
  readonly arrivals: { readonly timeMs: number; readonly bytes: number }[] = []
  closes: (string | undefined)[] = []

  constructor(stream: ByteStream, clock: VirtualClock) {
    this.stream = stream
    this.clock = clock
  }

  onData(chunk: Uint8Array): void {
    this.arrivals.push({ timeMs: this.clock.timeMs, bytes: chunk.length })
  }

  onDrain(): void {}

  onClose(error: string | undefined): void {
    this.closes.push(error)
  }

  get bytes(): number {
    return this.arrivals.reduce((sum, { bytes }) => sum + bytes, 0)
  }
}

interface Pair {
  readonly clock: VirtualClock
  readonly net: SimNet
  readonly hosts: readonly [SimHost, SimHost]
  readonly ours: Recorder
  readonly theirs: Recorder
}

async function pairOf(line: Partial<LineOptions> = {}): Promise<Pair> {
  const clock = new VirtualClock()
  const net = new SimNet(clock, seededRandom(4), { ...LINE, ...line })
  const hosts = [net.host('1.0.0.1'), net.host('2.0.0.1')] as const
  let theirs: Recorder | undefined
  let ours: Recorder | undefined
  await hosts[1].listen({ host: '2.0.0.1', port: 1 }, stream => {
    theirs = new Recorder(stream, clock)
    return theirs
  })
  void hosts[0].connect({ host: '2.0.0.1', port: 1 }, { timeoutMs: 5000 }, stream => {
    ours = new Recorder(stream, clock)
    return ours
  })
  await clock.runFor(1000)
  return { clock, net, hosts, ours: ours!, theirs: theirs! }
}

test('bytes take as long as distance and bandwidth make them', async () => {
  const { clock, ours, theirs } = await pairOf()
  const began = clock.timeMs
  ours.stream.write([new Uint8Array(10_000)])
  await clock.runFor(5000)
  const [{ timeMs, bytes }] = theirs.arrivals
  assert.equal(bytes, 10_000)
  // A second for the bytes, and the way with its jitter.
  assert.ok(timeMs - began >= 1100 && timeMs - began <= 1121, String(timeMs - began))
})

test('lost packets are late, and what was sent behind them waits', async () => {
  const { clock, ours, theirs } = await pairOf({ lossRate: 0.3, bytesPerSecond: 1e9 })
  for (let i = 0; i < 50; i++) ours.stream.write([new Uint8Array(i + 1)])
  await clock.runFor(600_000)
  assert.deepEqual(
    theirs.arrivals.map(({ bytes }) => bytes),
    Array.from({ length: 50 }, (_, i) => i + 1),
  )
  assert.ok(theirs.arrivals[49].timeMs - theirs.arrivals[0].timeMs >= 200)
})

test('a partition holds back what is on its way, and lets nobody connect', async () => {
  const { clock, net, hosts, ours, theirs } = await pairOf()
  net.partition([hosts[0]], [hosts[1]])
  ours.stream.write([new Uint8Array(10)])
  const attempt = hosts[0].connect({ host: '2.0.0.1', port: 1 }, { timeoutMs: 5000 }, stream => {
    return new Recorder(stream, clock)
  })
  const failed = assert.rejects(attempt, (error: unknown) => {
    return error instanceof OperationError && error.code === 'connect-timeout'
  })
  await clock.runFor(30_000)
  await failed
  assert.equal(theirs.bytes, 0)
  net.heal()
  await clock.runFor(60_000)
  assert.equal(theirs.bytes, 10)
  assert.deepEqual(ours.closes, [])
})

test('a partition that lasts ends a connection that has something to say, and no other', async () => {
  const { clock, net, hosts, ours, theirs } = await pairOf()
  net.partition([hosts[0]], [hosts[1]])
  ours.stream.write([new Uint8Array(10)])
  await clock.runFor(20 * 60_000)
  assert.match(ours.closes[0]!, /ETIMEDOUT/)
  assert.deepEqual(theirs.closes, [])
})

test('a program that ends resets its connections', async () => {
  const { clock, hosts, ours, theirs } = await pairOf()
  hosts[1].crash({ power: false })
  await clock.runFor(1000)
  assert.match(ours.closes[0]!, /ECONNRESET/)
  assert.deepEqual(theirs.closes, [])
})

test('a machine without power leaves connections half-open until they say something to its next life', async () => {
  const { clock, hosts, ours, theirs } = await pairOf()
  hosts[1].crash({ power: true })
  await clock.runFor(60_000)
  assert.deepEqual(ours.closes, [])
  hosts[1].restart()
  await clock.runFor(60_000)
  assert.deepEqual(ours.closes, [])
  ours.stream.write([new Uint8Array(10)])
  await clock.runFor(60_000)
  assert.match(ours.closes[0]!, /ECONNRESET/)
  assert.equal(theirs.bytes, 0)
  assert.deepEqual(theirs.closes, [])
  assert.equal(hosts[0].streamCount + hosts[1].streamCount, 0)
})

test('a broken connection is told to both ends', async () => {
  const { clock, hosts, ours, theirs } = await pairOf()
  hosts[0].breakStreams(() => true)
  await clock.runFor(1)
  assert.match(ours.closes[0]!, /ECONNRESET/)
  assert.match(theirs.closes[0]!, /ECONNRESET/)
})
