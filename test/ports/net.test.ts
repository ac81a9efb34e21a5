import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { concatBytes } from '../../src/base/bytes/bytes.ts'
import { OperationError } from '../../src/base/errors.ts'
import type { ByteStream, Net, SocketAddress, StreamHandlers } from '../../src/base/ports/net.ts'
import { seededRandom } from '../../src/base/ports/seeded-random.ts'
import { nodeNet } from '../../src/platform/node-net.ts'
import { SimNet } from '../../src/sim/sim-net.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'

/** A world in which a port is tried: its own address, and how time passes until something has happened. */
interface World {
  readonly net: Net
  readonly host: string
  until(happened: () => boolean): Promise<void>
}

const IMPLEMENTATIONS: Readonly<Record<string, () => World>> = {
  nodeNet: () => ({
    net: nodeNet,
    host: '127.0.0.1',
    async until(happened) {
      while (!happened()) await new Promise(resolve => setImmediate(resolve))
    },
  }),
  simNet: () => simWorld(0),
  'simNet with loss': () => simWorld(0.1),
}

/** A machine that speaks with itself; time passes while something is waited for. */
function simWorld(lossRate: number): World {
  const clock = new VirtualClock()
  const net = new SimNet(clock, seededRandom(2), { latencyMs: [1, 50], bytesPerSecond: 1e7, lossRate })
  const host = net.host('10.0.0.1')
  const until = async (happened: () => boolean): Promise<void> => {
    while (!happened()) await clock.step()
  }
  return {
    net: {
      async connect(...request) {
        let isSettled = false
        const attempt = host.connect(...request)
        const onSettled = (): void => {
          isSettled = true
        }
        attempt.then(onSettled, onSettled)
        await until(() => isSettled)
        return attempt
      },
      listen: (at, onStream) => host.listen(at, onStream),
      resolve: name => host.resolve(name),
    },
    host: host.address,
    until,
  }
}

/** Keeps what a stream told. */
class Recorder implements StreamHandlers {
  readonly stream: ByteStream
  readonly chunks: Uint8Array[] = []
  bytes = 0
  drains = 0
  closes: (string | undefined)[] = []

  constructor(stream: ByteStream) {
    this.stream = stream
  }

  onData(chunk: Uint8Array): void {
    this.chunks.push(chunk.slice())
    this.bytes += chunk.length
  }

  onDrain(): void {
    assert.equal(this.stream.backlogBytes, 0)
    this.drains++
  }

  onClose(error: string | undefined): void {
    this.closes.push(error)
  }

  get all(): Uint8Array {
    return concatBytes(...this.chunks)
  }
}

interface Pair {
  readonly ours: Recorder
  readonly theirs: Recorder
}

async function pairOf(world: World): Promise<{ pair: Pair; end: () => Promise<void>; at: SocketAddress }> {
  let theirs: Recorder | undefined
  let ours: Recorder | undefined
  const listener = await world.net.listen({ host: world.host, port: 0 }, stream => {
    theirs = new Recorder(stream)
    return theirs
  })
  await world.net.connect(listener.address, { timeoutMs: 5000 }, stream => {
    ours = new Recorder(stream)
    return ours
  })
  await world.until(() => theirs !== undefined)
  const pair = { ours: ours!, theirs: theirs! }
  const end = async (): Promise<void> => {
    pair.ours.stream.destroy()
    pair.theirs.stream.destroy()
    await world.until(() => pair.ours.closes.length > 0 && pair.theirs.closes.length > 0)
    await listener.close()
  }
  return { pair, end, at: listener.address }
}

