import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { NetShell, REGTEST_MAGIC, until } from '../../../test/net-shell.ts'
import { equalBytes, toHex } from '../../base/bytes/bytes.ts'
import { utf8 } from '../../base/bytes/utf8.ts'
import { portableCrypto } from '../../base/crypto/portable.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import type { ConnectionId } from '../../bitcoin/p2p/connection-io.ts'
import { MESSAGE_CODECS } from '../../bitcoin/wire/messages.ts'
import { parseNetEndpoint } from '../../bitcoin/wire/net-address-text.ts'
import { V1Transport } from '../../bitcoin/wire/v1-transport.ts'

const TIMEOUT = { timeout: 60_000 }

/** A plain transport to make bytes with. */
function plain(): V1Transport {
  return new V1Transport({ magic: REGTEST_MAGIC, hash: portableCrypto })
}

function bytesOf(command: string, payload = new Uint8Array(0)): Buffer {
  return Buffer.concat(plain().send(command, payload))
}

interface Joined {
  readonly alice: NetShell
  readonly bob: NetShell
  /** Alice's name of the connection, and Bob's. */
  readonly out: ConnectionId
  readonly in: ConnectionId
}

async function joined(
  speaks: 'v1' | 'v2',
  accepts: 'v1' | 'v1+v2' = 'v1+v2',
  options: ConstructorParameters<typeof NetShell>[0] = {},
): Promise<Joined> {
  const alice = new NetShell(options)
  const bob = new NetShell(options, accepts)
  const out = alice.connect(await bob.listen(), speaks)
  const { connection } = await bob.first('accepted')
  // A responder learns from the first message which transport it is.
  await alice.first('opened')
  return { alice, bob, out, in: connection }
}

async function stop(...shells: NetShell[]): Promise<void> {
  await Promise.all(shells.map(shell => shell.stop()))
}

/** A client of the test's own. */
async function rawClient(port: number): Promise<{ socket: Socket; closed: () => boolean; received: () => Buffer }> {
  const chunks: Buffer[] = []
  let isClosed = false
  const socket = connect(port, '127.0.0.1')
  socket.on('data', data => chunks.push(data))
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
  })
  await new Promise<void>(resolve => socket.once('connect', resolve))
  return { socket, closed: () => isClosed, received: () => Buffer.concat(chunks) }
}

for (const protocol of ['v1', 'v2'] as const) {
  test(`messages of every command and size arrive as they were sent, by ${protocol}`, TIMEOUT, async () => {
    const { alice, bob, out, in: inbound } = await joined(protocol)
    const random = seededRandom(7)
    const commands = [...Object.keys(MESSAGE_CODECS), 'unheardof']
    const sent: [string, Uint8Array][] = commands.map(command => [command, random.bytes(random.below(3000))])
    // BIP324: a version message comes first, so that a responder can tell.
    sent.sort(([a]) => (a === 'version' ? -1 : 0))
    sent.push(['block', random.bytes(4_000_000)], ['blocktxn', random.bytes(100_000)], ['tx', random.bytes(31_000)])
    for (const [command, payload] of sent) alice.send(out, command, payload)
    for (const [command, payload] of sent) bob.send(inbound, command, payload)
    await until(() => alice.all('message').length === sent.length && bob.all('message').length === sent.length)

    for (const shell of [alice, bob]) {
      const transport = shell.all('transport')
      assert.equal(transport.length, 1)
      assert.equal(transport[0].protocol, protocol)
      assert.ok(shell.inputs.indexOf(transport[0]) < shell.inputs.indexOf(shell.all('message')[0]))
      for (const [i, { command, payload, wireBytes }] of shell.all('message').entries()) {
        assert.equal(command, sent[i][0])
        assert.ok(equalBytes(payload, sent[i][1]), command)
        assert.ok(wireBytes > payload.length)
        const isShared = ['block', 'cmpctblock', 'blocktxn'].includes(command)
        assert.equal(payload.buffer instanceof SharedArrayBuffer, isShared, command)
      }
    }
    const [a, b] = [alice.all('transport')[0], bob.all('transport')[0]]
    assert.deepEqual(a.sessionId, b.sessionId)
    assert.equal(a.sessionId?.length, protocol === 'v2' ? 32 : undefined)

    const ours = alice.connections.trafficOf(out)!
    const theirs = bob.connections.trafficOf(inbound)!
    assert.equal(ours.bytesSent, theirs.bytesReceived)
    assert.equal(ours.bytesReceived, theirs.bytesSent)
    assert.equal(alice.connections.totals.bytesSent, ours.bytesSent)
    assert.equal(bob.connections.totals.bytesReceived, theirs.bytesReceived)
    const unheardOf = ours.sentPerCommand.get('unheardof')!
    assert.equal(theirs.receivedPerCommand.get('*other*'), unheardOf)
    for (const [command, bytes] of ours.sentPerCommand) {
      if (command !== 'unheardof') assert.equal(theirs.receivedPerCommand.get(command), bytes, command)
    }
    if (protocol === 'v1') {
      const sum = [...ours.sentPerCommand.values()].reduce((total, bytes) => total + bytes, 0)
      assert.equal(sum, ours.bytesSent)
    } else {
      assert.ok(alice.lines.includes('start sending v2 handshake to peer=0'))
    }
    assert.ok(alice.lines.includes('Added connection peer=0'))
    assert.ok(bob.lines.some(line => /^connection from 127\.0\.0\.1:\d+ accepted$/.test(line)))
    await stop(alice, bob)
  })
}

