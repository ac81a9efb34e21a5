import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBencode } from '../bencode/encode.ts'
import { decodePex, encodePex } from '../wire/extensions.ts'
import { Candidates } from './candidates.ts'
import { type ExtensionHost, receiveExtension } from './extension-messages.ts'
import { loneSession, takeSaid } from './lone-session.ts'
import { MetadataTransfer } from './metadata-transfer.ts'
import { sendPex } from './peer-exchange.ts'

const PEX = 2

function host(): ExtensionHost {
  return {
    metadata: new MetadataTransfer({ v1: new Uint8Array(20), v2: undefined }),
    candidates: new Candidates(),
    exchangesPeers: true,
    listenPort: 1,
    metadataCame: () => {},
    peerLost: () => undefined,
    peerOnlyGives: () => {},
  }
}

test('BEP 10: a later handshake changes what it speaks of, and nothing else', () => {
  const session = loneSession(1)
  const say = (fields: Parameters<typeof encodeBencode>[0]) =>
    assert.equal(receiveExtension(host(), session, 0, encodeBencode(fields), 0), undefined)
  say({ m: { ut_metadata: 3, ut_pex: 4 }, metadata_size: 5000, p: 6881, reqq: 100, v: 'x' })
  say({ m: { ut_pex: 0, lt_donthave: 7 } })
  const { ids, metadataSize, port, requestQueue, client } = session.handshake!
  assert.deepEqual(ids, { ut_metadata: 3, lt_donthave: 7 })
  assert.deepEqual([metadataSize, port, requestQueue, client], [5000, 6881, 100, 'x'])
  say({ m: { ut_pex: 9 }, metadata_size: 6000 })
  assert.deepEqual(session.handshake!.ids, { ut_metadata: 3, lt_donthave: 7, ut_pex: 9 })
  assert.equal(session.handshake!.metadataSize, 6000)
})

test('BEP 11: a peer far away cannot send us to addresses of our own network', () => {
  const peers = ['127.0.0.1', '192.168.1.1', '10.0.0.1', '0.0.0.0', 'fe80::1', '::1', '8.8.8.8', '2606:4700::1111']
  const added = peers.map(host => ({ host, port: 22, flags: 0 }))
  const exchange = host()
  receiveExtension(exchange, loneSession(1), PEX, encodePex({ added, dropped: [] }), 0)
  const found = [exchange.candidates.next(0)?.host, exchange.candidates.next(0)?.host, exchange.candidates.size]
  assert.deepEqual(found, ['8.8.8.8', '2606:4700::1111', 2])
})

test('BEP 11: peers of our own network are not told to those far away', () => {
  const far = loneSession(1)
  far.handshake = { ...far.handshake!, ids: { ut_pex: PEX } }
  const near = { ...loneSession(2), origin: { host: '192.168.1.7', port: 5, incoming: false, identity: 'n' } }
  sendPex(far, [far, near as typeof far, loneSession(3)], 0)
  const told = decodePex(takeSaid(far).extended[0][1])!.added.map(({ host }) => host)
  assert.deepEqual(told, ['9.9.9.3'])
})
