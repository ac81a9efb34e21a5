import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { keptLog, NetShell, until } from '../../../../test/net-shell.ts'
import { makeDestination, SamServer } from '../../../../test/sam-server.ts'
import { encodeBase32 } from '../../../base/encoding/base32.ts'
import type { NetEndpoint } from '../../../bitcoin/wire/net-address.ts'
import { formatNetEndpoint, parseNetAddress } from '../../../bitcoin/wire/net-address-text.ts'
import { NodeFiles } from '../../../platform/node-files.ts'
import { nodeNet } from '../../../platform/node-net.ts'
import { nodeRandom } from '../../../platform/node-random.ts'
import { MemoryFiles } from '../../../sim/memory-files.ts'
import { destinationOfKey, fromI2pBase64, toI2pBase64 } from './destination.ts'
import { I2pAcceptor } from './i2p-acceptor.ts'
import { I2pSessions } from './i2p-sessions.ts'

const TIMEOUT = { timeout: 30_000 }
const NAME = 'zsxwyo6qcn3chqzwxnseusqgsnuw3maqnztkiypyfxtya4snkoka.b32.i2p'
const PEER: NetEndpoint = { address: parseNetAddress(NAME)!, port: 0 }

interface World {
  readonly sam: SamServer
  readonly port: number
  readonly sessions: I2pSessions
  readonly lines: string[]
}

async function worldWith(keyFolder: MemoryFiles | NodeFiles | undefined, start = true): Promise<World> {
  const sam = new SamServer()
  const port = await sam.listen()
  if (!start) sam.close()
  const { log, lines } = keptLog()
  const router = { net: nodeNet, at: { host: '127.0.0.1', port }, text: `127.0.0.1:${port}` }
  return { sam, port, lines, sessions: new I2pSessions({ router, random: nodeRandom, log, keyFolder }) }
}

test('peers are reached from one lasting address, whose key is kept', TIMEOUT, async () => {
  const bob = new NetShell()
  const folder = mkdtempSync(join(tmpdir(), 'peers-i2p-'))
  const { sam, sessions, lines } = await worldWith(new NodeFiles(folder))
  sam.leadsTo = (await bob.listen()).port
  const alice = new NetShell({}, 'v1+v2', { i2p: sessions })
  const id = alice.connect(PEER, 'v2')
  const opened = await alice.first('opened', id)
  assert.deepEqual(opened.remote, PEER)
  assert.equal(opened.local!.address.network, 'i2p')
  alice.send(id, 'version', new Uint8Array(300))
  assert.equal((await bob.first('message')).payload.length, 300)
  const second = await alice.first('opened', alice.connect(PEER, 'v1'))
  assert.deepEqual(second.local, opened.local)
  assert.equal(sam.sessions.length, 1)
  assert.equal(statSync(join(folder, 'i2p_private_key')).mode & 0o777, 0o600)
  const [session] = sam.sessions
  assert.match(session, /^[0-9a-f]{10}$/)
  assert.ok(lines.some(line => line.startsWith(`Creating persistent I2P SAM session ${session} with 127.0.0.1:`)))
  assert.ok(
    lines.includes(`Persistent I2P SAM session ${session} created, my address=${formatNetEndpoint(opened.local!)}`),
  )
  assert.deepEqual(
    sam.requests.map(request => request.replace(/=\S{100,}/, '=…').replaceAll(session, 'ID')).slice(0, 6),
    [
      'HELLO VERSION MIN=3.1 MAX=3.1',
      'DEST GENERATE SIGNATURE_TYPE=7',
      'SESSION CREATE STYLE=STREAM ID=ID DESTINATION=… i2cp.leaseSetEncType=4,0 inbound.quantity=3 outbound.quantity=3',
      'HELLO VERSION MIN=3.1 MAX=3.1',
      `NAMING LOOKUP NAME=${NAME}`,
      'STREAM CONNECT ID=ID DESTINATION=… SILENT=false',
    ],
  )
  // Another run has the same address.
  sessions.close()
  const again = await worldWith(new NodeFiles(folder))
  again.sam.leadsTo = sam.leadsTo
  assert.deepEqual((await again.sessions.connect(PEER, false)).local, opened.local)
  again.sessions.close()
  await alice.stop()
  await bob.stop()
  again.sam.close()
  sam.close()
  rmSync(folder, { recursive: true })
})

test('without a lasting address each peer sees another one, which goes with its connection', TIMEOUT, async () => {
  const bob = new NetShell()
  const { sam, sessions } = await worldWith(undefined)
  sam.leadsTo = (await bob.listen()).port
  const one = await sessions.connect(PEER, false)
  const two = await sessions.connect(PEER, false)
  assert.notDeepEqual(one.local, two.local)
  assert.equal(sam.sessions.length, 2)
  one.held.stream.destroy()
  await until(() => sam.sessions.length === 1)
  two.held.stream.destroy()
  await until(() => sam.sessions.length === 0)
  // A session whose attempt failed serves the next.
  sam.answers.set('STREAM CONNECT', 'STREAM STATUS RESULT=CANT_REACH_PEER\n')
  for (let i = 0; i < 3; i++) await assert.rejects(sessions.connect(PEER, false), { code: 'connect-failed' })
  assert.equal(sam.sessions.length, 1)
  sessions.close()
  await until(() => sam.sessions.length === 0)
  await bob.stop()
  sam.close()
})