test('a peer without BIP324 hangs up on a greeting, and the core hears that v1 is worth a try', TIMEOUT, async () => {
  const alice = new NetShell()
  const bob = new NetShell({}, 'v1')
  const at = await bob.listen()
  const first = alice.connect(at, 'v2')
  const { reason, retryV1 } = await alice.first('closed', first)
  assert.deepEqual({ reason, retryV1 }, { reason: 'ended', retryV1: true })
  assert.ok(alice.lines.includes('retrying with v1 transport protocol for peer=0'))
  assert.ok(bob.lines.some(line => /^Header error: Wrong MessageStart [0-9a-f]{8} received, peer=0$/.test(line)))
  assert.ok(bob.lines.includes('receiving message bytes failed, disconnecting peer=0'))

  const second = alice.connect(at, 'v1')
  assert.equal((await alice.first('transport', second)).protocol, 'v1')
  alice.send(second, 'ping', new Uint8Array(8))
  assert.equal((await bob.first('message')).command, 'ping')
  await stop(alice, bob)
})

test('a plain peer that hangs up is not worth another try', TIMEOUT, async () => {
  const { alice, bob, out, in: inbound } = await joined('v1')
  bob.apply({ type: 'close', connection: inbound, flush: false })
  assert.equal((await alice.first('closed', out)).retryV1, false)
  assert.equal((await bob.first('closed', inbound)).reason, 'ended')
  assert.ok(alice.lines.includes('socket closed, disconnecting peer=0'))
  await stop(alice, bob)
})

test('nothing is read or said before the core has answered', TIMEOUT, async () => {
  const bob = new NetShell({}, 'none')
  const { port } = await bob.listen()
  const client = await rawClient(port)
  client.socket.write(bytesOf('version', new Uint8Array(100)))
  const accepted = await bob.first('accepted')
  assert.equal(accepted.listener, 0)
  assert.equal(accepted.local.port, port)
  assert.equal(accepted.remote.port, client.socket.localPort)
  const other = await rawClient(port)
  await until(() => bob.all('accepted').length === 2)
  assert.equal(bob.all('message').length, 0)
  bob.apply({ type: 'accept', connection: accepted.connection, peer: 5, protocols: 'v1+v2' })
  assert.equal((await bob.first('message')).payload.length, 100)
  bob.apply({ type: 'close', connection: bob.all('accepted')[1].connection, flush: false })
  await until(other.closed)
  client.socket.destroy()
  await stop(bob)
})

test('a close with flush sends what was said before, and others do not hear of it', TIMEOUT, async () => {
  const { alice, bob, out, in: inbound } = await joined('v1')
  const payload = new Uint8Array(100_000).fill(3)
  alice.apply(
    { type: 'send', connection: out, command: 'version', payload },
    { type: 'close', connection: out, flush: true },
    { type: 'send', connection: out, command: 'ping', payload },
  )
  assert.equal((await bob.first('message')).payload.length, 100_000)
  await bob.first('closed', inbound)
  assert.equal(bob.all('message').length, 1)
  assert.equal(alice.all('closed', out).length, 1)
  await stop(alice, bob)
})

