import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import fc from 'fast-check'
import { keptLog, until } from '../../../../test/net-shell.ts'
import { hex, toHex } from '../../../base/bytes/bytes.ts'
import { seededRandom } from '../../../base/ports/seeded-random.ts'
import { formatNetEndpoint, parseNetAddress } from '../../../bitcoin/wire/net-address-text.ts'
import { askByUdp } from '../../../platform/node-datagrams.ts'
import { decodeExternalAddress, decodeNatPmpMap, encodeNatPmpMap } from './nat-pmp-messages.ts'
import { decodePcpMap, encodePcpMap } from './pcp-messages.ts'
import { PortMapper } from './port-mapper.ts'
import { requestMapping } from './request-mapping.ts'

const TIMEOUT = { timeout: 30_000 }
const NONCE = hex('0102030405060708090a0b0c')

/** A router at this machine, which answers as the test says. */
async function routerOf(
  answers: (request: Uint8Array) => readonly Uint8Array[],
): Promise<{ port: number; requests: Uint8Array[]; close: () => void }> {
  const requests: Uint8Array[] = []
  const socket = createSocket('udp4')
  socket.on('message', (data, { port }) => {
    requests.push(new Uint8Array(data))
    for (const answer of answers(new Uint8Array(data))) socket.send(answer, port, '127.0.0.1')
  })
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  return { port: socket.address().port, requests, close: () => socket.close() }
}

/** RFC 6887: the answer that grants a request. */
function granted(request: Uint8Array, external = '00000000000000000000ffff01020304', port = 8334): Uint8Array {
  const answer = request.slice()
  answer[1] |= 0x80
  answer.set(new Uint8Array(20), 4)
  new DataView(answer.buffer).setUint32(4, 1200)
  new DataView(answer.buffer).setUint16(42, port)
  answer.set(hex(external), 44)
  return answer
}

function refusedBy(request: Uint8Array, result: number): Uint8Array {
  const answer = granted(request)
  answer[3] = result
  return answer
}

const requestAt = (port: number) => ({
  gateway: { host: '127.0.0.1', port },
  from: undefined,
  port: 8333,
  lifetimeSeconds: 2400,
  nonce: NONCE,
})

test('a mapping is asked for by PCP, and only its answer counts', TIMEOUT, async () => {
  const router = await routerOf(request => {
    const foreign = granted(request)
    foreign[24] ^= 1
    return [new Uint8Array(0), Uint8Array.of(2), foreign, granted(request).slice(0, 50), granted(request)]
  })
  const mapping = await requestMapping(askByUdp, requestAt(router.port))
  assert.equal(formatNetEndpoint(mapping.external), '1.2.3.4:8334')
  assert.equal(mapping.lifetimeSeconds, 1200)
  assert.deepEqual(router.requests.map(toHex), [
    '0201000000000960' +
      '00000000000000000000ffff7f000001' +
      '0102030405060708090a0b0c' +
      '06000000208d208d' +
      '00000000000000000000ffff00000000',
  ])
  router.close()
})

test('a router that knows NAT-PMP alone is asked by it', TIMEOUT, async () => {
  const router = await routerOf(([version, opcode]) => {
    if (version === 2) return [hex('0080000100000000')]
    return opcode === 0 ? [hex('008000000000000001020304')] : [hex('0082000000000000208d208f00000384')]
  })
  const mapping = await requestMapping(askByUdp, requestAt(router.port))
  assert.equal(formatNetEndpoint(mapping.external), '1.2.3.4:8335')
  assert.equal(mapping.lifetimeSeconds, 900)
  assert.deepEqual(router.requests.slice(1).map(toHex), ['0000', '00020000208d208d00000960'])
  router.close()
})

test('a router that refuses, or is silent, is said to', TIMEOUT, async () => {
  const stingy = await routerOf(request => [refusedBy(request, 8)])
  const message = 'pcp: Mapping failed with result NO_RESOURCES'
  await assert.rejects(requestMapping(askByUdp, requestAt(stingy.port)), { code: 'mapping-refused', message })
  stingy.close()
  const silent = await routerOf(() => [])
  await assert.rejects(
    askByUdp({
      to: { host: '127.0.0.1', port: silent.port },
      ask: () => Uint8Array.of(1),
      isAnswer: () => true,
      tries: 3,
      timeoutMs: 20,
    }),
    { code: 'no-answer' },
  )
  assert.equal(silent.requests.length, 3)
  silent.close()
})

test('answers may be anything', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), datagram => {
      decodePcpMap(datagram, { nonce: NONCE, port: 1 })
      decodeExternalAddress(datagram)
      decodeNatPmpMap(datagram, 1)
    }),
  )
  const from = parseNetAddress('2001:db8::1')!
  const request = encodePcpMap({ nonce: NONCE, from, port: 8333, lifetimeSeconds: 1 })
  const answer = granted(request, '20010db8000000000000000000000001', 8333)
  assert.deepEqual(decodePcpMap(answer, { nonce: NONCE, port: 8333 }), {
    type: 'mapped',
    external: { address: from, port: 8333 },
    lifetimeSeconds: 1200,
  })
  assert.equal(decodePcpMap(answer, { nonce: NONCE, port: 8334 }), undefined)
  assert.equal(encodeNatPmpMap(1, 2).length, 12)
})

test('what was mapped is told, and the mapper ends when it is stopped', TIMEOUT, async () => {
  const router = await routerOf(request => [granted(request)])
  const { log, lines } = keptLog()
  const told: string[] = []
  const mapper = new PortMapper({
    ask: askByUdp,
    random: seededRandom(1),
    log,
    gateways: () => ({ ipv4: '127.0.0.1', ipv6: undefined }),
    ipv6Addresses: () => assert.fail(),
    gatewayPort: router.port,
    port: 8333,
    onMapped: endpoint => told.push(formatNetEndpoint(endpoint)),
  })
  const finished = mapper.run()
  await until(() => told.length === 1)
  mapper.stop()
  await finished
  assert.deepEqual(told, ['1.2.3.4:8334'])
  assert.ok(lines.includes('portmap: gateway [IPv4]: 127.0.0.1'))
  assert.ok(lines.includes('portmap: Added mapping 1.2.3.4:8334 (lifetime 1200s)'))
  router.close()
})