test('a fresh address is used where one is asked for', TIMEOUT, async () => {
  const bob = new NetShell()
  const { sam, sessions } = await worldWith(new MemoryFiles())
  sam.leadsTo = (await bob.listen()).port
  const lasting = await sessions.connect(PEER, false)
  const fresh = await sessions.connect(PEER, true)
  assert.notDeepEqual(lasting.local, fresh.local)
  sessions.close()
  await bob.stop()
  sam.close()
})

test('who is to blame for a failure is told apart', TIMEOUT, async () => {
  const { sam, sessions, lines } = await worldWith(new MemoryFiles())
  await assert.rejects(sessions.connect({ ...PEER, port: 8333 }, false), { code: 'connect-failed' })
  assert.deepEqual(lines, [`Error connecting to ${NAME}:8333, connection refused due to arbitrary port 8333`])
  assert.equal(sam.requests.length, 0)
  const cases: readonly [string, string, string][] = [
    ['STREAM CONNECT', 'STREAM STATUS RESULT=TIMEOUT', 'connect-failed'],
    ['STREAM CONNECT', 'STREAM STATUS RESULT=I2P_ERROR MESSAGE="x y"', 'proxy-unreachable'],
    ['STREAM CONNECT', 'nonsense', 'proxy-unreachable'],
    ['NAMING LOOKUP', 'NAMING REPLY RESULT=KEY_NOT_FOUND', 'proxy-unreachable'],
    ['HELLO', 'HELLO REPLY RESULT=NOVERSION', 'proxy-unreachable'],
  ]
  for (const [start, answer, code] of cases) {
    sam.answers.clear()
    sam.answers.set(start, `${answer}\n`)
    await assert.rejects(sessions.connect(PEER, false), { code }, answer)
  }
  // A session that the router has forgotten is made again.
  sam.answers.clear()
  const before = sam.sessions
  sam.answers.set('STREAM CONNECT', 'STREAM STATUS RESULT=INVALID_ID\n')
  await assert.rejects(sessions.connect(PEER, false), { code: 'proxy-unreachable' })
  sam.answers.set('STREAM CONNECT', 'STREAM STATUS RESULT=TIMEOUT\n')
  await assert.rejects(sessions.connect(PEER, false), { code: 'connect-failed' })
  assert.notDeepEqual(sam.sessions, before)
  sessions.close()
  sam.close()

  const away = await worldWith(new MemoryFiles(), false)
  await assert.rejects(away.sessions.connect(PEER, false), { code: 'proxy-unreachable' })
  assert.ok(away.lines.includes(`Error connecting to ${NAME}:0: Cannot connect to 127.0.0.1:${away.port}`))
})

test('peers come in one after the other, by their own addresses', TIMEOUT, async () => {
  const { sam, sessions, lines } = await worldWith(new MemoryFiles())
  const bob = new NetShell()
  const told: string[] = []
  const acceptor = new I2pAcceptor({
    session: sessions.lasting!,
    onPeer: dialed => bob.connections.takeInbound(dialed),
    onAddress: endpoint => told.push(formatNetEndpoint(endpoint)),
    onAddressGone: endpoint => told.push(`gone ${formatNetEndpoint(endpoint)}`),
  })
  const finished = acceptor.run()
  const header = Buffer.from('fabfb5da76657273696f6e0000000000000000005df6e0e2', 'hex')
  for (let i = 1; i <= 2; i++) {
    await until(() => sam.accepting === 1)
    const destination = makeDestination()
    const peer = sam.arrive(destination)
    peer.write(header)
    await until(() => bob.all('message').length === i)
    const accepted = bob.all('accepted')[i - 1]
    const hash = new Uint8Array(createHash('sha256').update(destination).digest())
    assert.equal(formatNetEndpoint(accepted.remote), `${encodeBase32(hash)}.b32.i2p:0`)
    assert.equal(formatNetEndpoint(accepted.local), told[0])
    assert.equal(accepted.listener, undefined)
  }
  await until(() => sam.accepting === 1)
  sam.disturb('STREAM STATUS RESULT=I2P_ERROR MESSAGE="Session was closed"\n')
  await until(() => lines.some(line => line.includes('(will close the session)')))
  await until(() => sam.accepting === 1)
  assert.equal(told.length, 1)
  acceptor.stop()
  await finished
  assert.equal(told[1], `gone ${told[0]}`)
  await bob.stop()
  sam.close()
})

test('a router that is not there is tried again', TIMEOUT, async () => {
  const { sessions, lines } = await worldWith(new MemoryFiles(), false)
  const acceptor = new I2pAcceptor({
    session: sessions.lasting!,
    onPeer: () => assert.fail(),
    onAddress: () => assert.fail(),
    onAddressGone: () => assert.fail(),
  })
  const finished = acceptor.run()
  await until(() => lines.filter(line => line.startsWith("Couldn't listen: Cannot connect to")).length === 2)
  acceptor.stop()
  await finished
})

test('keys are read as I2P writes them', () => {
  const destination = makeDestination()
  const key = new Uint8Array([...destination, ...new Uint8Array(64)])
  assert.deepEqual(destinationOfKey(key), destination)
  assert.throws(() => destinationOfKey(destination.subarray(0, 393)), { code: 'i2p-key-invalid' })
  assert.throws(() => destinationOfKey(new Uint8Array(10)), { code: 'i2p-key-invalid' })
  assert.deepEqual(fromI2pBase64(toI2pBase64(key)), key)
  assert.equal(toI2pBase64(Uint8Array.of(0xfb, 0xff, 0xfe)), '-~~-')
  for (const text of ['+/+/', 'abc', 'a=aa', '']) assert.equal(fromI2pBase64(text), undefined)
})