test('attempts that fail or are called off are told once', TIMEOUT, async () => {
  const alice = new NetShell()
  const server = createServer()
  const port = await new Promise<number>(resolve => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
  await new Promise(resolve => server.close(resolve))
  const nobody = parseNetEndpoint('127.0.0.1', port)!
  const failed = alice.connect(nobody, 'v2')
  const { reason, retryV1 } = await alice.first('closed', failed)
  assert.deepEqual({ reason, retryV1 }, { reason: 'unreachable', retryV1: false })
  assert.ok(alice.lines.includes(`trying v2 connection (manual) to 127.0.0.1:${port}, lastseen=0.0hrs`))
  assert.ok(alice.lines.some(line => line.startsWith(`connect() to 127.0.0.1:${port} failed after wait: `)))

  const bob = new NetShell()
  const at = await bob.listen()
  const called = alice.connect(at, 'v1')
  alice.apply({ type: 'close', connection: called, flush: false })
  await alice.first('closed', called)
  const onion = alice.connect(
    parseNetEndpoint('pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion', 8333)!,
    'v1',
  )
  assert.equal((await alice.first('closed', onion)).reason, 'unreachable')
  const named = alice.connect({ name: 'localhost', port: at.port }, 'v1')
  await alice.first('opened', named)
  assert.equal(alice.all('opened', called).length, 0)
  assert.equal(alice.all('closed').length, 3)
  await stop(alice, bob)
})

test('what is behind a name is found', TIMEOUT, async () => {
  const alice = new NetShell()
  alice.apply({ type: 'resolve', name: 'localhost', port: 18444 })
  const { name, addresses } = await alice.first('resolved')
  assert.equal(name, 'localhost')
  assert.ok(addresses.length > 0)
  assert.ok(addresses.every(({ port }) => port === 18444))
  await stop(alice)
})

test('messages that the core does not deal with hold back what follows', TIMEOUT, async () => {
  const receiveBufferBytesMax = 100_000
  const { alice, bob, out, in: inbound } = await joined('v1', 'v1+v2', { receiveBufferBytesMax })
  const payload = new Uint8Array(10_000)
  const total = 3000
  let sent = 0
  alice.send(out, 'version', payload)
  await bob.first('message')
  const sendSome = (): void => {
    for (let i = 0; i < 30 && sent < total; i++, sent++) alice.send(out, 'tx', payload)
  }
  sendSome()
  // Alice sends as long as her socket takes it.
  await until(() => {
    if (alice.all('congested').length === alice.all('drained').length) sendSome()
    return alice.all('congested').length > alice.all('drained').length
  })
  let dealt = 0
  await until(() => {
    const waiting = bob.all('message').slice(dealt)
    // One read may bring more than is allowed, and no more follows.
    assert.ok(waiting.length * payload.length <= receiveBufferBytesMax + 300_000)
    for (const { wireBytes } of waiting) bob.apply({ type: 'processed', connection: inbound, wireBytes })
    dealt += waiting.length
    if (alice.all('congested').length === alice.all('drained').length) sendSome()
    return sent === total && bob.all('message').length === total + 1
  })
  await stop(alice, bob)
})

test('when much waits of all connections, each may have only a share wait', TIMEOUT, async () => {
  const [alice, bob] = [new NetShell(), new NetShell({}, 'v1')]
  const at = await bob.listen()
  const connections = Array.from({ length: 12 }, () => alice.connect(at, 'v1'))
  const payload = new Uint8Array(500_000)
  const each = 9
  for (const connection of connections) {
    await alice.first('opened', connection)
    alice.send(connection, 'version', new Uint8Array(100))
  }
  await until(() => bob.all('message').length === connections.length)
  for (const connection of connections) for (let i = 0; i < each; i++) alice.send(connection, 'tx', payload)
  const total = connections.length * (each + 1)
  let waitingMax = 0
  let dealt = 0
  let quietRounds = 0
  // Nothing is dealt with until nothing more comes.
  await until(() => {
    const messages = bob.all('message')
    const waiting = messages.slice(dealt)
    const bytes = waiting.reduce((sum, { wireBytes }) => sum + wireBytes, 0)
    quietRounds = bytes > waitingMax ? 0 : quietRounds + 1
    waitingMax = Math.max(waitingMax, bytes)
    if (quietRounds < 20) return false
    for (const { connection, wireBytes } of waiting) bob.apply({ type: 'processed', connection, wireBytes })
    dealt = messages.length
    return dealt === total
  })
  // All that is allowed, and of each connection a message more.
  assert.ok(waitingMax <= (16 << 20) + connections.length * 800_000, `${waitingMax}`)
  assert.ok(waitingMax < total * payload.length * 0.9, `${waitingMax}`)
  await stop(alice, bob)
})

test('a peer that does not read makes the connection congested, then is parted from', TIMEOUT, async () => {
  const bob = new NetShell({ sendBufferBytesMax: 100_000 })
  const { port } = await bob.listen()
  const client = await rawClient(port)
  client.socket.pause()
  client.socket.write(bytesOf('version', new Uint8Array(100)))
  await bob.first('message')
  const [{ connection }] = bob.all('accepted')
  const payload = new Uint8Array(50_000)
  let sent = 0
  while (bob.all('congested').length === 0) {
    bob.send(connection, 'tx', payload)
    sent += payload.length
    await new Promise(resolve => setImmediate(resolve))
    assert.ok(sent < 50_000_000)
  }
  let more = 0
  while (bob.all('closed').length === 0) {
    bob.send(connection, 'tx', payload)
    more += payload.length
    await new Promise(resolve => setImmediate(resolve))
    assert.ok(more < 10_000_000, 'what waits is bounded')
  }
  assert.ok(bob.lines.some(line => line.startsWith('socket send error, disconnecting peer=0')))
  client.socket.destroy()
  await stop(bob)
})

test('a congested connection drains when its peer reads', TIMEOUT, async () => {
  const bob = new NetShell({ sendBufferBytesMax: 1_000_000 })
  const { port } = await bob.listen()
  const client = await rawClient(port)
  client.socket.pause()
  client.socket.write(bytesOf('version', new Uint8Array(100)))
  await bob.first('message')
  const [{ connection }] = bob.all('accepted')
  while (bob.all('congested').length === 0) {
    bob.send(connection, 'tx', new Uint8Array(50_000))
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.equal(bob.all('drained').length, 0)
  client.socket.resume()
  await bob.first('drained')
  client.socket.destroy()
  await stop(bob)
})

test('garbage, wrong networks and broken headers end as in bitcoind', TIMEOUT, async () => {
  const bob = new NetShell()
  const { port } = await bob.listen()
  const cases: readonly [bytes: Uint8Array, log: string][] = [
    [
      Buffer.concat([Buffer.from('0b110907', 'hex'), Buffer.from('version\0\0\0\0\0'), new Uint8Array(60)]),
      'V2 transport error: V1 peer with wrong MessageStart 0b110907',
    ],
    [
      Buffer.concat([new Uint8Array(64).fill(9), new Uint8Array(4095 + 16)]),
      'V2 transport error: missing garbage terminator',
    ],
    [
      Buffer.concat([bytesOf('version'), new Uint8Array(24).fill(255)]),
      'Header error: Wrong MessageStart ffffffff received',
    ],
    [
      Buffer.concat([
        bytesOf('version'),
        REGTEST_MAGIC,
        utf8('tx'),
        new Uint8Array(10),
        Buffer.from('01093d00', 'hex'),
        new Uint8Array(4),
      ]),
      'Header error: Size too large (tx, 4000001 bytes)',
    ],
  ]
  for (const [peer, [bytes, log]] of cases.entries()) {
    const client = await rawClient(port)
    client.socket.write(bytes)
    await bob.logged(log)
    await until(client.closed)
    assert.ok(bob.lines.includes(`receiving message bytes failed, disconnecting peer=${peer}`))
  }
  await until(() => bob.all('closed').length === cases.length)
  await stop(bob)
})

test('messages that cannot be used are counted as others', TIMEOUT, async () => {
  const bob = new NetShell()
  const { port } = await bob.listen()
  const client = await rawClient(port)
  const badChecksum = bytesOf('tx', Uint8Array.of(1))
  badChecksum[20] ^= 1
  const badCommand = bytesOf('d', Uint8Array.of(1))
  badCommand[7] = 120
  client.socket.write(Buffer.concat([bytesOf('version'), badChecksum, badCommand, bytesOf('verack')]))
  await until(() => bob.all('message').length === 2)
  const [{ connection }] = bob.all('accepted')
  const { receivedPerCommand } = bob.connections.trafficOf(connection)!
  assert.deepEqual(Object.fromEntries(receivedPerCommand), { version: 24, '*other*': 50, verack: 24 })
  assert.ok(
    bob.lines.some(line =>
      /^Header error: Wrong checksum \(tx, 1 bytes\), expected [0-9a-f]{8} was [0-9a-f]{8}, peer=0$/.test(line),
    ),
  )
  assert.ok(bob.lines.some(line => line.startsWith('Header error: Invalid message type (d')))
  client.socket.destroy()
  await stop(bob)
})

test('silence ends connections, by the clock that can be set', TIMEOUT, async () => {
  const handshakeTimeoutMs = 3000
  const bob = new NetShell({ handshakeTimeoutMs })
  const { port } = await bob.listen()
  const clients = await Promise.all([rawClient(port), rawClient(port), rawClient(port)])
  await until(() => bob.all('accepted').length === 3)
  const byPort = new Map(bob.all('accepted').map(({ remote, connection }, peer) => [remote.port, { connection, peer }]))
  const [silent, told, shaken] = clients.map(({ socket }) => byPort.get(socket.localPort!)!)
  clients[1].socket.write(bytesOf('version'))
  clients[2].socket.write(bytesOf('version'))
  await until(() => bob.all('message').length === 2)
  bob.send(shaken.connection, 'version', new Uint8Array(80))
  bob.apply({ type: 'established', connection: shaken.connection })
  bob.nowMs += 3000
  bob.connections.tick()
  assert.equal(bob.all('closed').length, 0)
  bob.nowMs += 1
  bob.connections.tick()
  await until(() => bob.all('closed').length === 2)
  const first = 'socket no message in first 3 seconds'
  assert.ok(
    bob.lines.includes(`${first}, never received from peer, never sent to peer, disconnecting peer=${silent.peer}`),
  )
  assert.ok(bob.lines.includes(`${first}, never sent to peer, disconnecting peer=${told.peer}`))
  bob.nowMs += 20 * 60 * 1000
  bob.connections.tick()
  await bob.first('closed', shaken.connection)
  assert.ok(bob.lines.includes(`socket sending timeout: 1203s, disconnecting peer=${shaken.peer}`))
  await until(() => clients.every(({ closed }) => closed()))
  await stop(bob)
})

test('an unfinished handshake says which one', TIMEOUT, async () => {
  const bob = new NetShell({ handshakeTimeoutMs: 3000 })
  const { port } = await bob.listen()
  const [v1, v2] = [await rawClient(port), await rawClient(port)]
  v2.socket.write(new Uint8Array(64).fill(5))
  v1.socket.write(bytesOf('version'))
  await until(() => v2.received().length > 64 && bob.all('message').length === 1)
  bob.send(bob.all('message')[0].connection, 'version', new Uint8Array(80))
  bob.nowMs += 3001
  bob.connections.tick()
  assert.ok(bob.lines.some(line => /^V2 handshake timeout, disconnecting peer=\d$/.test(line)))
  assert.ok(bob.lines.some(line => /^version handshake timeout, disconnecting peer=\d$/.test(line)))
  await until(() => v1.closed() && v2.closed())
  await stop(bob)
})

test('turned off, the network has no connections', TIMEOUT, async () => {
  const { alice, bob, out } = await joined('v2')
  await alice.first('transport', out)
  alice.connections.setNetworkActive(false)
  await alice.first('closed', out)
  assert.equal((await alice.first('networkActive')).active, false)
  assert.ok(alice.lines.includes('SetNetworkActive: false'))
  assert.ok(alice.lines.includes('Network not active, disconnecting peer=0'))
  const none = alice.connect(await bob.listen(), 'v1')
  assert.equal((await alice.first('closed', none)).reason, 'unreachable')
  const client = await rawClient((await alice.listen()).port)
  await until(client.closed)
  assert.equal(alice.all('accepted').length, 0)
  alice.connections.setNetworkActive(true)
  await alice.first('opened', alice.connect(await bob.listen(), 'v1'))
  await stop(alice, bob)
})

test('more sockets than allowed are refused, and freed ones can be used again', TIMEOUT, async () => {
  const bob = new NetShell({ inboundSocketsMax: 2 })
  const { port } = await bob.listen()
  const clients = [await rawClient(port), await rawClient(port)]
  await until(() => bob.all('accepted').length === 2)
  const third = await rawClient(port)
  await until(third.closed)
  clients[0].socket.destroy()
  await bob.first('closed')
  const fourth = await rawClient(port)
  await until(() => bob.all('accepted').length === 3)
  for (const { socket } of [...clients, fourth]) socket.destroy()
  await stop(bob)
})

test('hundreds of connections talk at once', TIMEOUT, async () => {
  const alice = new NetShell({ inboundSocketsMax: 1000 })
  const bob = new NetShell({ inboundSocketsMax: 1000 })
  const at = await bob.listen()
  const ids = Array.from({ length: 300 }, (_, i) => alice.connect(at, i % 30 === 0 ? 'v2' : 'v1'))
  await until(() => alice.all('transport').length === ids.length)
  for (const id of ids) alice.send(id, 'version', new Uint8Array(100 + id))
  await until(() => bob.all('message').length === ids.length)
  for (const { connection, payload } of bob.all('message')) bob.send(connection, 'pong', payload)
  await until(() => alice.all('message').length === ids.length)
  for (const { connection, payload } of alice.all('message')) assert.equal(payload.length, 100 + connection)
  await stop(alice, bob)
  await until(() => bob.connections.totals.bytesSent > 0)
})

test('an address that is taken fails in words that help, or is passed over', TIMEOUT, async () => {
  const alice = new NetShell()
  const bob = new NetShell()
  const { port } = await alice.listen()
  const at = { host: '127.0.0.1', port }
  await assert.rejects(bob.connections.listen([{ at, isOptional: false }]), {
    code: 'address-in-use',
    message: `Unable to bind to 127.0.0.1:${port} on this computer. Peers is probably already running.`,
  })
  assert.ok(alice.lines.includes(`Bound to 127.0.0.1:${port}`))
  assert.deepEqual(await bob.connections.listen([{ at, isOptional: true }]), [undefined])
  await stop(alice, bob)
})

test('the core hears when old blocks, then any, may no more be served today', TIMEOUT, async () => {
  // What is kept for new blocks: 144 blocks of 4 MB.
  const uploadTargetBytes = 144 * 4_000_000 + 1_000_000
  const { alice, bob, out } = await joined('v1', 'v1+v2', { uploadTargetBytes })
  alice.send(out, 'version', new Uint8Array(10))
  alice.send(out, 'block', new Uint8Array(1_000_000))
  assert.deepEqual(await alice.first('uploadBudget'), { type: 'uploadBudget', reached: false, reachedForHistory: true })
  const { upload } = alice.connections.totals
  assert.equal(upload.targetBytes, uploadTargetBytes)
  assert.equal(upload.secondsLeftInCycle, 86_400)
  assert.ok(upload.bytesLeftInCycle < uploadTargetBytes - 1_000_000)
  alice.nowMs += 86_401_000
  alice.apply({ type: 'established', connection: out })
  alice.send(out, 'tx', new Uint8Array(10))
  await until(() => alice.all('uploadBudget').length === 2)
  assert.equal(alice.all('uploadBudget')[1].reachedForHistory, false)
  await stop(alice, bob)
})

test('session ids tell when somebody sits between two peers', TIMEOUT, async () => {
  const one = await joined('v2')
  const two = await joined('v2')
  const ids = await Promise.all([one.alice, two.alice].map(shell => shell.first('transport')))
  assert.notEqual(toHex(ids[0].sessionId!), toHex(ids[1].sessionId!))
  await stop(one.alice, one.bob, two.alice, two.bob)
})