for (const [name, make] of Object.entries(IMPLEMENTATIONS)) {
  const conforms = (title: string, check: (world: World) => Promise<void>): void => {
    test(`${name}: ${title}`, { timeout: 30_000 }, () => check(make()))
  }

  conforms('both ends know each other, and bytes go both ways in order', async world => {
    const { pair, end, at } = await pairOf(world)
    const { ours, theirs } = pair
    assert.deepEqual(ours.stream.remote, at)
    assert.deepEqual(theirs.stream.local, at)
    assert.deepEqual(theirs.stream.remote, ours.stream.local)
    const random = seededRandom(1)
    const sent: Uint8Array[] = []
    for (let i = 0; i < 200; i++) {
      const chunks = Array.from({ length: random.below(4) }, () => random.bytes(random.below(5000)))
      sent.push(...chunks)
      ours.stream.write(chunks)
      theirs.stream.write(chunks)
    }
    const whole = concatBytes(...sent)
    await world.until(() => ours.bytes === whole.length && theirs.bytes === whole.length)
    assert.deepEqual(ours.all, whole)
    assert.deepEqual(theirs.all, whole)
    await end()
    assert.equal(ours.closes.length, 1)
    assert.equal(theirs.closes.length, 1)
  })

  conforms('a paused stream brings nothing, and its writer a backlog that is told when it drains', async world => {
    const { pair, end } = await pairOf(world)
    const { ours, theirs } = pair
    theirs.stream.pause()
    const chunk = new Uint8Array(1 << 20)
    let written = 0
    while (ours.stream.backlogBytes < 1 << 22) {
      ours.stream.write([chunk])
      written += chunk.length
    }
    // A second stream's traffic shows that time passed.
    const other = await pairOf(world)
    other.pair.ours.stream.write([new Uint8Array(10)])
    await world.until(() => other.pair.theirs.bytes === 10)
    assert.equal(theirs.bytes, 0)
    assert.equal(ours.drains, 0)
    theirs.stream.resume()
    await world.until(() => ours.drains > 0 && theirs.bytes === written)
    assert.equal(ours.stream.backlogBytes, 0)
    await other.end()
    await end()
  })

  conforms('a stream can be paused from inside a callback', async world => {
    const { pair, end } = await pairOf(world)
    const { ours, theirs } = pair
    let paused = 0
    ours.stream.pause()
    theirs.stream.write([new Uint8Array(1 << 20)])
    const onData = ours.onData.bind(ours)
    ours.onData = chunk => {
      assert.equal(paused, 0)
      onData(chunk)
      ours.stream.pause()
      paused++
    }
    while (ours.bytes < 1 << 20) {
      const before = ours.bytes
      ours.stream.resume()
      await world.until(() => ours.bytes > before)
      paused--
    }
    await end()
  })

  conforms('ending sends what was written, then closes both ends in peace', async world => {
    const { pair, end } = await pairOf(world)
    const { ours, theirs } = pair
    ours.stream.write([new Uint8Array(3_000_000)])
    ours.stream.end()
    await world.until(() => theirs.closes.length > 0 && ours.closes.length > 0)
    assert.equal(theirs.bytes, 3_000_000)
    assert.deepEqual([...theirs.closes, ...ours.closes], [undefined, undefined])
    // Nothing comes of what is asked of it afterwards.
    ours.stream.write([new Uint8Array(1)])
    ours.stream.pause()
    ours.stream.resume()
    ours.stream.end()
    ours.stream.destroy()
    await end()
    assert.equal(ours.closes.length, 1)
  })

  conforms('destroying tells the owner once, and not from inside the call', async world => {
    const { pair, end } = await pairOf(world)
    const { ours, theirs } = pair
    ours.stream.destroy()
    assert.equal(ours.closes.length, 0)
    ours.stream.destroy()
    await world.until(() => theirs.closes.length > 0 && ours.closes.length > 0)
    assert.equal(ours.closes.length, 1)
    await end()
  })

  conforms('a port where nobody listens refuses', async world => {
    const listener = await world.net.listen({ host: world.host, port: 0 }, stream => new Recorder(stream))
    await listener.close()
    const attempt = world.net.connect(listener.address, { timeoutMs: 5000 }, stream => new Recorder(stream))
    await assert.rejects(
      attempt,
      (error: unknown) => error instanceof OperationError && error.code === 'connect-failed',
    )
  })

  conforms('an address has one listener', async world => {
    const listener = await world.net.listen({ host: world.host, port: 0 }, stream => new Recorder(stream))
    const again = world.net.listen(listener.address, stream => new Recorder(stream))
    await assert.rejects(again, (error: unknown) => error instanceof OperationError && error.code === 'address-in-use')
    await listener.close()
    const free = await world.net.listen(listener.address, stream => new Recorder(stream))
    await free.close()
  })
}

/** Listens with room for one connection, and takes none. */
const DEAF_SERVER = `
  const { createServer } = require('node:net')
  const { parentPort } = require('node:worker_threads')
  const server = createServer().listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
  })
`

test('nodeNet: what nobody answers is given up in time', { skip: process.platform !== 'linux' }, async () => {
  const worker = new Worker(DEAF_SERVER, { eval: true })
  const port = await new Promise<number>(resolve => worker.once('message', resolve))
  const streams: ByteStream[] = []
  const attempt = async (): Promise<void> => {
    streams.push(await nodeNet.connect({ host: '127.0.0.1', port }, { timeoutMs: 300 }, stream => new Recorder(stream)))
  }
  await assert.rejects(
    async () => {
      for (let i = 0; i < 10; i++) await attempt()
    },
    (error: unknown) => error instanceof OperationError && error.code === 'connect-timeout',
  )
  for (const stream of streams) stream.destroy()
  await worker.terminate()
})

test('nodeNet: sockets of the file system', { skip: process.platform === 'win32' }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'peers-net-'))
  const path = join(folder, 'socket')
  const server = createServer(socket => socket.pipe(socket))
  await new Promise<void>(resolve => server.listen(path, resolve))
  assert.ok(existsSync(path))
  let recorder: Recorder | undefined
  const stream = await nodeNet.connect({ path }, { timeoutMs: 5000 }, made => {
    recorder = new Recorder(made)
    return recorder
  })
  assert.deepEqual(stream.remote, { host: '', port: 0 })
  stream.write([Uint8Array.of(1, 2, 3)])
  while (recorder!.bytes < 3) await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(recorder!.all, Uint8Array.of(1, 2, 3))
  stream.destroy()
  server.close()
  rmSync(folder, { recursive: true })
})

test('nodeNet: names are looked up, and unknown ones are nowhere', async () => {
  const found = await nodeNet.resolve('localhost')
  assert.ok(found.includes('127.0.0.1') || found.includes('::1'))
  assert.deepEqual(await nodeNet.resolve(`${'x'.repeat(64)}.invalid`), [])
})
